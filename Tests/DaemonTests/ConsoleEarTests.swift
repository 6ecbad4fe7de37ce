// SPDX-License-Identifier: Apache-2.0

import Supervision
import Testing

@testable import Daemon

@Suite("Signs of life on the console") struct ConsoleEarTests {
    private static let any = ConsoleEar.Listener(cell: "any", contains: "hello")
    private static let beat = ConsoleEar.Listener(cell: "beat", contains: "beat ")

    private func begun() -> ConsoleEar {
        var ear = ConsoleEar()
        // what was printed before this daemon began is no sign
        #expect(ear.listen(to: "hello\nbeat 0\n", for: [Self.any, Self.beat]).isEmpty)
        return ear
    }

    private func signs(_ ear: inout ConsoleEar, _ text: String) -> [LifeSign] {
        ear.listen(to: text, for: [Self.any, Self.beat]).map(\.sign)
    }

    @Test("A line that contains the cell's text is its sign")
    func lines() {
        var ear = begun()
        #expect(signs(&ear, "") == [.silence, .silence])
        #expect(signs(&ear, "Started cell \"any\"\n") == [.silence, .silence])
        #expect(signs(&ear, "hello\r\n") == [.sign, .silence])
        #expect(signs(&ear, "beat 1\n") == [.silence, .sign])
        #expect(signs(&ear, "hello\nbeat 2\r\ny\n") == [.sign, .sign])
    }

    @Test("That the hypervisor names the cell is no sign of its program's")
    func hypervisor() {
        var ear = begun()
        let text = """
            Created cell "heartbeat"
            Cell "beat 1" can be loaded
            Started cell "beat 1"
            Adding virtual PCI device 00:0e.0 to cell "beat 1"
             "beat 1"
            FATAL: beat 1
            Parking CPU 3 (Cell: "beat 1")

            """
        #expect(signs(&ear, text) == [.silence, .silence])
    }

    @Test("The last line that was a sign is kept, without its end")
    func lastLine() {
        var ear = begun()
        #expect(ear.listen(to: "beat 1\nbeat 2\r\nhello\n", for: [Self.beat]).map(\.line) == ["beat 2"])
        #expect(ear.listen(to: "nothing\n", for: [Self.beat]).map(\.line) == [nil])
    }

    @Test("A line is one when it has ended")
    func pieces() {
        var ear = begun()
        #expect(signs(&ear, "be") == [.silence, .silence])
        #expect(signs(&ear, "at 3\r") == [.silence, .silence])
        #expect(signs(&ear, "\n") == [.silence, .sign])
        #expect(signs(&ear, "be") == [.silence, .silence])
        ear.forget()
        #expect(signs(&ear, "at 4\n") == [.silence, .silence])
    }

    @Test("What nobody has read may have been a sign")
    func gap() {
        var ear = begun()
        #expect(signs(&ear, "<missed 12 bytes of console log>\n") == [.sign, .sign])
    }

    @Test("The end of a Linux is heard where it is printed, and otherwise nothing is said of it")
    func guest() {
        let guest = ConsoleEar.Listener(cell: "guest", contains: nil)
        var ear = begun()
        func signs(_ text: String) -> [LifeSign] { ear.listen(to: text, for: [guest, Self.any]).map(\.sign) }
        #expect(signs("[    1.2] a line\n") == [.silence])
        #expect(signs("<missed 12 bytes of console log>\n") == [.sign])
        #expect(
            signs("halfa line[    1.3] Kernel panic - not syncing: No working init found.\n") == [
                .ended(.panic), .silence,
            ])
        // its last line may be read when it has been started again
        #expect(signs("[    1.3] ---[ end Kernel panic - not syncing: No working init found. ]---\n") == [.silence])
        #expect(signs("[    9.1] reboot: Power down\r\n") == [.ended(.shutdown), .silence])
        #expect(signs("[    9.1] reboot: Restarting system\nReboot failed -- System halted\n").first == .ended(.reboot))
        #expect(signs("reboot: System halted\nStarted cell \"guest\"\n") == [.silence])
        #expect(signs("reboot: System halted\nStarted cell \"other\"\n") == [.ended(.shutdown), .silence])
    }

    @Test("What a daemon reads first is of the cell that is there, if its start is in it")
    func successor() {
        let guest = ConsoleEar.Listener(cell: "guest", contains: nil)
        var ear = ConsoleEar()
        #expect(ear.listen(to: "reboot: Power down\n", for: [guest]).isEmpty)
        var other = ConsoleEar()
        #expect(
            other.listen(to: "Started cell \"guest\"\nreboot: Power down\n", for: [guest]).map(\.sign) == [
                .ended(.shutdown)
            ])
    }

    @Test("What was heard is not heard again when the console is read from its beginning")
    func again() {
        let guest = ConsoleEar.Listener(cell: "guest", contains: nil)
        var ear = begun()
        let old = "Started cell \"guest\"\nKernel panic - not syncing: x\n"
        #expect(ear.listen(to: old, for: [guest]).map(\.sign) == [.ended(.panic)])
        ear.beginAnew()
        #expect(ear.listen(to: "Kernel panic - not syncing: x\n", for: [guest]).isEmpty)
        #expect(ear.listen(to: "reboot: Power down\nLinux version 6.1\n", for: [guest]).isEmpty, "of the boot before")
    }

    @Test("Last words that were read before the cell came up are of the life before")
    func before() {
        let heard = ConsoleEar.Heard(cell: "guest", sign: .ended(.panic))
        func moment(_ nanoseconds: Int64) -> Moment { Moment(nanoseconds: nanoseconds) }
        #expect(!heard.isOf(lifeSince: moment(6), read: moment(5)))
        #expect(heard.isOf(lifeSince: moment(5), read: moment(5)) && heard.isOf(lifeSince: nil, read: moment(5)))
        let whole = ConsoleEar.Heard(cell: "guest", sign: .ended(.panic), followsStart: true)
        #expect(whole.isOf(lifeSince: moment(6), read: moment(5)), "its start was read, too")
        #expect(ConsoleEar.Heard(cell: "guest", sign: .sign).isOf(lifeSince: moment(6), read: moment(5)))
    }

    @Test("A line without an end does not fill the memory, and is a sign as far as it goes")
    func endless() {
        var ear = begun()
        #expect(signs(&ear, "beat " + String(repeating: "x", count: 10_000)) == [.silence, .sign])
    }
}
