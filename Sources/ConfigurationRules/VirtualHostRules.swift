// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the place of the virtual PCI host controller, which exists as the hypervisor's traps alone.
enum VirtualHostRules {
    static let ofSystems: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH1119", severity: .warning, title: "the virtual PCI host controller is where nothing else is",
            consequence:
                "Linux cannot claim the host's addresses, or reaches what else is there, and its ivshmem devices do not work",
            remedy:
                "set mmconfig-base in [platform] to a free place: 1 MiB a bus, and behind it two pages for each link of Linux"
        ) { system in
            guard system.architecture != .x86, system.platform.virtualPCI == 1,
                let space = AddressRange(start: system.platform.mmconfigBase, size: system.platform.mmconfigSize),
                system.platform.mmconfigBase != 0
            else { return [] }
            let host = system.virtualHost ?? space
            var violations: [Rule<SystemDescriptor>.Violation] = []
            func add(_ what: String, _ range: AddressRange?) {
                guard let range, host.overlaps(range) else { return }
                violations.append(
                    .init(
                        location: "platform.mmconfig-base",
                        message: "the virtual PCI host (\(host.text)) lies over \(what) (\(range.text))"))
            }
            add("the hypervisor's memory", system.hypervisorMemory.physicalRange)
            let console = system.debugConsole
            let isRoots = MemoryRules.regions(of: system.rootCell).contains {
                $0.region.physicalRange.map(space.overlaps) ?? false
            }
            if !isRoots, console.kind != .none, console.flags.contains(.mmio) {
                add("the debug console", AddressRange(start: console.address, size: max(UInt64(console.size), 1)))
            }
            // of regions over the configuration space itself JH0704 speaks
            for (location, region) in MemoryRules.regions(of: system.rootCell) {
                guard let range = region.physicalRange, host.overlaps(range), !space.overlaps(range) else { continue }
                violations.append(
                    .init(
                        location: location,
                        message:
                            "the root cell's region \(region.quotedName) (\(range.text)) lies where Linux puts the "
                            + "registers of its links, behind the configuration space (\(space.text))"))
            }
            return violations
        }
    ]
}

extension Platform {
    /// Of the configuration space, in bytes: 1 MiB a bus.
    var mmconfigSize: UInt64 { (UInt64(mmconfigEndBus) + 1) << 20 }
}

extension SystemDescriptor {
    /// The addresses of the virtual PCI host controller that Linux sees: its configuration space and, behind it, two pages
    /// for each of Linux's links. Nil without such links (Jailhouse, driver/pci.c).
    var virtualHost: AddressRange? {
        let links = IvshmemRules.devices(of: rootCell).count
        guard platform.virtualPCI == 1, links > 0 else { return nil }
        return AddressRange(
            start: platform.mmconfigBase, size: platform.mmconfigSize + UInt64(links) * 2 * MemoryRules.pageSize)
    }
}
