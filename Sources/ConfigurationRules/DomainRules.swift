// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the PCI domain of devices: a host controller's number in Linux. The hypervisor itself goes by bdf alone.
enum DomainRules {
    static let ofSystems: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH1022", severity: .warning, title: "PCI devices are in the domain of the system's host controller",
            consequence:
                "the hypervisor goes by bdf alone: it takes the device with that bdf behind its own host controller "
                + "(mmconfig-base), while Linux lets go of the one in the other domain",
            remedy: "correct \"domain\" of the device, or pci-domain in [platform]",
            isSaidOnce: true
        ) { system in
            let platform = system.platform
            let isVirtual = platform.virtualPCI == 1
            // Linux chooses the number of such a controller
            guard !(isVirtual && platform.pciDomain == .max) else { return [] }
            return PCIRules.devices(of: system.rootCell).filter { _, device in
                // devices that there are have no place behind a virtual controller
                device.domain != platform.pciDomain && (device.kind == .sharedMemory || !isVirtual)
            }.map { location, device in
                .init(
                    location: location,
                    message: "the device \(device.address) has the domain \(hexadecimal(device.domain)), the "
                        + (isVirtual ? "virtual " : "") + "host controller \(hexadecimal(platform.pciDomain))",
                    // a link works all the same: the text is wrong, and a reader looks for the device in vain
                    severity: device.kind == .sharedMemory ? .note : nil)
            }
        }
    ]

    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1027", severity: .note, title: "both ends of an ivshmem link are in one PCI domain",
            consequence:
                "the link works, because the hypervisor goes by bdf alone; whoever reads the file looks for the other end in vain",
            remedy: "copy \"domain\" from Linux's end in the system",
            isSaidOnce: true
        ) { placement in
            let platform = placement.system.platform
            // Linux chooses the number of such a controller
            guard !(platform.virtualPCI == 1 && platform.pciDomain == .max) else { return [] }
            let ends = Dictionary(
                IvshmemRules.devices(of: placement.system.rootCell).map { ($0.device.address, $0.device.domain) }
            ) { first, _ in first }
            return IvshmemRules.devices(of: placement.cell).compactMap { location, device in
                guard let domain = ends[device.address], domain != device.domain else { return nil }
                return .init(
                    location: location,
                    message: "the device \(device.address) has the domain \(hexadecimal(device.domain)), Linux's end "
                        + hexadecimal(domain))
            }
        }
    ]
}

extension MachineRules {
    static let pciDevices = Rule<Subject>(
        id: "JH1315", severity: .warning, title: "the machine has the PCI devices of system and cells",
        consequence:
            "Linux cannot let go of a device that it has elsewhere: its driver goes on while the cell has the device",
        remedy: "copy bdf and domain from 'lspci -D' on the machine, or remove the entry",
        isSaidOnce: true
    ) { subject in
        let known = subject.machine.pciDevices
        guard !known.isEmpty else { return [] }
        let listed = Set((subject.system?.rootCell.pciDevices ?? []).map(DeviceKey.init))
        var candidates: [(path: String?, location: String, device: PCIDevice)] = []
        if let system = subject.system {
            candidates += PCIRules.devices(of: system.rootCell).map { (subject.systemPath, $0.location, $0.device) }
        }
        for member in subject.cells {
            // those of the system's list have been looked at
            candidates += PCIRules.devices(of: member.cell).filter { !listed.contains(DeviceKey($0.device)) }
                .map { (member.path, $0.location, $0.device) }
        }
        return candidates.filter { $0.device.kind != .sharedMemory && !known.contains($0.device.linuxName) }.map {
            let address = $0.device.address
            let elsewhere = known.filter { $0.hasSuffix(":\(address)") }.sorted()
            return .init(
                location: $0.location,
                message: "the machine has no device \($0.device.linuxName)"
                    + (elsewhere.isEmpty ? "" : ", but \(elsewhere.joined(separator: ", "))"),
                path: $0.path)
        }
    }
}

extension PCIDevice {
    /// As Linux calls it: `0000:00:1f.2`.
    var linuxName: String {
        let number = String(domain, radix: 16)
        return String(repeating: "0", count: 4 - number.count) + number + ":\(address)"
    }
}
