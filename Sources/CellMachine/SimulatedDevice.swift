// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// A PCI device in a slot of the machine; it works for the cell that owns it.
package struct SimulatedDevice: Hashable, Sendable {
    package var address: PCIAddress
    /// As QEMU names it: `e1000e`, `ich9-intel-hda` …
    package var model: String
    /// For network devices: the other devices on the cable. Devices of any cell with the same name hear each other.
    package var network: String?

    package init(address: PCIAddress, model: String, network: String? = nil) {
        self.address = address
        self.model = model
        self.network = network
    }
}

/// Devices of a PC that a cell on the hypervisor never has; granted, they let a stock PC program run further.
package enum LegacyDevice: String, Hashable, Sendable, CaseIterable {
    /// The interrupt controllers.
    case interruptControllers = "8259a"
    /// The interval timer, and the speaker's gate that reads it.
    case intervalTimer = "8254"

    /// First port and count.
    var ports: [(UInt16, UInt16)] {
        switch self {
        case .interruptControllers: [(0x20, 2), (0xa0, 2), (0x4d0, 2)]
        case .intervalTimer: [(0x40, 4), (0x61, 1)]
        }
    }
}
