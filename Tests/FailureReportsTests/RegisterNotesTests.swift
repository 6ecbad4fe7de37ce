// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FailureReports

@Suite("What a register of the dump says")
struct RegisterNotesTests {
    @Test("Of a jump LR says where it came from: a call, or a return address that was overwritten")
    func jump() {
        func note(_ caller: UInt64, _ target: UInt64?, _ registers: [String: UInt64] = [:]) -> String {
            VectorTable.note(caller: caller, target, registers)
        }
        let plain = "LR, the last return address, is 0x1a14"
        #expect(note(0x1a14, 0x7f00_0000) == plain + "; if the jump was a call, it is the instruction at 0x1a10.")
        #expect(note(0x1a14, nil) == plain + "." && note(0x1a14, 0x200, ["spsr": 0x3c5]) == plain + ".")
        #expect(note(0x7f00_0000, 0x7f00_0000).contains("the program returned there"))
        #expect(note(0x8001, 0x8000, ["cpsr": 0x3f]).contains("the program returned there"))
        #expect(note(0x1a14, 0x7f00_0000, ["cpsr": 0x1d3]).hasSuffix("it is right before that."))
        let violation = Violation.instructionAbort(0x7f00_0000)
        let explanation = violation.explanation(
            in: Surroundings(), registers: ["pc": 0x7f00_0000, "lr": 0x1a14, "spsr": 0x6000_03c5])
        #expect(explanation.summary.contains("jumped to 0x7f000000"))
        #expect(explanation.notes.contains { $0.hasSuffix("the instruction at 0x1a10.") }, "\(explanation)")
    }

    @Test(
        "What is wrong with a value for XCR0 is said, and with CR4",
        arguments: [
            (0, 2, 0, "Bit 0 (x87)"), (0, 5, 0, "AVX (bit 2) needs SSE (bit 1): write 0x7"), (1, 1, 0, "no XCR1"),
            (0, 0x1_0000_0003, 0, "upper half (EDX) must be 0"), (0, 0xe7, 0, "AVX-512"), (0, 7, 0x4_0000, "AVX-512"),
        ])
    func extendedControl(number: UInt64, value: UInt64, control: UInt64, words: String) {
        let violation = Violation.extendedControlRegister(number: number, value: value)
        let explanation = violation.explanation(in: Surroundings(), registers: ["cr4": control])
        #expect(explanation.advice.contains(words) && explanation.advice.contains("OSXSAVE"), "\(explanation)")
        #expect(explanation.notes.contains { $0.contains("is not set") } == (control == 0), "\(explanation)")
    }

    @Test(
        "Of a control register it is said what does the same",
        arguments: [(0x20, "bit 3 (TS)"), (0x30, "MOV to CR0"), (0x308, "task priority"), (0x3, "no entry")])
    func control(qualification: UInt64, words: String) {
        let explanation = Violation.controlRegister(qualification: qualification).explanation(in: Surroundings())
        #expect(explanation.advice.contains(words), "\(explanation)")
    }
}
