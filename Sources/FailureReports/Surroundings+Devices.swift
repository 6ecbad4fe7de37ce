// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

// Which device has an address.

extension Surroundings {
    /// A device's registers that several have, of whom one shares them with Linux; or the console of the hypervisor.
    func sharedDevice(at address: UInt64) -> (owner: String, region: MemoryRegion?)? {
        for other in others {
            guard let region = other.memoryRegions.first(where: { $0.containsPhysical(address) }),
                region.flags.contains(.rootShared),
                region.flags.contains(.io)
            else { continue }
            return ("in \"\(region.label)\" of the cell \"\(other.name)\"", region)
        }
        guard let console = system?.debugConsole, console.flags.contains(.mmio), console.size > 0,
            address >= console.address,
            address - console.address < UInt64(console.size)
        else { return nil }
        return ("the console of the hypervisor", nil)
    }

    /// Between or beside what the hypervisor emulates of a GIC.
    func isOfInterruptController(_ address: UInt64) -> Bool {
        guard case .arm(let arm)? = system?.platform.specific, arm.gicdBase > 0 else { return false }
        let cpus = UInt64(system?.rootCell.cpus.members.count ?? 0)
        let ends = [
            arm.gicdBase, arm.gicdBase &+ 0x1_0000, arm.gicrBase > 0 ? arm.gicrBase : arm.gicdBase,
            arm.gicrBase > 0 ? arm.gicrBase &+ 0x2_0000 &* cpus : arm.gicdBase,
        ]
        guard let first = ends.min(), let last = ends.max(), last - first < 0x100_0000 else { return false }
        return (first..<last).contains(address)
    }

    /// The configuration space of virtual PCI devices, where the hypervisor itself is the host bridge.
    var virtualBus: EmulatedDevice? {
        guard let system, system.platform.virtualPCI == 1 else { return nil }
        return EmulatedDevice.all(of: system, for: nil).first { $0.bounds.lowerBound == system.platform.mmconfigBase }
    }

    /// Where the redistributor of one CPU more than Linux has would be: a program that walks them dies there.
    var firstMissingRedistributor: UInt64? {
        guard case .arm(let arm)? = system?.platform.specific, arm.gicVersion == 3, arm.gicrBase > 0 else { return nil }
        let count = UInt64(system?.rootCell.cpus.members.count ?? 0)
        return arm.gicrBase.addingReportingOverflow(0x2_0000 * max(1, count)).partialValue
    }

    /// The devices that the hypervisor emulates; without a system those that every PC has.
    func emulated(_ address: UInt64) -> (name: String, text: String)? {
        if let system {
            let devices = EmulatedDevice.all(of: system, for: cell ?? system.rootCell)
            return devices.first { $0.contains(address) }.map { ($0.name, $0.text) }
        }
        guard cell?.architecture ?? .x86 == .x86 else { return nil }
        switch address {
        case 0xfec0_0000...0xfec0_0fff: return ("IOAPIC", "0xfec00000–0xfec00fff")
        case 0xfee0_0000...0xfee0_0fff: return ("local APIC", "0xfee00000–0xfee00fff")
        default: return nil
        }
    }
}
