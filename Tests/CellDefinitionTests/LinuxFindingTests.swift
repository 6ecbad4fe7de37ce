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

    @Test("What cannot be seen of a kernel is said")
    func aKernelThatIsPackedOtherwise() throws {
        let xz = TestKernel.bzImage(release: "6.1", payload: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2])
        let finding = try only(try findings(kernel: xz), "JH0851")
        #expect(finding.severity == .note && finding.message.contains("there is no /boot/config-6.1"), "\(finding)")
        #expect(try findings(kernel: xz, files: ["/boot/config-6.1": "CONFIG_JAILHOUSE_GUEST=y\n"]) == [])
    }

    @Test func theHypervisorsConsole() throws {
        let linux: (String) -> String = { $0.replacing("console=ttyS0,115200", with: "console=jailhouse") }
        #expect(try findings(linux) == [])
        let mute = try findings { linux($0).replacing("virtual-console = \"permitted\"", with: "") }
        #expect(try only(mute, "JH0855").message.contains("may not print on the hypervisor's console"))
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
        // what follows a number does not count, as in the kernel
        for option in ["nomsi,lastbus=255", "lastbus=0xff", "lastbus=0377"] {
            let most = try only(try findings { $0.replacing("pci=lastbus=0", with: "pci=" + option) }, "JH0853")
            #expect(most.message.contains("no PCI device behind bus 0") && most.remedy == "set pci=lastbus=0")
        }
        #expect(try findings { $0.replacing("pci=lastbus=0", with: "pci=lastbus=0,nomsi") } == [])
        let device = "[[pci-device]]\nbdf = \"02:00.0\"\n\n[[ports]]"
        let few = try findings { $0.replacing("[[ports]]", with: device) }
        #expect(try only(few, "JH0853").remedy == "set pci=lastbus=2")
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

    @Test(
        "An early console of others ends Linux before it says anything",
        arguments: [
            ("earlycon=uart8250,io,0x2f8,115200", "0x2f8–0x2ff"), ("console=uart,io,0x2f8", "0x2f8–0x2ff"),
            ("earlycon=uart8250,mmio32,0xfe000000", "at 0xfe000000"), ("earlycon=uart,0xfe000000", "at 0xfe000000"),
            ("earlyprintk=ttyS1,115200", "0x2f8–0x2ff"), ("earlyprintk=serial,0x2f8,115200,keep", "0x2f8–0x2ff"),
            ("earlyprintk=vga", "at 0xb8000"),
        ])
    func earlyConsoles(words: String, place: String) throws {
        let found = try findings { $0.replacing("console=ttyS0", with: "\(words) console=ttyS0") }
        // the low RAM has 0xb8000
        if words.hasSuffix("vga") { return #expect(found == []) }
        let finding = try only(found, "JH0865")
        #expect(finding.severity == .error && finding.message.contains(place), "\(finding)")
    }

    @Test(arguments: [
        "earlycon=uart8250,io,0x3f8,115200", "earlycon=uart8250,115200", "earlyprintk=serial,ttyS0,115200", "earlycon",
        "earlycon=jailhouse", "earlyprintk=serial", "earlycon=uart,mmio,0x200000", "console=tty0,0x2f8",
    ])
    func earlyConsolesOfItsOwn(words: String) throws {
        #expect(try findings { $0.replacing("console=ttyS0", with: "\(words) console=ttyS0") } == [])
    }

    @Test func anInitrdThatIsNone() throws {
        func found(_ contents: String) throws -> [Finding] {
            try findings(files: ["/boot/initrd.img": contents]) { $0.replacing("# initrd", with: "initrd") }
        }
        #expect(try found("070701" + String(repeating: "0", count: 200)) == [])
        #expect(try found("\0\0\0\0070702") == [])
        #expect(try only(try found("not at all"), "JH0866").message.contains("no cpio archive"))
        #expect(try only(try found(""), "JH0866").message.contains("the file is empty"))
        #expect(try only(try found("070707000"), "JH0866").message.contains("of an older form"))
        #expect(try only(try found("'\u{5}\u{19}V"), "JH0866").remedy.contains("tail -c +65"))
        let disk = try findings(files: ["/boot/initrd.img": "a disk"]) {
            $0.replacing("# initrd", with: "initrd").replacing("console=ttyS0", with: "root=/dev/ram0 console=ttyS0")
        }
        #expect(disk == [])
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
        let initrd = "070701" + String(repeating: "x", count: (63 << 20) - 6)
        let tooLarge = try findings(files: ["/boot/initrd.img": initrd]) { $0.replacing("# initrd", with: "initrd") }
        #expect(try only(tooLarge, "JH0809").message.contains("the initrd has 66060288 bytes"))
        #expect(tooLarge.allSatisfy { $0.consequence.contains("Linux would be handed less") })
    }
}
