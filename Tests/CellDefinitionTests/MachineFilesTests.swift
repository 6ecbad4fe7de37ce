// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
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
        try write("\0\0\0\u{2}", tree + "/clock-controller@e6150000/#clock-cells")
        try write("\0\0\0\u{1}", tree + "/clock@e6160000/#clock-cells")
        let machine = try MachineFiles(root: root).machine()
        #expect(machine.usedDevices.map(\.address) == [0xe615_0000, 0xe616_0000])
        #expect(
            machine.usedDevices.map(\.user) == ["driver renesas-cpg-mssr", "clock controller clock@e6160000"])
    }
}
