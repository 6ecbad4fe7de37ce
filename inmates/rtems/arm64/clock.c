// SPDX-License-Identifier: Apache-2.0
/*
 * RTEMS's clock by the virtual timer, whatever the BSP's options say: takes the place of arm-generic-timer-aarch64.o. The
 * driver itself, with its absolute deadlines, is the BSP's.
 *
 * The physical timer attends to the communication region, with and without RTEMS's clock driver.
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <dev/clock/arm-generic-timer.h>
#include <rtems/irq-extension.h>

/* A shutdown request is answered within this many parts of a second, whatever the length of RTEMS's tick. */
#define ATTENDS_PER_SECOND 100
#define TIMER_ENABLE 1u

uint64_t arm_gt_clock_get_compare_value(void)
{
    return LAYER_READ("cntv_cval_el0");
}

void arm_gt_clock_set_compare_value(uint64_t value)
{
    LAYER_WRITE("cntv_cval_el0", value);
}

uint64_t arm_gt_clock_get_count(void)
{
    __asm__ volatile("isb" : : : "memory");
    return LAYER_READ("cntvct_el0");
}

void arm_gt_clock_set_control(uint32_t control)
{
    LAYER_WRITE("cntv_ctl_el0", control);
}

void arm_generic_timer_get_config(uint32_t *frequency, uint32_t *interrupt)
{
    *frequency = (uint32_t) LAYER_READ("cntfrq_el0");
    *interrupt = LAYER_VIRTUAL_TIMER;
}

static void attend(void *argument)
{
    (void) argument;
    layer_cell_attend();
    LAYER_WRITE("cntp_tval_el0", LAYER_READ("cntfrq_el0") / ATTENDS_PER_SECOND);
}

static rtems_interrupt_entry attention = RTEMS_INTERRUPT_ENTRY_INITIALIZER(attend, NULL, "Jailhouse");

void layer_attention_begin(void)
{
    if (rtems_interrupt_entry_install(LAYER_PHYSICAL_TIMER, RTEMS_INTERRUPT_UNIQUE, &attention) != RTEMS_SUCCESSFUL)
        layer_cell_leave(true);
    attend(NULL);
    LAYER_WRITE("cntp_ctl_el0", TIMER_ENABLE);
}
