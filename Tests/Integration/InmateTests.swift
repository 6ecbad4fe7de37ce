// SPDX-License-Identifier: Apache-2.0

import Foundation
import InmateImage
import Testing

/// The inmates, run: their whole life against the communication region.
@Suite(.serialized) struct InmateTests {
    private let image = Place.inmates.appending(path: "rtems.exe")

    @Test(arguments: [BareMachine.Start.bootLoader, .resetAddress]) func runsUntilItIsAskedToShutDown(
        start: BareMachine.Start
    )
        async throws
    {
        let machine = try BareMachine(
            image: image, start: start,
            contents: [BareMachine.communicationRegion: BareMachine.communicationRegion()]
        )
        try await eventually("it counts seconds: \(machine.console)\(machine.complaints)") {
            machine.console.contains("rtems: 1 s\n")
        }
        #expect(
            machine.console.hasPrefix(
                """
                rtems: entered \(start == .bootLoader ? "by a boot loader" : "as a cell")
                rtems: communication region at 0x00900000, PM timer at port 0x00000608

                """
            )
        )
        #expect(try machine.word(at: Field.state) == 0)

        try machine.store(2, at: Field.message)  // a reconfiguration is done
        try await eventually("it takes notice") { try machine.word(at: Field.reply) == 4 }
        #expect(try machine.word(at: Field.message) == 0)

        try machine.store(0, at: Field.reply)
        try machine.store(1, at: Field.message)
        try await eventually("it approves the shutdown") { try machine.word(at: Field.reply) == 3 }
        #expect(try machine.word(at: Field.message) == 0)
        #expect(machine.console.hasSuffix("rtems: shutting down\n"))
        try await eventually("its state is shut down") { try machine.word(at: Field.state) == 2 }
    }

    /// A cell's RAM keeps what an earlier run left in it: a loader that forgets the BSS must be found out.
    @Test func memoryThatIsNotZeroIsAFailure() async throws {
        var end: UInt64 = 0
        let withoutBSS = try ChangedImage(of: image) { bytes in
            // the second program header is the image's segment: memory size becomes file size
            let header = 52 + 32
            func word(_ offset: Int) -> UInt64 {
                bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            end = word(header + 12) + word(header + 20)
            bytes.replaceSubrange(header + 20..<header + 24, with: bytes[header + 16..<header + 20])
        }
        let machine = try BareMachine(
            image: withoutBSS.file, start: .resetAddress,
            contents: [
                BareMachine.communicationRegion: BareMachine.communicationRegion(), end - 0x100: [1],
            ]
        )
        try await eventually("it gives up: \(machine.console)\(machine.complaints)") {
            try machine.word(at: Field.state) == 3
        }
        #expect(machine.console.hasSuffix("rtems: memory that should be zero is not\n"))
    }

    /// The start stub that the daemon loads enters an image without a 16-bit start.
    @Test(arguments: [
        (ProgramStart(.multiboot), "rtems: entered by a boot loader\n", 0),
        (ProgramStart(.protected32, stackPointer: 0x9_0000), "rtems: entered as a cell\n", 0),
        (ProgramStart(.protected32, wantsRegionOf2016: true), "rtems: entered as a cell\n", BareMachine.pmTimerPort),
    ])
    func aProgramIsEnteredByTheStub(start: ProgramStart, says: String, portWhere2016HasIt: UInt16) async throws {
        let withoutStub = try ChangedImage(of: image) { bytes in
            bytes[52] = 0  // the first program header is its own stub's: PT_NULL
        }
        let ram = CellRegion(name: "ram", start: 0, size: 8 << 20)
        let plan = try LoadPlan(
            image: [UInt8](Data(contentsOf: withoutStub.file)), path: "", address: nil, target: .x86, regions: [ram])
        let machine = try machine(plan, start)
        try await eventually("it runs: \(machine.console)\(machine.complaints)") {
            machine.console.contains("PM timer at port 0x00000608\n")
        }
        #expect(machine.console.hasPrefix(says))
        #expect(try machine.word(at: Field.reply) == UInt32(portWhere2016HasIt))
    }

    @Test func aProgramIsEnteredInLongMode() async throws {
        // movabs $0x4100000000, %rax; push %rax; pop %rax; shr $32, %rax; mov $0x3f8, %dx; out %al, %dx; hlt
        let code: [UInt8] = [
            0x48, 0xb8, 0, 0, 0, 0, 0x41, 0, 0, 0, 0x50, 0x58, 0x48, 0xc1, 0xe8, 0x20, 0x66, 0xba, 0xf8, 0x03, 0xee,
            0xf4,
        ]
        let ram = CellRegion(name: "ram", start: 0, size: 8 << 20)
        let plan = try LoadPlan(image: code, path: "", address: 0x10_0000, target: .x86, regions: [ram])
        let machine = try machine(plan, ProgramStart(.long64))
        try await eventually("it prints: \(machine.console)\(machine.complaints)") { machine.console == "A" }
    }

    /// With what a load brings into the cell.
    private func machine(_ plan: LoadPlan, _ start: ProgramStart) throws -> BareMachine {
        let place = ProgramStart.Place(
            resetAddress: BareMachine.Start.resetAddressOfLoaded,
            memory: [CellRegion(name: "ram", start: 0, size: 8 << 20)],
            communicationRegion: BareMachine.communicationRegion)
        let pieces =
            plan.pieces
            + (try start.pieces(entry: plan.entry ?? plan.pieces[0].address, machine: plan.machine, place: place))
        return try BareMachine(
            image: nil, start: .loaded(pieces),
            contents: [BareMachine.communicationRegion: BareMachine.communicationRegion()])
    }

    @Test func anotherRevisionIsAMismatch() async throws {
        let machine = try BareMachine(
            image: image, start: .resetAddress,
            contents: [BareMachine.communicationRegion: BareMachine.communicationRegion(revision: 3)]
        )
        try await eventually("it says so: \(machine.console)\(machine.complaints)") {
            try machine.word(at: Field.state) == 4
        }
        #expect(machine.console.hasSuffix("rtems: the communication region has revision 3\n"))
    }

    /// A copy of an image with some bytes changed.
    private struct ChangedImage {
        private let directory: TemporaryDirectory
        let file: URL

        init(of image: URL, _ change: (inout [UInt8]) -> Void) throws {
            var bytes = [UInt8](try Data(contentsOf: image))
            change(&bytes)
            directory = try TemporaryDirectory()
            file = directory.url.appending(path: "changed.exe")
            try Data(bytes).write(to: file)
        }
    }

    private enum Field {
        static let state: UInt64 = 8
        static let message: UInt64 = 12
        static let reply: UInt64 = 16
    }
}
