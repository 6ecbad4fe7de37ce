// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

/// Each rule about images: broken and kept.
@Suite struct ImageFindingTests {
    static let multiboot: [UInt8] = [0x02, 0xb0, 0xad, 0x1b, 0, 0, 0, 0, 0xfe, 0x4f, 0x52, 0xe4]
    /// Mentions 0x10000c, as a stub that jumps there does.
    static let stub: [UInt8] = [0xfa, 0xea, 0x0c, 0x00, 0x10, 0x00, 0x08, 0x00]

    static let cell = RTEMSCell.toml(keys: ["passive-comm-region = true", "reset-address = 0xf0000"])

    static let images = """
        [[image]]
        path = "/rtems.exe"

        [[image]]
        path = "/stub.bin"
        address = 0xf0000

        """

    static let ports = ["0x20", "0xa0", "0x40", "0x60", "0x0", "0x3d0", "0x3f8", "0x4d0"].map {
        "[[ports]]\nbase = \($0)\ncount = 8\n"
    }.joined()

    /// RTEMS for the PC with its multiboot header, 12 bytes before its entry.
    static var rtems: ELFBuilder {
        ELFBuilder(
            segments: [.init(address: 0x10_0000, contents: multiboot + [0x90], memorySize: 0x3_0000)],
            symbols: [
                .init(name: "_RTEMS_version"), .init(name: "WorkAreaBase", value: 0x13_0000),
                .init(name: "RamSize", value: 0x80_0000, section: 0xfff1), .init(name: "BSP_dispatch_isr"),
                .init(name: "bsp_reset"),
            ]
        )
    }

    /// With the clock of the stock BSP.
    static var ticker: ELFBuilder {
        var image = rtems
        image.symbols?.append(.init(name: "pc386_clock_click_count"))
        return image
    }

    static var portOf2016: ELFBuilder {
        var image = rtems
        image.symbols?.append(.init(name: "jailhs_pmtmr_port"))
        return image
    }

    struct NoSuchFile: Error, CustomStringConvertible {
        var description: String { "No such file or directory" }
    }

    /// What is found with this text of the definition, changed, and this program.
    private func findings(
        of program: [UInt8] = rtems.bytes, stub: [UInt8] = stub, _ changes: (String, String)...,
        toml: String = cell + images + ports
    ) throws -> [Finding] {
        var toml = toml
        for (old, new) in changes {
            #expect(toml.contains(old), "\(old)")
            toml = toml.replacing(old, with: new)
        }
        let definition = try CellDefinition(toml: toml, path: "/cells/x.toml", readFile: { _ in [] })
        return definition.imageFindings { path in
            switch path {
            case "/rtems.exe": program
            case "/stub.bin": stub
            default: throw NoSuchFile()
            }
        }
    }

    private func rules(_ findings: [Finding]) -> [String] { findings.compactMap(\.rule) }

    @Test func ofWhatFitsNothingIsSaid() throws {
        #expect(try findings() == [])
        #expect(try findings(of: Self.portOf2016.bytes) == [])
    }

    @Test func numbersAreGivenOnceAndInOrder() {
        let ids = ImageRule.all.map(\.id)
        #expect(ids == Set(ids).sorted())
        #expect(ids.allSatisfy { $0.hasPrefix("JH08") })
        #expect(ImageRule.all.allSatisfy { !$0.consequence.isEmpty && !$0.remedy.isEmpty && !$0.title.isEmpty })
    }

    // MARK: Loading

    @Test func anImageThatIsMissing() throws {
        let finding = try #require(try findings(("/rtems.exe", "/none.exe")).first)
        #expect(finding.rule == "JH0801")
        #expect(finding.message == "the image /none.exe cannot be read: No such file or directory")
        #expect(finding.location == "image[0]" && finding.path == "/cells/x.toml" && finding.line == 20)
    }

    @Test func whatCannotBeLoadedIsSaidWithItsRule() throws {
        #expect(rules(try findings(of: [])) == ["JH0802"])
        #expect(rules(try findings(of: Array(Self.rtems.bytes.prefix(60)))) == ["JH0802"])
        var image = Self.rtems
        image.machine = 183
        #expect(rules(try findings(of: image.bytes)).first == "JH0803")
        image = Self.rtems
        image.type = 1
        #expect(rules(try findings(of: image.bytes)) == ["JH0804"])
        #expect(rules(try findings(of: [1, 2, 3])).first == "JH0805")
        image = Self.rtems
        image.segments[0].memorySize = 0x80_0000
        #expect(rules(try findings(of: image.bytes)).first == "JH0806")
        #expect(rules(try findings((#"virtual = 0x900000"#, "virtual = 0x101000"))).contains("JH0807"))
    }

