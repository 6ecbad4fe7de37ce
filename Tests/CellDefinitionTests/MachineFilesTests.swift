// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import DeviceTree
import Foundation
import Testing

@testable import CellDefinition

@Suite struct MachineFilesTests {
    /// Devices of the platform bus with their drivers, and clock controllers of the device tree, which have none.
    @Test func devicesThatLinuxUses() throws {
        let root = NSTemporaryDirectory() + "machine-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: root) }
        func write(_ text: String, _ path: String) throws {
            let file = URL(fileURLWithPath: root + path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try write("00000000-0fffffff : System RAM\n", "/proc/iomem")
        for name in ["e6150000.clock-controller", "e6170000.unused", "soc"] {
            try write("", "/sys/bus/platform/devices/\(name)/uevent")
        }
        for name in ["e6150000.clock-controller", "soc"] {
            try FileManager.default.createSymbolicLink(
                atPath: root + "/sys/bus/platform/devices/\(name)/driver",
                withDestinationPath: "../../../../bus/platform/drivers/renesas-cpg-mssr")
        }
        let tree = "/sys/firmware/devicetree/base/soc"
        func write(_ cells: [UInt32], _ path: String) throws {
            try write("", path)
            try Data([UInt8](cells: cells)).write(to: URL(fileURLWithPath: root + path))
        }
        try write([1], tree + "/../#address-cells")
        try write([1], tree + "/#address-cells")
        try write([1], tree + "/#size-cells")
        try write([0, 0xe600_0000, 0x100_0000], tree + "/ranges")
        for (name, place) in [("clock-controller@e6150000", 0x15_0000), ("clock@160000", 0x16_0000)]
            as [(String, UInt32)]
        {
            try write([2], tree + "/\(name)/#clock-cells")
            try write([place, 0x1000], tree + "/\(name)/reg")
        }
        try write("0x100000\n", "/sys/firmware/memmap/1/start")
        try write("0x3fffffff\n", "/sys/firmware/memmap/1/end")
        try write("System RAM\n", "/sys/firmware/memmap/1/type")
        try write("Reserved\n", "/sys/firmware/memmap/0/type")
        try write("quiet memmap=80M$0x3a000000\n", "/proc/cmdline")
        try write("", "/sys/bus/pci/devices/0000:00:02.0/uevent")
        try write([0x100], "/sys/devices/system/cpu/cpu1/of_node/reg")
        try write([1, 0x101], "/sys/devices/system/cpu/cpu2/of_node/reg")
        try write("", "/sys/devices/system/cpu/cpufreq/of_node/reg")
        let machine = try MachineFiles(root: root).machine()
        #expect(machine.affinities == [1: 0x100, 2: 0x1_0000_0101])
        #expect(machine.usedDevices.map(\.address) == [0xe615_0000, 0xe616_0000])
        #expect(
            machine.usedDevices.map(\.user) == ["driver renesas-cpg-mssr", "clock controller clock@160000"])
        #expect(machine.keptMemory.firmware == [0x10_0000...0x3fff_ffff])
        #expect(machine.keptMemory.reservations == [0x3a00_0000...0x3eff_ffff])
        #expect(machine.pciDevices == ["0000:00:02.0"])

        // a captured machine may have the firmware's own form alone
        let capture = NSTemporaryDirectory() + "machine-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: capture) }
        for directory in ["/proc", "/sys/firmware"] {
            try FileManager.default.createDirectory(atPath: capture + directory, withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: root + "/proc/iomem", toPath: capture + "/proc/iomem")
        let blob = FlattenedTree(root: try #require(MachineFiles(root: root).deviceTree())).blob
        try Data(blob).write(to: URL(fileURLWithPath: capture + "/sys/firmware/fdt"))
        let copied = try MachineFiles(root: capture).machine()
        #expect(copied.usedDevices.map(\.address) == [0xe615_0000, 0xe616_0000])
        #expect(copied.registers == machine.registers && !copied.registers.isEmpty)
    }
}
