// SPDX-License-Identifier: Apache-2.0
/*
 * Time without interrupts: the ACPI PM timer of an x86 cell. It must be looked at more often than every 4.6 seconds,
 * when its 24 bits overflow.
 */
#ifndef PM_TIMER_H
#define PM_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define PM_TIMER_FREQUENCY 3579545u

struct pm_timer {
    uint32_t last;
    uint32_t ticks;
};

static inline void pm_timer_begin(struct pm_timer *timer, uint32_t now)
{
    timer->last = now;
    timer->ticks = 0;
}

/* Whether another second has passed since this was last true. */
static inline bool pm_timer_second(struct pm_timer *timer, uint32_t now)
{
    timer->ticks += (now - timer->last) & 0xffffff;
    timer->last = now;
    if (timer->ticks < PM_TIMER_FREQUENCY)
        return false;
    timer->ticks -= PM_TIMER_FREQUENCY;
    return true;
}

#endif
