// SPDX-License-Identifier: Apache-2.0
/* RTEMS's bsp_start, in the place of the BSP's bspstart.o, and what remains of its start hook. */
#include "layer.h"

#include <bsp.h>
#include <bsp/bootcard.h>
#include <bsp/irq-generic.h>
#include <bsp/linker-symbols.h>
#include <bsp/start.h>

BSP_START_TEXT_SECTION void layer_prepare_memory(void)
{
    AArch64_start_set_vector_base();
    bsp_start_copy_sections();
    bsp_start_clear_bss();
}

void bsp_start(void)
{
    layer_cell_begin();
    layer_console_begin();
    bsp_interrupt_initialize(); /* calls bsp_interrupt_facility_initialize */
    rtems_cache_coherent_add_area(bsp_section_nocacheheap_begin, (uintptr_t) bsp_section_nocacheheap_size);
    layer_attention_begin();
}
