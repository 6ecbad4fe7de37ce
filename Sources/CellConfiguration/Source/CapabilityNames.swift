// SPDX-License-Identifier: Apache-2.0

// What PCI's capabilities are, for the comments of decompiled files.

extension PCICapability {
    /// As lspci names them, in short; nil for what is not known.
    var kindName: String? {
        let isExtended = id & PCICapability.extendedBit != 0
        let number = id & ~PCICapability.extendedBit
        return (isExtended ? PCICapability.extendedNames : PCICapability.names)[number]
    }

    /// From the PCI Local Bus specification's list of capability ids; 0 is used for registers that are no capability.
    private static let names: [UInt16: String] = [
        0x0: "registers", 0x1: "power management", 0x2: "AGP", 0x3: "vital product data", 0x4: "slot", 0x5: "MSI",
        0x6: "hot swap", 0x7: "PCI-X", 0x8: "HyperTransport", 0x9: "vendor", 0xa: "debug port", 0xc: "hot plug",
        0xd: "subsystem", 0xf: "secure device", 0x10: "PCI Express", 0x11: "MSI-X", 0x12: "SATA",
        0x13: "advanced features",
    ]

    /// Those of PCI Express.
    private static let extendedNames: [UInt16: String] = [
        0x1: "error reporting", 0x2: "virtual channel", 0x3: "serial number", 0x4: "power budget", 0xb: "vendor",
        0xd: "access control", 0xe: "alternative routing", 0xf: "address translation", 0x10: "virtual functions",
        0x12: "multicast", 0x13: "page request", 0x15: "resizable BAR", 0x17: "processing hints", 0x18: "latency",
        0x19: "secondary PCI Express", 0x1b: "process address spaces", 0x1d: "downstream containment",
        0x1e: "L1 substates", 0x1f: "precision time",
    ]
}

extension CellDescriptor {
    /// `MSI, SATA`; empty when there are none, or not all of them are in the list.
    func capabilityNames(of device: PCIDevice) -> String {
        indexes(of: device).map { pciCapabilities[$0].kindName ?? "unknown" }.joined(separator: ", ")
    }

    /// Of each capability: `00:1f.2: MSI`, by the first device that has it; `MSI, of no device`.
    var capabilityComments: [String] {
        var comments = pciCapabilities.map { [$0.kindName, "of no device"].compactMap(\.self).joined(separator: ", ") }
        for device in pciDevices.reversed() {
            for index in indexes(of: device) {
                let name = pciCapabilities[index].kindName
                comments[index] = device.address.description + (name.map { ": " + $0 } ?? "")
            }
        }
        return comments
    }

    /// Empty also for more than a configuration space has room for.
    private func indexes(of device: PCIDevice) -> Range<Int> {
        let first = Int(device.firstCapability)
        let range = first..<first + Int(device.capabilityCount)
        return range.count <= 1024 && range.upperBound <= pciCapabilities.count ? range : 0..<0
    }
}
