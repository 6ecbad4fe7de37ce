// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

@Suite struct CellProposalTests {
    static let system = """
        [system]
        architecture = "x86"
        virtual-debug-console = true

        [hypervisor-memory]
        physical = 0x3e800000
        size = "8 MiB"

        [debug-console]
        type = "8250"
        address = 0x2f8

        [root-cell]
        name = "q35"
        cpus = "0-3"

        [[memory]]
        name = "low memory"
        physical = 0x0
        size = "928 MiB"
        access = ["read", "write", "execute", "dma"]

        [[memory]]
        name = "memory for cells"
        physical = 0x3a000000
        size = "72 MiB"
        access = ["read", "write", "execute", "dma"]

        [[memory]]
        name = "high memory"
        physical = 0x3f000000
        size = "16 MiB"
        access = ["read", "write", "execute", "dma"]

        """

    func proposal(
        _ image: [UInt8] = ImageFindingTests.rtems.bytes, system text: String = system, others: [CellDescriptor] = [],
        _ change: (inout CellProposal.Request) -> Void = { _ in }
    ) throws -> CellProposal {
        var request = CellProposal.Request(imagePath: "/opt/My App.exe")
        change(&request)
        return try CellProposal(
            request, image: image, system: SystemDescriptor(toml: text, path: "system.toml"), others: others)
    }

    @Test func aCPUIsLeftForLinux() throws {
        #expect(throws: DefinitionError.self) { try proposal { $0.cpus = CPUSet([0, 1, 2, 3]) } }
    }

    /// What the text says, when the rules say nothing of it.
    func cell(
        _ proposal: CellProposal, _ image: [UInt8] = ImageFindingTests.rtems.bytes
    ) throws -> CellDescriptor {
        let toml = proposal.toml()
        let definition = try CellDefinition(toml: toml, path: "/cells/x.toml", readFile: { _ in [] })
        let system = try SystemDescriptor(toml: Self.system, path: "")
        let findings =
            definition.findings(system: system)
            + definition.imageFindings { _ in image }
        #expect(findings.filter { $0.severity != .note } == [], "\(toml)")
        return definition.descriptor
    }

    @Test func anRTEMSProgramGetsWhatItNeeds() throws {
        let proposal = try proposal()
        let cell = try cell(proposal)
        #expect(cell.name == "My-App" && cell.cpus.members == [3])
        #expect(cell.cpuResetAddress == 0xf0000 && cell.isPassive)
        #expect(cell.memoryRegions.map(\.physicalStart) == [0x3a00_0000, 0])
        #expect(cell.memoryRegions.map(\.size) == [8 << 20, 4096])
        #expect(cell.communicationRegion?.virtualStart == 0x90_0000)
        #expect(cell.ioPortRegions.map(\.base) == [0x20, 0x64, 0xa0, 0x2f8])
        #expect(proposal.toml().contains("start = \"multiboot\"\ncommand-line = \"--console=/dev/com2\"\n"))
        #expect(cell.console.address == 0x2f8)
        // the 8259A and the keyboard controller are Linux's
        #expect(proposal.toml().contains("\n[simulation]\nonly = true\ndevices = [\"8259a\"]\n"))
        #expect(proposal.toml().contains("layer of inmates/rtems"))
    }

    @Test func aProgramWithTheLayerNeedsNothingOfLinux() throws {
        var program = ImageFindingTests.rtems
        program.symbols = (program.symbols ?? []) + [.init(name: "jailhouse_layer_revision", value: 1, section: 0xfff1)]
        let proposal = try proposal(program.bytes)
        let cell = try cell(proposal, program.bytes)
        #expect(cell.ioPortRegions.map(\.base) == [0x2f8])
        #expect(!proposal.toml().contains("[simulation]") && !proposal.toml().contains("command-line"))
        #expect(!cell.isPassive)
    }

    @Test func aStrippedProgramDrivesWhatEveryOneDrives() throws {
        var program = ImageFindingTests.rtems
        program.symbols = nil
        program.sections = [".rtemsroset"]
        let proposal = try proposal(program.bytes)
        #expect(proposal.ports.map(\.base) == [0x20, 0xa0, 0x2f8, 0x4d0])
        #expect(proposal.toml().contains("It was stripped of its symbols"))
    }

