// SPDX-License-Identifier: Apache-2.0
/*
 * The first instructions of the program after start.o's: takes the place of the BSP's ldsegs.o, which initialises the
 * 8259A. start.o refers to _load_segments, so the linker takes this file out of an archive that is before the BSP's; and
 * the list at the end makes it take the layer's others.
 */
#include <bsp/tblsizes.h>
#include <rtems/score/cpuopts.h>

    .section .m_hdr, "a"        /* the linker script has it first; start is behind its 12 bytes */
    .balign 4
layer_multiboot_header:
    .long 0x1badb002
    .long 0
    .long 0xe4524ffe            /* their sum is 0 */

    .text
    /* Tells those who look at the program's symbols that it is one for a cell. */
    .globl jailhouse_layer_revision
    .set jailhouse_layer_revision, 1

    .globl _load_segments
_load_segments:
    .reloc ., R_386_NONE, layer_multiboot_header    /* kept by the linker's --gc-sections */
    lgdt gdtdesc
    lidt IDT_Descriptor
    ljmp $0x08, $1f
1:  movl $0x10, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    /* a loader may let all processors of the cell in here at once */
    movl $1, %eax
    lock xaddl %eax, layer_arrived
    testl %eax, %eax
    jz _establish_stack         /* start.o goes on there */
#ifdef RTEMS_SMP
    movl %eax, %ebx
1:  pause
    movl layer_stacks(, %ebx, 4), %esp
    testl %esp, %esp
    jz 1b
    subl $12, %esp
    pushl %ebx
    call layer_secondary
#endif
1:  cli
    hlt
    jmp 1b

    .data                       /* .bss is cleared by the first processor meanwhile */
    .balign 4
layer_arrived:
    .long 0
#ifdef RTEMS_SMP
    .globl layer_stacks
layer_stacks:
    .fill 256, 4, 0
#endif

/* Drivers of the BSP wait by it. */
    .section .text.pc386_delay, "ax"
    .globl pc386_delay, _pc386_delay
pc386_delay:
_pc386_delay:
    pause
    ret

/* Nothing is in service after a spurious interrupt, so there is no end of it to be reported. */
    .section .text.layer_spurious, "ax"
    .globl layer_spurious
layer_spurious:
    iret

/* RTEMS: null, code, data, then thread-local storage by %gs for each processor; then those for drivers. */
    .section .data.layer_gdt, "aw"
    .globl _Global_descriptor_table, gdtdesc
    .balign 16
_Global_descriptor_table:
    .quad 0, 0x00cf9e000000ffff, 0x00cf92000000ffff
    .rept (NUM_SYSTEM_GDT_DESCRIPTORS) - 3
    .quad 0x00cf92000000ffff
    .endr
    .fill (GDT_SIZE) - (NUM_SYSTEM_GDT_DESCRIPTORS), 8, 0
gdt_end:
gdtdesc:
    .word gdt_end - _Global_descriptor_table - 1
    .long _Global_descriptor_table

    .section .data.layer_idt, "aw"
    .globl Interrupt_descriptor_table, IDT_Descriptor
    .balign 16
Interrupt_descriptor_table:
    .fill IDT_SIZE, 8, 0
idt_end:
IDT_Descriptor:
    .word idt_end - Interrupt_descriptor_table - 1
    .long Interrupt_descriptor_table

/* Not part of the program, since nothing refers to it: one symbol of each file that takes the place of one of the BSP's. */
    .section .text.layer_members, "ax"
    .long bsp_start, BSP_dispatch_isr, _Clock_Initialize, BSP_output_char, bsp_fatal_extension, Wait_X_ms
    .long _CPU_Counter_read, BSP_pci_configuration
#ifdef RTEMS_SMP
    .long _CPU_SMP_Initialize
#endif
