// SPDX-License-Identifier: Apache-2.0

/// A cell's state in the hypervisor's own words, as `/sys/devices/jailhouse/cells/<id>/state` prints them.
package enum CellState: String, CaseIterable, Hashable, Sendable, Codable {
    case running
    /// The inmate asks not to be disturbed: every create and destroy of other cells is refused meanwhile.
    case runningLocked = "running/locked"
    case shutDown = "shut down"
    case failed
    case communicationABIMismatch = "Comm ABI mismatch"
    /// Any number that is none of these; also seen for 60 to 145 ms while a cell is created or destroyed.
    case invalid

    /// The number in the communication region's `cell_state`; nil for ``invalid``, which represents many.
    package var number: Int? {
        switch self {
        case .running: 0
        case .runningLocked: 1
        case .shutDown: 2
        case .failed: 3
        case .communicationABIMismatch: 4
        case .invalid: nil
        }
    }

    /// The content of the communication region's `cell_state`: any number, since the inmate writes it.
    package struct Word: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        private init(_ state: CellState) {
            // one of the many numbers that mean nothing
            rawValue = state.number.map(UInt32.init) ?? 0x2a
        }

        package static let running = Word(.running)
        package static let runningLocked = Word(.runningLocked)
        package static let shutDown = Word(.shutDown)
        package static let failed = Word(.failed)
        package static let communicationABIMismatch = Word(.communicationABIMismatch)
        package static let invalid = Word(.invalid)

        /// As the driver writes it in `state`.
        package var text: String {
            (CellState.allCases.first { $0.number == Int(rawValue) } ?? .invalid).rawValue
        }
    }

    /// Whether the inmate's CPUs execute, as far as the hypervisor knows.
    package var isRunning: Bool { self == .running || self == .runningLocked }

    /// Whether load, start and destroy first ask the inmate to shut down (unless its region is passive).
    package var isAskedToShutDown: Bool { self != .shutDown && self != .failed }
}
