// SPDX-License-Identifier: Apache-2.0
/*
 * The pins of the IOAPIC that are the cell's (82093AA datasheet). Nothing in a cell says which they are, and an access
 * to the IOAPIC of a cell that has none ends it: so the daemon puts them on the command line, as a mask: pins=0x10.
 */
#include "layer.h"

/* Given by the linker's --defsym, for a program that is not entered as multiboot. */
extern char jailhouse_ioapic_pins[] __attribute__((weak));

#define SELECT 0xfec00000u
#define WINDOW 0xfec00010u
#define MASKED 0x10000u
#define ENTRY(pin) (0x10u + 2u * (pin))

static uint32_t mine;

void layer_pins_begin(void)
{
    mine = (uint32_t) jailhouse_ioapic_pins;
    layer_argument_number("pins", &mine);
    mine &= (1u << LAYER_PINS) - 2;
}

bool layer_pin_is_mine(uint32_t number)
{
    return number < LAYER_PINS && (mine >> number & 1);
}

static void set(uint32_t number, uint32_t value)
{
    *(volatile uint32_t *) SELECT = number;
    *(volatile uint32_t *) WINDOW = value;
}

/* Fixed, to this processor, edge-triggered, active high: as the pins of the ISA devices are. */
void layer_pin_enable(uint32_t number, bool enable)
{
    uint32_t flags = layer_interrupts_off();

    set(ENTRY(number), MASKED);
    if (enable) {
        set(ENTRY(number) + 1, layer_apic_identifier() << 24);
        set(ENTRY(number), LAYER_FIRST_VECTOR + number);
    }
    layer_interrupts_restore(flags);
}
