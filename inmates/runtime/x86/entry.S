// SPDX-License-Identifier: Apache-2.0
// The image's 32-bit entry, and the few instructions that Swift has no words for.

    .section .multiboot, "ax"
    .balign 4
    .long 0x1badb002            // multiboot: magic, no flags, checksum
    .long 0
    .long -0x1badb002

    .globl entry
entry:                          // 12 bytes behind the start of the image, as in RTEMS's
    cli
    cld
    movl $stack_top, %esp
    xorl %ebp, %ebp
    movl %eax, %edi             // a multiboot loader leaves its magic here
    movl %cr0, %eax
    andl $~0xc, %eax            // no emulation, no task switched:
    orl $0x2, %eax
    movl %eax, %cr0
    movl %cr4, %eax
    orl $0x600, %eax            // Swift's code uses SSE registers
    movl %eax, %cr4
    pushl %edi
    call inmate_main
halt:
    cli
    hlt
    jmp halt

    .text
    .globl port_write8          // (port, value)
port_write8:
    movl 4(%esp), %edx
    movl 8(%esp), %eax
    outb %al, %dx
    ret

    .globl port_read8           // (port) -> value
port_read8:
    movl 4(%esp), %edx
    xorl %eax, %eax
    inb %dx, %al
    ret

    .globl port_read32          // (port) -> value
port_read32:
    movl 4(%esp), %edx
    inl %dx, %eax
    ret

    .globl processor_pause
processor_pause:
    pause
    ret

    // addresses that the linker knows
    .globl communication_region_address
communication_region_address:
    movl $communication_region, %eax
    ret

    .globl scratch_address
scratch_address:
    movl $scratch, %eax
    ret

    .bss
    .balign 16
    .skip 0x4000
stack_top:
scratch:
    .skip 0x10000
