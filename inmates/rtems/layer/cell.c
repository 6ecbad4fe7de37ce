// SPDX-License-Identifier: Apache-2.0
/* The communication region, for the whole program: who it is asked by, what it says of the cell, how the cell ends. */
#include "layer.h"

#include <jailhouse.h>

#include "../region.h"

/* Given by the linker's --defsym, for a program that is linked for another place. The command line goes first. */
extern volatile uint32_t communication_region[] __attribute__((weak));

extern bool jailhouse_may_shut_down(void) __attribute__((weak));

/* Places of 32-bit words, as in region.c. */
enum {
    FLAGS = 5,
    CONSOLE_ADDRESS = 6,
    CONSOLE_TYPE_AND_FLAGS = 9,
    CONSOLE_DIVIDER = 10,
    MMCONFIG_LOW = 14,
    MMCONFIG_HIGH = 15
};

#define VIRTUAL_CONSOLE_PERMITTED 1u
#define VIRTUAL_CONSOLE_ACTIVE 2u
#define CONSOLE_8250 2u
#define CONSOLE_IN_MEMORY 0x10000u
#define CONSOLE_DISTANCE_4 0x20000u

static struct region region;
static bool is_there;
static volatile uint32_t locks;

void layer_cell_begin(void)
{
    uint32_t address = communication_region ? (uint32_t) communication_region : REGION_USUAL_PLACE;

    layer_argument_number("region", &address);
    switch (region_open(&region, address)) {
    case REGION_OK:
        is_there = true;
        break;
    case REGION_OTHER_REVISION:
        layer_halt(); /* the cell's state says so */
    case REGION_ABSENT:
        break;
    }
}

static bool may_shut_down(void *context)
{
    (void) context;
    return !jailhouse_may_shut_down || jailhouse_may_shut_down();
}

void layer_cell_attend(void)
{
    if (is_there && region_attend(&region, may_shut_down, 0))
        layer_halt();
}

void layer_cell_leave(bool failed)
{
    if (is_there)
        region_set_state(&region, failed ? REGION_FAILED : REGION_SHUT_DOWN);
    layer_halt();
}

void jailhouse_lock_configuration(bool locked)
{
    uint32_t count = locked ? __sync_add_and_fetch(&locks, 1) : __sync_sub_and_fetch(&locks, 1);

    if (is_there)
        region_set_state(&region, count ? REGION_RUNNING_LOCKED : REGION_RUNNING);
}

void jailhouse_heartbeat(void)
{
    layer_cpuid(0x40000000);
}

uint32_t jailhouse_processors(void)
{
    return is_there ? region_processors(&region) : 1;
}

uint16_t jailhouse_pm_timer_port(void)
{
    return is_there ? region_pm_timer_port(&region) : 0;
}

uint32_t layer_cell_told_tsc_khz(void)
{
    return is_there ? region_tsc_khz(&region) : 0;
}

uint32_t layer_cell_told_apic_khz(void)
{
    return is_there ? region_apic_timer_khz(&region) : 0;
}

static uint32_t word(unsigned place)
{
    return is_there ? region.words[place] : 0;
}

uint64_t layer_cell_mmconfig_base(void)
{
    return (uint64_t) word(MMCONFIG_HIGH) << 32 | word(MMCONFIG_LOW);
}

struct layer_uart layer_cell_uart(void)
{
    uint32_t type = word(CONSOLE_TYPE_AND_FLAGS);
    struct layer_uart uart = {
        .address = (type & 0xffff) == CONSOLE_8250 ? word(CONSOLE_ADDRESS) : 0,
        .divider = word(CONSOLE_DIVIDER),
        .in_memory = type & CONSOLE_IN_MEMORY,
        .distance = type & CONSOLE_DISTANCE_4 ? 4 : 1
    };

    return uart;
}

bool layer_cell_may_use_virtual_console(void)
{
    return word(FLAGS) & VIRTUAL_CONSOLE_PERMITTED;
}

bool layer_cell_has_active_virtual_console(void)
{
    return word(FLAGS) & VIRTUAL_CONSOLE_ACTIVE;
}
