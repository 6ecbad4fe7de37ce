// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

/// Every mistake of a beginner in the shipped definition of a Linux cell.
@Suite("Mistakes with Linux cells") struct LinuxFindingTests {
    private struct NoSuchFile: Error {}

    private func text(_ name: String) throws -> String {
        let url = ShippedConfigurationTests.folder.appendingPathComponent(name)
        return String(decoding: try Data(contentsOf: url), as: UTF8.self)
    }

    private func findings(
        kernel: [UInt8] = TestKernel.bzImage(release: "6.1"), files: [String: String] = [:],
        _ change: (String) -> String = { $0 }
    ) throws -> [Finding] {
        let original = try text("cells/linux-x86.toml")
        let definition = try CellDefinition(toml: change(original), path: "/etc/linux.toml") { _ in throw NoSuchFile() }
        let system = try SystemDescriptor(toml: try text("systems/q35.toml"), path: "q35.toml")
        return definition.placed(in: system).imageFindings { path in
            if let contents = files[path] { return Array(contents.utf8) }
            if path == LinuxStart.defaultLoader { return [UInt8](repeating: 0x90, count: 64) }
            guard path == "/boot/vmlinuz" else { throw NoSuchFile() }
            return kernel
        }
    }

    private func only(_ findings: [Finding], _ rule: String) throws -> Finding {
        #expect(findings.map(\.rule) == [rule], "\(findings)")
        return try #require(findings.first)
    }

    @Test func theShippedDefinitionHasNone() throws {
        #expect(try findings() == [])
        #expect(try findings(files: ["/boot/config-6.1": "CONFIG_JAILHOUSE_GUEST=y\n"]) == [])
    }

    @Test func aKernelThatIsNoGuest() throws {
        let files = ["/boot/config-6.1": "CONFIG_64BIT=y\n# CONFIG_JAILHOUSE_GUEST is not set\n"]
        let finding = try only(try findings(files: files), "JH0851")
        #expect(finding.severity == .error && finding.message == "/boot/config-6.1 lacks CONFIG_JAILHOUSE_GUEST=y")
        #expect(finding.line != nil && finding.consequence.contains("Invalid PIO write, port: 20"))
    }

    @Test func aCellThatIsAsked() throws {
        let found = try findings { $0.replacing("passive-comm-region = true", with: "message-timeout = 1000000") }
        #expect(try only(found, "JH0852").severity == .error)
    }

    @Test func theLastBus() throws {
        #expect(try only(try findings { $0.replacing(" pci=lastbus=0", with: "") }, "JH0853").severity == .warning)
        let beyond = try findings { $0.replacing("lastbus=0", with: "lastbus=0x1ff") }
        #expect(try only(beyond, "JH0853").message.contains("the last bus of the machine is 255"))
        #expect(try findings { $0.replacing("pci=lastbus=0", with: "pci=off") } == [])
        #expect(try findings { $0.replacing("pci=lastbus=0", with: "pci=nomsi,lastbus=255") } == [])
    }

    @Test func theSerialPort() throws {
        let short = try only(try findings { $0.replacing("count = 8", with: "count = 7") }, "JH0854")
        #expect(short.message.contains("of it the cell has 7 ports"))
        let silent = try only(try findings { $0.replacing("pins = [4]", with: "pins = [5]") }, "JH0854")
        #expect(silent.message.contains("pin 4, which is not the cell's"))
        let other = try findings { $0.replacing("console=ttyS0", with: "console=ttyS1") }
        #expect(try only(other, "JH0854").message.contains("no ports from 0x2f8 on"))
        #expect(
            try only(try findings { $0.replacing("console=ttyS0,115200 ", with: "") }, "JH0855").severity == .warning)
    }

    @Test func memoryInTheWrongPlace() throws {
        let noLow = try findings {
            $0.replacing("virtual = 0x0\nsize = \"1 MiB\"", with: "virtual = 0x8000000\nsize = \"1 MiB\"")
        }
        #expect(noLow.contains { $0.rule == "JH0856" && $0.message.contains("begins at 0x200000") }, "\(noLow)")
        let high = try findings {
            $0.replacing("virtual = 0x0\n", with: "virtual = 0x200000000\n")
                .replacing("virtual = 0x200000\n", with: "virtual = 0x100000000\n")
        }
        #expect(high.contains { $0.rule == "JH0857" }, "\(high)")
        let noDMA = try findings { $0.replacing("\"execute\", \"dma\", ", with: "\"execute\", ") }
        #expect(noDMA.contains { $0.remedy.contains("add \"dma\"") }, "\(noDMA)")
    }

    @Test func theRestOfThem() throws {
        let arm = TestKernel.bzImage { $0.replaceSubrange(0x38..<0x3c, with: Array("ARMd".utf8)) }
        #expect(try only(try findings(kernel: arm), "JH0803").message.contains("it is a kernel for Arm64"))
        #expect(try only(try findings(kernel: Array("text".utf8)), "JH0804").message.contains("it is no bzImage"))
        let large = try findings(kernel: TestKernel.bzImage(initialSize: 0x800_0000))
        #expect(try only(large, "JH0806").message.contains("the kernel needs 134217728 bytes"))
        let long = try findings {
            $0.replacing("console=ttyS0", with: "console=ttyS0 " + String(repeating: "x", count: 2048))
        }
        #expect(try only(long, "JH0809").message.contains("this kernel takes 2047"))
        let missing = try findings { $0.replacing("# initrd", with: "initrd") }
        #expect(try only(missing, "JH0801").message.contains("/boot/initrd.img"))
        let initrd = String(repeating: "x", count: 63 << 20)
        let tooLarge = try findings(files: ["/boot/initrd.img": initrd]) { $0.replacing("# initrd", with: "initrd") }
        #expect(try only(tooLarge, "JH0809").message.contains("the initrd has 66060288 bytes"))
    }
}
