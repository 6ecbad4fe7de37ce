// SPDX-License-Identifier: Apache-2.0
// From the state in which a cell's first CPU comes up to Swift: EL1 with the stack pointer of EL1, interrupts masked,
// MMU and caches off. The other CPUs are off until PSCI's CPU_ON sends them to `processor_start`.

#define SCTLR_MMU       (1 << 0)
#define SCTLR_CACHE     (1 << 2)
#define SCTLR_INSTRUCTION_CACHE (1 << 12)
#define CPACR_FLOATING_POINT (3 << 20)
// 39-bit addresses by TTBR0 in pages of 4 KiB, walks cached and shared; none by TTBR1; 40-bit physical addresses
#define TCR             0x200803519
#define MAIR            0xff            // attribute 0: memory, cached, written back
#define BLOCK           0x701           // accessed, shared, EL1 may do all, attribute 0
#define GIGABYTE        0x40000000
#define STACK_SIZE      0x1000
#define PROCESSORS      4               // also in Processors.swift

    .section .start, "ax"
    .globl start
start:
    b begin
    .org 8
default_region:                         // at address 8: where the communication region is. A loader may change it
    .quad default_communication_region

    .globl begin
begin:
    adrp x0, bss_start
    add x0, x0, :lo12:bss_start
    adrp x1, bss_end
    add x1, x1, :lo12:bss_end
1:  cmp x0, x1
    b.hs 2f
    str xzr, [x0], #8
    b 1b
2:  ldr x0, default_region
    adrp x1, region_address
    str x0, [x1, :lo12:region_address]

    // Every address stands for itself and is memory: what is a device the hypervisor's tables say, whose word counts
    // when the two differ in that way.
    adrp x0, page_table
    mov x1, #BLOCK
    mov x2, #GIGABYTE
    mov x3, #512
3:  str x1, [x0], #8
    add x1, x1, x2
    subs x3, x3, #1
    b.ne 3b
    dsb ish
    adrp x0, stacks
    add x0, x0, #STACK_SIZE
    mov sp, x0
    bl use_pages
    bl runtime_prepare
    bl inmate_main
    bl runtime_finish
    b stop

// a further CPU: its stack's end is in x1, which PSCI calls the context
    .globl processor_start
processor_start:
    mov sp, x1
    bl use_pages
    bl processor_main
    .globl stop
stop:
    msr daifset, #0xf
4:  wfi
    b 4b

use_pages:
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    msr vbar_el1, x0
    mov x0, #CPACR_FLOATING_POINT
    msr cpacr_el1, x0
    mov x0, #MAIR
    msr mair_el1, x0
    ldr x0, =TCR
    msr tcr_el1, x0
    adrp x0, page_table
    msr ttbr0_el1, x0
    isb
    tlbi vmalle1
    dsb nsh
    isb
    mrs x0, sctlr_el1
    mov x1, #SCTLR_MMU | SCTLR_CACHE
    orr x1, x1, #SCTLR_INSTRUCTION_CACHE
    orr x0, x0, x1
    msr sctlr_el1, x0
    isb
    ret
    .ltorg

// Registers that a called function may change, and where the exception is to return to. There is no floating point.
    .macro save
    sub sp, sp, #192
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x30, [sp, #144]
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x0, x1, [sp, #160]
    .endm

interrupted:
    save
    bl interrupt_arrived
    ldp x0, x1, [sp, #160]
    msr elr_el1, x0
    msr spsr_el1, x1
    ldp x18, x30, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp, #0]
    add sp, sp, #192
    eret

excepted:
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    bl exception_arrived
    b stop

    .macro vector to
    .balign 0x80
    b \to
    .endm

    .section .vectors, "ax"
    .balign 0x800
    .globl vectors
vectors:
    .rept 4                             // of EL1 by the stack pointer of EL0: never
    vector excepted
    .endr
    vector excepted
    vector interrupted
    vector excepted
    vector excepted
    .rept 8                             // of EL0: never
    vector excepted
    .endr
    .balign 0x80

    .bss
    .balign 0x1000
    .globl page_table
page_table:
    .skip 0x1000
    .globl stacks
stacks:
    .skip PROCESSORS * STACK_SIZE
    .globl interrupt_counts, command_line, print_lock, runtime_words, region_address
interrupt_counts:                       // how often each interrupt came
    .skip 4 * 256
command_line:
    .skip 0x100
region_address:
    .skip 8
print_lock:
    .skip 8
runtime_words:                          // see SharedWord
    .skip 64
