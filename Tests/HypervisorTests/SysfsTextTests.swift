// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Supervision
import Testing

@testable import Hypervisor

@Suite("Texts in sysfs")
struct SysfsTextTests {
    @Test(
        "CPU lists",
        arguments: [
            ("3\n", [3]), ("3-5,8\n", [3, 4, 5, 8]), ("\n", []), ("0-0\n", [0]), ("", nil), ("3", nil), ("5-3\n", nil),
            ("3-\n", nil), (",\n", nil), ("-1\n", nil), ("0-99999999\n", nil), ("x\n", nil), ("1-2-3\n", nil),
            ("5,3\n", nil), ("3,3\n", nil), ("0-65535,0-65535\n", nil),
        ] as [(String, [Int]?)])
    func cpuList(text: String, expected: [Int]?) {
        #expect(SysfsText.cpuList(text.utf8) == expected)
    }

    @Test(
        "Numbers",
        arguments: [
            ("0\n", 0), ("18446744073709551615\n", UInt64.max), ("18446744073709551616\n", nil), ("", nil),
            ("\n", nil), ("1 \n", nil), ("1\n2", nil), ("1", nil),
        ] as [(String, UInt64?)])
    func number(text: String, expected: UInt64?) {
        #expect(SysfsText.number(text.utf8) == expected)
    }

    @Test("States in the hypervisor's words", arguments: CellState.allCases)
    func state(state: CellState) {
        #expect(SysfsText.state((state.rawValue + "\n").utf8) == state)
        #expect(SysfsText.state("Running\n".utf8) == nil)
        // the beginning of running/locked
        #expect(SysfsText.state("running".utf8) == nil)
    }

    @Test("What is new on a console that forgets its beginning")
    func news() {
        #expect(HypervisorConsole.news(before: "", after: "a\n") == "a\n")
        #expect(HypervisorConsole.news(before: "a\nb\n", after: "a\nb\nc\n") == "c\n")
        #expect(HypervisorConsole.news(before: "a\nb\n", after: "b\nc\n") == "c\n")
        #expect(HypervisorConsole.news(before: "a\nb\n", after: "x\ny\n") == "x\ny\n")
        #expect(HypervisorConsole.news(before: "a\n", after: "a\n") == "")
    }
}
