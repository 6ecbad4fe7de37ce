// SPDX-License-Identifier: Apache-2.0
// The 64 KiB below 4 GiB where a PC's processor wakes up: from there to the cell monitor, which the host has put
// into memory. The boot processor begins at the reset vector, the cell's processors at their startup interrupt's
// vector 0xf0; both go the same way.
//
// The host writes the machine address of the monitor's memory over `monitor_memory`.

    .set ROM, 0xffff0000
    .set HOST_TABLES, 0x20000   // MonitorMemory.hostTables
    .set MONITOR, 0x102000      // MonitorMemory.virtualBase + image

    .code16
    .section .text
    .globl _start
_start:
    cli
    movl %cs:monitor_memory - _start, %ebx
    lgdtl %cs:gdt_pointer - _start
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x08, $(ROM + protected_mode - _start)

    .code32
protected_mode:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    leal HOST_TABLES(%ebx), %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax             // PAE
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x1900, %eax           // SVME, NXE (nested tables may forbid execution only then), LME
    wrmsr
    movl $0x80010001, %eax      // PG, WP, PE; caches on
    movl %eax, %cr0
    ljmpl $0x18, $(ROM + long_mode - _start)

    .code64
long_mode:
    movl $MONITOR, %eax
    jmp *%rax

    .balign 16
gdt:                            // null, code 32, data, code 64
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long ROM + gdt - _start

    .org 0xff00
    .globl monitor_memory
monitor_memory:
    .long 0

    .org 0xfff0
    .code16
reset:
    .byte 0xe9                  // jmp _start, over the segment's end
    .word _start - reset - 3 + 0x10000
    .org 0xffff
    .byte 0
