// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Hypervisor
import JailhouseInterface
import Supervision
import Testing

@testable import Daemon

@Suite("Evidence and those who hear of it")
struct EvidenceTests {
    private let observation = Observation(id: 1, state: .failed, failedCPUs: [3])

    @Test("Of a failure the reason and what follows it are kept, not what came before")
    func consoleLines() {
        let console = """
            Created cell "rtems"\r
            FATAL: Invalid PIO write, port: 70 size: 1\r
            Parking CPU 3 (Cell: "rtems")\r
            Cell "rtems" can be loaded\r
            Started cell "rtems"\r
            FATAL: unable to get MMIO instruction\r
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0\r
            RIP: 0x0000000000100020 RSP: 0x0000000000007ff0 FLAGS: 2\r
            Parking CPU 3 (Cell: "rtems")\r

            """
        let record = FailureRecord(.failed(cpus: [3]), of: observation, console: console)
        #expect(record.console.count == 4)
        #expect(record.console.first == "FATAL: unable to get MMIO instruction")
        #expect(record.console.last == #"Parking CPU 3 (Cell: "rtems")"#)
        #expect(record.state == "failed")
        #expect(
            record.reason
                == "CPU 3 was parked after a violation: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0 (unable to get MMIO instruction)"
        )
    }

    /// Found by the fuzzer: an inmate prints what it likes.
    @Test(
        "Whatever ends a line in Unicode ends one here, so that a reason is one line",
        arguments: ["\u{b}", "\u{c}", "\u{2028}"])
    func otherLineBreaks(character: Character) {
        let console = "FATAL: Invalid PIO write, port: 70 size: 1\(character)more\nParking CPU 3 (Cell: \"rtems\")\n"
        let record = FailureRecord(.failed(cpus: [3]), of: observation, console: console)
        #expect(record.reason == "CPU 3 was parked after a violation: Invalid PIO write, port: 70 size: 1")
    }

    /// On Arm the reason stands before the line with `FATAL`; an inmate that is printing shares the line.
    @Test("The line with the address is kept, wherever the reason stands")
    func reasonBeforeVerdict() {
        let console = """
            Started cell "sensor"
            temperature 2Unhandled data write at 0x50200000(4)

            FATAL: unhandled trap (exception class 0x24)
            Cell state before exception:
             pc: 0000000000001a30   lr: 0000000000001a14 spsr: 600003c5     EL1
            Parking CPU 3 (Cell: "sensor")

            """
        let record = FailureRecord(.failed(cpus: [3]), of: observation, console: console)
        #expect(record.reason == "CPU 3 was parked after a violation: Unhandled data write at 0x50200000(4)")
        #expect(record.console.count == 5)
    }

    @Test("Of two cells that fail at once each has its own reason")
    func twoCells() {
        let console = """
            FATAL: Invalid PIO write, port: 70 size: 1
            Parking CPU 3 (Cell: "a")
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0
            Parking CPU 31 (Cell: "b")
            Started cell "c"

            """
        func reason(_ cpu: Int) -> String {
            let seen = Observation(id: 1, state: .failed, failedCPUs: [cpu])
            return FailureRecord(.failed(cpus: [cpu]), of: seen, console: console).reason
        }
        #expect(reason(3).hasSuffix("Invalid PIO write, port: 70 size: 1"))
        #expect(reason(31).hasSuffix("Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0"))
        #expect(reason(1) == "CPU 1 was parked after a violation", "it is not known why")
    }

    @Test("What was lost of a dump is said, and an earlier death of the same CPU is not taken for it")
    func gaps() {
        let earlier = """
            Started cell "rtems"
            FATAL: Invalid PIO write, port: 70 size: 1
            Parking CPU 3 (Cell: "rtems")
            Started cell "rtems"

            """
        func record(_ text: String) -> FailureRecord {
            var record = FailureRecord(.failed(cpus: [3]), of: observation)
            record.add(console: earlier + text, cell: "rtems")
            return record
        }
        let gap = "<missed 3000 bytes of console log>"
        let cut = record("much\n\(gap)\nRDX: 0x70\nParking CPU 3 (Cell: \"rtems\")\n")
        #expect(cut.console == [gap, "RDX: 0x70", "Parking CPU 3 (Cell: \"rtems\")"])
        #expect(cut.reason == "CPU 3 was parked after a violation")
        let middle = record(
            "FATAL: Unhandled MSR write: 200\n\(gap)\nParking CPU 3 (Cell: \"rtems\")\nStarted cell \"other\"\n")
        #expect(middle.console.first == "FATAL: Unhandled MSR write: 200" && middle.console.contains(gap))
        #expect(middle.reason.hasSuffix("Unhandled MSR write: 200"))
        #expect(!record("\(gap)\nmore\n").console.contains { $0.contains("port: 70") })
        // it was started again before the console was read
        #expect(record("").console.first == "FATAL: Invalid PIO write, port: 70 size: 1")
    }

    @Test("A dump is found behind much more than the ring holds")
    func longAgo() {
        var log = ConsoleLog()
        log.add("Started cell \"rtems\"\nFATAL: Unhandled MSR write: 200\nParking CPU 3 (Cell: \"rtems\")\n")
        for number in 0..<200 { log.add("another cell prints line \(number)\r\n") }
        #expect(log.text.utf8.count > ConsoleLog.ring)
        var record = FailureRecord(.failed(cpus: [3]), of: observation)
        record.add(console: log.text, cell: "rtems")
        #expect(record.console.first == "FATAL: Unhandled MSR write: 200")
    }

    @Test("Of a failure of the hypervisor itself the reason is kept like any other")
    func hypervisorFailure() {
        let console = """
            Started cell "rtems"
            FATAL: Unhandled HYP exception: synchronous abort from EL2
            Stopping CPU 3 (Cell: "rtems")
            """
        var seen = Observation(id: 1, state: .running)
        seen.stoppedCPUs = [3]
        let record = FailureRecord(.hypervisorFailed([3]), of: seen, console: console, cell: "rtems")
        #expect(record.failedCPUs == [3] && record.state == "running")
        #expect(record.console.last == #"Stopping CPU 3 (Cell: "rtems")"# && record.console.count == 2)
        #expect(
            record.reason
                == "the hypervisor itself failed on CPU 3: Unhandled HYP exception: synchronous abort from EL2")
    }

    @Test("Without a reason the last lines are kept")
    func noReason() {
        let console = (1...9).map { "line \($0)\n" }.joined()
        let record = FailureRecord(.vanished, of: nil, console: console)
        #expect(record.console == (5...9).map { "line \($0)" })
        #expect(record.state == nil)
    }

    @Test("Of a silence only lines are kept that are the cell's: those that name it, and those that its rule is about")
    func silence() {
        let console = """
            Created cell "rtems"
            Started cell "rtems"
            FATAL: Invalid PIO write, port: 70 size: 1
            Parking CPU 3 (Cell: "rtems")
            Started cell "rtems"
            Started cell "other"
            beat 1 of another cell
            I am another cell
            beat 2

            """
        var record = FailureRecord(.silent, of: Observation(id: 1, state: .running))
        record.add(console: console, cell: "rtems")
        #expect(record.console == ["Started cell \"rtems\""], "an earlier life's death is none of it")
        record.add(console: console, cell: "rtems", sign: "beat 2")
        #expect(record.console.last == "beat 2" && record.console.count == 2)
        record.silence = "the rule"
        #expect(record.reason == "it gave no sign of life for longer than its liveness rule allows: the rule")
    }

    @Test("A refused create keeps no lines of other cells, and one that the hypervisor did not see keeps none")
    func refusedCreate() {
        let console = """
            Created cell "other"
            Cell "other" can be loaded
            FATAL: Invalid PIO write, port: 70 size: 1
            RIP: 0x0000000000100020 RSP: 0x0000000000007ff0 FLAGS: 2
            Parking CPU 3 (Cell: "other")
            Page pool usage after cell creation: mem 214/979, remap 65541/131072
            Created cell "rtems"

            """
        func lines(errno: Int32) -> [String] {
            let refusal = Refusal(kind: .other, message: "", errno: errno)
            var record = FailureRecord(.refused(.create, refusal), of: nil)
            record.add(console: console, cell: "rtems")
            return record.console
        }
        #expect(
            lines(errno: 22) == [
                "Page pool usage after cell creation: mem 214/979, remap 65541/131072", #"Created cell "rtems""#,
            ])
        #expect(lines(errno: 0).isEmpty)
    }

    private func change(_ cell: String) -> Manager.Change {
        let cell = Manager.Cell(
            name: cell, condition: "running", restarts: 0, since: 0, sinceMonotonic: 0, defined: true)
        return Manager.Change(at: 0, kind: "condition", cell: cell, message: "", missed: 0)
    }

    @Test("A watcher hears of its cell only")
    func ownCell() async {
        var watchers = Watchers()
        let (id, changes) = watchers.add(cell: "rtems", first: [])
        watchers.tell(change("other"))
        watchers.tell(change("rtems"))
        watchers.remove(id)
        var heard: [String] = []
        for await change in changes { heard.append(change.cell.name) }
        #expect(heard == ["rtems"])
    }

    @Test("A watcher that is too slow misses changes, hears how many, and keeps nobody waiting")
    func slow() async {
        var watchers = Watchers()
        let (_, changes) = watchers.add(cell: nil, first: [])
        for _ in 0..<(Watchers.queueLength + 10) { watchers.tell(change("rtems")) }
        var iterator = changes.makeAsyncIterator()
        for _ in 0..<Watchers.queueLength { #expect(await iterator.next()?.missed == 0) }
        watchers.tell(change("rtems"))
        #expect(await iterator.next()?.missed == 10)
    }

    @Test("A wrong name is answered with the nearest")
    func nearest() {
        let error = ManagerError.cellNotFound("rtms", among: ["linux", "rtems"])
        #expect(error.message == "there is no cell rtms: did you mean rtems?")
        #expect(
            ManagerError.cellNotFound("x", among: ["linux", "rtems"]).message
                == "there is no cell x: known cells: linux, rtems")
    }
}
