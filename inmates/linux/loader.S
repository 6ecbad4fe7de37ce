// SPDX-License-Identifier: Apache-2.0
// The loader of Linux cells: from the start stub's long mode to Linux's 64-bit entry (Documentation/arch/x86/boot.rst,
// "64-bit boot protocol").
//
// The start stub (start/start-stub.S) maps the first 4 GiB and lets all processors in, each here at the same time. The code
// does not depend on its address. The fields at 8 are filled in by whoever loads it: Sources/InmateImage/Linux/LinuxBoot.swift.

    .section .start, "ax"
    .code64
    .globl start
start:
    jmp begin
    .org 8
region:                         // the communication region
    .quad 0
zero_page:
    .quad 0
setup_data:                     // a node of type SETUP_JAILHOUSE
    .quad 0
kernel:                         // its 64-bit entry
    .quad 0
    .org 0x28
begin:
    movl $0x2ff, %ecx           // MTRR default type: until it is enabled, the hypervisor keeps the caches off
    rdmsr
    orl $0x800, %eax
    wrmsr
    movl $1, %edi
    lock xaddl %edi, arrived(%rip)
    cmpl $255, %edi             // as many as the node has room for
    jae stop
    movl $1, %eax
    cpuid
    shrl $24, %ebx              // this processor's APIC id
    movq setup_data(%rip), %rdx
    movb %bl, 41(%rdx, %rdi)
    lock incl ready(%rip)
    testl %edi, %edi
    jnz stop

    leaq stack_top(%rip), %rsp
    movq region(%rip), %rdi
    movq setup_data(%rip), %rsi
    leaq ready(%rip), %rdx
    call complete_setup_data

    leaq gdt(%rip), %rax
    movq %rax, gdt_pointer + 2(%rip)
    lgdt gdt_pointer(%rip)
    movl $0x18, %eax            // __BOOT_DS
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movq zero_page(%rip), %rsi
    movq kernel(%rip), %rax
    xorl %ebx, %ebx
    xorl %edi, %edi
    xorl %ebp, %ebp
    pushq $0x10                 // __BOOT_CS
    pushq %rax
    lretq

stop:                           // until Linux sends INIT and SIPI
    cli
    hlt
    jmp stop

    .section .data, "aw"
    .balign 16
gdt:                            // null; unused; code for long mode; data
    .quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .quad 0
    .balign 4
arrived:                        // processors; loaded with the image, so that each start finds 0
    .long 0
ready:                          // those of which the identifier is in the node
    .long 0
    .balign 16
    .skip 0x400
stack_top:
