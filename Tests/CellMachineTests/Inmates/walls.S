// SPDX-License-Identifier: Apache-2.0
// Uses what the cell has, as the 32-bit number at 0x9000 says.
    .include "common.S"
    begin
    print "walls\n"
    movl 0x9000, %eax
    jmp *modes(, %eax, 4)

memory:                         // the test device, a region that is no page, memory that is shared
    movl $0x11223344, 0x101ff8
    movb $0x55, 0x101ff9
    movw $0x6677, 0x101ffa
    movl 0x101ff8, %ebx
    call print_number
    print "\n"
    movl 0x500010, %ebx
    call print_number
    print "\n"
    movl $0xcafe0001, 0x500014
    movl 0x600000, %ebx
    call print_number
    print "\n"
    movl $0xcafe0002, 0x600004
    print "done\n"
    jmp stop

width:                          // that region takes 32 bits only
    movw 0x500010, %ax

keyboard:
    inb $0x64, %al
    print "status\n"
    movb $0xfe, %al
    outb %al, $0x64

flood:                          // 10,000 characters by each console
    movl $10000, %ebp
1:  movl $8, %eax
    movl $'x', %edi
    vmmcall
    decl %ebp
    jnz 1b
    movl $10000, %ebp
1:  movb $'y', %al
    call print_character
    decl %ebp
    jnz 1b
    print "\ndone\n"
    jmp stop

legacy:                         // ten ticks of the 8254 by way of the 8259A
    lidtl interrupt_table_pointer
    movl $tick, %eax
    movw %ax, interrupt_table + 0x20 * 8
    movb $0x11, %al
    outb %al, $0x20
    movb $0x20, %al
    outb %al, $0x21
    movb $0x04, %al
    outb %al, $0x21
    movb $0x01, %al
    outb %al, $0x21
    movb $0xfe, %al             // only the timer
    outb %al, $0x21
    movb $0x34, %al
    outb %al, $0x43
    movb $0xa9, %al             // 1193: a millisecond
    outb %al, $0x40
    movb $0x04, %al
    outb %al, $0x40
    sti
1:  hlt
    cmpl $10, ticks
    jb 1b
    cli
    print "ticks\n"
    jmp stop

tick:
    pushl %eax
    incl ticks
    movb $0x20, %al
    outb %al, $0x20
    popl %eax
    iret

    .balign 4
modes:
    .long memory, width, keyboard, flood, legacy
ticks: .long 0
    .balign 8
interrupt_table:
    .rept 0x21
    .word 0, 8, 0x8e00, 0
    .endr
interrupt_table_pointer:
    .word interrupt_table_pointer - interrupt_table - 1
    .long interrupt_table
    library
