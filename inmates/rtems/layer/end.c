// SPDX-License-Identifier: Apache-2.0
/*
 * The end of the program: takes the place of bspfatal-default.o and bspreset.o. Whatever ends it, the daemon learns why:
 * the reason is printed, and the cell's state becomes "shut down" or "failed".
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/bootcard.h>
#include <rtems/bspIo.h>
#include <rtems/fatal.h>
#ifdef RTEMS_SMP
#include <rtems/score/smpimpl.h>
#endif

/* Intel SDM, volume 3, chapter 6. */
static const char *exception_name(uint32_t number)
{
    static const char *const names[] = { "divide error", "debug", "NMI", "breakpoint", "overflow", "bound range exceeded",
        "invalid opcode", "no floating-point unit", "double fault", "", "invalid TSS", "segment not present",
        "stack-segment fault", "general protection", "page fault", "", "floating-point error", "alignment check",
        "machine check", "SIMD floating-point error" };

    return number < sizeof names / sizeof names[0] ? names[number] : "";
}

static void report(rtems_fatal_source source, rtems_fatal_code code)
{
    const char *text = rtems_fatal_source_text(source);

    layer_console_use_virtual();
    if (source == RTEMS_FATAL_SOURCE_EXCEPTION) {
        const rtems_exception_frame *frame = (const rtems_exception_frame *) code;

        printk("\ncell: fatal error: %s, exception %lu (%s) at 0x%lx\n", text, (unsigned long) frame->idtIndex,
            exception_name(frame->idtIndex), (unsigned long) frame->eip);
        rtems_exception_frame_print(frame);
        return;
    }
    printk("\ncell: fatal error: %s, code %lu (0x%lx)", text, (unsigned long) code, (unsigned long) code);
    if (source == INTERNAL_ERROR_CORE)
        printk(": %s", rtems_internal_error_text(code));
    printk("\n");
}

/* Every BSP's initial extension set ends with it. */
void bsp_fatal_extension(rtems_fatal_source source, bool always_set_to_false, rtems_fatal_code code)
{
    bool failed = source != RTEMS_FATAL_SOURCE_EXIT || code != 0;

    (void) always_set_to_false;
#ifdef RTEMS_SMP
    if (source == RTEMS_FATAL_SOURCE_SMP && code == SMP_FATAL_SHUTDOWN_RESPONSE)
        layer_halt();
#endif
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
