// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import CellConfiguration

@Suite struct SourceTests {
    static let rtems = """
        # the example of the README
        [cell]
        name = "rtems"
        architecture = "x86"
        cpus = [3]
        console = { type = "8250", access = "pio", address = 0x3f8 }

        [[memory]]
        name = "ram"
        physical = 0x3a000000
        virtual = 0x0
        size = "8 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "communication region"
        virtual = 0x900000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        [[ports]]
        name = "COM1"
        base = 0x3f8
        count = 8

        """

    private func cell(replacing old: String = "", with new: String = "") throws(ConfigurationError) -> CellDescriptor {
        try CellDescriptor(toml: Self.rtems.replacing(old, with: new), path: "rtems.toml")
    }

    private func failure(replacing old: String, with new: String) -> ConfigurationError? {
        #expect(throws: ConfigurationError.self) { try cell(replacing: old, with: new) }
    }

    @Test func theExampleOfTheDesignIsRead() throws {
        #expect(
            try CellDescriptor(toml: Self.rtems, path: "rtems.toml")
                == CellDescriptor(
                    name: "rtems", cpus: CPUSet([3]),
                    memoryRegions: [
                        MemoryRegion(
                            name: "ram", physicalStart: 0x3a00_0000, virtualStart: 0, size: 0x80_0000,
                            flags: [.read, .write, .execute, .loadable]
                        ),
                        MemoryRegion(
                            name: "communication region", virtualStart: 0x90_0000, size: 0x1000,
                            flags: [.read, .write, .communicationRegion]
                        ),
                    ], ioPortRegions: [IOPortRegion(name: "COM1", base: 0x3f8, count: 8)],
                    console: Console(kind: .uart8250, address: 0x3f8)
                )
        )
    }

    @Test func itIsWrittenAsAnExpertWouldWriteIt() throws {
        let withoutNames = try CellDescriptor(binary: try cell().binary())
        let expected = Self.rtems.replacing("# the example of the README\n", with: "")
            .replacing("access = \"pio\", ", with: "")
        #expect(withoutNames.toml() == expected)
    }

    @Test(arguments: 0..<8) func everyFileSurvivesBeingDecompiledAndCompiled(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed + 1000)
        for _ in 0..<15 {
            let bytes = try generator.file().binary()
            let text = try ConfigurationFile(binary: bytes).toml()
            let again = try ConfigurationFile(toml: text, path: "x.toml")
            #expect(try again.binary() == bytes, "\(text)")
            #expect(again.toml() == text)
        }
    }

    @Test(arguments: [
        (
            "virtual = 0x900000", "virutal = 0x900000", 17, "memory[1].virutal",
            "unknown key \"virutal\"; did you mean \"virtual\"?"
        ),
        ("cpus = [3]", "cpu = [3]", 2, "cell", "the key \"cpus\" is missing; is \"cpu\" meant to be it?"),
        ("base = 0x3f8", "base = 0x13f80", 23, "ports[0].base", "81792 is not from 0 to 65535"),
        ("count = 8", "count = \"8\"", 24, "ports[0].count", "this must be a number, not the text \"8\""),
        (
            "\"8 MiB\"", "\"8 MB\"", 12, "memory[0].size",
            "\"8 MB\" is no size; write it like \"8 MiB\", in B, KiB, MiB or GiB"
        ),
        (
            "\"loadable\"", "\"loadble\"", 13, "memory[0].access[3]",
            "\"loadble\" is not known here; did you mean \"loadable\"?"
        ),
        ("\"x86\"", "\"sparc\"", 4, "cell.architecture", "\"sparc\" is not known here; it can be x86, arm, arm64"),
        (
            "type = \"8250\"", "type = \"8520\"", 6, "cell.console.type",
            "\"8520\" is not known here; did you mean \"8250\"?"
        ),
        (
            "access = \"pio\"", "acess = \"pio\"", 6, "cell.console.acess",
            "unknown key \"acess\"; did you mean \"access\"?"
        ),
        ("cpus = [3]", "cpus = [-1]", 5, "cell.cpus[0]", "-1 is not from 0 to 1048575"),
        ("cpus = [3]", "cpus = \"3-1\"", 5, "cell.cpus", "\"3-1\" is no list of numbers; write it like \"3-5,8\""),
        ("[[ports]]", "[ports]", 21, "ports", "there can be several of these: write [[ports]]"),
        ("[[ports]]", "[[port]]", 21, "port", "unknown key \"port\"; did you mean \"ports\"?"),
        ("name = \"rtems\"", "name = rtems", 3, nil, nil),
        ("count = 8", "count = 1979-05-27", 24, "ports[0].count", "this must be a number, not a date or time"),
    ])
    func mistakesAreNamedWithTheirPlace(old: String, new: String, line: Int, keyPath: String?, message: String?) {
        let error = failure(replacing: old, with: new)
        #expect(error?.path == "rtems.toml")
        #expect(error?.line == line)
        #expect(error?.keyPath == keyPath)
        if let message { #expect(error?.message == message) }
    }

    @Test func anErrorReadsAsOneLine() {
        #expect(
            failure(replacing: "virtual = 0x9", with: "virutal = 0x9")?.description
                == "rtems.toml:17:1: memory[1].virutal: unknown key \"virutal\"; did you mean \"virtual\"?"
        )
    }

    @Test func numbersBeyondTOMLsIntegersAreTexts() throws {
        let cell = try cell(replacing: "physical = 0x3a000000", with: "physical = \"0xffffffff00000000\"")
        #expect(cell.memoryRegions[0].physicalStart == 0xffff_ffff_0000_0000)
        #expect(cell.toml().contains("physical = \"0xffffffff00000000\""))
        #expect(
            failure(replacing: "physical = 0x3a000000", with: "physical = \"0xfffffffff00000000\"")?.code == .wrongType)
    }

    @Test func cpusAreListsOrRuns() throws {
        #expect(try cell(replacing: "[3]", with: "\"2-4,8\"").cpus.members == [2, 3, 4, 8])
        #expect(CellDescriptor(name: "x", cpus: CPUSet(1...7)).toml().contains("cpus = \"1-7\""))
        #expect(CellDescriptor(name: "x", cpus: CPUSet([3], byteCount: 32)).toml().contains("cpu-set-bytes = 32"))
    }

    @Test func theVirtualConsoleIsAWordOrSeveral() throws {
        #expect(
            try cell(replacing: "cpus = [3]", with: "cpus = [3]\nvirtual-console = \"active\"").flags
                == .virtualConsoleActive
        )
        #expect(
            try cell(replacing: "cpus = [3]", with: "cpus = [3]\nvirtual-console = [\"permitted\", \"active\"]").flags
                == [.virtualConsoleActive, .virtualConsolePermitted]
        )
    }

    @Test func bothNamesAtOnceContradict() {
        #expect(
            failure(replacing: "name = \"rtems\"", with: "name = \"rtems\"\nname-bytes = \"41\"")?.code == .conflict)
    }

    @Test func aTextThatIsNeitherIsRefused() throws {
        #expect(throws: ConfigurationError.self) { try ConfigurationFile(toml: "", path: "x") }
        #expect(throws: ConfigurationError.self) { try ConfigurationFile(toml: "[cell]\n[system]", path: "x") }
        #expect(throws: ConfigurationError.self) { try ConfigurationFile(contents: [0xff, 0xfe, 0], path: "x") }
        #expect(throws: ConfigurationError.self) { try CellDescriptor(toml: Self.rtems + "\0", path: "x") }
        #expect(try ConfigurationFile(contents: Array(Self.rtems.utf8), path: "x") == .cell(try cell()))
        #expect(
            #expect(throws: ConfigurationError.self) {
                try ConfigurationFile(contents: Array("JHCELL\u{8}\0".utf8), path: "a.cell")
            }?
            .description
                == "a.cell: this is a configuration of revision 8 (before release v0.9); revisions 10 to 14 are "
                + "understood"
        )
    }

    @Test func brokenTextsNeverTrap() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            var bytes = Array(Self.rtems.utf8)
            for _ in 0..<3 { bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(generator.next() % 128) }
            _ = try? ConfigurationFile(contents: bytes, path: "x")
        }
    }

    @Test(
        arguments: [
            ("4 KiB", 4096), ("8MiB", 8 << 20), ("512 B", 512), ("1 GiB", 1 << 30), ("8 MB", nil), ("MiB", nil),
            ("8", nil),
            ("-1 KiB", nil), ("99999999999999999999 B", nil), ("18014398509481984 KiB", nil), ("1.5 MiB", nil),
        ] as [(String, UInt64?)]) func sizesAreRead(text: String, size: UInt64?)
    {
        #expect(Quantity.size(text) == size)
    }

    @Test(
        arguments: [
            ("100 ms", .milliseconds(100)), ("60s", .seconds(60)), ("2 min", .seconds(120)), ("1 h", .seconds(3600)),
            ("5 us", .microseconds(5)), ("0 s", .zero), ("1", nil), ("s", nil), ("1 day", nil),
            ("9999999999999999 h", nil),
        ] as [(String, Duration?)]) func timesAreRead(text: String, duration: Duration?)
    {
        #expect(Quantity.duration(text) == duration)
    }

    @Test func sizesAreWrittenInTheLargestUnit() {
        #expect(Quantity.sizeText(8 << 20) == "8 MiB")
        #expect(Quantity.sizeText(0x1800) == "6 KiB")
        #expect(Quantity.sizeText(100) == nil)
        #expect(Quantity.sizeText(0) == nil)
    }

    @Test func pciAddressesAreWrittenAsLspciDoes() {
        #expect(PCIAddress("00:1f.2")?.rawValue == 0x00fa)
        #expect(PCIAddress(rawValue: 0xffff).description == "ff:1f.7")
        for text in ["", "00:20.0", "00:1f.8", "1f.2", "00.1f:2", "000:1f.2", "0:-1.0"] {
            #expect(PCIAddress(text) == nil)
        }
    }
}
