// SPDX-License-Identifier: Apache-2.0
/* RTEMS's bsp_start, which is weak in the BSP's bspstart.o, and what start.o calls before it. */
#include "layer.h"

#include <bsp.h>
#include <bsp/bootcard.h>
#include <bsp/bspimpl.h>
#include <bsp/irq.h>
#include <libchip/rtc.h>
#include <libcpu/cpuModel.h>

void vesa_realmode_bootup_init(void);

void bsp_start(void)
{
    layer_cell_begin();
    layer_console_begin();
    layer_restart_begin();
    rtems_irq_mngt_init(); /* calls bsp_interrupt_facility_initialize */
    rtems_exception_init_mngt();
    layer_pci_begin();
    layer_measure();
    layer_timer_begin();
}

/* outch.o's and fb_vesa_rm.o's: there is no screen, and no BIOS that could be asked for one. */
void _IBMPC_initVideo(void)
{
}

void vesa_realmode_bootup_init(void)
{
}

/* todcfg.o's: there is no CMOS clock. */
rtc_tbl RTC_Table[1];
size_t RTC_Count = 0;
