// SPDX-License-Identifier: Apache-2.0
// The start stub: from the state in which a cell's first processor comes up to the one in which a program wants to be
// entered.
//
// A cell begins in 16-bit real mode at its reset address, with nothing to rely on but CS and IP. An ELF executable
// wants protected mode with flat segments and a stack, or long mode with page tables. Whoever loads it puts these
// bytes at the reset address and fills in the fields below; Sources/InmateImage/StartStub.swift does, knows their
// offsets, and has the assembled bytes, which a test holds against this file.
//
// It may stand at any 16-byte-aligned address as long as all of it lies in one 64 KiB segment.

    .text
    .globl _start
    .code16
_start:
    cli
    .byte 0x66, 0xbe            // movl $here, %esi
here:                           // this stub's address
    .long 0
    cld
    lgdtl %cs:(gdt_pointer - _start)(%si)
    movl %cr0, %eax
    andl $0x9fffffff, %eax      // caches on: they are off after a reset
    orl $0x1, %eax              // protected mode
    movl %eax, %cr0
    ljmpl *%cs:(protected_pointer - _start)(%si)

    .org 0x28
protected_pointer:              // here + protected_mode
    .long 0
    .word 0x08
gdt_pointer:
    .word gdt_end - gdt - 1
    .long 0                     // here + gdt
long_pointer:                   // here + long_mode
    .long 0
    .word 0x18
    .org 0x40
entry:                          // of a program in long mode
    .quad 0
stack:
    .quad 0
value_eax:
    .long 0
value_ebx:
    .long 0
region:                         // the communication region if it is to look as in 2016, else 0
    .long 0
page_tables:                    // the highest one; 0: stay in protected mode
    .long 0

    .org 0x60
gdt:                            // null; code and data with base 0 and limit 4 GiB; code for long mode
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_end:

    .code32
protected_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $1, %eax               // all processors of a cell begin here at once
    lock xaddl %eax, (arrived - _start)(%esi)
    testl %eax, %eax
    jg park
    movl (region - _start)(%esi), %edi
    testl %edi, %edi
    jz 1f
    movw 64(%edi), %ax          // the PM timer's port, which that time's programs look for
    movw %ax, 0x10(%edi)        // here
1:  cmpl $0, (page_tables - _start)(%esi)
    jne enter_long_mode
    movl (stack - _start)(%esi), %esp
    movl (value_eax - _start)(%esi), %eax
    movl (value_ebx - _start)(%esi), %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    jmp jump

enter_long_mode:
    movl %cr4, %eax
    orl $0x620, %eax            // PAE, and SSE, which every program for this mode uses
    movl %eax, %cr4
    movl (page_tables - _start)(%esi), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx      // EFER:
    rdmsr
    orl $0x100, %eax            // long mode
    wrmsr
    movl %cr0, %eax
    orl $0x80000002, %eax       // paging, with the processor's numbers unit watched
    movl %eax, %cr0
    ljmpl *(long_pointer - _start)(%esi)

    .code64
long_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movq stack(%rip), %rsp
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    jmpq *entry(%rip)

    .org 0x140
    .code32
jump:
    .byte 0xea                  // ljmpl $0x08, $entry
    .long 0                     // of a program in protected mode
    .word 0x08
park:
    hlt
    jmp park
    .balign 4
arrived:                        // how many processors; far below 0: all are to enter the program
    .long 0
    .balign 16
