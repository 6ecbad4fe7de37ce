// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

private let parked = "That CPU of Linux is parked until the next boot."

extension Violation {
    /// - Parameter isRootCell: it was a CPU of Linux that did so.
    package func explanation(isRootCell: Bool = false) -> Explanation {
        guard isRootCell else { return explanation }
        guard let access = linuxAccess else { return explanation.ofLinux(linuxAdvice) }
        if case .port(.write, 0xcf9, _) = self {
            return Explanation(
                summary: "Linux \(access), which resets the machine.",
                advice:
                    "\(parked) Disable the hypervisor before Linux reboots: jailhouse-shutdown.service does it.")
        }
        return Explanation(
            summary: "Linux \(access), which it does not have\(isOfConfiguration ? " or which protects it" : "").",
            advice: """
                \(parked) 'jailhouse-ctl map' shows which cell has it: keep Linux's driver from using it, or leave it \
                out of the cell. If no cell has it, and it is not the hypervisor's own memory, the system configuration \
                lacks it.
                """)
    }

    /// The access is nil where it is not known, or was a jump; nil as a whole for what is no access to memory.
    fileprivate var touched: (address: UInt64, access: Access?)? {
        switch self {
        case .memory(_, let address, size: 0), .instructionAbort(let address): (address, nil)
        case .memory(let access, let address, _), .dataAbort(let access, let address, _),
            .subPage(let access, let address, _):
            (address, access)
        case .unsupportedInstruction(_, let trapped), .inconsistentAccess(let trapped), .pagingMode(let trapped):
            trapped.map { ($0.address, $0.access) }
        default: nil
        }
    }

    private var isOfConfiguration: Bool {
        switch self {
        case .pciConfiguration, .pciMemory: true
        default: false
        }
    }

    /// `wrote 1 byte at the address 0xfed00000`; nil for what is no access to something that somebody has.
    private var linuxAccess: String? {
        switch self {
        case .memory(let access, let address, size: 0): "\(access.past) the address 0x\(hex(address)), or jumped there"
        case .memory(let access, let address, let size), .dataAbort(let access, let address, let size),
            .subPage(let access, let address, let size):
            "\(access.past) \(bytes(size)) at the address 0x\(hex(address))"
        case .instructionAbort(let address): "jumped to the address 0x\(hex(address))"
        case .port(let access, let port, let size):
            "\(access.past) \(bytes(size)) \(access == .read ? "from" : "to") "
                + ((PCPorts.boardDevice(at: port) ?? PCPorts.serialPort(at: port)).map {
                    "\(PCPorts.registers[port] ?? $0.name) (port 0x\(hex(port)))"
                } ?? "the I/O port 0x\(hex(port))")
        case .pciConfiguration(let access, let device, let register, let size),
            .pciMemory(let access, let device, let register, let size):
            "\(access.past) register 0x\(hex(register)) (\(bytes(size))) of the PCI device \(device)"
        case .vectorTable(let device): "accessed the MSI-X table of the PCI device \(device)"
        default: touched.map { "accessed the address 0x\(hex($0.address))" }
        }
    }

    /// What to do about Linux, where the advice for a cell's program does not fit; nil: it fits, or is about the machine.
    private var linuxAdvice: String? {
        switch self {
        case .msr:
            "Find what in Linux does so (a driver, or a tool such as wrmsr; for a memory type /proc/mtrr), and leave it out "
                + "while the hypervisor is enabled."
        case .keyboardController:
            "Linux resets the machine by its keyboard controller: boot it with reboot=acpi or reboot=efi."
        case .tripleFault:
            "Linux's kernel itself failed, or resets the machine this way: boot it with reboot=acpi, and look at its last messages."
        case .vmExit(reason: 18...27), .svmExit(code: 0x80...0x86):
            "Another hypervisor runs in Linux: end the virtual machines, and unload kvm_intel or kvm_amd before the hypervisor "
                + "is enabled."
        case .ioapic, .interruptRoute:
            "Linux directed an interrupt to a CPU that is a cell's, or in a mode that is not emulated: correct its affinity "
                + "(/proc/irq/N/smp_affinity)."
        case .apicMode: "Boot Linux with the mode of the APIC that it had when the configuration was made (nox2apic)."
        case .secureCall, .armTrap(class: 0x17, _), .armTrap(class: 0x13, _):
            "Remove the firmware's service (OP-TEE, SCMI) from the device tree that Linux boots with: the hypervisor does not "
                + "pass such calls on."
        case .armTrap(class: 0x16, _), .armTrap(class: 0x12, _):
            "Set method = \"smc\" in the node psci of the device tree that Linux boots with; KVM must not run."
        case .pageAttributes, .controlRegister, .extendedControlRegister, .guestState, .vmExit, .svmExit,
            .apicDelivery, .apicReserved, .apicVector, .apicWidth, .apicDestination, .apicAccess, .armTrap, .pciPort,
            .unsupportedInstruction, .inconsistentAccess, .pagingMode, .unreadableInstruction, .testDevice:
            "Linux does what the hypervisor does not emulate for it: report it upstream with the kernel's version and the "
                + "whole console."
        default: nil
        }
    }
}

