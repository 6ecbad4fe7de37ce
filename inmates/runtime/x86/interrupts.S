// SPDX-License-Identifier: Apache-2.0
// Where the processor goes when an interrupt or exception comes: 256 stubs of 16 bytes, which bring all of them to one
// function in Swift.

    .text
    .balign 16
    .globl interrupt_stubs
interrupt_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    // for these the processor pushes an error code, for the others nothing
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    push $0
    .endif
    push $vector
    jmp interrupt
    .set vector, vector + 1
    .endr

#ifdef __x86_64__
interrupt:
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    movq %rsp, %rbx
    movq %rsp, %rdi
    subq $512, %rsp
    andq $-16, %rsp
    fxsave (%rsp)               // what was interrupted may be using SSE registers
    call interrupt_arrived
    fxrstor (%rsp)
    movq %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rbp
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rbx
    pop %rax
    addq $16, %rsp
    iretq
#else
interrupt:
    pusha
    cld
    movl %esp, %ebx
    subl $512, %esp
    andl $-16, %esp
    fxsave (%esp)
    subl $12, %esp
    pushl %ebx
    call interrupt_arrived
    addl $16, %esp
    fxrstor (%esp)
    movl %ebx, %esp
    popa
    addl $8, %esp
    iret
#endif
