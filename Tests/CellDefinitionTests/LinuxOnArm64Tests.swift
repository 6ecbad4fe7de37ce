// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import Foundation
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

/// Linux in the shipped Arm64 cell: where it goes, what it is told, and what can be wrong.
@Suite("Linux on Arm64") struct LinuxOnArm64Tests {
    struct NoSuchFile: Error {}

    func text(_ name: String) throws -> String {
        let url = ShippedConfigurationTests.folder.appendingPathComponent(name)
        return String(decoding: try Data(contentsOf: url), as: UTF8.self)
    }

    func definition(
        system: String? = "systems/qemu-arm64.toml", knowsInterrupt: Bool = false, _ change: (String) -> String = { $0 }
    ) throws -> CellDefinition {
        let source = change(try text("cells/arm64/linux-arm64.toml"))
        let definition = try CellDefinition(toml: source, path: "/etc/linux.toml") { _ in throw NoSuchFile() }
        return definition.placed(
            in: try system.map { file in
                var system = try SystemDescriptor(toml: try text(file), path: file)
                if !knowsInterrupt { system.consoleInterrupt = 0 }
                return system
            })
    }

    func findings(
        kernel: [UInt8] = TestKernel.arm64(), files: [String: [UInt8]] = [:],
        system: String? = "systems/qemu-arm64.toml",
        _ change: (String) -> String = { $0 }
    ) throws -> [Finding] {
        try definition(system: system, change).imageFindings { path in
            if path == "/boot/Image" { return kernel }
            guard let contents = files[path] else { throw NoSuchFile() }
            return contents
        }
    }

    func only(_ findings: [Finding], _ rule: String, _ words: String) {
        #expect(findings.map(\.rule) == [rule], "\(findings)")
        #expect(findings.allSatisfy { ($0.message + $0.remedy).contains(words) }, "\(findings)")
    }

    func tree(_ change: (String) -> String = { $0 }, initrd: Range<UInt64>? = nil) throws -> DeviceNode {
        let definition = try definition(change)
        let linux = try #require(definition.images.first?.linux)
        return try definition.deviceTree(linux, initrd: initrd, [:])
    }

    static func link(_ text: String) -> String {
        text.replacing(
            "[[image]]",
            with: """
                [[ivshmem]]
                bdf = "00:01.0"
                peer-id = 1
                physical = 0x7f000000
                output-size = "4 KiB"

                [[image]]
                """
        ).replacing("cpus = \"2-3\"", with: "cpus = \"2-3\"\nvpci-interrupt-base = 108")
            .replacing("pins = [33] ", with: "pins = [33, 140, 141, 142, 143] ")
    }

