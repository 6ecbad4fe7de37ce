// SPDX-License-Identifier: Apache-2.0
// The instructions that Swift has no words for, as functions.
//
// Device memory is read and written here as well: the hypervisor emulates some of it, and for that it reads the
// instruction that did the access. It understands plain moves, and a compiler may use something else.

#ifdef __x86_64__
#define FIRST %rdi              // the arguments, as words of the processor …
#define FIRST32 %edi            // … and their lower 32 bits
#define SECOND32 %esi
#define RESULT %rax
#define ARGUMENTS1
#define ARGUMENTS2
#else
#define FIRST %ecx
#define FIRST32 %ecx
#define SECOND32 %eax
#define RESULT %eax
#define ARGUMENTS1 movl 4(%esp), %ecx
#define ARGUMENTS2 movl 4(%esp), %ecx; movl 8(%esp), %eax
#endif

    .macro function name:req
    .section .text.\name, "ax"
    .globl \name
\name:
    .endm

// I/O ports: (port, value), (port) -> value
function port_write8
    ARGUMENTS2
    movl FIRST32, %edx
    movl SECOND32, %eax
    outb %al, %dx
    ret
function port_write16
    ARGUMENTS2
    movl FIRST32, %edx
    movl SECOND32, %eax
    outw %ax, %dx
    ret
function port_write32
    ARGUMENTS2
    movl FIRST32, %edx
    movl SECOND32, %eax
    outl %eax, %dx
    ret
function port_read8
    ARGUMENTS1
    movl FIRST32, %edx
    xorl %eax, %eax
    inb %dx, %al
    ret
function port_read16
    ARGUMENTS1
    movl FIRST32, %edx
    xorl %eax, %eax
    inw %dx, %ax
    ret
function port_read32
    ARGUMENTS1
    movl FIRST32, %edx
    inl %dx, %eax
    ret

// memory of devices: (address, value), (address) -> value
function device_write8
    ARGUMENTS2
    movl SECOND32, %eax
    movb %al, (FIRST)
    ret
function device_write16
    ARGUMENTS2
    movl SECOND32, %eax
    movw %ax, (FIRST)
    ret
function device_write32
    ARGUMENTS2
    movl SECOND32, %eax
    movl %eax, (FIRST)
    ret
function device_read8
    ARGUMENTS1
    movzbl (FIRST), %eax
    ret
function device_read16
    ARGUMENTS1
    movzwl (FIRST), %eax
    ret
function device_read32
    ARGUMENTS1
    movl (FIRST), %eax
    ret

// words that several processors change: (address, value) -> what was there before
function word_exchange
    ARGUMENTS2
    movl SECOND32, %eax
    xchgl %eax, (FIRST)
    ret
function word_add
    ARGUMENTS2
    movl SECOND32, %eax
    lock xaddl %eax, (FIRST)
    ret

// model-specific registers: (register) -> low word, (register) -> high word, (register, low, high)
function msr_read_low
    ARGUMENTS1
    movl FIRST32, %ecx
    rdmsr
    ret
function msr_read_high
    ARGUMENTS1
    movl FIRST32, %ecx
    rdmsr
    movl %edx, %eax
    ret
function msr_write
#ifdef __x86_64__
    movl %edi, %ecx
    movl %esi, %eax
#else
    movl 4(%esp), %ecx
    movl 8(%esp), %eax
    movl 12(%esp), %edx
#endif
    wrmsr
    ret

// (leaf, which of EAX, EBX, ECX, EDX: 0 to 3) -> value; subleaf 0
function processor_information
#ifdef __x86_64__
    pushq %rbx
    movl %edi, %eax
    xorl %ecx, %ecx
    cpuid
    cmpl $1, %esi
    cmovel %ebx, %eax
    cmpl $2, %esi
    cmovel %ecx, %eax
    cmpl $3, %esi
    cmovel %edx, %eax
    popq %rbx
#else
    pushl %ebx
    pushl %esi
    movl 12(%esp), %eax
    movl 16(%esp), %esi
    xorl %ecx, %ecx
    cpuid
    cmpl $1, %esi
    cmovel %ebx, %eax
    cmpl $2, %esi
    cmovel %ecx, %eax
    cmpl $3, %esi
    cmovel %edx, %eax
    popl %esi
    popl %ebx
#endif
    ret

// the low word is enough for the times that are measured here
function time_stamp
    rdtsc
    ret

function processor_pause
    pause
    ret
function interrupts_enable
    sti
    ret
function interrupts_disable
    cli
    ret
// until the next interrupt, which may be there already: nothing comes between STI and HLT
function wait_for_interrupt
    sti
    hlt
    cli
    ret
function undefined_instruction
    ud2

function load_missing_segment   // the table of segments has none there
    movl $0x1230, %eax
    movl %eax, %ds
    ret