    @Test func imagesOverEachOther() throws {
        let finding = try findings(stub: Self.stub + Array(repeating: 0x90, count: 0x10000)).first
        #expect(finding?.rule == "JH0808")
        #expect(finding?.message == "at 0x100000 /rtems.exe lies over /stub.bin (0xf0000–0x100007)")
    }

    // MARK: Beginning

    @Test func nothingWhereTheCellBegins() throws {
        let found = try findings(("reset-address = 0xf0000", "reset-address = 0x0"))
        #expect(rules(found) == ["JH0811"])
        #expect(
            found[0].message
                == "nothing is loaded at 0x0, where the cell begins; loaded is 0x100000–0x12ffff, 0xf0000–0xf0007")
        #expect(found[0].remedy == "set reset-address = 0xf0000, where /stub.bin has its 16-bit start")
        // the BSS is no place to begin either
        #expect(rules(try findings(("reset-address = 0xf0000", "reset-address = 0x110000"))) == ["JH0811"])
        let stub = try findings(stub: [0x90], ("reset-address = 0xf0000", "reset-address = 0x0"))
        #expect(stub.first?.remedy.contains("start = \"multiboot\" in its [[image]]") == true)
        let old = try findings(
            of: Self.portOf2016.bytes, stub: [0x90], ("reset-address = 0xf0000", "reset-address = 0x0"))
        #expect(old.first?.remedy.contains("communication-region-layout = 2016") == true)
    }

    @Test func whatStandsInAROMIsNotLoaded() throws {
        let rom =
            "[[memory]]\nphysical = 0xffff0000\nvirtual = 0xffff0000\nsize = \"64 KiB\"\naccess = [\"read\", \"execute\"]\n"
        #expect(
            try findings(("reset-address = 0xf0000", "reset-address = 0xfffffff0"), (Self.images, Self.images + rom))
                == [])
    }

    @Test(arguments: ["0x10000c", "0x100000"]) func a32BitEntryInRealMode(address: String) throws {
        let found = try findings(("reset-address = 0xf0000", "reset-address = \(address)"))
        #expect(rules(found) == ["JH0812"])
        #expect(found.first?.message.contains("the entry of /rtems.exe there (0x10000c) is 32-bit code") == true)
        #expect(found.first?.location == "cell.reset-address" && found.first?.line == 6)
    }

    @Test func a16BitEntryIsItsOwnAffair() throws {
        var image = Self.rtems
        image.segments[0].contents = [0x90, 0x90]
        image.symbols = []
        image.entry = 0x10_0000
        #expect(try findings(of: image.bytes, ("reset-address = 0xf0000", "reset-address = 0x100000")) == [])
    }

    @Test func aStubForAnotherEntry() throws {
        let found = try findings(stub: [0xfa, 0xea, 0x0c, 0x00, 0x20, 0x00, 0x08, 0x00])
        #expect(rules(found) == ["JH0813"])
        #expect(found.first?.message.contains("mentions 0x10000c, the entry of /rtems.exe") == true)
        // the stub may be a segment of the program itself
        var image = Self.rtems
        image.segments.insert(.init(address: 0xf0000, contents: Self.stub), at: 0)
        let alone = Self.cell + "[[image]]\npath = \"/rtems.exe\"\n" + Self.ports
        #expect(try findings(of: image.bytes, toml: alone) == [])
        image.segments[0].contents = [0xfa]
        #expect(rules(try findings(of: image.bytes, toml: alone)) == ["JH0813"])
    }

    @Test func anArmCell() throws {
        let program = ELFBuilder(
            is64: true, machine: 183, entry: 0x1000, segments: [.init(address: 0, contents: [1, 2])])
        let arm =
            Self.cell.replacing("\"x86\"", with: "\"arm64\"").replacing("0xf0000", with: "0x0")
            + "[[image]]\npath = \"/rtems.exe\"\n"
        #expect(rules(try findings(of: program.bytes, toml: arm)) == ["JH0814"])
        var right = program
        right.entry = 0
        #expect(try findings(of: right.bytes, toml: arm) == [])
        let narrow = arm.replacing("cpus = [3]", with: "cpus = [3]\naarch32 = true")
        #expect(rules(try findings(of: right.bytes, toml: narrow)) == ["JH0815"])
        (right.is64, right.machine) = (false, 40)
        #expect(try findings(of: right.bytes, toml: narrow) == [])
        #expect(rules(try findings(of: right.bytes, toml: arm)) == ["JH0815"])
    }

    // MARK: Memory

    @Test func aWorkAreaLargerThanTheRAM() throws {
        let found = try findings(("\"8 MiB\"", "\"4 MiB\""))
        #expect(rules(found) == ["JH0821"])
        #expect(
            found[0].message
                == "the work area of /rtems.exe (RTEMS; its end was linked into it) is 0x130000–0x7fffff, but the cell's "
                + "RAM there ends at 0x3fffff")
        #expect(found[0].remedy.hasSuffix("RamSize=0x400000"))
        let small = try findings(of: Self.portOf2016.bytes, ("\"8 MiB\"", "\"2 MiB\""))
        #expect(rules(small) == ["JH0821"])
        var image = Self.rtems
        image.symbols?[2].value = 0x1000
        #expect(
            try findings(of: image.bytes).first?.message.contains("would end at 0x1000, before its image does") == true)
    }

    @Test func aDeclaredWorkArea() throws {
        let declared = ("path = \"/rtems.exe\"", "path = \"/rtems.exe\"\nwork-area = \"7 MiB\"")
        let found = try findings(declared)
        #expect(rules(found) == ["JH0821"])
        #expect(found[0].message.contains("the declared work area of /rtems.exe is 0x130000–0x82ffff"))
        #expect(try findings((declared.0, declared.1.replacing("7 MiB", with: "6 MiB"))) == [])
        // RAM may be in several regions, one behind the other
        let more = """
            [[memory]]
            physical = 0x3a800000
            virtual = 0x800000
            size = "1 MiB"
            access = ["read", "write"]

            """
        #expect(try findings(declared, toml: Self.cell + more + Self.images + Self.ports) == [])
    }

    @Test func aWorkAreaOverTheRegion() throws {
        let found = try findings(("virtual = 0x900000", "virtual = 0x700000"))
        #expect(rules(found) == ["JH0822"])
        #expect(found.first?.location == "memory[1]" && found.first?.line == 15)
        #expect(
            found.first?.message.contains("0x130000–0x7fffff, lies over \"communication region\" (0x700000–0x700fff)")
                == true)
    }

    @Test func memoryThatIsProbed() throws {
        var image = Self.rtems
        image.symbols?[2].value = 0xffff_ffff
        let found = try findings(of: image.bytes)
        #expect(rules(found) == ["JH0823"])
        #expect(found.first?.consequence.contains("addr: 0x000000007ffffffc") == true)
        #expect(found.first?.remedy.contains("RamSize=0x800000") == true)
    }

    @Test func lowMemoryOfThePortOf2016() throws {
        let found = try findings(
            of: Self.portOf2016.bytes, ("virtual = 0x0", "virtual = 0x80000"), ("\"8 MiB\"", "\"7680 KiB\""))
        #expect(rules(found) == ["JH0824"])
    }

    // MARK: Hardware

    @Test func theRegionIsElsewhere() throws {
        let found = try findings(of: Self.portOf2016.bytes, ("virtual = 0x900000", "virtual = 0xa00000"))
        #expect(rules(found) == ["JH0831"])
        #expect(
            found[0].message
                == "/rtems.exe looks for the communication region at 0x900000, but the cell has it at 0xa00000")
        #expect(found[0].location == "memory[1]")
        let declared = ("path = \"/rtems.exe\"", "path = \"/rtems.exe\"\ncommunication-region = 0x100000")
        #expect(rules(try findings(declared)) == ["JH0831"])
        let without = Self.cell.replacing(
            "\n[[memory]]\nname = \"communication region\"", with: "\n[[memory]]\nname = \"more\""
        )
        .replacing("\"communication-region\"", with: "\"dma\"").replacing(
            "virtual = 0x900000", with: "physical = 0x3b000000\nvirtual = 0x900000")
        let missing = try findings(of: Self.portOf2016.bytes, toml: without + Self.images + Self.ports)
        #expect(
            missing.first?.message == "/rtems.exe looks for the communication region at 0x900000, but the cell has none"
        )
    }

    @Test func whoNeverAnswersMustBePassive() throws {
        let active = ("passive-comm-region = true", "message-timeout = 1000")
        #expect(rules(try findings(of: Self.portOf2016.bytes, active)) == ["JH0832"])
        #expect(rules(try findings(active)) == ["JH0833"])
        let knowing = ("path = \"/rtems.exe\"", "path = \"/rtems.exe\"\ncommunication-region = 0x900000")
        #expect(try findings(active, knowing) == [])
    }

    @Test func missingPortsOfAPC() throws {
        let found = try findings(of: Self.ticker.bytes, toml: Self.cell + Self.images)
        #expect(rules(found) == ["JH0841", "JH0841", "JH0841", "JH0844"])
        let first = try #require(found.first)
        #expect(
            first.message
                == "/rtems.exe (RTEMS) drives the interrupt controllers 8259A (its symbol BSP_dispatch_isr), but the cell "
                + "lacks the ports 0x20–0x21 and 0xa0–0xa1")
        #expect(first.consequence.contains("`FATAL: Invalid PIO write, port: 21` when interrupts are set up"))
        // those ports are Linux's: no advice may be to take them from it on a real machine
        #expect(
            first.remedy
                == "link the program with the layer of inmates/rtems; for the simulated machine, add [[ports]] with "
                + "base = 0x20, count = 2 and with base = 0xa0, count = 2, and [simulation] with only = true")
        #expect(first.severity == .warning)
        // a part of the ports is not enough
        let half = try findings(of: Self.ticker.bytes, ("base = 0x40\ncount = 8", "base = 0x40\ncount = 3"))
        #expect(half.map(\.message).first?.contains("the ports 0x40–0x43") == true)
        #expect(rules(half) == ["JH0841", "JH0844"])
    }

    /// No port helps: it would need a BIOS.
    @Test func aProgramThatCallsTheBIOSNeedsTheLayer() throws {
        var image = Self.rtems
        image.symbols?.append(.init(name: "vesa_realmode_bootup_init"))
        let found = try findings(of: image.bytes)
        #expect(rules(found) == ["JH0841"])
        #expect(
            found.first?.message
                == "/rtems.exe (RTEMS) calls the BIOS, in real mode (its symbol vesa_realmode_bootup_init), which a cell does "
                + "not have")
        #expect(found.first?.remedy == "link the program with the layer of inmates/rtems")
        image.symbols?.append(.init(name: "jailhouse_layer_revision"))
        #expect(try findings(of: image.bytes) == [])
    }

    /// It has an executable of another processor, not one of another width.
    @Test func aProgramForAnotherProcessorIsOneFault() throws {
        let x86 = ELFBuilder(
            is64: true, machine: 62, entry: 0x10_0000, segments: [.init(address: 0x10_0000, contents: [1])])
        let arm =
            RTEMSCell.toml(keys: ["passive-comm-region = true", "reset-address = 0x100000"])
            .replacing("\"x86\"", with: "\"arm64\"") + "[[image]]\npath = \"/rtems.exe\"\n"
        #expect(rules(try findings(of: x86.bytes, toml: arm)) == ["JH0803"])
    }

    @Test func theClockOfTheStockBSPReachesNoCell() throws {
        let found = try findings(of: Self.ticker.bytes)
        #expect(rules(found) == ["JH0844"])
        #expect(
            found.first?.message
                == "/rtems.exe (RTEMS) takes its time from the timer 8254 (its symbol pc386_clock_click_count)")
    }

    @Test func declaredAsRTEMS() throws {
        let declared = ("path = \"/rtems.exe\"", "path = \"/rtems.exe\"\nkind = \"rtems\"")
        var image = Self.rtems
        image.symbols = nil
        #expect(try findings(of: image.bytes) == [])
        #expect(rules(try findings(of: image.bytes, declared)) == ["JH0842"])
        #expect(
            rules(try findings(of: image.bytes, declared, toml: Self.cell + Self.images)) == [
                "JH0841", "JH0841", "JH0842",
            ])
        let flat = ("path = \"/rtems.exe\"", "path = \"/rtems.exe\"\nkind = \"rtems\"\naddress = 0x100000")
        #expect(rules(try findings(of: [1, 2, 3], flat)) == ["JH0843"])
        let error = #expect(throws: DefinitionError.self) {
            try findings(("path = \"/rtems.exe\"", "path = \"/rtems.exe\"\nkind = \"rtem\""))
        }
        #expect(error?.message.contains("did you mean \"rtems\"?") == true)
    }
}