    /// A stub goes where the cell has RAM that the program does not take.
    @Test(arguments: [0x200_0000, 0x210_0000, 0xe_0000, 0x1_0000] as [UInt64]) func theStubIsInFreeRAM(
        address: UInt64
    ) throws {
        var program = ImageFindingTests.rtems
        program.symbols = [.init(name: "_RTEMS_version")]
        program.segments[0].address = address
        program.segments[0].memorySize = 0x30_0000
        program.entry = address + 12
        let proposal = try proposal(program.bytes)
        let cell = try cell(proposal, program.bytes)
        let ram = cell.memoryRegions[0]
        #expect(cell.cpuResetAddress > ram.virtualStart && cell.cpuResetAddress < ram.virtualStart + ram.size)
        #expect(address < 0x200_0000 ? ram.virtualStart == 0 : ram.virtualStart < address)
    }

    /// As `objcopy -O binary` makes it of an RTEMS program: its multiboot header comes first.
    @Test func aFlatCopyIsEnteredBehindItsHeader() throws {
        let header: [UInt32] = [0x1bad_b002, 0, 0 &- 0x1bad_b002]
        let image =
            header.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
            + [UInt8](repeating: 0x90, count: 64)
        let proposal = try proposal(image)
        let toml = proposal.toml()
        #expect(
            toml.contains("address = 0x100000\nstart = \"multiboot\"\nentry = 0x10000c\n"), "\(toml)")
        #expect(toml.contains("It is a flat copy"))
        #expect(try cell(proposal, image).cpuResetAddress == 0xf0000)
        let definition = try CellDefinition(
            toml: toml.replacing("entry = 0x10000c\n", with: ""), path: "/x", readFile: { _ in [] })
        let findings = definition.imageFindings { _ in image }
        #expect(findings.map(\.rule) == ["JH0813"])
        let stray = try CellDefinition(
            toml: toml.replacing("entry = 0x10000c\n", with: "entry = 0x5000000\n"), path: "/x", readFile: { _ in [] })
        #expect(stray.imageFindings { _ in image }.contains { $0.rule == "JH0816" && $0.severity == .error })
        #expect(findings.first?.remedy.contains("entry = 0x10000c") == true)
        // with addresses in the header they count
        let addresses: [UInt32] = [0x1bad_b002, 0x1_0000, 0 &- 0x1bad_b002 &- 0x1_0000, 0x40_0000, 0, 0, 0, 0x40_0030]
        let other =
            addresses.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
            + [UInt8](repeating: 0x90, count: 64)
        let text = try self.proposal(other).toml()
        #expect(text.contains("address = 0x400000\nstart = \"multiboot\"\nentry = 0x400030\n"), "\(text)")
    }

    /// Of a system's architecture that was guessed the cell says nothing.
    @Test(arguments: ["qemu-arm64", "q35"]) func aGuessIsNotSaidOfTheCell(name: String) throws {
        let known = try SystemDescriptor(toml: Self.shipped(name), path: "")
        let system = try SystemDescriptor(binary: known.binary(revision: .revision13)).toml()
        let image: [UInt8] = [0, 0, 0, 0x14]
        let toml = try proposal(image, system: system) { $0.physical = name == "q35" ? 0x3a00_0000 : 0x7000_0000 }
            .toml()
        #expect(!toml.contains("\narchitecture") && toml.contains("\nrevision = 13\n"), "\(toml)")
        #expect(toml.contains("by its contents a guess: \(known.architecture.name)."), "\(toml)")
        let definition = try CellDefinition(toml: toml, path: "/cells/x.toml", readFile: { _ in [] })
        #expect(definition.descriptor.isArchitectureGuessed && definition.descriptor.revision == .revision13)
        let descriptor = try SystemDescriptor(toml: system, path: "")
        #expect(definition.placed(in: descriptor).descriptor.architecture == known.architecture)
        #expect(definition.findings(system: descriptor).filter { $0.severity == .error } == [])
        // with the system that says it there is no contradiction, either
        #expect(!definition.findings(system: known).map(\.rule).contains("JH0501"))
    }

    @Test func aKernelWantsAnotherProposal() throws {
        var kernel = [UInt8](repeating: 0, count: 0x400)
        kernel.replaceSubrange(0x38..<0x3c, with: Array("ARM\u{64}".utf8))
        let error = #expect(throws: DefinitionError.self) { try proposal(kernel) }
        #expect(error?.remedy == "give --linux as well")
    }

    static func shipped(_ name: String) throws -> String {
        try String(
            contentsOf: ShippedConfigurationTests.folder.appendingPathComponent("systems/\(name).toml"), encoding: .utf8
        )
    }

    func findings(_ proposal: CellProposal, _ image: [UInt8], system: String) throws -> [Finding] {
        let definition = try CellDefinition(toml: proposal.toml(), path: "/cells/x.toml", readFile: { _ in [] })
        return definition.findings(system: try SystemDescriptor(toml: system, path: ""))
            + definition.imageFindings { _ in image }
    }

    /// On Arm the cell gets the hypervisor's serial port, and what could not be known is said.
    @Test(arguments: ["qemu-arm64", "rpi4"]) func onAnArmBoard(name: String) throws {
        let system = try Self.shipped(name)
        let image: [UInt8] = [0, 0, 0, 0x14]
        let proposal = try proposal(image, system: system) { $0.memory = 64 << 10 }
        #expect(try findings(proposal, image, system: system).filter { $0.severity != .note } == [])
        let descriptor = try SystemDescriptor(toml: system, path: "")
        let toml = proposal.toml()
        let cell = try CellDefinition(toml: toml, path: "/x", readFile: { _ in [] }).descriptor
        #expect(cell.console == descriptor.debugConsole || name == "qemu-arm64")
        #expect(
            cell.console.address == descriptor.debugConsole.address && cell.console.kind == descriptor.debugConsole.kind
        )
        #expect(cell.memoryRegions.last?.physicalStart == descriptor.debugConsole.address)
        let words = toml.replacing("\n# ", with: " ")
        #expect(words.contains("A flat image does not tell where it was linked to"), "\(toml)")
        #expect(words.contains("library of Jailhouse's own inmates look at 0x80000000."), "\(toml)")
        #expect(words.contains("Which devices the program drives cannot be seen, besides the serial port"), "\(toml)")
        #expect(words.contains("Which interrupt the serial port has is not in the system configuration"), "\(toml)")
        #expect(toml.split(separator: "\n").allSatisfy { $0.count <= 122 }, "\(toml)")
        // what was said is not said of what was given
        #expect(
            try !self.proposal(image, system: system) { ($0.address, $0.memory) = (0, 64 << 10) }.toml()
                .contains("A flat image does not tell"))
        let silent = system.before("[debug-console]") + "[platform]" + system.after("[platform]")
        #expect(
            try self.proposal(image, system: silent) { $0.memory = 64 << 10 }.toml().replacing("\n# ", with: " ")
                .contains("the cell has no console"))
    }

    /// RAM from 0 ends where the cell sees a device.
    @Test func ramLeavesDevicesAlone() throws {
        let system = try Self.shipped("qemu-arm64")
        let message = "where the cell sees the GIC distributor (0x8000000–0x800ffff)"
        let image: [UInt8] = [0, 0, 0, 0x14]
        let error = #expect(throws: DefinitionError.self) {
            try proposal(image, system: system) { $0.memory = 200 << 20 }
        }
        #expect(error?.message.contains(message) == true)
        #expect(error?.remedy == "give it --memory \"128 MiB\" at most")
        // the program is there itself
        let other = #expect(throws: DefinitionError.self) {
            try proposal(image, system: system) { $0.address = 0x800_0000 }
        }
        #expect(other?.message.contains(message) == true && other?.remedy.contains("--address") == true)
        // what nobody asked for becomes less
        let board = system.replacing("gicd-base = 0x08000000", with: "gicd-base = 0x00400000")
            .replacing("address = 0x08000000", with: "address = 0x00400000")
        let small = try proposal(image, system: board)
        #expect(small.ramSize == 4 << 20)
        #expect(try findings(small, image, system: board).filter { $0.severity != .note } == [])
        // nor is the communication region put over one
        let high = system.replacing("address = 0x09000000", with: "address = 0x80000000")
            .replacing("size = 0x37000000", with: "size = \"2 GiB\"")
        #expect(try proposal(image, system: high).region == 0x80_0000)
    }

    @Test func aProgramOf32BitsOnArm64() throws {
        let system = try Self.shipped("qemu-arm64")
        let image = ELFBuilder(
            is64: false, machine: 40, entry: 0x8000, segments: [.init(address: 0x8000, contents: [0, 0, 0, 0xea])]
        ).bytes
        let proposal = try proposal(image, system: system)
        #expect(proposal.toml().contains("aarch32 = true"))
        #expect(try findings(proposal, image, system: system).filter { $0.severity == .error } == [])
    }

    /// The only region beside the hypervisor's may be all that Linux has.
    @Test func linuxsOwnMemoryIsNotTaken() throws {
        let unnamed = Self.system.replacing("memory for cells", with: "").replacing("0x3f000000", with: "0x3f100000")
        let guessed = try proposal(system: unnamed)
        #expect(guessed.physical == 0x3a00_0000)
        #expect(guessed.toml().contains("# Nothing says which memory is for cells."))
        #expect(try !proposal().toml().contains("Nothing says which memory"))
        let all = unnamed.replacing("size = \"928 MiB\"", with: "size = \"1 MiB\"")
        #expect(throws: DefinitionError.self) { try proposal(system: all) }
        // nor is memory of a link
        let link =
            Self.system + """

                [[memory]]
                name = "link"
                physical = 0x3a000000
                size = "4 KiB"
                access = ["read", "write"]

                """
        #expect(try proposal(system: link).physical == 0x3a20_0000)
    }

    @Test func itIsNotCalledAsAnotherCell() throws {
        let first = try proposal()
        let other = CellDescriptor(name: "My-App")
        #expect(try proposal(others: [other]).name == "My-App-2")
        #expect(first.name == "My-App")
    }

    @Test func thePortOf2016GetsItsStub() throws {
        let image = ImageFindingTests.portOf2016.bytes
        let proposal = try proposal(image)
        #expect(proposal.toml().contains("start = \"protected-32\"\ncommunication-region-layout = 2016\n"))
        #expect(try cell(proposal, image).isPassive)
    }

    @Test func aProgramThatKnowsTheRegionIsAsked() throws {
        var program = ImageFindingTests.rtems
        program.symbols = [.init(name: "communication_region", value: 0x40_0000, section: 0xfff1)]
        program.segments.append(.init(address: 0xe_0000, contents: ImageFindingTests.stub))
        let cell = try cell(try proposal(program.bytes), program.bytes)
        #expect(!cell.isPassive && cell.messageReplyTimeout == 1_000_000)
        // the RAM leaves its page free, and the program brings its own start
        #expect(cell.memoryRegions.map(\.virtualStart) == [0, 0x40_1000, 0x40_0000])
        #expect(cell.memoryRegions[1].physicalStart == 0x3a40_1000)
        #expect(cell.cpuResetAddress == 0xe_0000)
    }

    @Test func aFlatImageBeginsWhereItIs() throws {
        let proposal = try proposal([0xfa, 0xf4]) { $0.address = 0xf_0000 }
        let toml = proposal.toml()
        #expect(toml.contains("reset-address = 0xf0000 "))
        #expect(toml.hasSuffix("address = 0xf0000\n\n[supervision]\nrestart = \"on-failure\"\n"))
    }

    @Test func anArmProgramBeginsAtItsEntry() throws {
        let image = ELFBuilder(
            is64: true, machine: 183, entry: 0x4008_0000, segments: [.init(address: 0x4008_0000, contents: [1])]
        ).bytes
        let arm = Self.system.replacing("\"x86\"", with: "\"arm64\"").replacing(
            "type = \"8250\"", with: "type = \"PL011\"")
        let proposal = try proposal(image, system: arm)
        let cell = try CellDescriptor(toml: proposal.toml().before("[[image]]"), path: "")
        #expect(cell.architecture == .arm64 && cell.ioPortRegions.isEmpty)
        #expect(cell.cpuResetAddress == 0x4008_0000 && cell.memoryRegions[0].virtualStart == 0x4000_0000)
    }

    @Test func otherCellsKeepWhatTheyHave() throws {
        let first = try cell(try proposal())
        let second = try cell(try proposal(others: [first]))
        #expect(second.cpus.members == [2])
        #expect(second.memoryRegions[0].physicalStart == 0x3a80_0000)
        let third = try cell(try proposal(others: [first, second]))
        #expect(third.cpus.members == [1] && third.memoryRegions[0].physicalStart == 0x3b00_0000)
        let error = #expect(throws: DefinitionError.self) { try proposal(others: [first, second, third]) }
        #expect(error?.message == "no CPU is left: the root cell's are 0-3")
    }

    @Test func memoryInGapsIsFound() throws {
        func other(_ start: UInt64, _ size: UInt64) -> CellDescriptor {
            CellDescriptor(
                name: "x", memoryRegions: [MemoryRegion(physicalStart: start, size: size, flags: [.read, .write])])
        }
        let others = [other(0x3a00_0000, 0x1000), other(0x3b00_0000, 0x200_0000)]
        let found = try proposal(others: others) { $0.cpus = CPUSet([1]) }
        #expect(found.physical == 0x3a20_0000)
        let error = #expect(throws: DefinitionError.self) { try proposal(others: others) { $0.memory = 48 << 20 } }
        #expect(error?.message.contains("has no 48 MiB in one piece left") == true)
        #expect(error?.remedy.hasPrefix("give it --memory \"16 MiB\" at most, or name only") == true)
    }

    /// On a small board the largest piece is taken, and the text says so.
    @Test(arguments: [(UInt64(7), UInt64(4)), (3, 2), (1, 1)]) func onSmallBoardsTheLargestPieceIsTaken(
        there: UInt64, taken: UInt64
    ) throws {
        let image = [UInt8](repeating: 0x90, count: 4096)
        let small = Self.system.replacing("size = \"72 MiB\"", with: "size = \"\(there) MiB\"")
        let found = try proposal(image, system: small)
        #expect(found.ramSize == taken << 20 && found.physical == 0x3a00_0000)
        #expect(
            found.toml().contains("has no 8 MiB in one piece left"), "\(found.toml())")
        #expect(found.toml().contains("this one has \(taken) MiB"), "\(found.toml())")
        #expect(try !proposal(image).toml().contains("in one piece"))
        // what was asked for is not changed, and no program gets less than it needs
        let error = #expect(throws: DefinitionError.self) { try proposal(image, system: small) { $0.memory = 8 << 20 } }
        #expect(error?.remedy.hasPrefix("give it --memory \"\(taken) MiB\" at most, or") == true)
        let program = [UInt8](repeating: 0x90, count: Int(there << 20) + 1)
        #expect(throws: DefinitionError.self) { try proposal(program, system: small) }
    }

    @Test func whereMemoryIsNotCalledSoTheOneBesideTheHypervisorIsTaken() throws {
        let unnamed = Self.system.replacing("memory for cells", with: "")
        let error = #expect(throws: DefinitionError.self) { try proposal(system: unnamed) }
        #expect(error?.remedy.contains("--physical") == true)
        #expect(try proposal(system: unnamed) { $0.physical = 0x3b00_0000 }.physical == 0x3b00_0000)
        let one = unnamed.replacing("0x3f000000", with: "0x3f100000")
        #expect(try proposal(system: one).physical == 0x3a00_0000)
    }

    @Test func tooLittleMemoryIsNamed() throws {
        let error = #expect(throws: DefinitionError.self) { try proposal { $0.memory = 1 << 20 } }
        #expect(error?.remedy == "give it --memory \"8 MiB\" at least")
        var large = ImageFindingTests.rtems
        large.symbols = []
        large.segments[0].memorySize = 20 << 20
        #expect(try proposal(large.bytes).ramSize == 21 << 20)
    }

    @Test func numbersOfAnySizeNeverTrap() throws {
        let image = ELFBuilder(
            is64: true, machine: 62,
            segments: [.init(address: 0xffff_ffff_ffff_0000, contents: [1], memorySize: 0xffff)]
        ).bytes
        #expect(throws: DefinitionError.self) { try proposal(image) }
        for number: UInt64 in [0, 1, 0xfff, 1 << 51, 1 << 63, .max] {
            _ = try? proposal { $0.memory = number }
            _ = try? proposal { $0.physical = number }
            _ = try? proposal([1, 2]) { $0.address = number }
            _ = try? proposal([1, 2]) { ($0.address, $0.memory, $0.physical) = (number, number, number) }.toml()
        }
    }

    @Test func namesAreQuoted() throws {
        let proposal = try proposal { ($0.name, $0.imagePath) = ("a\"b\\", "/a \"b\"/\u{1}.exe") }
        let definition = try CellDefinition(toml: proposal.toml(), path: "/x", readFile: { _ in [] })
        #expect(definition.name == "a\"b\\" && definition.images[0].path == "/a \"b\"/\u{1}.exe")
        for name in ["", "\n", String(repeating: "x", count: 32)] {
            #expect(throws: DefinitionError.self) { try self.proposal { $0.name = name } }
        }
    }
}

extension String {
    fileprivate func after(_ start: String) -> String {
        String(self[(firstRange(of: start)?.upperBound ?? startIndex)...])
    }

    /// What stands before this.
    fileprivate func before(_ end: String) -> String {
        String(self[..<(firstRange(of: end)?.lowerBound ?? endIndex)])
    }
}
