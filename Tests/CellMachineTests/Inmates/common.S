// SPDX-License-Identifier: Apache-2.0
// What the tests' inmates have in common. An inmate starts at 0 in real mode and goes to 32 bit; it prints on COM1.

    .macro begin
    .code16
    .section .text
    .globl _start
_start:
    cli
    lgdtl %cs:gdt_pointer
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $8, $1f
    .code32
1:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x8000, %esp
    .endm

    // print a text of at most some bytes
    .macro print text
    movl $9f, %esi
    call print_text
    jmp 8f
9:  .asciz "\text"
8:
    .endm

    .macro library
print_text:
    lodsb
    testb %al, %al
    jz 2f
    call print_character
    jmp print_text
2:  ret

print_character:
    movb %al, %ah
    movw $0x3fd, %dx
1:  inb %dx, %al
    testb $0x20, %al
    jz 1b
    movb %ah, %al
    movw $0x3f8, %dx
    outb %al, %dx
    ret

    // %ebx in 8 digits
print_number:
    movl $8, %ecx
1:  roll $4, %ebx
    movb %bl, %al
    andb $15, %al
    addb $'0', %al
    cmpb $'9', %al
    jbe 2f
    addb $'a' - '9' - 1, %al
2:  call print_character
    loop 1b
    ret

stop:
    cli
    hlt
    jmp stop

    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
    .endm
