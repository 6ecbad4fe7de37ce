// SPDX-License-Identifier: Apache-2.0
/*
 * RTEMS's clock driver by the timer of the local APIC: takes the place of the BSP's ckinit.o. The timer is used one-shot
 * with absolute deadlines: periodic, it loses a tick for good whenever the machine delays the cell, and the error of its
 * calibration accumulates.
 *
 * The same interrupt attends to the communication region, with and without RTEMS's clock driver.
 */
#include "layer.h"
#include "ticks.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <bsp/irq-generic.h>
#include <jailhouse.h>
#include <rtems/bspIo.h>
#include <rtems/clockdrv.h>
#include <rtems/config.h>
#include <rtems/timecounter.h>
#ifdef RTEMS_SMP
#include <rtems/score/smpimpl.h>
#define PROCESSORS 8
#else
#define PROCESSORS 1
#endif

/* ckinit.o's, which tests and applications refer to */
volatile uint32_t Clock_driver_ticks;
volatile uint32_t Clock_driver_isrs;
bool Clock_isr_enabled;
volatile uint32_t pc386_microseconds_per_isr;
volatile uint32_t pc386_isrs_per_tick = 1;
uint32_t pc386_clock_click_count;
void Clock_isr(void *argument);
void _Clock_Initialize(void);

/* Each processor has a timer and ticks by it. */
static struct {
    /* the PM timer's reading without its overflows */
    uint64_t pm;
    struct layer_ticks ticks;
} processors[PROCESSORS];

static bool by_tsc, by_deadline;
static volatile bool is_rtems_clock;
/* of the counter that deadlines are on, in Hz */
static uint64_t frequency;
static uint32_t made_up;

#ifdef RTEMS_SMP
static uint32_t self(void)
{
    return layer_processor();
}
#else
static uint32_t self(void)
{
    return 0;
}
#endif

/* Only with interrupts off, and more often than every 4.6 seconds. */
static uint64_t reading(uint32_t processor)
{
    uint64_t *pm = &processors[processor].pm;

    if (by_tsc)
        return layer_tsc();
    *pm += (layer_pm_now() - (uint32_t) *pm) & LAYER_PM_TIMER_MASK;
    return *pm;
}

/* The next interrupt: at the next tick, or for the communication region before that. */
static void arm(uint32_t processor)
{
    uint64_t most = frequency / LAYER_ATTENDS_PER_SECOND, far = most, count;

    if (is_rtems_clock) {
        far = layer_ticks_until(&processors[processor].ticks, reading(processor));
        if (far > most)
            far = most;
    }
    if (by_deadline) {
        layer_apic_timer_deadline(layer_tsc() + (by_tsc ? far : far * layer_tsc_hz / frequency));
        return;
    }
    count = far * layer_apic_hz / frequency;
    layer_apic_timer_count(count ? (uint32_t) count : 1);
}

/* On the interrupt stack, with interrupts off; the EOI is the caller's. */
void layer_timer_interrupt(void)
{
    uint32_t processor = self();

    if (processor == 0)
        layer_cell_attend();
    if (is_rtems_clock) {
        /* RTEMS's handlers expect that interrupts of a higher class come through */
        __asm__ volatile("sti" : : : "memory");
        bsp_interrupt_handler_dispatch(LAYER_TIMER);
        __asm__ volatile("cli" : : : "memory");
    }
    arm(processor);
}

static bool can_tick(void)
{
    return frequency && (by_deadline ? layer_tsc_hz > 0 : layer_apic_hz > 0);
}

void layer_timer_begin_here(void)
{
    if (!can_tick())
        return;
    if (by_deadline)
        layer_apic_timer_use_deadline();
    else
        layer_apic_timer_use_count();
    arm(self());
}

void layer_timer_begin(void)
{
    by_tsc = !layer_pm_port || layer_tsc_is_invariant();
    frequency = by_tsc ? layer_tsc_hz : LAYER_PM_TIMER_HZ;
    /* Linux itself uses the deadline then, and reports no frequency of the count */
    by_deadline = !layer_cell_told_apic_khz() && (layer_cpuid(1).c >> 24 & 1);
    if (!can_tick())
        printk("cell: no PM timer and no frequencies: the clock does not tick\n");
    else if (!by_tsc)
        for (unsigned i = 0; i < PROCESSORS; i++)
            processors[i].pm = layer_pm_now();
    layer_timer_begin_here();
}

void Clock_isr(void *argument)
{
    uint32_t processor = self();
    uint32_t count = layer_ticks_due(&processors[processor].ticks, reading(processor));

    (void) argument;
    if (processor == 0 && count > 1)
        made_up += count - 1;
    for (; count; count--) {
        if (processor == 0)
            Clock_driver_ticks++;
        rtems_timecounter_tick();
    }
}

static uint32_t count_tsc(struct timecounter *counter)
{
    (void) counter;
    return (uint32_t) layer_tsc();
}

static uint32_t count_pm(struct timecounter *counter)
{
    (void) counter;
    return layer_pm_now();
}

static struct timecounter counter;

void Clock_driver_install_handler(void)
{
    rtems_interrupt_handler_install(LAYER_TIMER, "Clock", RTEMS_INTERRUPT_UNIQUE, Clock_isr, 0);
}

#ifdef RTEMS_SMP
static void begin_ticking_here(void *argument)
{
    (void) argument;
    layer_timer_begin_here();
}
#endif

void Clock_driver_support_initialize_hardware(void)
{
    uint32_t microseconds = rtems_configuration_get_microseconds_per_tick(), flags;
    uint64_t now;

    pc386_microseconds_per_isr = microseconds;
    counter.tc_get_timecount = by_tsc ? count_tsc : count_pm;
    counter.tc_counter_mask = by_tsc ? 0xffffffff : LAYER_PM_TIMER_MASK;
    counter.tc_frequency = frequency;
    counter.tc_quality = RTEMS_TIMECOUNTER_QUALITY_CLOCK_DRIVER;
    if (!can_tick())
        return;
    rtems_timecounter_install(&counter);
    pc386_clock_click_count = (uint32_t) ((uint64_t) layer_apic_hz * microseconds / 1000000);
    Clock_isr_enabled = true;
    flags = layer_interrupts_off();
    now = reading(0);
    for (unsigned i = 0; i < PROCESSORS; i++) {
        processors[i].pm = now;
        layer_ticks_begin(&processors[i].ticks, now, frequency, microseconds);
    }
    is_rtems_clock = true;
    arm(0);
    layer_interrupts_restore(flags);
#ifdef RTEMS_SMP
    _SMP_Othercast_action(begin_ticking_here, 0);
#endif
}

/* CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER calls it. */
void _Clock_Initialize(void)
{
    Clock_driver_ticks = 0;
    Clock_driver_install_handler();
    Clock_driver_support_initialize_hardware();
}

uint32_t jailhouse_ticks_made_up(void)
{
    return made_up;
}
