// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension Surroundings {
    func complete(_ explanation: inout Explanation, device: String, register: UInt64, size: UInt64) {
        let driver = drivers[device].map { "Linux's driver \"\($0)\" has the device \(device)." }
        explanation.notes += [driver].compactMap(\.self)
        let own = cell?.pciDevices.first { $0.address.description == device }
        guard let cell, let own else {
            if let system, system.platform.virtualPCI == 1,
                !system.rootCell.pciDevices.contains(where: { $0.address.description == device })
            {
                explanation.entry = nil
                explanation.notes.append(
                    "The machine's PCI bus for cells is the hypervisor's own (virtual-pci = 1): it has the devices of [[ivshmem]] and no others."
                )
                explanation.advice =
                    "Nothing is to be granted: scan the bus before a device is used, and leave alone what is not there. A link needs an "
                    + "[[ivshmem]] in this cell and its peer."
            } else if cell != nil {
                explanation.notes.append("The cell does not have the device \(device).")
                explanation.advice =
                    "Grant a device only if no driver of Linux uses it; otherwise correct the program's address."
                if system?.rootCell.pciDevices.contains(where: { $0.address.description == device }) == true {
                    explanation.entry = nil
                    explanation.notes.append("[root-cell] of the system configuration has \(device).")
                    explanation.advice +=
                        " To grant it, copy its [[pci-device]] with its [[pci-capability]] tables from the system configuration: made-up ones "
                        + "would leave its interrupts unmoderated."
                } else if system != nil {
                    explanation.entry = nil
                    explanation.notes.append("[root-cell] of the system configuration does not have \(device) either.")
                    explanation.advice +=
                        " To grant it, add the [[pci-device]] that 'jailhouse-ctl probe' proposes to the system configuration first, and copy it "
                        + "to the cell: a made-up one would leave its interrupts unmoderated."
                } else if explanation.entry?.contains("id = 0x0") ?? false {
                    explanation.entry = Self.device(device, register: register, first: cell?.pciCapabilities.count ?? 0)
                    explanation.advice +=
                        " The made-up capability with the id 0 is needed unless the register lies in one that "
                        + "'jailhouse-ctl probe' finds and that is made writable."
                }
            }
            if let other = others.first(where: { $0.pciDevices.contains { $0.address.description == device } }) {
                explanation.entry = nil
                explanation.advice = "Do not grant it: the cell \"\(other.name)\" has the device."
            }
            return
        }
        // its width is at fault
        guard size <= 4 else { return explanation.notes.append("The cell has the device.") }
        guard register >= 0x40 else {
            explanation.entry = nil
            if Violation.isHeaderOwners(register, size) {
                explanation.notes.append(
                    "The cell has the device in the file that was given, and its owner may write register 0x\(hex(register))."
                )
                explanation.advice =
                    "The file is not what the cell was created with, or it was changed since: compare them."
                return
            }
            explanation.notes.append(
                "The cell has the device; register 0x\(hex(register)) is in its header, which is protected.")
            explanation.advice =
                "Leave the write out: of the header a cell may write the command register, the BARs and a few others; the BARs "
                + "keep their addresses."
            return
        }
        let range = Int(own.firstCapability)..<Int(own.firstCapability) + Int(own.capabilityCount)
        let capabilities = range.clamped(to: cell.pciCapabilities.indices).map { cell.pciCapabilities[$0] }
        if let capability = capabilities.first(where: { $0.contains(register) }), capability.flags.contains(.write) {
            explanation.entry = nil
            explanation.notes.append(
                "The cell has the device; the register is in its capability at 0x\(hex(UInt64(capability.start))), which is writable in "
                    + "the file that was given.")
            explanation.advice =
                "The file is not what the cell was created with, or it was changed since: compare them."
        } else if let capability = capabilities.first(where: { $0.contains(register) }) {
            explanation.notes.append(
                "The cell has the device; the register is in its capability 0x\(hex(UInt64(capability.id & 0x7fff))) at "
                    + "0x\(hex(UInt64(capability.start))), which is not writable.")
            explanation.entry = "writable = true    # in [[pci-capability]] at 0x\(hex(UInt64(capability.start)))"
            explanation.advice =
                "Add it to that [[pci-capability]] if the program's driver needs it; MSI and MSI-X are moderated and safe."
        } else {
            explanation.notes.append("The cell has the device; the register lies in none of its capabilities.")
            let count = cell.pciCapabilities.count
            let isLast = own.capabilityCount == 0 || range.upperBound == count
            let first = own.capabilityCount == 0 ? "first-capability = \(count)\n" : ""
            explanation.entry =
                "\(first)capabilities = \(own.capabilityCount + 1)    # of [[pci-device]] \(device)\n\n"
                + Self.registers(at: register)
            explanation.advice =
                "A record with the id 0 makes registers writable that lie in no capability. Put it "
                + (isLast
                    ? "behind all other [[pci-capability]] tables. "
                    : "right behind the device's other capabilities; first-capability of the devices whose records follow grows by 1. ")
                + "Grant only registers that do not leave the device."
        }
    }

    /// A device with a made-up capability over a register.
    ///
    /// - Parameter first: how many capabilities the cell has.
    static func device(_ device: String, register: UInt64, first: Int) -> String {
        """
        [[pci-device]]
        bdf = "\(device)"
        first-capability = \(first)
        capabilities = 1

        \(registers(at: register))
        """
    }

    /// A made-up capability over a register.
    static func registers(at register: UInt64) -> String {
        """
        [[pci-capability]]
        id = 0x0
        start = 0x\(hex(register & ~3))
        length = 4
        writable = true
        """
    }
}

extension PCICapability {
    func contains(_ register: UInt64) -> Bool {
        register >= UInt64(start) && register < UInt64(start) + UInt64(length)
    }
}
