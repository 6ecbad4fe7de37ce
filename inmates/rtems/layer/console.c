// SPDX-License-Identifier: Apache-2.0
/*
 * Characters to and from the cell's console: the 8250 that the communication region names, and the hypervisor's virtual
 * console. RTEMS's printk comes here: takes the place of the BSP's printk_support.o.
 *
 * The virtual console is used when it is active, when there is no 8250, and with console=virtual on the command line;
 * always only if the cell is permitted to.
 */
#include "layer.h"

#include <bsp.h>
#include <jailhouse.h>
#include <rtems/bspIo.h>

enum { DATA = 0, INTERRUPTS = 1, QUEUES = 2, LINE = 3, MODEM = 4, STATUS = 5 };
#define HYPERCALL_PUT_CHARACTER 8u

static struct layer_uart uart;
static bool is_virtual, is_amd;

bool layer_console_is_uart(void)
{
    return uart.address;
}

uint8_t layer_console_register(unsigned number)
{
    if (uart.in_memory)
        return *(volatile uint8_t *) (uart.address + number * uart.distance);
    return layer_in8((uint16_t) (uart.address + number));
}

void layer_console_set_register(unsigned number, uint8_t value)
{
    if (uart.in_memory)
        *(volatile uint8_t *) (uart.address + number * uart.distance) = value;
    else
        layer_out8((uint16_t) (uart.address + number), value);
}

static void put(char character);
static void put_first(char character);

static bool wants_virtual_console(void)
{
    char word[8];

    return jailhouse_argument("console", word, sizeof word) && word[0] == 'v';
}

void layer_console_begin(void)
{
    /* "AuthenticAMD", "HygonGenuine" */
    uint32_t vendor = layer_cpuid(0).b;

    BSP_output_char = put;
    is_amd = vendor == 0x68747541 || vendor == 0x6f677948;
    uart = layer_cell_uart();
    is_virtual = layer_cell_has_active_virtual_console()
        || (layer_cell_may_use_virtual_console() && (!uart.address || wants_virtual_console()));
    if (!uart.address)
        return;
    layer_console_set_register(INTERRUPTS, 0);
    if (uart.divider) {
        layer_console_set_register(LINE, 0x83); /* the next two are the divider */
        layer_console_set_register(DATA, (uint8_t) uart.divider);
        layer_console_set_register(INTERRUPTS, (uint8_t) (uart.divider >> 8));
    }
    layer_console_set_register(LINE, 0x03); /* 8 bits, no parity */
    layer_console_set_register(QUEUES, 0x07);
    layer_console_set_register(MODEM, 0x0b); /* the interrupt's line to the IOAPIC is driven */
}

void layer_console_use_virtual(void)
{
    if (BSP_output_char == put_first) {
        layer_cell_begin();
        layer_console_begin();
    }
    is_virtual = layer_cell_may_use_virtual_console();
}

static void hypercall(uint32_t code, uint32_t argument)
{
    if (is_amd)
        __asm__ volatile("vmmcall" : "+a"(code) : "D"(argument) : "memory");
    else
        __asm__ volatile("vmcall" : "+a"(code) : "D"(argument) : "memory");
}

void layer_console_put(char character)
{
    if (uart.address) {
        while (!(layer_console_register(STATUS) & 0x20))
            layer_pause();
        layer_console_set_register(DATA, (uint8_t) character);
    }
    if (is_virtual)
        hypercall(HYPERCALL_PUT_CHARACTER, (uint8_t) character);
}

int layer_console_get(void)
{
    return uart.address && (layer_console_register(STATUS) & 1) ? layer_console_register(DATA) : -1;
}

static void put(char character)
{
    if (character == '\n')
        layer_console_put('\r');
    layer_console_put(character);
}

/* A fatal error may come before bsp_start: it is printed all the same. */
static void put_first(char character)
{
    layer_cell_begin();
    layer_console_begin();
    put(character);
}

BSP_output_char_function_type BSP_output_char = put_first;
BSP_polling_getchar_function_type BSP_poll_char = layer_console_get;
rtems_device_minor_number BSPPrintkPort;
