// SPDX-License-Identifier: Apache-2.0
// Two ends of a link (ivshmem at 00:0f.0) ring each other to and fro: end 0 begins, counts 1000 rounds, and prints how
// many ticks of the PM timer (3.579545 MHz) they took.
    .include "common.S"
    .set REGISTERS, 0xf0000000
    .set VECTORS, 0xf0001000

    .macro configure register, value
    movl $(0x80007800 + \register), %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movl $\value, %eax
    movw $0xcfc, %dx
    outl %eax, %dx
    .endm

    begin
    lidtl interrupt_table_pointer
    movl $rung, %eax
    movw %ax, interrupt_table + 0x41 * 8
    movl $0x1ff, 0xfee000f0
    configure 0x10, REGISTERS
    configure 0x14, VECTORS
    configure 0x04, 6
    movl 0xfee00020, %eax       // the vector goes to this CPU
    shrl $12, %eax
    orl $0xfee00000, %eax
    movl %eax, VECTORS
    movl $0, VECTORS + 4
    movl $0x41, VECTORS + 8
    movl $0, VECTORS + 12
    configure 0x60, 0x80000000
    movl $1, REGISTERS + 8
    movl $1, REGISTERS + 16     // here
    movl REGISTERS, %ebp
    xorl $1, %ebp               // the other end
    movl %ebp, %edi
    shll $16, %edi
    print "ready\n"
1:  pause                       // the state table is at 0x20000000
    cmpl $1, 0x20000000(, %ebp, 4)
    jne 1b
    sti
    testl %ebp, %ebp
    jz echo

1:  pause                       // the host says when
    cmpl $0, 0x9000
    je 1b
    movl $0, rings
    movw $0x608, %dx
    inl %dx, %eax
    movl %eax, %ebx
    movl $1000, %ecx
2:  movl rings, %eax
    movl %edi, REGISTERS + 12
    call await_ring
    loop 2b
    inl %dx, %eax
    subl %ebx, %eax
    andl $0xffffff, %eax
    movl %eax, %ebx
    call print_number
    print "\ndone\n"
    jmp stop

echo:
    movl rings, %eax
1:  call await_ring
    incl %eax
    movl %edi, REGISTERS + 12
    jmp 1b

await_ring:                     // %eax rings were before
    cli
    cmpl rings, %eax
    jne 1f
    sti
    hlt
    jmp await_ring
1:  sti
    ret

rung:
    lock incl rings
    movl $0, 0xfee000b0
    iret

    .balign 4
rings: .long 0
    .balign 8
interrupt_table:
    .rept 0x42
    .word 0, 8, 0x8e00, 0
    .endr
interrupt_table_pointer:
    .word interrupt_table_pointer - interrupt_table - 1
    .long interrupt_table
    library
