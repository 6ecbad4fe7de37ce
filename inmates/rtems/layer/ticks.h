// SPDX-License-Identifier: Apache-2.0
/*
 * When the clock's ticks are due, on the scale of a counter that never stops. A value without hardware: the counter's
 * reading is handed in.
 *
 * Deadlines are absolute and exact to a millionth of the counter's unit, so that neither a late interrupt nor a rounded
 * timer count adds up to a drift.
 */
#ifndef LAYER_TICKS_H
#define LAYER_TICKS_H

#include <stdint.h>

struct layer_ticks {
    /* a period: units of the counter, and millionths of one */
    uint64_t period;
    uint32_t period_rest;
    uint64_t due;
    uint32_t due_rest;
};

static inline void layer_ticks_advance(struct layer_ticks *ticks)
{
    ticks->due += ticks->period;
    ticks->due_rest += ticks->period_rest;
    if (ticks->due_rest >= 1000000) {
        ticks->due_rest -= 1000000;
        ticks->due++;
    }
}

/* The first tick is due a period after now. The frequency in Hz, the period in microseconds. */
static inline void layer_ticks_begin(struct layer_ticks *ticks, uint64_t now, uint64_t frequency, uint32_t microseconds)
{
    uint64_t product = frequency * microseconds;

    ticks->period = product / 1000000;
    ticks->period_rest = (uint32_t) (product % 1000000);
    ticks->due = now;
    ticks->due_rest = 0;
    layer_ticks_advance(ticks);
}

/* How many ticks have come due since it was last asked. One that is early by a thousandth of a period is in time. */
static inline uint32_t layer_ticks_due(struct layer_ticks *ticks, uint64_t now)
{
    uint32_t count = 0;

    for (now += ticks->period >> 10; ticks->due <= now; count++)
        layer_ticks_advance(ticks);
    return count;
}

/* How far the next tick is away, in units of the counter. */
static inline uint64_t layer_ticks_until(const struct layer_ticks *ticks, uint64_t now)
{
    return ticks->due > now ? ticks->due - now : 0;
}

#endif
