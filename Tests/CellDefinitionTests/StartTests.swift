// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

/// `start` in `[[image]]`: what is loaded for it, and what cannot be.
@Suite struct StartTests {
    private func definition(
        _ keys: String = "start = \"multiboot\"", images: Int = 1, changing changes: (String, String)...
    ) throws -> CellDefinition {
        var toml = ImageFindingTests.cell
        for number in 0..<images { toml += "[[image]]\npath = \"/rtems\(number).exe\"\n\(keys)\n" }
        toml += ImageFindingTests.ports
        for (old, new) in changes {
            #expect(toml.contains(old), "\(old)")
            toml = toml.replacing(old, with: new)
        }
        return try CellDefinition(toml: toml, path: "/cells/x.toml", readFile: { _ in [] })
    }

    private func refusal(_ keys: String, images: Int = 1) -> String? {
        #expect(throws: DefinitionError.self) { try definition(keys, images: images) }?.description
    }

    private func rules(_ definition: CellDefinition, _ image: ELFBuilder = ImageFindingTests.rtems) -> [String] {
        definition.imageFindings { _ in image.bytes }.compactMap(\.rule)
    }

    @Test func aStubIsLoadedAtTheResetAddress() throws {
        let pieces = try definition().loadPlan { _ in ImageFindingTests.rtems.bytes }
        #expect(pieces.map(\.address) == [0x10_0000, 0xf_0000])
        #expect(rules(try definition()) == [])
        #expect(rules(try definition("start = \"protected-32\"")) == [])
    }

