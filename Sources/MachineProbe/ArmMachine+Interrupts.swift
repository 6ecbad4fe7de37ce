// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import DeviceTree

extension ArmMachine {
    /// The numbers of shared peripheral interrupts that devices have, as device trees count them.
    var usedInterrupts: Set<Int> {
        let gics = PlacedDevice.interruptControllers(among: devices)
        var used: Set<Int> = []
        for device in devices {
            used.formUnion(device.pins(ofGIC: gics).filter { (32..<1020).contains($0) }.map { $0 - 32 })
            // another controller may count as the GIC that it is in front of
            let isGICs = device.interruptParent.map { gics[$0] != nil } ?? true
            let direct = isGICs ? [] : device.node.cells("interrupts")
            for start in stride(from: 0, to: direct.count - 2, by: 3) where direct[start] == 0 {
                used.insert(Int(direct[start + 1] & 0x3ff))
            }
            // rows of several shapes, which all have kind, number and flags behind each other
            for key in ["interrupt-map", "interrupts-extended"] {
                let cells = device.node.cells(key)
                for index in cells.indices.dropLast(2)
                where cells[index] == 0 && cells[index + 1] < 1020 && [1, 2, 4, 8].contains(cells[index + 2]) {
                    used.insert(Int(cells[index + 1]))
                }
            }
        }
        used.formUnion(translatedInterrupts)
        return messageFrames.reduce(into: used) { $0.formUnion($1.interrupts ?? []) }
    }

    /// Where PCI devices of a GICv2 write their messages (GICv2m): each frame has shared peripheral interrupts, as device trees
    /// count them; nil where only its register says which.
    var messageFrames: [(name: String, address: UInt64?, interrupts: Set<Int>?)] {
        devices.filter { $0.node.isCompatible(with: ["arm,gic-v2m-frame"]) }.map { device in
            var interrupts: Set<Int>?
            // the binding counts as the GIC does
            if let base = device.node.number("arm,msi-base-spi"), let count = device.node.number("arm,msi-num-spis"),
                (32..<1020).contains(base), (1...988).contains(count)
            {
                interrupts = Set(Int(base) - 32..<Int(base) - 32 + Int(count))
            }
            return (device.node.name, device.windows.first?.lowerBound, interrupts)
        }
    }

    /// Four numbers behind each other that no device has: for the pins of the virtual PCI host controller.
    var freeInterrupts: Int? {
        let used = usedInterrupts
        let isFree = { (base: Int) in (base..<base + 4).allSatisfy { !used.contains($0) } }
        let behind = (used.max() ?? 31) + 1
        // what is far behind the last one may not exist
        return behind <= 216 ? behind : (8..<984).first(where: isFree)
    }

    /// What controllers in front of the GIC, and messages to it, become there, in the numbers of device trees.
    private var translatedInterrupts: Set<Int> {
        var used: Set<Int> = []
        for device in devices {
            // of Texas Instruments: first output, number at the GIC, how many
            let ranges = device.node.cells("ti,interrupt-ranges")
            for start in stride(from: 0, to: ranges.count - 2, by: 3) {
                used.formUnion(Self.numbers(from: Int(ranges[start + 1]), count: Int(ranges[start + 2])))
            }
            // as the GIC counts: first number, how many
            for key in ["mbi-ranges", "marvell,spi-ranges"] {
                let ranges = device.node.cells(key)
                for start in stride(from: 0, to: ranges.count - 1, by: 2) {
                    used.formUnion(Self.numbers(from: Int(ranges[start]) - 32, count: Int(ranges[start + 1])))
                }
            }
        }
        return used
    }

    private static func numbers(from first: Int, count: Int) -> Range<Int> {
        let start = min(max(first, 0), 988)
        return start..<min(max(first + count, start), 988)
    }
}
