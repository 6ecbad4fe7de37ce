// SPDX-License-Identifier: Apache-2.0
// From the state in which a cell's processors come up to Swift: 16-bit real mode, 32-bit protected mode, and, where
// the program is for it, 64-bit long mode.
//
// The hypervisor lets ALL processors of a cell begin at cpu_reset_address, each in real mode. The first to come
// becomes the boot processor. The others leave their number and halt, until the boot processor sends them INIT and
// SIPI; its vector is page 0, so they come here again, and find a stack waiting.

#ifdef __x86_64__
#define FLAGS_OF_CR4 0x620      // PAE, and SSE, whose registers Swift's code uses
#else
#define FLAGS_OF_CR4 0x610      // 4 MiB pages, and SSE
#endif
#define FLAGS_OF_CR0 0x80010033 // paging, write protection, x87 errors, protected mode; caches on
#define PROCESSORS 8            // also in Processors.swift
#define STACK_SIZE 0x4000       // of which the lowest page is not mapped

    .section .start, "ax"
    .code16
    .globl start
start:
    cli
    cld
    jmp begin
    .org 8
default_region:                 // at address 8: where the communication region is. A loader may change it
    .long default_communication_region
begin:
    lgdtl %cs:gdt_pointer
    movl %cr0, %eax
    orl $0x1, %eax
    movl %eax, %cr0             // the hypervisor reads this instruction: only this form is understood
    ljmpl $8, $protected_mode

    .code32
protected_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $0x2ff, %ecx           // MTRR default type: until it is enabled, the hypervisor keeps the caches off
    rdmsr
    orl $0x800, %eax
    wrmsr

    xorl %ebx, %ebx
    xchgl waiting_stack, %ebx
    testl %ebx, %ebx
    jnz enter                   // sent for by the boot processor

    movl $1, %edi
    lock xaddl %edi, processors_come
    cmpl $PROCESSORS, %edi
    jae stop
    movl $1, %eax
    cpuid
    shrl $24, %ebx
    movl %ebx, processor_identifiers(, %edi, 4)
    lock incl processors_ready
    testl %edi, %edi
    jnz stop

    // the boot processor clears what the image's file does not hold
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl
    movl default_region, %eax
    movl %eax, region_address

    // Every address stands for itself. Below 2 GiB memory is cached, above it is not: devices are there.
#ifdef __x86_64__
    movl $page_directories + 3, %eax
    movl $page_directory_pointers, %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 1b
    movl $page_directory_pointers + 3, page_map
    movl $page_directories, %edi
    xorl %ecx, %ecx
2:  movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax             // 2 MiB, writable, present
    cmpl $1024, %ecx
    jb 3f
    orl $0x18, %eax             // not cached
3:  movl %eax, (%edi, %ecx, 8)
    incl %ecx
    cmpl $2048, %ecx
    jb 2b
    movl $page_table + 3, page_directories
    movl $512, %edx
#define ENTRY 8
#else
    movl $page_directories, %edi
    xorl %ecx, %ecx
2:  movl %ecx, %eax
    shll $22, %eax
    orl $0x83, %eax             // 4 MiB, writable, present
    cmpl $512, %ecx
    jb 3f
    orl $0x18, %eax             // not cached
3:  movl %eax, (%edi, %ecx, 4)
    incl %ecx
    cmpl $1024, %ecx
    jb 2b
    movl $page_table + 3, page_directories
    movl $1024, %edx
#define ENTRY 4
#endif
    movl $page_table, %edi      // the first pages are of 4 KiB …
    movl $3, %eax
4:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $ENTRY, %edi
    decl %edx
    jnz 4b
    movl $stacks, %eax          // … so that a stack that is used up ends in a page fault
    shrl $12, %eax
    movl $PROCESSORS, %ecx
5:  movl $0, page_table(, %eax, ENTRY)
    addl $STACK_SIZE >> 12, %eax
    loop 5b
    movl $stacks + STACK_SIZE, %ebx

enter:                          // EBX: the top of the stack
    movl %cr4, %eax
    orl $FLAGS_OF_CR4, %eax
    movl %eax, %cr4
#ifdef __x86_64__
    movl $page_map, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx      // EFER
    rdmsr
    orl $0x100, %eax            // long mode
    wrmsr
    movl $FLAGS_OF_CR0, %eax
    movl %eax, %cr0
    ljmpl $0x18, $long_mode

    .code64
long_mode:
    movl %ebx, %esp
#else
    movl $page_directories, %eax
    movl %eax, %cr3
    movl $FLAGS_OF_CR0, %eax
    movl %eax, %cr0
    movl %ebx, %esp
#endif
    xorl %ebp, %ebp
    call runtime_prepare
    xorl %eax, %eax
    xchgl %eax, waiting_program
    testl %eax, %eax
    jnz 6f
    call inmate_main
    call runtime_finish
    jmp stop
6:
#ifdef __x86_64__
    call *%rax
#else
    call *%eax
#endif
    .globl stop
stop:
    cli
    hlt
    jmp stop

    .balign 8
gdt:                            // null; code and data: base 0, limit 4 GiB, 32 bit; code, 64 bit
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

    // Loaded with the image, so that each start finds them as they stand here.
    .data
    .balign 4
processors_come:
    .long 0
    .globl processors_ready, processor_identifiers, waiting_stack, waiting_program, region_address
processors_ready:
    .long 0
processor_identifiers:
    .fill PROCESSORS, 4, 0
waiting_stack:                  // for the processor that comes next
    .long 0
waiting_program:
    .long 0
region_address:
    .long 0

    .bss
    .balign 0x1000
#ifdef __x86_64__
page_map:
    .skip 0x1000
    .globl page_directory_pointers, page_directories, more_page_directories
page_directory_pointers:
    .skip 0x1000
page_directories:
    .skip 0x4000
more_page_directories:          // see AddressSpace.swift
    .skip 0x4000
#else
    .globl page_directories
page_directories:
    .skip 0x1000
#endif
page_table:
    .skip 0x1000
    .globl stacks
stacks:
    .skip PROCESSORS * STACK_SIZE
    .globl dma_memory
dma_memory:                     // for devices: rings and buffers
    .skip 0x8000
    .globl interrupt_table, interrupt_counts, command_line, print_lock
interrupt_table:
    .skip 0x1000
interrupt_counts:               // how often each vector came
    .skip 0x400
command_line:
    .skip 0x100
print_lock:
    .skip 4
    .globl runtime_words
runtime_words:                  // see SharedWord
    .skip 64
