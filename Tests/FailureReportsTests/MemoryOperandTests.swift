// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FailureReports

@Suite("The memory that an instruction accesses")
struct MemoryOperandTests {
    private static let registers: [String: UInt64] = ["rax": 0xffff_ffff_0000_1000, "rbx": 0x20_0000, "rcx": 3]

    @Test(
        "By its operand",
        arguments: [
            ("movb $0x4d,(%rbx)", 0x20_0000), ("mov %eax,0x10(%rbx,%rcx,4)", 0x20_001c),
            ("mov -0x8(%rbx),%rdx", 0x1f_fff8),
            ("mov (%eax),%edx", 0x1000), ("movl $0x1,0x100(,%rcx,8)", 0x118),
        ] as [(String, UInt64)])
    func address(instruction: String, address: UInt64) {
        #expect(MemoryOperand.address(in: instruction, Self.registers)?.address == address)
    }

    @Test(
        "Not by a register that the dump lacks, nor without one",
        arguments: ["mov (%r8),%eax", "hlt", "jmp 0x200", "mov 0x10(", "out %al,(%dx)"])
    func none(instruction: String) { #expect(MemoryOperand.address(in: instruction, Self.registers) == nil) }
}