extension Explanation {
    /// The same of a CPU of Linux.
    fileprivate func ofLinux(_ linuxAdvice: String?) -> Explanation {
        var copy = self
        copy.summary = summary.replacing("the program's own", with: "Linux's own")
        if summary.hasPrefix("The program") { copy.summary = "Linux" + summary.dropFirst("The program".count) }
        copy.advice = linuxAdvice ?? advice
        if !copy.advice.contains("until the next boot") {
            copy.advice += " " + parked
        }
        copy.entry = nil
        return copy
    }
}

extension Surroundings {
    /// Who has what Linux touched, and what follows from that.
    ///
    /// - Parameter registers: of the dump.
    func complete(_ explanation: inout Explanation, ofLinux violation: Violation, _ registers: [String: UInt64]) {
        var isOfCell = false
        switch violation {
        case .port(_, let port, _): isOfCell = completeRoot(&explanation, port: port)
        case .pciConfiguration(_, let device, _, _), .pciMemory(_, let device, _, _), .vectorTable(let device):
            let owner = others.first { $0.pciDevices.contains { $0.address.description == device } }
            isOfCell = owner != nil
            explanation.notes += [
                owner.map { "The cell \"\($0.name)\" has \(device)." },
                drivers[device].map { "Its driver in Linux is \"\($0)\"." },
            ].compactMap(\.self)
            if owner == nil { completeRoot(&explanation, device: device, of: violation) }
        case .vmExit(reason: 49):
            if let address = registers["phys"] { isOfCell = completeRoot(&explanation, address: address) }
        default:
            if let (address, access) = violation.touched {
                isOfCell = completeRoot(&explanation, address: address, access)
            }
        }
        explanation.rule = violation.rootRules(isOfCell: isOfCell).named(by: self)
    }

    /// A PCI device that no known cell has.
    private func completeRoot(_ explanation: inout Explanation, device: String, of violation: Violation) {
        guard let root = system?.rootCell else { return }
        guard let own = root.pciDevices.first(where: { $0.address.description == device }) else {
            explanation.notes.append("Neither a known cell nor [root-cell] of the system configuration has \(device).")
            explanation.advice =
                "\(parked) Add the device to [root-cell]: 'jailhouse-ctl probe' proposes its [[pci-device]] with the capabilities. It "
                + "may have come after the configuration was made (hot-plugged, or by a new card or setting of the firmware)."
            return
        }
        explanation.notes.append("[root-cell] of the system configuration has \(device).")
        switch violation {
        case .pciConfiguration(_, _, let register, _), .pciMemory(_, _, let register, _):
            let range = Int(own.firstCapability)..<Int(own.firstCapability) + Int(own.capabilityCount)
            let capability = range.clamped(to: root.pciCapabilities.indices).map { root.pciCapabilities[$0] }
                .first { $0.contains(register) }
            let isWritable = capability?.flags.contains(.write) == true
            explanation.notes.append(
                register < 0x40
                    ? Violation.isHeaderOwners(register, 1)
                        ? "Whoever has the device may write register 0x\(hex(register)) of its header."
                        : "Register 0x\(hex(register)) is in its header, which is protected."
                    : capability.map {
                        "Register 0x\(hex(register)) is in its capability at 0x\(hex(UInt64($0.start))), which is \(isWritable ? "" : "not ")writable."
                    } ?? "Register 0x\(hex(register)) lies in none of its capabilities.")
            explanation.advice =
                "\(parked) "
                + (register < 0x40
                    ? Violation.isHeaderOwners(register, 1)
                        ? "The file allows it: the hypervisor was enabled with another one, or a cell that is not known here has the device."
                        : "Keep the driver or tool from writing it (setpci, a rescan of the bus, a reset of the device)."
                    : isWritable
                        ? "The file allows it: the hypervisor was enabled with another one, or a cell that is not known here has the device."
                        : capability == nil
                            ? "Add a [[pci-capability]] over that register to the device's record, writable, if Linux's driver needs it."
                            : "Set writable = true in that [[pci-capability]] of the system configuration, if Linux's driver needs it.")
        case .vectorTable:
            explanation.advice =
                "\(parked) Compare msix-vectors and msix-address of the device's record with what 'lspci -vv' shows."
        default: break
        }
    }

