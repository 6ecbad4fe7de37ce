// SPDX-License-Identifier: Apache-2.0
/* standin.ld */
extern char bsp_section_nocacheheap_begin[], bsp_section_nocacheheap_size[];
extern char bsp_section_bss_begin[], bsp_section_bss_end[];
