// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Testing

@Suite("What the console has printed since the enable") struct ConsoleLogTests {
    @Test("It is kept whole across readings, and its end when there is more")
    func kept() {
        var log = ConsoleLog()
        for number in 0..<10_000 { log.add("line \(number)\n") }
        #expect(log.text.utf8.count <= ConsoleLog.kept && log.text.utf8.count > ConsoleLog.kept - 20)
        #expect(log.text.hasPrefix("line ") && log.text.hasSuffix("line 9999\n"))
    }

    @Test("An enable begins it anew, wherever the readings cut its first line")
    func anew() {
        let first = "Initializing Jailhouse hypervisor v0.12 on CPU 1\n"
        for cut in [0, 5, 20, first.count] {
            var log = ConsoleLog()
            log.add("Parking CPU 1 (Cell: \"q35\")\n" + first.prefix(cut))
            log.add(first.dropFirst(cut) + "Initializing unit: VT-d\n")
            #expect(log.text == first + "Initializing unit: VT-d\n", "cut at \(cut)")
        }
    }

    @Test("Its tail has all that was added, and what the ring holds before it")
    func tail() {
        var log = ConsoleLog()
        for number in 0..<1000 { log.add("line \(number)\n") }
        let tail = log.tail(with: "line 999\n")
        #expect(tail.hasPrefix("line ") && tail.hasSuffix("line 999\n"))
        #expect(tail.utf8.count <= ConsoleLog.ring + 9 && tail.utf8.count > ConsoleLog.ring - 20)
    }
}
