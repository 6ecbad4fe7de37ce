// SPDX-License-Identifier: Apache-2.0
// Does what the 32-bit number at 0x9000 says; each is not the cell's right.
    .include "common.S"
    begin
    print "misbehave\n"
    movl 0x9000, %eax
    jmp *modes(, %eax, 4)

port_write:
    movb $1, %al
    outb %al, $0x70
port_read:
    inl $0x64, %eax
memory_write:
    movl $1, 0x20000000
memory_read:
    movzwl 0x20000004, %eax
read_only_write:
    movb $1, 0x200000
fetch:
    movl $0x30000000, %eax
    jmp *%eax
no_execution:
    movl $0x300000, %eax
    jmp *%eax
register_write:
    movl $0x200, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
triple_fault:
    lidtl nothing
    ud2
instruction:
    incl 0x20000000
configuration_write:
    movl $0x8000f810, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movw $0xcfc, %dx
    outl %eax, %dx
shorthand:
    movl $0x84441, %eax
    movl %eax, 0xfee00300
logical_destination:
    movl $0x55000000, %eax
    movl %eax, 0xfee000d0
task_word:
    movw $0x5, %ax              // emulation of floating point: more than a task switch changes
    lmsw %ax
    print "survived\n"
    jmp stop
pins:
    movl $0x12, %eax
    movl %eax, 0xfec00000
    movl %eax, 0xfec00010

    .balign 4
modes:
    .long port_write, port_read, memory_write, memory_read, read_only_write, fetch, no_execution, register_write
    .long triple_fault, instruction, configuration_write, shorthand, logical_destination, task_word, pins
nothing:
    .word 0
    .long 0
    library
