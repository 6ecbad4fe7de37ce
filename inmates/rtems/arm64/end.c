// SPDX-License-Identifier: Apache-2.0
/*
 * The end of the program: takes the place of bspfatal-default.o and of bspreset-arm-psci.o, whose HVC ends the cell.
 * Whatever ends it, the daemon learns why: the reason is printed, and the cell's state becomes "shut down" or "failed".
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/bootcard.h>
#include <inttypes.h>
#include <rtems/bspIo.h>
#include <rtems/fatal.h>

static void report(rtems_fatal_source source, rtems_fatal_code code)
{
    const char *text = rtems_fatal_source_text(source);

    if (source == RTEMS_FATAL_SOURCE_EXCEPTION) {
        const rtems_exception_frame *frame = (const rtems_exception_frame *) code;

        /* more than the hypervisor keeps, so the reason comes last */
        rtems_exception_frame_print(frame);
        layer_console_use_virtual();
        /* Arm DDI0487, ESR_EL1: the class is in bits 31 to 26 */
        printk("\ncell: fatal error: %s, class 0x%02" PRIx64 ", syndrome 0x%08" PRIx64 " at 0x%" PRIxPTR
               ", FAR 0x%" PRIx64 "\n",
            text, frame->register_syndrome >> 26 & 0x3f, frame->register_syndrome, (uintptr_t) frame->register_pc,
            frame->register_fault_address);
        return;
    }
    layer_console_use_virtual();
    printk("\ncell: fatal error: %s, code %" PRIuPTR " (0x%" PRIxPTR ")", text, (uintptr_t) code, (uintptr_t) code);
    if (source == INTERNAL_ERROR_CORE)
        printk(": %s", rtems_internal_error_text(code));
    printk("\n");
}

/* Every BSP's initial extension set ends with it. */
void bsp_fatal_extension(rtems_fatal_source source, bool always_set_to_false, rtems_fatal_code code)
{
    bool failed = source != RTEMS_FATAL_SOURCE_EXIT || code != 0;

    (void) always_set_to_false;
    if (failed)
        report(source, code);
    layer_cell_leave(failed);
}

#ifdef LAYER_RESET_WITHOUT_REASON
/* RTEMS 6.1 and older */
void bsp_reset(void)
{
    layer_cell_leave(false);
}
#else
void bsp_reset(rtems_fatal_source source, rtems_fatal_code code)
{
    layer_cell_leave(source != RTEMS_FATAL_SOURCE_EXIT || code != 0);
}
#endif
