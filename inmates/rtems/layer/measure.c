// SPDX-License-Identifier: Apache-2.0
/*
 * How fast the timer of the local APIC and the TSC are, against the PM timer. The frequencies in the communication
 * region are Linux's measurement; they have been seen to be off by half a per cent, so they are the fallback.
 */
#include "layer.h"

#include <jailhouse.h>

uint32_t layer_apic_hz;
uint64_t layer_tsc_hz;
uint16_t layer_pm_port;

struct moment {
    uint32_t pm, apic;
    uint64_t tsc;
    /* how long the reading took, in ticks of the PM timer */
    uint32_t width;
};

/* All three at once, as nearly as they can be had: the machine beside us may delay us in the middle. */
static struct moment look(void)
{
    struct moment best = { .width = LAYER_PM_TIMER_MASK };

    for (int i = 0; i < 32 && best.width > 4; i++) {
        struct moment now;
        uint32_t before = layer_pm_now();

        now.apic = layer_apic_timer_now();
        now.tsc = layer_tsc();
        now.width = (layer_pm_now() - before) & LAYER_PM_TIMER_MASK;
        now.pm = (before + now.width / 2) & LAYER_PM_TIMER_MASK;
        if (now.width < best.width)
            best = now;
    }
    return best;
}

void layer_measure(void)
{
    struct moment begin, end;
    uint32_t passed;

    layer_pm_port = jailhouse_pm_timer_port();
    if (!layer_pm_port) {
        layer_apic_hz = layer_cell_told_apic_khz() * 1000;
        layer_tsc_hz = (uint64_t) layer_cell_told_tsc_khz() * 1000;
        return;
    }
    layer_apic_timer_mask();
    layer_apic_timer_count(0xffffffff);
    begin = look();
    while (((layer_pm_now() - begin.pm) & LAYER_PM_TIMER_MASK) < LAYER_PM_TIMER_HZ / 10)
        layer_pause();
    end = look();
    layer_apic_timer_count(0);
    passed = (end.pm - begin.pm) & LAYER_PM_TIMER_MASK;
    layer_apic_hz = (uint32_t) ((uint64_t) (begin.apic - end.apic) * LAYER_PM_TIMER_HZ / passed);
    layer_tsc_hz = (end.tsc - begin.tsc) * LAYER_PM_TIMER_HZ / passed;
}

bool layer_tsc_is_invariant(void)
{
    return layer_cpuid(0x80000000).a >= 0x80000007 && (layer_cpuid(0x80000007).d >> 8 & 1);
}

uint64_t jailhouse_tsc_frequency(void)
{
    return layer_tsc_hz;
}

uint32_t jailhouse_apic_timer_frequency(void)
{
    return layer_apic_hz;
}
