// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulator
import SystemCalls
import Testing

/// The machine's socket, and who talks to it.
@Suite struct ControlSocketTests {
    private func withMachine(_ body: (String) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: .none))
        defer { machine.stop() }
        try body(directory.path + "/machine")
    }

    private func refusal(_ command: ControlCommand, at directory: String) -> SimulatorError? {
        do throws(SimulatorError) {
            try command.send(toMachineAt: directory)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatIsTooLongIsRefused() throws {
        try withMachine { directory in
            for length in [4096, 100_000, 3 << 20] {
                let text = String(repeating: "x", count: length)
                let error = refusal(.inject(cell: "rtems", words: ["print", text]), at: directory)
                #expect(error?.code == .control)
                if length < 1 << 20 { #expect(error?.message == "a command has at most 4096 bytes") }
            }
            let text = String(repeating: "x", count: 4000)
            #expect(refusal(.inject(cell: "rtems", words: ["print", text]), at: directory)?.code == .cell)
        }
    }

    @Test func nobodyListens() throws {
        let directory = try TemporaryDirectory()
        let expected =
            "no machine is served at \(directory.path): start one with jailhouse-sim serve --directory "
            + directory.path
        #expect(refusal(.state, at: directory.path)?.message == expected)
        // a socket that a dead simulator left
        _ = try SystemCall.listen(onSocket: directory.path + "/machine", mode: 0o666)
        let error = refusal(.state, at: directory.path)
        #expect(error?.code == .notServed && error?.message == expected)
        #expect(throws: SimulatorError.notServed(directory.path)) {
            _ = try SimulatedMachine.openConsole(ofCell: "rtems", inMachineAt: directory.path)
        }
    }

    @Test(arguments: ["nonsense", "", #"{"error": "no", "code": "cell"}"#, "{}"])
    func answersThatMakeNoSenseAreNamed(answer: String) throws {
        let directory = try TemporaryDirectory()
        let listener = try SystemCall.listen(onSocket: directory.path + "/machine", mode: 0o666)
        let number = listener.rawValue
        let server = BackgroundThread {
            let client = OwnedDescriptor(adopting: accept(number, nil, nil))
            var buffer = [UInt8](repeating: 0, count: 100)
            _ = buffer.withUnsafeMutableBytes { try? SystemCall.read(client.rawValue, into: $0) }
            try? SystemCall.send(Array(answer.utf8), to: client.rawValue)
        }
        let error = refusal(.state, at: directory.path)
        server?.join()
        #expect(error?.code == (answer.contains("cell") ? .cell : .control))
        let place = answer.contains("cell") ? "no" : directory.path
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
    }
}

extension SimulatorError {
    fileprivate static func notServed(_ directory: String) -> SimulatorError {
        SimulatorError(
            .notServed,
            "no machine is served at \(directory): start one with jailhouse-sim serve --directory \(directory)")
    }
}
