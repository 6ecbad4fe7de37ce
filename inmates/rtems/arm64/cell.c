// SPDX-License-Identifier: Apache-2.0
/* The communication region, for the whole program: who it is asked by, what it says of the cell, how the cell ends. */
#include "layer.h"

#include <jailhouse.h>

#include "../region.h"

/* entry.S, or the linker's --defsym. The command line goes first. */
extern volatile uint32_t communication_region[];

extern bool jailhouse_may_shut_down(void) __attribute__((weak));

/* Places of 32-bit words, as in region.c. */
enum {
    FLAGS = 5,
    CONSOLE_ADDRESS = 6,
    CONSOLE_TYPE_AND_FLAGS = 9,
    GIC_VERSION = 16, /* 8 bits */
    GIC_DISTRIBUTOR = 18,
    GIC_INTERFACE = 20,
    GIC_REDISTRIBUTORS = 22
};

#define VIRTUAL_CONSOLE_PERMITTED 1u
#define VIRTUAL_CONSOLE_ACTIVE 2u
#define CONSOLE_DISTANCE_4 0x20000u

static struct region region;
static bool is_there;
static uint32_t locks;

void layer_cell_begin(void)
{
    uint32_t address = (uint32_t) (uintptr_t) communication_region;

    layer_argument_number("region", &address);
    is_there = region_open(&region, address) == REGION_OK;
    /* Of another revision: the cell's state says so. Without one nothing says where the interrupt controller is. */
    if (!is_there)
        layer_halt();
}

static bool may_shut_down(void *context)
{
    (void) context;
    return !jailhouse_may_shut_down || jailhouse_may_shut_down();
}

void layer_cell_attend(void)
{
    if (region_attend(&region, may_shut_down, 0))
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
    layer_psci(LAYER_PSCI_VERSION);
}

static uint32_t word(unsigned place)
{
    return is_there ? region.words[place] : 0;
}

static uint64_t wide(unsigned place)
{
    return (uint64_t) word(place + 1) << 32 | word(place);
}

struct layer_uart layer_cell_uart(void)
{
    uint32_t type = word(CONSOLE_TYPE_AND_FLAGS);
    struct layer_uart uart = { .address = wide(CONSOLE_ADDRESS), .distance = type & CONSOLE_DISTANCE_4 ? 4 : 1 };

    switch (type & 0xffff) {
    case LAYER_UART_8250:
        uart.kind = LAYER_UART_8250;
        break;
    case LAYER_UART_PL011:
        uart.kind = LAYER_UART_PL011;
        break;
    }
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

struct layer_gic layer_cell_gic(void)
{
    struct layer_gic gic = { .version = word(GIC_VERSION) & 0xff,
        .distributor = wide(GIC_DISTRIBUTOR),
        .interface = wide(GIC_INTERFACE),
        .redistributors = wide(GIC_REDISTRIBUTORS) };

    return gic;
}