    @Test func anArm64CellGoesOnAtTheEntry() throws {
        let toml = """
            [cell]
            name = "arm"
            architecture = "arm64"
            cpus = [1]
            reset-address = 0x0
            message-timeout = 1000000
            [[memory]]
            physical = 0x7a000000
            virtual = 0x0
            size = "1 MiB"
            access = ["read", "write", "execute", "dma", "loadable"]
            [[memory]]
            virtual = 0x80000000
            size = "4 KiB"
            access = ["read", "write", "communication-region"]
            [[image]]
            path = "/arm.bin"
            address = 0x4000
            entry = 0x4010
            START
            """
        let image = [UInt8](repeating: 0x1f, count: 32)
        func read(_ start: String) throws -> CellDefinition {
            try CellDefinition(
                toml: toml.replacing("START", with: start), path: "/cells/arm.toml", readFile: { _ in [] })
        }
        let definition = try read("start = \"jump\"")
        let pieces = try definition.loadPlan { _ in image }
        #expect(pieces.map(\.address) == [0x4000, 0])
        // ldr x16, .+8; br x16
        #expect(pieces.last?.contents == [0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6, 0x10, 0x40, 0, 0, 0, 0, 0, 0])
        #expect(definition.imageFindings { _ in image }.compactMap(\.rule) == [])
        #expect(throws: DefinitionError.self) {
            try read("start = \"long-64\"").loadPlan { _ in image }
        }
        let x86 = #expect(throws: DefinitionError.self) {
            try self.definition("start = \"jump\"").loadPlan { _ in ImageFindingTests.rtems.bytes }
        }
        #expect(x86?.description.contains("not for such a cell") == true, "\(String(describing: x86))")
    }

    @Test func aCommandLineGoesWhereItIsSaid() throws {
        let keys = "command-line = \"mode=7\"\ncommand-line-address = 0x1000"
        for start in ["", "start = \"protected-32\"\n", "start = \"multiboot\"\n"] {
            let pieces = try definition(start + keys).loadPlan { _ in ImageFindingTests.rtems.bytes }
            #expect(pieces.last?.address == 0x1000)
            #expect(pieces.last?.contents == Array("mode=7".utf8) + [0])
        }
    }

    @Test func keysThatNeedAnother() {
        #expect(refusal("stack-pointer = 0x1000")?.contains("it needs a \"start\" such as \"protected-32\"") == true)
        #expect(refusal("communication-region-layout = 2016")?.contains("/cells/x.toml:22") == true)
        #expect(refusal("start = \"protected-32\"\ncommunication-region-layout = 2015")?.contains("2016") == true)
        #expect(refusal("command-line = \"a\"")?.contains("command-line-address") == true)
        #expect(refusal("start = \"long-64\"\ncommand-line = \"a\"")?.contains("command-line-address") == true)
        #expect(refusal("command-line-address = 1")?.contains("there is no \"command-line\"") == true)
        #expect(refusal("start = \"multibot\"")?.contains("did you mean \"multiboot\"?") == true)
        #expect(refusal("start = \"multiboot\"", images: 2)?.contains("a cell begins in one of them") == true)
    }

    @Test func whatAStubCannotDo() throws {
        #expect(rules(try definition("start = \"long-64\"")) == ["JH0816"])
        let tooHigh = try definition(changing: ("reset-address = 0xf0000", "reset-address = 0xffff0"))
        #expect(rules(tooHigh) == ["JH0816"])
        let outside = try definition(changing: ("reset-address = 0xf0000", "reset-address = 0xa00000"))
        #expect(rules(outside) == ["JH0806", "JH0817"])
        let within = try definition(changing: ("reset-address = 0xf0000", "reset-address = 0x110000"))
        #expect(rules(within).first == "JH0808")
        #expect(throws: DefinitionError.self) { try within.loadPlan { _ in ImageFindingTests.rtems.bytes } }
    }

    @Test func theStackIsFreeRAM() throws {
        #expect(rules(try definition("start = \"multiboot\"\nstack-pointer = 0x101000")) == ["JH0817"])
        #expect(rules(try definition("start = \"multiboot\"\nstack-pointer = 0x800004")) == ["JH0817"])
        #expect(rules(try definition("start = \"multiboot\"\nstack-pointer = 0x800000")) == [])
        #expect(rules(try definition("start = \"multiboot\"\nstack-pointer = 0x10")) == ["JH0817"])
    }

    @Test func thePortOf2016NeedsItsLayout() throws {
        let image = ImageFindingTests.portOf2016
        #expect(rules(try definition("start = \"protected-32\""), image) == ["JH0818"])
        #expect(
            rules(try definition("start = \"protected-32\"\ncommunication-region-layout = 2016"), image) == [])
    }

    @Test func memoryThatIsToldNeedsNotBeLinked() throws {
        var image = ImageFindingTests.rtems
        image.symbols = image.symbols?.map {
            $0.name == "RamSize" ? .init(name: "RamSize", value: 0xffff_ffff, section: 0xfff1) : $0
        }
        #expect(rules(try definition(), image) == [])
        #expect(rules(try definition("start = \"protected-32\""), image) == ["JH0823"])
    }

    @Test func whatOnlyTheSimulatedMachineHasIsSaid() throws {
        let toml =
            "\n[simulation]\ndevices = [\"8259a\", \"8254\"]\n"
            + "[[simulated-device]]\nbdf = \"00:19.0\"\nmodel = \"e1000e\"\nnetwork = \"line\"\n"
        let found = try definition("start = \"multiboot\"\n" + toml)
        #expect(found.simulation.devices == [.pic8259A, .pit8254])
        #expect(found.simulation.pci.map(\.address.description) == ["00:19.0"])
        let findings = found.findings(system: nil).filter { $0.rule == "JH0845" }
        #expect(findings.count == 2)
        #expect(
            findings.first?.message
                == "in the simulated machine the cell has the 8259a (ports 0x20–0x21, 0xa0–0xa1, 0x4d0–0x4d1)")
        // once the program is without them, nothing of it is in what the driver gets
        #expect(try found.configuration == definition().configuration)
        let bad = #expect(throws: DefinitionError.self) {
            try definition("start = \"multiboot\"\n" + toml.replacing("e1000e", with: "e1000e,x=y"))
        }
        #expect(bad?.keyPath == "simulated-device[0].model")
    }

    private static var layered: ELFBuilder {
        var image = ImageFindingTests.rtems
        image.symbols?.append(.init(name: "jailhouse_layer_revision", value: 1, section: 0xfff1))
        return image
    }

    /// The layer of inmates/rtems has the BSP's symbols, and drives none of its hardware.
    @Test func theLayerNeedsNoPorts() throws {
        #expect(rules(try definition(changing: (ImageFindingTests.ports, "")), Self.layered) == [])
        #expect(rules(try definition(changing: (ImageFindingTests.ports, ""))) != [])
    }

    @Test func theLayerIsToldWhatItCannotFindOut() throws {
        let chip = "[[interrupt-chip]]\naddress = 0xfec00000\nid = 0xff00\npins = [4, 9]\n"
        let keys = "start = \"multiboot\"\ncommand-line = \"console=virtual\""
        let told = try definition(keys, changing: ("[[image]]", chip + "[[image]]"))
        func commandLine(_ image: ELFBuilder) throws -> String {
            let stub = try told.loadPlan { _ in image.bytes }.first { $0.address == 0xf_0000 }
            let text = String(decoding: stub?.contents ?? [], as: UTF8.self)
            return String(text.split(separator: "\0").last { $0.hasPrefix("console=") } ?? "")
        }
        #expect(try commandLine(Self.layered) == "console=virtual region=0x900000 pins=0x210")
        #expect(try commandLine(ImageFindingTests.rtems) == "console=virtual")
    }

    /// Every byte of loadable RAM is written, each once.
    @Test func theRestOfTheMemoryIsWiped() throws {
        func extent(_ keys: String, _ image: ELFBuilder) throws -> (bytes: Int, overlaps: Bool) {
            let pieces = try definition("start = \"multiboot\"\n" + keys).loadPlan { _ in image.bytes }
                .sorted { $0.address < $1.address }
            let overlaps = zip(pieces, pieces.dropFirst()).contains {
                $0.address + UInt64($0.contents.count) > $1.address
            }
            return (pieces.reduce(0) { $0 + $1.contents.count }, overlaps)
        }
        #expect(try extent("wipe = true", ImageFindingTests.rtems) == (0x80_0000, false))
        #expect(try extent("", Self.layered) == (0x80_0000, false))
        #expect(try extent("wipe = false", Self.layered).bytes < 0x10_0000)
        #expect(try extent("", ImageFindingTests.rtems).bytes < 0x10_0000)
    }
}
