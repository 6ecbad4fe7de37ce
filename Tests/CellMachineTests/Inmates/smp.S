// SPDX-License-Identifier: Apache-2.0
// Three CPUs: INIT and startup by the xAPIC's window for CPU 2, by the x2APIC's registers for CPU 3; each prints its
// number. CPU 3 is sent an interrupt; then CPU 2 fails, and all others.
    .include "common.S"
    begin
    movl $0xfee00020, %esi
    movl (%esi), %ebx
    shrl $24, %ebx
    cmpl $1, %ebx
    jne stop                    // all begin here; one goes on
    call print_number
    print "\n"
    // the secondary CPUs' entry, at 0x1000
    movl $secondary, %esi
    movl $0x1000, %edi
    movl $secondary_end - secondary, %ecx
    rep movsb

    movl $0x02000000, 0xfee00310
    movl $0x4500, 0xfee00300    // INIT
    movl $0x4601, 0xfee00300    // startup at 0x1000
1:  pause
    cmpl $1, started
    jne 1b
    movl $0x830, %ecx
    movl $3, %edx
    movl $0x4500, %eax
    wrmsr
    movl $0x4601, %eax
    wrmsr
1:  pause
    cmpl $2, started
    jne 1b
    print "all\n"
    movl $0x4041, %eax          // vector 0x41 to CPU 3
    movl $3, %edx
    movl $0x830, %ecx
    wrmsr
1:  pause
    cmpl $0, interrupted
    je 1b
    print "interrupted\n"
    movl $0x9000, %esi          // whether all shall fail
    cmpl $0, (%esi)
    je stop
    movl $1, fails
1:  cmpl $0, 0x9004
    je 1b
    outb %al, $0x70

    .code16
secondary:
    cli
    lgdtl gdt_pointer
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $8, $secondary_32
secondary_end:
    .code32
secondary_32:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl 0xfee00020, %ebx
    shrl $24, %ebx
    movl %ebx, %eax
    shll $10, %eax
    leal 0x7000(%eax), %esp
    call print_number
    print "\n"
    movl $0x1ff, 0xfee000f0
    lidtl interrupt_table_pointer
    movl $interrupt, %eax
    movw %ax, interrupt_table + 0x41 * 8
    lock incl started
    sti
1:  pause
    cmpl $0, fails
    je 1b
    outb %al, $0x70

interrupt:
    incl interrupted
    movl $0, 0xfee000b0
    iret

    .balign 4
started: .long 0
interrupted: .long 0
fails: .long 0
    .balign 8
interrupt_table:
    .rept 0x42
    .word 0, 8, 0x8e00, 0
    .endr
interrupt_table_pointer:
    .word interrupt_table_pointer - interrupt_table - 1
    .long interrupt_table
    library
