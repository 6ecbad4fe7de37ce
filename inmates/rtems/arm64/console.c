// SPDX-License-Identifier: Apache-2.0
/*
 * Characters to and from the cell's console: the PL011 or the 8250 that the communication region names, and the
 * hypervisor's virtual console. printk and /dev/console come here: takes the place of the BSP's console.o. The serial
 * port is as the hypervisor or Linux has set it up; no interrupt of it is used.
 *
 * The virtual console is used when it is active, when there is no port of these two kinds, and with console=virtual on the
 * command line; always only if the cell is permitted to.
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/console-termios.h>
#include <jailhouse.h>
#include <rtems/bspIo.h>

enum { PL011_DATA = 0x00, PL011_FLAGS = 0x18 };
#define PL011_NOTHING_RECEIVED 0x10u
#define PL011_FULL 0x20u
/* of an 8250, in units of its registers' distance */
enum { DATA = 0, STATUS = 5 };
#define RECEIVED 0x01u
#define ROOM 0x20u
#define HYPERCALL_PUT_CHARACTER 8u

static struct layer_uart uart;
static bool is_virtual;

static void put(char character);
static void put_first(char character);

static bool wants_virtual_console(void)
{
    char word[8];

    return jailhouse_argument("console", word, sizeof word) && word[0] == 'v';
}

void layer_console_begin(void)
{
    BSP_output_char = put;
    uart = layer_cell_uart();
    is_virtual = layer_cell_has_active_virtual_console()
        || (layer_cell_may_use_virtual_console() && (!uart.kind || wants_virtual_console()));
}

void layer_console_use_virtual(void)
{
    if (BSP_output_char == put_first) {
        layer_cell_begin();
        layer_console_begin();
    }
    is_virtual = layer_cell_may_use_virtual_console();
}

static void layer_console_put(char character)
{
    switch (uart.kind) {
    case LAYER_UART_PL011:
        while (layer_read32(uart.address + PL011_FLAGS) & PL011_FULL)
            ;
        layer_write32(uart.address + PL011_DATA, (uint8_t) character);
        break;
    case LAYER_UART_8250:
        while (!(layer_read8(uart.address + STATUS * uart.distance) & ROOM))
            ;
        layer_write8(uart.address + DATA * uart.distance, (uint8_t) character);
        break;
    case LAYER_UART_NONE:
        break;
    }
    if (is_virtual)
        layer_hypercall(HYPERCALL_PUT_CHARACTER, (uint8_t) character);
}

static int layer_console_get(void)
{
    switch (uart.kind) {
    case LAYER_UART_PL011:
        return layer_read32(uart.address + PL011_FLAGS) & PL011_NOTHING_RECEIVED
            ? -1
            : (int) (layer_read32(uart.address + PL011_DATA) & 0xff);
    case LAYER_UART_8250:
        return layer_read8(uart.address + STATUS * uart.distance) & RECEIVED
            ? layer_read8(uart.address + DATA * uart.distance)
            : -1;
    case LAYER_UART_NONE:
        break;
    }
    return -1;
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

static bool first_open(rtems_termios_tty *tty, rtems_termios_device_context *base, struct termios *term,
    rtems_libio_open_close_args_t *arguments)
{
    (void) tty;
    (void) base;
    (void) arguments;
    rtems_termios_set_best_baud(term, 115200);
    return true;
}

static bool set_attributes(rtems_termios_device_context *base, const struct termios *term)
{
    (void) base;
    (void) term;
    return true;
}

static int poll_read(rtems_termios_device_context *base)
{
    (void) base;
    return layer_console_get();
}

static void poll_write(rtems_termios_device_context *base, const char *characters, size_t count)
{
    (void) base;
    while (count--)
        layer_console_put(*characters++);
}

static const rtems_termios_device_handler polled = {
    .first_open = first_open,
    .poll_read = poll_read,
    .write = poll_write,
    .set_attributes = set_attributes,
    .mode = TERMIOS_POLLED
};

static rtems_termios_device_context context = RTEMS_TERMIOS_DEVICE_CONTEXT_INITIALIZER("console");

/* The BSP makes /dev/console of the first. */
const console_device console_device_table[] = {
    { .device_file = "/dev/ttyS0", .probe = console_device_probe_default, .handler = &polled, .context = &context }
};
const size_t console_device_count = 1;