    @Test func theShippedDefinitionIsSound() throws { #expect(try findings() == []) }

    @Test func eachPartHasItsPlace() throws {
        let initrd = [UInt8](repeating: 7, count: 5000)
        let definition = try definition { $0.replacing("# initrd", with: "initrd") }
        let kernel = TestKernel.arm64(size: 0x12_3000, textOffset: 0x8_0000)
        let plans = try definition.loadPlans { $0 == "/boot/Image" ? kernel : initrd }
        let pieces = plans[0]
        #expect(pieces.map(\.address) == [0, 0x7028_0000, 0x703a_3000, 0x781f_e000])
        #expect(pieces[1].contents == kernel && pieces[3].contents == initrd)
        // the loader has both addresses behind its instructions
        let words = stride(from: 0, to: 48, by: 8).map {
            pieces[0].contents[$0..<$0 + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        #expect(words[4] == 0x703a_3000 && words[5] == 0x7028_0000)
        let root = try #require(DeviceNode(blob: pieces[2].contents))
        let chosen = try #require(root.child("chosen"))
        #expect(chosen.text("bootargs") == "console=ttyAMA0,115200" && chosen.text("stdout-path") == "/serial@9000000")
        #expect(
            chosen.cells("linux,initrd-start") == [0, 0x781f_e000]
                && chosen.cells("linux,initrd-end") == [0, 0x781f_f388])
    }

    @Test func theTreeSaysWhatTheCellHas() throws {
        let root = try tree(Self.link)
        #expect(root.child("memory")?.cells("reg") == [0, 0x7020_0000, 0, 0x800_0000])
        #expect(root.child("cpus")?.children.map(\.name) == ["cpu@2", "cpu@3"])
        #expect(root.child("psci")?.text("method") == "smc")
        let controller = try #require(root.child("interrupt-controller"))
        #expect(controller.cells("reg") == [0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0x8_0000])
        #expect(root.child("serial")?.cells("interrupts") == [0, 1, 4])
        #expect(root.child("serial-clock")?.cells("clock-frequency") == [24_000_000])
        let host = try #require(root.child("pci"))
        #expect(host.cells("reg") == [0, 0x8e0_0000, 0, 0x10_0000])
        #expect(Array(host.cells("interrupt-map").prefix(8)) == [0, 0, 0, 1, 1, 0, 108, 1])
        #expect(host.cells("ranges") == [0x200_0000, 0, 0x8f0_0000, 0, 0x8f0_0000, 0, 0x10_0000])
        #expect(root.child("hypervisor")?.text("compatible") == "jailhouse,cell")
        #expect(root.child("__symbols__") == nil)
        // without devices there is no host, and CPUs may have other names
        let other = try tree {
            $0.replacing(
                "start = \"linux\"",
                with: "start = \"linux\"\naffinities = [0x100, 0x100000101]\nserial-clock = 48000000")
        }
        #expect(other.child("pci") == nil && other.child("serial-clock")?.cells("clock-frequency") == [48_000_000])
        #expect(other.child("cpus")?.children.map { $0.cells("reg") } == [[0, 0x100], [1, 0x101]])
    }

    @Test("On the machine itself the processors are called as its firmware calls them; if it knows all of them")
    func affinities() throws {
        let shipped = try definition()
        let system = try SystemDescriptor(toml: try text("systems/qemu-arm64.toml"), path: "system.toml")
        var machine = RunningMachine(ioports: "", iomem: "")
        func names() throws -> [String]? {
            let placed = shipped.placed(in: system, on: machine)
            let linux = try #require(placed.images.first?.linux)
            return try placed.deviceTree(linux, initrd: nil, [:]).child("cpus")?.children.map(\.name)
        }
        machine.affinities = [2: 0x100, 3: 0x101]
        #expect(try names() == ["cpu@100", "cpu@101"])
        machine.affinities = [2: 0x100]
        #expect(try names() == ["cpu@2", "cpu@3"])
    }

    private static let compiler = "/usr/bin/dtc"

    @Test(.enabled(if: FileManager.default.fileExists(atPath: compiler), "dtc judges the tree"))
    func theCompilerHasNoComplaints() throws {
        for change in [{ $0 }, Self.link] as [(String) -> String] {
            let flat = FlattenedTree(root: try tree(change, initrd: 0x7800_0000..<0x7800_1000))
            let file = FileManager.default.temporaryDirectory.appending(path: "cell-\(UUID().uuidString).dtb")
            try Data(flat.blob).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            let process = Process()
            process.executableURL = URL(filePath: Self.compiler)
            process.arguments = ["-I", "dtb", "-O", "dtb", "-o", "/dev/null", file.path]
            let errors = Pipe()
            process.standardError = errors
            try process.run()
            let complaints = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            #expect(complaints.isEmpty, "\(complaints)\n\(flat.source)")
        }
    }

    @Test func kernelsThatAreNone() throws {
        func found(_ kernel: [UInt8]) throws -> [Finding] { try findings(kernel: kernel) }
        only(try found([]), "JH0802", "the file is empty")
        only(try found(TestKernel.bzImage()), "JH0803", "it is a kernel for x86")
        only(
            try found([0x28, 0xb5, 0x2f, 0xfd] + [UInt8](repeating: 0, count: 100)), "JH0802", "packed with zstd, and")
        only(try found([0x27, 0x05, 0x19, 0x56] + [UInt8](repeating: 0, count: 100)), "JH0804", "for U-Boot (uImage)")
        only(try found(Array("\u{7f}ELF".utf8) + [UInt8](repeating: 0, count: 100)), "JH0804", "such as vmlinux")
        var packed = [UInt8](repeating: 0, count: 0x100)
        packed.replaceSubrange(0..<8, with: Array("MZ\0\0zimg".utf8))
        packed.replaceSubrange(24..<28, with: Array("lzma".utf8))
        only(try found(packed), "JH0804", "packed with lzma for the EFI boot")
        only(try found(TestKernel.arm64 { $0[24] |= 1 }), "JH0803", "big-endian")
        for (magic, command) in [
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz -d"), ([0x02, 0x21, 0x4c, 0x18], "lz4 -d"),
            ([0x04, 0x22, 0x4d, 0x18], "lz4 -d"), ([0x89, 0x4c, 0x5a, 0x4f], "lzop -d"),
        ] as [([UInt8], String)] {
            let other = try found(magic + [UInt8](repeating: 0, count: 100))
            only(other, "JH0804", "unpack it (\(command))")
            #expect(
                other.allSatisfy { !$0.consequence.contains("dynamic linker") && $0.message.contains("packed with") })
        }
        only(try found([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]), "JH0802", "packed with gzip, and it ends too early")
        only(try found(TestKernel.arm64(size: 0x900_0000)), "JH0806", "needs 150994944 bytes of loadable RAM")
    }

    @Test func cellsThatDoNotFit() throws {
        only(try findings { $0.replacing("\"execute\", \"dma\", ", with: "\"execute\", ") }, "JH0806", "add \"dma\"")
        let second = """
            [[memory]]
            name = "more RAM"
            physical = 0x7a000000
            virtual = 0x90000000
            size = "16 MiB"
            access = ["read", "write", "execute", "dma", "loadable"]

            [[image]]
            """
        only(
            try findings(kernel: TestKernel.arm64(size: 0x200_0000)) {
                $0.replacing("\"execute\", \"dma\", ", with: "\"execute\", ").replacing("[[image]]", with: second)
            }, "JH0806", "the region \"RAM\" at 0x70200000 has room for the kernel, and no access \"dma\"")
        only(
            try findings { $0.replacing("reset-address = 0x0", with: "reset-address = 0x10000000") }, "JH0816",
            "where nothing can be loaded")
        only(
            try findings { $0.replacing("passive-comm-region = true", with: "message-timeout = 1000") }, "JH0852",
            "answers no messages")
        only(try findings { $0.replacing("console=ttyAMA0,115200", with: "quiet") }, "JH0855", "names no console")
        only(try findings { $0.replacing("pins = [33] ", with: "pins = [] ") }, "JH0816", "since the cell has none")
        only(try findings { $0.replacing("pins = [33] ", with: "pins = [33, 40] ") }, "JH0816", "(33,40)")
        let virtual = "vpci-interrupt-base = 108\npassive-comm-region"
        only(
            try findings {
                $0.replacing("pins = [33] ", with: "pins = [140, 141] ").replacing("passive-comm-region", with: virtual)
            }, "JH0816", "those of the cell (140-141) are all of its virtual PCI (vpci-interrupt-base = 108)")
        only(
            try findings {
                $0.replacing("passive-comm-region", with: virtual).replacing(
                    "start = \"linux\"", with: "serial-interrupt = 140\nstart = \"linux\"")
            }, "JH0816", "is one of the cell's virtual PCI")
        only(
            try findings {
                $0.replacing("start = \"linux\"", with: "serial-interrupt = 40\nstart = \"linux\"")
            }, "JH0864", "serial@9000000 (40)")
        #expect(
            try findings {
                $0.replacing("pins = [33] ", with: "pins = [33, 40] ").replacing(
                    "start = \"linux\"", with: "serial-interrupt = 33\nstart = \"linux\"")
            } == [])
        only(try findings(system: nil), "JH0816", "the system configuration is not known")
        let long = String(repeating: "x", count: 2048)
        only(
            try findings { $0.replacing("console=ttyAMA0", with: "console=ttyAMA0 \(long)") }, "JH0809",
            "Arm64 takes 2047")
        let initrd = Array("070701".utf8) + [UInt8](repeating: 0, count: (127 << 20) - 6)
        let large = try findings(files: ["/boot/initrd.img": initrd]) { $0.replacing("# initrd", with: "initrd") }
        only(large, "JH0809", "the initrd has 133169152 bytes")
    }

