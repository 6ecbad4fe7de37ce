// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The root cell's ports: what Linux's drivers have, and what a PC's Linux uses without telling.
enum ProposedPorts {
    /// Linux uses these whether `/proc/ioports` has them or not.
    private static let always: [(ports: ClosedRange<UInt64>, name: String)] = [
        (0x60...0x64, "keyboard controller"), (0x80...0x8f, "DMA pages, delay"), (0x92...0x92, "fast A20"),
        (0x4d0...0x4d1, "8259A edge or level"),
    ]
    private static let names: [(kernel: String, name: String)] = [
        ("dma1", "DMA controller"), ("dma2", "second DMA controller"), ("pic1", "8259A, first"),
        ("pic2", "8259A, second"), ("timer", "8254 timer"), ("rtc", "CMOS clock"), ("vga+", "VGA"),
        ("fpu", "coprocessor"), ("keyboard", "keyboard controller"), ("dma page reg", "DMA pages, delay"),
    ]
    /// The hypervisor looks at each access to these.
    private static let moderated = PCPorts.pciConfiguration.ports

    static func regions(_ resources: [RunningMachine.Resource], functions: [PCIFunction]) -> [IOPortRegion] {
        var found = resources.filter { !$0.name.hasPrefix("PCI ") && $0.last <= 0xffff }
            .filter { !$0.hasParts || !$0.parents.isEmpty }.map {
                (ports: $0.first...$0.last, name: name(of: $0, functions))
            }
        found += always
        found += functions.flatMap { function in
            function.windows.filter { $0.isPorts && $0.last <= 0xffff }
                .map { (ports: $0.first...$0.last, name: "\(function.kindName) \(function.address)") }
        }
        var regions: [(ports: ClosedRange<UInt64>, name: String)] = []
        for next in found.sorted(by: {
            ($0.ports.lowerBound, $1.ports.upperBound) < ($1.ports.lowerBound, $0.ports.upperBound)
        }) {
            guard !next.ports.overlaps(moderated) else { continue }
            guard let previous = regions.last, previous.ports.upperBound >= next.ports.lowerBound else {
                regions.append(next)
                continue
            }
            let end = max(previous.ports.upperBound, next.ports.upperBound)
            regions[regions.count - 1].ports = previous.ports.lowerBound...end
        }
        return regions.map {
            IOPortRegion(name: $0.name, base: UInt16($0.ports.lowerBound), count: UInt16(clamping: $0.ports.count))
        }
    }

    private static func name(of resource: RunningMachine.Resource, _ functions: [PCIFunction]) -> String {
        if resource.name == "serial" {
            return PCPorts.serial.first { $0.ports.lowerBound == resource.first }?.name ?? "serial port"
        }
        if let function = functions.first(where: { resource.name.hasSuffix($0.address.description) }) {
            return "\(function.kindName) \(function.address)"
        }
        return names.first { resource.name.hasPrefix($0.kernel) }?.name ?? String(resource.name.prefix(40))
    }
}
