// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Which buses are behind which bridges: the firmware's tables name devices by the way to them.
struct PCIBuses {
    private struct Place: Hashable {
        var domain: UInt16
        var address: PCIAddress
    }

    /// From the first bus behind a bridge to the last.
    private var behind: [Place: ClosedRange<Int>] = [:]

    init(_ functions: [PCIFunction] = []) {
        for function in functions {
            if let buses = function.buses { behind[Place(domain: function.domain, address: function.address)] = buses }
        }
    }

    /// Nil for what is no bridge that is known.
    func buses(behind address: PCIAddress, in domain: UInt16) -> ClosedRange<Int>? {
        behind[Place(domain: domain, address: address)]
    }

    /// Where a path of device and function numbers leads from a bus; nil when it leads through a bridge that is not known.
    func address(from bus: Int, path: [(device: Int, function: Int)], in domain: UInt16) -> PCIAddress? {
        var bus = bus
        for step in path.dropLast() {
            guard let bridge = PCIAddress(bus: bus, device: step.device, function: step.function),
                let next = buses(behind: bridge, in: domain)
            else { return nil }
            bus = next.lowerBound
        }
        return path.last.flatMap { PCIAddress(bus: bus, device: $0.device, function: $0.function) }
    }
}
