// SPDX-License-Identifier: Apache-2.0
/*
 * The processor's local APIC (Intel SDM, volume 3, chapter 11). A cell always has the registers of the x2APIC; the
 * window in memory of the xAPIC is there only when the machine runs in that mode, and each access to it or to the
 * registers is a VM exit then.
 */
#include "layer.h"

enum {
    IDENTIFIER = 0x02,
    TASK_PRIORITY = 0x08,
    END_OF_INTERRUPT = 0x0b,
    SPURIOUS = 0x0f,
    REQUESTS = 0x20,
    COMMAND = 0x30,
    TIMER = 0x32,
    INITIAL_COUNT = 0x38,
    CURRENT_COUNT = 0x39,
    DIVIDER = 0x3e
};

#define WINDOW 0xfee00000u
#define BASE_MSR 0x1bu
#define X2APIC_MSRS 0x800u
#define TSC_DEADLINE_MSR 0x6e0u
#define MASKED 0x10000u
#define BY_DEADLINE 0x40000u
#define UNDIVIDED 0xbu

static bool by_registers;

static uint32_t get(uint32_t number)
{
    if (by_registers)
        return (uint32_t) layer_msr_read(X2APIC_MSRS + number);
    return *(volatile uint32_t *) (WINDOW + number * 16);
}

static void set(uint32_t number, uint32_t value)
{
    if (by_registers)
        layer_msr_write(X2APIC_MSRS + number, value);
    else
        *(volatile uint32_t *) (WINDOW + number * 16) = value;
}

void layer_apic_enable(void)
{
    uint32_t wanted = 0;

    /* apic=1 on the command line: by registers although the window is there */
    by_registers = (layer_msr_read(BASE_MSR) >> 10 & 1) || (layer_argument_number("apic", &wanted) && wanted);
    set(TASK_PRIORITY, 0);
    set(SPURIOUS, 0x100 | LAYER_SPURIOUS_VECTOR);
    set(TIMER, MASKED);
    set(DIVIDER, UNDIVIDED);
}

bool layer_apic_is_x2apic(void)
{
    return by_registers;
}

void layer_apic_end_of_interrupt(void)
{
    set(END_OF_INTERRUPT, 0);
}

uint32_t layer_apic_identifier(void)
{
    return by_registers ? get(IDENTIFIER) : get(IDENTIFIER) >> 24;
}

bool layer_apic_is_requested(uint8_t vector)
{
    return get(REQUESTS + vector / 32u) >> (vector % 32u) & 1;
}

/*
 * Fixed, to one processor. By the register of the x2APIC, which a cell has in both modes: one exit, where the window would
 * cost three.
 */
void layer_apic_send(uint32_t identifier, uint32_t vector)
{
    layer_msr_write(X2APIC_MSRS + COMMAND, (uint64_t) identifier << 32 | 0x4000 | vector);
}

/* Each register written is an exit in xAPIC mode, so the mode is set once and a tick writes the count only. */
void layer_apic_timer_use_count(void)
{
    set(TIMER, LAYER_FIRST_VECTOR + LAYER_TIMER);
}

void layer_apic_timer_use_deadline(void)
{
    set(TIMER, BY_DEADLINE | (LAYER_FIRST_VECTOR + LAYER_TIMER));
    /* orders the write to the window before that of the MSR */
    __sync_synchronize();
}

void layer_apic_timer_mask(void)
{
    set(TIMER, MASKED);
}

void layer_apic_timer_count(uint32_t count)
{
    set(INITIAL_COUNT, count);
}

uint32_t layer_apic_timer_now(void)
{
    return get(CURRENT_COUNT);
}

void layer_apic_timer_deadline(uint64_t tsc)
{
    layer_msr_write(TSC_DEADLINE_MSR, tsc);
}
