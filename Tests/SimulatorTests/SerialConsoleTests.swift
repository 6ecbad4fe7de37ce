// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import Testing

@testable import Simulator

@Suite("The serial port of a cell that executes") struct SerialConsoleTests {
    /// What one reader gets of a console whose cell is gone.
    private func text(of console: SerialConsole) throws -> String {
        let pair = try SystemCall.socketPair()
        defer {
            close(pair.first)
            close(pair.second)
        }
        console.close()
        console.serve(pair.first) { _ in }
        shutdown(pair.first, CInt(SHUT_WR))
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try SystemCall.read(pair.second, into: $0) }
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }

    @Test("What the life before printed last is not given to who comes after the restart")
    func restart() throws {
        let console = SerialConsole()
        console.begin()
        console.append(Array("Kernel panic - not syncing\n".utf8))
        console.begin()
        console.append(Array("Linux version 6.1\n".utf8))
        #expect(try text(of: console) == "Linux version 6.1\n")
    }

    @Test("A cell that has ended keeps its last words until it is started again")
    func end() throws {
        let console = SerialConsole()
        console.begin()
        console.append(Array("Kernel panic - not syncing\n".utf8))
        #expect(try text(of: console) == "Kernel panic - not syncing\n")
    }
}