    @Test func consolesOfOthers() throws {
        only(try findings { $0.replacing("console=ttyAMA0", with: "console=ttyS0") }, "JH0854", "is ttyAMA0")
        only(
            try findings {
                $0.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("console = ") }
                    .joined(separator: "\n")
            }, "JH0854", "has no serial port")
        only(try findings { $0.replacing("console=ttyAMA0", with: "console=ttyAMA1") }, "JH0854", "console=ttyAMA0")
        #expect(try findings { $0.replacing("console=ttyAMA0", with: "console=ttyS0 console=ttyAMA0") } == [])
        only(
            try findings { $0.replacing("console=ttyAMA0", with: "earlycon=pl011,0x9010000 console=ttyAMA0") },
            "JH0865",
            "nothing to write to at 0x9010000")
        #expect(
            try findings { $0.replacing("console=ttyAMA0", with: "earlycon=pl011,0x9000000 console=ttyAMA0") } == [])
    }

    @Test("On the machine itself the serial port has the interrupt that its device tree says")
    func serialInterrupt() throws {
        let shipped = try definition { $0.replacing("pins = [33] ", with: "pins = [33, 40] ") }
        let system = try SystemDescriptor(toml: try text("systems/qemu-arm64.toml"), path: "system.toml")
        var machine = RunningMachine(ioports: "", iomem: "")
        func interrupts() throws -> [UInt32]? {
            let placed = shipped.placed(in: system, on: machine)
            let linux = try #require(placed.images.first?.linux)
            return try placed.deviceTree(linux, initrd: nil, [:]).child("serial")?.cells("interrupts")
        }
        machine.devices = [.init(name: "pl011@9000000", address: 0x900_0000, pins: [40])]
        #expect(try interrupts() == [0, 8, 4])
        machine.devices = [.init(name: "pl011@9000000", address: 0x900_0000, pins: [50])]
        #expect(throws: ImageError.self) { try interrupts() }
        // or that the system configuration does
        machine.devices = []
        #expect(try interrupts() == [0, 1, 4])
    }

    @Test func keysOfTheOtherProcessor() throws {
        #expect(throws: DefinitionError.self) {
            try definition { $0.replacing("start = \"linux\"", with: "start = \"linux\"\nloader = \"/x\"") }
        }
        #expect(throws: DefinitionError.self) {
            try definition { $0.replacing("start = \"linux\"", with: "start = \"linux\"\naffinities = [1]") }
        }
        let x86 = try text("cells/linux-x86.toml").replacing(
            "start = \"linux\"", with: "start = \"linux\"\ndevice-tree = \"x.dtb\"")
        #expect(throws: DefinitionError.self) {
            try CellDefinition(toml: x86, path: "/etc/linux.toml") { _ in throw NoSuchFile() }
        }
    }
}
