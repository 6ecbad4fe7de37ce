// SPDX-License-Identifier: Apache-2.0
// The monitor's first instructions, the world switch, and the instructions that Swift has no words for.

    .set BASE, 0x100000         // MonitorMemory.virtualBase
    .set CPUS, BASE + 0x40000
    .set CPU_STRIDE, 0x6000
    .set CPU_RECORD, 0x5000
    .set CPU_NUMBERS, BASE + 0x60
    .set CPU_COUNT, BASE + 0x18
    .set BOOT_CPU, 8

    .section .entry, "ax"
    .globl _start
_start:                         // from the firmware: 64 bit, no stack
    movl $1, %eax
    cpuid
    shrl $24, %ebx              // the APIC's number is the CPU's
    movl $BOOT_CPU, %edi
    testl %ebx, %ebx            // CPU 0 is never a cell's
    jz 2f
    xorl %edi, %edi
1:  cmpl %ebx, CPU_NUMBERS(, %rdi, 4)
    je 2f
    incl %edi
    cmpl CPU_COUNT, %edi
    jb 1b
3:  cli                         // nobody's
    hlt
    jmp 3b
2:  imull $CPU_STRIDE, %edi, %eax
    leaq CPUS + CPU_RECORD(%rax), %rsp
    xorl %ebp, %ebp
    lidt interrupt_table_pointer(%rip)
    call monitor_main
    jmp 3b

    .text
    // vm_run(machine address of the control block, guest registers: rax rcx rdx rbx rsp rbp rsi rdi r8 … r15)
    // rax and rsp are the control block's.
    .globl vm_run
vm_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rsi
    movq %rdi, %rax
    movq 8(%rsi), %rcx
    movq 16(%rsi), %rdx
    movq 24(%rsi), %rbx
    movq 40(%rsi), %rbp
    movq 56(%rsi), %rdi
    movq 64(%rsi), %r8
    movq 72(%rsi), %r9
    movq 80(%rsi), %r10
    movq 88(%rsi), %r11
    movq 96(%rsi), %r12
    movq 104(%rsi), %r13
    movq 112(%rsi), %r14
    movq 120(%rsi), %r15
    movq 48(%rsi), %rsi
    vmrun
    pushq %rsi
    movq 8(%rsp), %rsi
    movq %rcx, 8(%rsi)
    movq %rdx, 16(%rsi)
    movq %rbx, 24(%rsi)
    movq %rbp, 40(%rsi)
    movq %rdi, 56(%rsi)
    movq %r8, 64(%rsi)
    movq %r9, 72(%rsi)
    movq %r10, 80(%rsi)
    movq %r11, 88(%rsi)
    movq %r12, 96(%rsi)
    movq %r13, 104(%rsi)
    movq %r14, 112(%rsi)
    movq %r15, 120(%rsi)
    popq 48(%rsi)
    popq %rsi
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .globl vm_load              // (machine address of the control block)
vm_load:
    movq %rdi, %rax
    vmload
    ret

    .globl interrupts_off
interrupts_off:
    clgi
    ret

    // Takes the pending NMI, and ends it: the return from it lets the next one in.
    .globl take_nmi
take_nmi:
    stgi
    nop
    clgi
    movq %rsp, %rax
    movl %ss, %ecx
    pushq %rcx
    pushq %rax
    pushfq
    movl %cs, %ecx
    pushq %rcx
    leaq 1f(%rip), %rax
    pushq %rax
    iretq
1:  ret

    // Lets the interrupts in that are pending; each is only acknowledged (see `interrupt`).
    .globl drain_interrupts
drain_interrupts:
    stgi
    sti
    nop
    nop
    cli
    clgi
    ret

    // Until an interrupt came; it is only acknowledged.
    .globl await_interrupt
await_interrupt:
    stgi
    sti
    hlt
    cli
    clgi
    ret

    .globl cpu_halt
cpu_halt:
    cli
    hlt
    jmp cpu_halt

    .globl cpu_pause
cpu_pause:
    pause
    ret

    .globl port_write8          // (port, value)
port_write8:
    movl %edi, %edx
    movl %esi, %eax
    outb %al, %dx
    ret

    .globl port_write16
port_write16:
    movl %edi, %edx
    movl %esi, %eax
    outw %ax, %dx
    ret

    .globl port_write32
