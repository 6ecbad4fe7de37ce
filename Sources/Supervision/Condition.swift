// SPDX-License-Identifier: Apache-2.0

/// The daemon's own word for how a cell is.
package enum Condition: String, CaseIterable, Hashable, Sendable, Codable {
    /// There is no such cell in the hypervisor.
    case absent
    /// It exists and has not been loaded yet.
    case created
    /// It is being created, loaded, started, or watched whether the start took effect.
    case starting
    case running
    /// It runs, but some of its CPUs have failed.
    case degraded
    /// It runs, and has given no sign of life for longer than its liveness rule allows.
    case silent
    /// It has been asked to shut down, or is being destroyed.
    case stopping
    /// It was shut down, or shut itself down.
    case stopped
    /// It failed, and is not restarted unless a user asks.
    case failed
    /// It failed, and waits to be restarted.
    case backingOff = "backing-off"
    /// It failed more often than its limit allows.
    case gaveUp = "gave-up"
    /// It exists without a usable definition: it is shown and never touched.
    case foreign
}
