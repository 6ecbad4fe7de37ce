// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor.

/// Offsets in the control block of a CPU (AMD's Architecture Programmer's Manual, volume 2, appendix B), and in what the
/// monitor keeps behind it.
enum ControlBlock {
    static let interceptExceptions = 0x008
    static let intercept1 = 0x00c
    static let intercept2 = 0x010
    static let portMap = 0x040
    static let registerMap = 0x048
    static let addressSpace = 0x058
    static let flush = 0x05c
    static let interruptShadow = 0x068
    static let exitCode = 0x070
    static let exitInformation1 = 0x078
    static let exitInformation2 = 0x080
    static let interruptedEvent = 0x088
    static let nestedPaging = 0x090
    static let injectedEvent = 0x0a8
    static let nestedRoot = 0x0b0
    static let es = 0x400
    static let cs = 0x410
    static let ss = 0x420
    static let ds = 0x430
    static let fs = 0x440
    static let gs = 0x450
    static let gdtr = 0x460
    static let ldtr = 0x470
    static let idtr = 0x480
    static let tr = 0x490
    static let privilege = 0x4cb
    static let efer = 0x4d0
    static let cr4 = 0x548
    static let cr3 = 0x550
    static let cr0 = 0x558
    static let dr7 = 0x560
    static let dr6 = 0x568
    static let flags = 0x570
    static let rip = 0x578
    static let rsp = 0x5d8
    static let rax = 0x5f8
    static let systemRegisters = 0x600..<0x640
    static let cr2 = 0x640
    static let attributes = 0x668
    /// Of the monitor: the registers that the processor does not keep, 64 bits each: rax rcx rdx rbx rsp rbp rsi rdi
    /// r8 … r15; rax and rsp are above.
    static let registers = 0xe00
}
