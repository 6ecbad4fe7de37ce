// SPDX-License-Identifier: Apache-2.0
/*
 * The first instructions of the program behind start.o's: takes the place of the BSP's bspstarthooks.o. start.o refers to
 * bsp_start_hook_1, so the linker takes this file out of an archive that is before the BSP's; and the list at the end
 * makes it take the layer's others.
 *
 * The MMU is switched on before the program's memory is written to. With it off, all memory is a device's: the C
 * library's memset and memcpy would be exceptions on a real processor, and what the hypervisor writes into the
 * communication region, by its cache, would not be seen.
 */
#define SCTLR_ALWAYS_ONE 0x30d00800
#define SCTLR_MMU (1 << 0)
#define SCTLR_CACHE (1 << 2)
#define SCTLR_INSTRUCTION_CACHE (1 << 12)
/* 39-bit addresses by TTBR0 in pages of 4 KiB, walks cached and shared; none by TTBR1; 40-bit physical addresses */
#define TCR 0x200803519
/* attribute 0: memory, cached, written back */
#define MAIR 0xff
/* accessed, shared, EL1 may do all, attribute 0 */
#define BLOCK 0x701
#define GIGABYTE 0x40000000
#define BLOCKS 512

    .section .bsp_start_text, "ax"
    /* Tells those who look at the program's symbols that it is one for a cell, and where it looks for the region. */
    .globl jailhouse_layer_revision
    .set jailhouse_layer_revision, 1
    /* The linker's --defsym says another place. */
    .weak communication_region
    .set communication_region, 0x80000000

    .globl bsp_start_hook_0, bsp_start_hook_1
bsp_start_hook_0:               /* start.o calls it in EL3, where no cell is */
    ret

bsp_start_hook_1:
    /* Every address stands for itself and is memory: what is a device, the hypervisor's tables say, and the stricter of
       both holds. */
    adrp x0, layer_pages
    add x0, x0, :lo12:layer_pages
    mov x1, #BLOCK
    mov x2, #GIGABYTE
    mov x3, #BLOCKS
1:  str x1, [x0], #8
    add x1, x1, x2
    subs x3, x3, #1
    b.ne 1b
    dsb ish
    mov x0, #MAIR
    msr mair_el1, x0
    ldr x0, =TCR
    msr tcr_el1, x0
    adrp x0, layer_pages
    msr ttbr0_el1, x0
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    ldr x0, =SCTLR_ALWAYS_ONE | SCTLR_MMU | SCTLR_CACHE | SCTLR_INSTRUCTION_CACHE
    msr sctlr_el1, x0
    isb
    b layer_prepare_memory      /* returns to start.o */
    .ltorg

/* Not cleared with .bss, which happens when it is in use. */
    .section .noinit.layer_pages, "aw", @nobits
    .balign 0x1000
layer_pages:
    .skip BLOCKS * 8

/* Not part of the program, since nothing refers to it: one symbol of each file that takes the place of one of the BSP's. */
    .section .text.layer_members, "ax"
    .balign 8
    .quad bsp_start, bsp_interrupt_dispatch, arm_gt_clock_get_count, BSP_output_char, bsp_fatal_extension
