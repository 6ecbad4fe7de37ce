// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Simulator
import Testing

struct ConsoleTests {
    /// A machine whose console has seen so many numbered lines of 32 bytes.
    private func machine(lines: Int) throws -> Bench {
        var bench = try Bench.running(Samples.cell("loud", flags: .virtualConsolePermitted))
        for number in 0..<lines {
            let digits = String(number)
            try bench.inject("print", String(repeating: ".", count: 30 - digits.utf8.count) + digits, into: "loud")
        }
        return bench
    }

    private func read(_ bench: Bench, _ position: inout HypervisorConsole.Position, limit: Int = 4096) -> String? {
        guard case .bytes(let bytes) = bench.machine.console.read(&position, limit: limit) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func sysfsShowsTheLast2048Bytes() throws {
        let bench = try machine(lines: 100)
        let text = try #require(bench.machine.sysfs.attributes["console"])
        #expect(text.utf8.count == 2048)
        #expect(text.utf8.elementsEqual(bench.machine.console.contents))
        #expect(text.hasSuffix("...99\r\n"))
    }

    @Test func aReaderIsToldWhatItMissed() throws {
        let bench = try machine(lines: 100)
        var position = HypervisorConsole.Position()
        let first = try #require(read(bench, &position))
        #expect(first.hasPrefix("<missed ") && first.hasSuffix(" bytes of console log>\n"))
        #expect(read(bench, &position)?.utf8.count == 2048)
        #expect(bench.machine.console.read(&position, limit: 100) == .nothing)
    }

    @Test func eachReaderHasItsOwnPosition() throws {
        var bench = try machine(lines: 0)
        var one = HypervisorConsole.Position()
        var other = HypervisorConsole.Position()
        let whole = try #require(read(bench, &one))
        #expect(read(bench, &other, limit: 10) == String(whole.prefix(10)))
        #expect(read(bench, &other) == String(whole.dropFirst(10)))
        try bench.inject("print", "more", into: "loud")
        #expect(read(bench, &one) == "more\r\n")
        #expect(read(bench, &other) == "more\r\n")
    }

    @Test func beforeTheFirstEnableThereIsNone() {
        var position = HypervisorConsole.Position()
        #expect(Bench().machine.console.read(&position, limit: 100) == .neverEnabled)
    }

    @Test func afterDisableThereIsTheLastLog() throws {
        var bench = try machine(lines: 0)
        #expect(bench.perform(.disable) == .done)
        #expect(bench.machine.sysfs.attributes["console"] == "")
        var position = HypervisorConsole.Position()
        let last = try #require(read(bench, &position))
        #expect(last.contains("Closing cell \"loud\"\n"))
        #expect(bench.machine.console.read(&position, limit: 100) == .nothing)
        // and after the next enable a reader goes on with the new one
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
        let next = try #require(read(bench, &position))
        #expect(next.hasPrefix("\nInitializing Jailhouse hypervisor on CPU 0\n"))
    }

    @Test func withoutTheFlagItIsNotPermitted() throws {
        var system = Samples.system()
        system.flags = []
        var bench = Bench()
        #expect(bench.perform(.enable(try system.binary())) == .done)
        var position = HypervisorConsole.Position()
        #expect(bench.machine.console.read(&position, limit: 100) == .notPermitted)
        #expect(bench.machine.sysfs.attributes["console"] == "")
    }
}
