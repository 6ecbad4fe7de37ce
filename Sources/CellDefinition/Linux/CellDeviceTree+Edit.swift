// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import InmateImage

extension CellDeviceTree {
    /// Writes what only a load knows into a tree: the memory, the command line, the initrd.
    func edit(_ root: inout DeviceNode, _ initrd: Range<UInt64>?) throws(ImageError) {
        let (addressCells, sizeCells) = (root.number("#address-cells") ?? 2, root.number("#size-cells") ?? 1)
        guard (1...2).contains(addressCells), (1...2).contains(sizeCells) else {
            throw ImageError(
                .damaged, "its root has #address-cells = <\(addressCells)> and #size-cells = <\(sizeCells)>",
                remedy: "give both 1 or 2", path: linux.deviceTree ?? "")
        }
        for region in cell.linuxCell.memory
        where addressCells == 1 && region.start >> 32 != 0 || sizeCells == 1 && region.size >> 32 != 0 {
            throw ImageError(
                .damaged,
                "its root has #address-cells = <\(addressCells)> and #size-cells = <\(sizeCells)>, which have no room for the RAM \""
                    + "\(region.name)\" (\(hexadecimal(region.size)) bytes at \(hexadecimal(region.start)))",
                remedy: "give both 2, and all nodes below the root two cells for address and size",
                path: linux.deviceTree ?? "")
        }
        func number(_ value: UInt64, _ cells: UInt32) -> [UInt32] {
            cells == 1 ? [UInt32(truncatingIfNeeded: value)] : [UInt32](wide: value)
        }
        let ram = cell.linuxCell.memory.sorted { $0.start < $1.start }
        var memory = DeviceNode(name: "memory@" + String(ram.first?.start ?? 0, radix: 16))
        memory.properties["device_type"] = [UInt8](texts: "memory")
        memory.properties["reg"] = [UInt8](
            cells: ram.flatMap { number($0.start, addressCells) + number($0.size, sizeCells) })
        root.children.removeAll { $0.name == "memory" || $0.name.hasPrefix("memory@") }
        root.children.append(memory)

        let index: Int
        if let found = root.childIndex("chosen") {
            index = found
        } else {
            index = 0
            root.children.insert(DeviceNode(name: "chosen"), at: 0)
        }
        root.children[index].properties["bootargs"] = [UInt8](texts: linux.commandLine)
        root.children[index].properties["linux,initrd-start"] = initrd.map {
            [UInt8](cells: [UInt32](wide: $0.lowerBound))
        }
        root.children[index].properties["linux,initrd-end"] = initrd.map {
            [UInt8](cells: [UInt32](wide: $0.upperBound))
        }
    }
}