port_write32:
    movl %edi, %edx
    movl %esi, %eax
    outl %eax, %dx
    ret

    .globl port_read8           // (port) -> value
port_read8:
    movl %edi, %edx
    xorl %eax, %eax
    inb %dx, %al
    ret

    .globl port_read16
port_read16:
    movl %edi, %edx
    xorl %eax, %eax
    inw %dx, %ax
    ret

    .globl port_read32
port_read32:
    movl %edi, %edx
    inl %dx, %eax
    ret

    .globl register_write       // (number, value)
register_write:
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    wrmsr
    ret

    .globl cpu_identify         // (leaf, subleaf, eax ebx ecx edx)
cpu_identify:
    pushq %rbx
    movq %rdx, %r8
    movl %edi, %eax
    movl %esi, %ecx
    cpuid
    movl %eax, (%r8)
    movl %ebx, 4(%r8)
    movl %ecx, 8(%r8)
    movl %edx, 12(%r8)
    popq %rbx
    ret

    .globl cpu_cycles
cpu_cycles:
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    ret

    .globl exchange             // (address of 32 bits, value) -> what was there
exchange:
    movl %esi, %eax
    xchgl %eax, (%rdi)
    ret

    .globl fetch_add            // (address of 32 bits, value) -> what was there
fetch_add:
    movl %esi, %eax
    lock xaddl %eax, (%rdi)
    ret

    .globl fetch_or             // (address of 32 bits, value) -> what was there
fetch_or:
    movl (%rdi), %eax
1:  movl %eax, %ecx
    orl %esi, %ecx
    lock cmpxchgl %ecx, (%rdi)
    jne 1b
    ret

    .globl memcpy
    .globl memmove
memmove:
    movq %rdi, %rax
    subq %rsi, %rax
    cmpq %rdx, %rax
    jae memcpy                  // the destination does not lie in the source
    movq %rdi, %rax
    movq %rdx, %rcx
    leaq -1(%rdi, %rdx), %rdi
    leaq -1(%rsi, %rdx), %rsi
    std
    rep movsb
    cld
    ret
memcpy:
    movq %rdi, %rax
    movq %rdx, %rcx
    rep movsb
    ret

    .globl memset
memset:
    movq %rdi, %r8
    movl %esi, %eax
    movq %rdx, %rcx
    rep stosb
    movq %r8, %rax
    ret

    // Exceptions are the monitor's own mistakes. An NMI only interrupts.
    .macro exception vector
    .balign 32
    .if \vector == 2
    iretq
    .else
    .if !(\vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17)
    pushq $0
    .endif
    popq %rsi                   // error code
    movl $\vector, %edi
    movq (%rsp), %rdx           // where
    andq $~15, %rsp
    call monitor_exception
    jmp cpu_halt
    .endif
    .endm

    .balign 32
exceptions:
    .set vector, 0
    .rept 32
    exception vector
    .set vector, vector + 1
    .endr
    .balign 32
exceptions_end:
interrupt:                      // a device's, for a CPU that begins anew: acknowledged, and no more
    pushq %rax
    movabsq $0xffff8000fee000b0, %rax
    movl $0, (%rax)
    popq %rax
    iretq

    .globl make_interrupt_table
make_interrupt_table:
    leaq exceptions(%rip), %rax
    leaq interrupt_table(%rip), %rdi
    xorl %ecx, %ecx
1:  cmpl $32, %ecx
    jne 2f
    leaq interrupt(%rip), %rax
2:  movl %eax, %edx
    andl $0xffff, %edx
    orl $0x180000, %edx         // the firmware's 64-bit code segment
    movl %edx, (%rdi)
    movl %eax, %edx
    andl $0xffff0000, %edx
    orl $0x8e00, %edx
    movl %edx, 4(%rdi)
    movq $0, 8(%rdi)            // the monitor is below 4 GiB
    addq $16, %rdi
    incl %ecx
    cmpl $32, %ecx
    jae 3f
    addq $(exceptions_end - exceptions) / 32, %rax
3:  cmpl $256, %ecx
    jb 1b
    ret

    .balign 8
    .skip 6
interrupt_table_pointer:
    .word 0xfff
    .quad interrupt_table

    .bss
    .balign 16
interrupt_table:
    .skip 0x1000
