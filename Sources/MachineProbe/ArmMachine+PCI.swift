// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree

extension ArmMachine {
    /// A number for the virtual host controller that Linux gives none of the machine's.
    var freePCIDomain: UInt16 {
        let hosts = devices.filter { $0.node.text("device_type") == "pci" }
        let numbers = hosts.compactMap { $0.node.number("linux,pci-domain").map(Int.init) }
        // those without a number are counted from 0
        let last = max(numbers.max() ?? -1, hosts.count - 1)
        return UInt16(clamping: min(last + 1, 0xfffe))
    }

    /// In how many windows a GICv3 has its redistributors; behind them may be those of a GICv2's interfaces.
    var redistributorWindows: Int {
        let gic = devices.first { $0.node.isCompatible(with: ["arm,gic-v3"]) }
        return Int(clamping: gic?.node.number("#redistributor-regions") ?? 1)
    }

    /// IOMMUs of kinds that the hypervisor does not know.
    var otherIOMMUs: [(name: String, compatible: String)] {
        let known = Set(smmus.map(\.base))
        return devices.filter { device in
            device.node.properties["#iommu-cells"] != nil
                && device.windows.first.map { !known.contains($0.lowerBound) } ?? true
        }.map { ($0.node.name, $0.node.text("compatible") ?? "") }
    }
}

extension RunningMachine {
    /// The registers of PCI functions that Linux has placed in a window.
    func pciFunctions(in window: ClosedRange<UInt64>) -> [(name: String, range: ClosedRange<UInt64>)] {
        memory.filter { ProposedMemory.isPCIName($0.name) && window.contains($0.first) && window.contains($0.last) }
            .map { ($0.name, $0.first...$0.last) }
    }
}