// hypercalls: (number, argument) -> result. Intel's processors and AMD's have different instructions for it.
function hypercall_intel
#ifdef __x86_64__
    movl %edi, %eax
    movl %esi, %edi
    vmcall
#else
    pushl %edi
    movl 8(%esp), %eax
    movl 12(%esp), %edi
    vmcall
    popl %edi
#endif
    ret
function hypercall_amd
#ifdef __x86_64__
    movl %edi, %eax
    movl %esi, %edi
    vmmcall
#else
    pushl %edi
    movl 8(%esp), %eax
    movl 12(%esp), %edi
    vmmcall
    popl %edi
#endif
    ret

// the interrupt table: (address, limit)
function interrupt_table_load
#ifdef __x86_64__
    subq $16, %rsp
    movw %si, (%rsp)
    movq %rdi, 2(%rsp)
    lidt (%rsp)
    addq $16, %rsp
#else
    movl 4(%esp), %ecx
    movl 8(%esp), %eax
    subl $8, %esp
    movw %ax, (%esp)
    movl %ecx, 2(%esp)
    lidt (%esp)
    addl $8, %esp
#endif
    ret

// control registers; (value)
function control_read0
    mov %cr0, RESULT
    ret
function control_write0
    ARGUMENTS1
    mov FIRST, RESULT
    mov RESULT, %cr0
    ret
function control_read2
    mov %cr2, RESULT
    ret
function control_read4
    mov %cr4, RESULT
    ret
function control_write4
    ARGUMENTS1
    mov FIRST, %cr4
    ret
// new page tables take effect
function address_cache_flush
    mov %cr3, RESULT
    mov RESULT, %cr3
    ret
// extended control register 0: (low word)
function extended_control_write
    ARGUMENTS1
    movl FIRST32, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    xsetbv
    ret

// (address): goes there, and may come back
function call_address
    ARGUMENTS1
    jmp *FIRST

// What the compiler itself calls.
function memset                 // (to, byte, count) -> to
#ifdef __x86_64__
    movq %rdi, %r8
    movl %esi, %eax
    movq %rdx, %rcx
    rep stosb
    movq %r8, %rax
#else
    pushl %edi
    movl 8(%esp), %edi
    movl 12(%esp), %eax
    movl 16(%esp), %ecx
    rep stosb
    movl 8(%esp), %eax
    popl %edi
#endif
    ret
function memcpy                 // (to, from, count) -> to
#ifdef __x86_64__
    movq %rdi, %rax
    movq %rdx, %rcx
    rep movsb
#else
    pushl %edi
    pushl %esi
    movl 12(%esp), %edi
    movl 16(%esp), %esi
    movl 20(%esp), %ecx
    rep movsb
    movl 12(%esp), %eax
    popl %esi
    popl %edi
#endif
    ret
function memmove                // the same, for places that overlap
#ifdef __x86_64__
    cmpq %rsi, %rdi
    jbe memcpy
    movq %rdi, %rax
    movq %rdx, %rcx
    leaq -1(%rdi, %rcx), %rdi
    leaq -1(%rsi, %rcx), %rsi
    std
    rep movsb
    cld
#else
    movl 4(%esp), %eax
    cmpl 8(%esp), %eax
    jbe memcpy
    pushl %edi
    pushl %esi
    movl 20(%esp), %ecx
    movl 12(%esp), %edi
    movl 16(%esp), %esi
    leal -1(%edi, %ecx), %edi
    leal -1(%esi, %ecx), %esi
    std
    rep movsb
    cld
    movl 12(%esp), %eax
    popl %esi
    popl %edi
#endif
    ret
#ifndef __x86_64__
function __ashldi3              // (64 bits, count): shifts that 32 bits need instructions for
    movl 12(%esp), %ecx
    movl 4(%esp), %eax
    movl 8(%esp), %edx
    shldl %cl, %eax, %edx
    shll %cl, %eax
    testb $32, %cl
    jz 1f
    movl %eax, %edx
    xorl %eax, %eax
1:  ret
function __lshrdi3
    movl 12(%esp), %ecx
    movl 4(%esp), %eax
    movl 8(%esp), %edx
    shrdl %cl, %edx, %eax
    shrl %cl, %edx
    testb $32, %cl
    jz 1f
    movl %edx, %eax
    xorl %edx, %edx
1:  ret
#endif

// Addresses that the linker knows: () -> address
    .macro place symbol:req
function address_of_\symbol
    lea \symbol, RESULT
    ret
    .endm
place interrupt_table
place interrupt_stubs
place interrupt_counts
place command_line
place print_lock
place runtime_words
place processors_ready
place processor_identifiers
place waiting_stack
place waiting_program
place stacks
place dma_memory
place page_directories
#ifdef __x86_64__
place page_directory_pointers
place more_page_directories
#endif
place region_address
function communication_region_address
    movl region_address, %eax
    ret
