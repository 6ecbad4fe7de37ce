// SPDX-License-Identifier: Apache-2.0
#ifndef BSP_H
#define BSP_H
#include <rtems.h>
void bsp_start(void);
void bsp_fatal_extension(rtems_fatal_source, bool, rtems_fatal_code);
void rtems_cache_coherent_add_area(void *, uintptr_t);
#endif
