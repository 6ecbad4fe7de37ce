// SPDX-License-Identifier: Apache-2.0
// From the state in which a cell's processor comes up to the state in which a boot loader enters an RTEMS image.
//
// A cell starts in 16-bit real mode at cpu_reset_address 0xf0000: CS base 0xf0000, IP 0, nothing else to rely on.
// The image's entry wants protected mode with flat segments, a stack, and registers that do not look as if a
// multiboot loader had filled them.

    .section .start_stub, "ax"
    .code16
    .globl start_stub
start_stub:
    cli
    cld
    lgdtl %cs:(gdt_pointer - start_stub)
    movl %cr0, %eax
    orl $0x1, %eax              // protected mode
    movl %eax, %cr0
    ljmpl $8, $protected_mode

    .code32
protected_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $0xe0000, %esp
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    ljmpl $8, $entry

    .balign 8
gdt:                            // null; code and data: base 0, limit 4 GiB, 32 bit
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
