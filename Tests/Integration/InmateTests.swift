import Foundation
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

    @Test(arguments: [("start-stub.bin", 0), ("start-stub-2016.bin", BareMachine.pmTimerPort)])
    func anImageWithoutStubIsStartedByOne(stub: String, portWhere2016HasIt: UInt16) async throws {
        let withoutStub = try ChangedImage(of: image) { bytes in
            bytes[52] = 0  // the first program header is the stub's: PT_NULL
        }
        let machine = try BareMachine(
            image: withoutStub.file, start: .stub(Place.inmates.appending(path: stub)),
            contents: [BareMachine.communicationRegion: BareMachine.communicationRegion()]
        )
        try await eventually("it runs: \(machine.console)\(machine.complaints)") {
            machine.console.contains("PM timer at port 0x00000608\n")
        }
        #expect(machine.console.hasPrefix("rtems: entered as a cell\n"))
        #expect(try machine.word(at: Field.reply) == UInt32(portWhere2016HasIt))
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