    private func completeRoot(_ explanation: inout Explanation, port: UInt64) -> Bool {
        let owner = owners(ofPort: port)
        explanation.notes += owner
        let isOfCell = others.contains { $0.ioPortRegions.contains { $0.contains(port) } }
        if isOfCell {
            explanation.advice =
                PCPorts.serialPort(at: port) == nil
                ? "\(parked) Keep Linux's driver from the port (unbind it, or leave its module out), or leave the port out of the cell."
                : "\(parked) Keep Linux from the serial port (no console=ttyS…, no getty, its driver unbound), or leave the port out of "
                    + "the cell."
        }
        guard !isOfCell, let system else { return isOfCell }
        if let own = system.rootCell.ioPortRegions.first(where: { $0.contains(port) }) {
            explanation.notes.append(
                "[root-cell] of the system configuration has \(own.rangeText)\(own.name.isEmpty ? "" : " (\"\(own.name)\")")."
            )
            // a reset of the machine is forbidden whoever has the port
            guard port != 0xcf9 else { return isOfCell }
            explanation.advice =
                "\(parked) The file allows it: the hypervisor was enabled with another one, or a cell that is not known here has the port "
                + "('jailhouse-ctl map' shows it)."
        } else {
            explanation.notes.append("No known cell has it: [root-cell] of the system configuration lacks the port.")
        }
        return isOfCell
    }

    /// How memory is kept from Linux.
    private var reservation: String {
        system?.architecture ?? .x86 == .x86
            ? "memmap=SIZE$ADDRESS on the kernel's command line"
            : "a node of /reserved-memory with no-map in the device tree (or mem=)"
    }

    private func completeRoot(_ explanation: inout Explanation, address: UInt64, _ access: Access? = nil) -> Bool {
        var isOfCell = false
        if isOfHypervisor(address) {
            explanation.notes.append("0x\(hex(address)) is the hypervisor's own memory.")
            explanation.advice =
                "\(parked) Never give this memory to Linux. Reserve it with \(reservation), as [hypervisor-memory] has it, and find the "
                + "driver or program (such as one that maps /dev/mem) that \(access.map { $0 == .write ? "wrote to it" : "read it" } ?? "accessed it")."
        } else if let other = others.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
            isOfCell = true
            explanation.notes.append("The cell \"\(other.name)\" has 0x\(hex(address)).")
            explanation.advice =
                "\(parked) Keep Linux from using it (its driver; memory is reserved with \(reservation)), or leave it out of the cell."
        } else if let device = emulated(address) {
            explanation.notes.append("\(device.text) is the \(device.name).")
            explanation.advice =
                device.name.hasPrefix("IOMMU")
                ? "\(parked) Do not add it to the root cell: the hypervisor keeps the IOMMU for itself. Boot Linux with "
                    + "intel_iommu=off or amd_iommu=off."
                : "\(parked) Do not add a region for it: the hypervisor emulates this device, and Linux accessed a part, or in a "
                    + "way, that it does not emulate."
        } else if let system {
            if let region = system.rootCell.memoryRegions.first(where: { $0.containsPhysical(address) }) {
                explanation.notes.append(
                    "It is in Linux's region \"\(region.label)\" with the access \(region.flags.words.joined(separator: ", ")): a cell "
                        + "that is not known here may have taken it.")
            } else {
                explanation.notes.append(
                    "No known cell has it: the system configuration's root cell lacks the address.")
                explanation.advice =
                    "\(parked) If it is a device of Linux's, add its region to the root cell of the system configuration; "
                    + "'jailhouse-ctl probe' reads the devices from /proc/iomem. If it is not, keep Linux's driver from using it."
            }
        }
        guard let resource = machine?.memory.last(where: { ($0.first...$0.last).contains(address) && $0.last > 0 })
        else { return isOfCell }
        explanation.notes.append("Linux calls 0x\(hex(resource.first))–0x\(hex(resource.last)) \"\(resource.name)\".")
        for name in [resource.name] + resource.parents.reversed() {
            guard let driver = drivers[String(name.dropFirst(5))] else { continue }
            explanation.notes.append("Its driver in Linux is \"\(driver)\".")
            break
        }
        return isOfCell
    }

    func isOfHypervisor(_ address: UInt64) -> Bool {
        guard let memory = system?.hypervisorMemory, memory.size > 0 else { return false }
        return address >= memory.physicalStart && address - memory.physicalStart < memory.size
    }
}
