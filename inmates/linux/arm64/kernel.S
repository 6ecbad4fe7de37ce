// SPDX-License-Identifier: Apache-2.0
// An Image that is no Linux: the header of a kernel for Arm64 (Documentation/arch/arm64/booting.rst), then what keeps the
// state in which it was entered and goes on as other programs do (runtime/arm64/start.S).

    .section .header, "ax"
    .globl header
header:
    b entry
    .long 0
    .quad 0                     // text_offset
    .quad kernel_size           // image_size
    .quad 0xa                   // flags: little endian, pages of 4 KiB, anywhere in memory
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0
entry:
    adrp x5, entry_state
    add x5, x5, :lo12:entry_state
    stp x0, x1, [x5]
    stp x2, x3, [x5, #16]
    mrs x6, sctlr_el1
    mrs x7, currentel
    stp x6, x7, [x5, #32]
    mrs x6, daif
    adr x7, header
    stp x6, x7, [x5, #48]
    b begin

    .section .text
    .globl address_of_entry_state, size_of_kernel
address_of_entry_state:
    adrp x0, entry_state
    add x0, x0, :lo12:entry_state
    ret
size_of_kernel:
    ldr x0, =kernel_size
    ret
    .ltorg

    .section .data, "aw"
    .balign 16
entry_state:                    // x0 to x3, SCTLR_EL1, CurrentEL, DAIF, where the header is
    .skip 64
