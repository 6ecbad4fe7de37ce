// SPDX-License-Identifier: Apache-2.0
#include <bsp/linker-symbols.h>
#define BSP_START_TEXT_SECTION __attribute__((section(".bsp_start_text")))
extern char bsp_start_vector_table_begin[];
void bsp_start_hook_1(void);

static inline void AArch64_start_set_vector_base(void)
{
    __asm__ volatile("msr vbar_el1, %0" : : "r"(bsp_start_vector_table_begin));
}

static inline void bsp_start_copy_sections(void)
{
}

static inline void bsp_start_clear_bss(void)
{
    for (char *byte = bsp_section_bss_begin; byte < bsp_section_bss_end; byte++)
        *byte = 0;
}
