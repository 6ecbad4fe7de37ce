// SPDX-License-Identifier: Apache-2.0

/// What the hypervisor tells each cell that asks by a hypercall (upstream's Documentation/hypervisor-interfaces), and how
/// many CPUs its machine has.
package struct HypervisorNumbers: Hashable, Sendable {
    /// Pages of 4 KiB: how many the hypervisor has for itself and for cells, and how many of them are used.
    package var memoryPages: Int
    package var memoryUsed: Int
    /// The same of the space for temporary mappings.
    package var remapPages: Int
    package var remapUsed: Int
    /// With the root cell.
    package var cells: Int
    /// Of the machine: numbers below are CPUs.
    package var cpus: Int

    package init(memoryPages: Int, memoryUsed: Int, remapPages: Int, remapUsed: Int, cells: Int, cpus: Int) {
        self.memoryPages = memoryPages
        self.memoryUsed = memoryUsed
        self.remapPages = remapPages
        self.remapUsed = remapUsed
        self.cells = cells
        self.cpus = cpus
    }

    static let size = 24

    /// As ``MonitorMemory/Parameter/hypervisorNumbers`` has them.
    var bytes: [UInt8] {
        [memoryPages, memoryUsed, remapPages, remapUsed, cells, cpus].flatMap { number in
            withUnsafeBytes(of: UInt32(clamping: number).littleEndian) { Array($0) }
        }
    }
}
