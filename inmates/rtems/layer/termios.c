// SPDX-License-Identifier: Apache-2.0
/*
 * /dev/console by the termios driver: takes the place of legacy-console.o, conscfg.o and console_control.o. With the
 * interrupt of the 8250 when its pin of the IOAPIC is the cell's, else polled. A file of its own, so that only programs
 * with a console driver have it.
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <rtems/console.h>
#include <rtems/libio.h>
#include <rtems/termiostypes.h>

enum { DATA = 0, INTERRUPTS = 1, REASON = 2, STATUS = 5 };
#define RECEIVED 1
#define SENT 2
#define QUEUE 16
/* COM1's; every 8250 of a PC at another port has 3 */
#define PIN_OF(port) ((port) == 0x3f8 || (port) == 0x3e8 ? 4u : 3u)

struct console {
    rtems_termios_device_context base;
    rtems_termios_tty *tty;
    size_t sending;
};

static bool first_open(rtems_termios_tty *tty, rtems_termios_device_context *base, struct termios *term,
    rtems_libio_open_close_args_t *arguments)
{
    struct console *console = (struct console *) base;

    (void) arguments;
    console->tty = tty;
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

static void interrupt(void *argument)
{
    struct console *console = argument;

    /* the pin is edge-triggered: until the device has no reason left */
    while (!(layer_console_register(REASON) & 1)) {
        uint8_t status = layer_console_register(STATUS);

        for (; status & 1; status = layer_console_register(STATUS)) {
            char character = (char) layer_console_register(DATA);
            rtems_termios_enqueue_raw_characters(console->tty, &character, 1);
        }
        if (console->sending && (status & 0x20)) {
            size_t sent = console->sending;
            console->sending = 0;
            rtems_termios_dequeue_characters(console->tty, sent);
        }
    }
}

static void interrupt_write(rtems_termios_device_context *base, const char *characters, size_t count)
{
    struct console *console = (struct console *) base;

    if (count > QUEUE)
        count = QUEUE;
    console->sending = count;
    for (size_t i = 0; i < count; i++)
        layer_console_set_register(DATA, (uint8_t) characters[i]);
    layer_console_set_register(INTERRUPTS, count ? RECEIVED | SENT : RECEIVED);
}

static bool interrupt_first_open(rtems_termios_tty *tty, rtems_termios_device_context *base, struct termios *term,
    rtems_libio_open_close_args_t *arguments)
{
    if (!first_open(tty, base, term, arguments))
        return false;
    /* RTEMS 6 sets it with the terminal's attributes only: until then a read that finds nothing would be an end of file */
    tty->rawInBufSemaphoreWait = true;
    if (rtems_interrupt_handler_install(
            PIN_OF(layer_cell_uart().address), "Console", RTEMS_INTERRUPT_SHARED, interrupt, base)
        != RTEMS_SUCCESSFUL)
        return false;
    layer_console_set_register(INTERRUPTS, RECEIVED);
    return true;
}

static void interrupt_last_close(
    rtems_termios_tty *tty, rtems_termios_device_context *base, rtems_libio_open_close_args_t *arguments)
{
    (void) tty;
    (void) arguments;
    layer_console_set_register(INTERRUPTS, 0);
    rtems_interrupt_handler_remove(PIN_OF(layer_cell_uart().address), interrupt, base);
}

static const rtems_termios_device_handler polled = {
    .first_open = first_open,
    .poll_read = poll_read,
    .write = poll_write,
    .set_attributes = set_attributes,
    .mode = TERMIOS_POLLED
};

static const rtems_termios_device_handler by_interrupt = {
    .first_open = interrupt_first_open,
    .last_close = interrupt_last_close,
    .write = interrupt_write,
    .set_attributes = set_attributes,
    .mode = TERMIOS_IRQ_DRIVEN
};

static struct console console = { .base = RTEMS_TERMIOS_DEVICE_CONTEXT_INITIALIZER("console") };

rtems_device_driver console_initialize(rtems_device_major_number major, rtems_device_minor_number minor, void *argument)
{
    struct layer_uart uart = layer_cell_uart();
    bool has_interrupt = uart.address && !uart.in_memory && layer_pin_is_mine(PIN_OF(uart.address));

    (void) major;
    (void) minor;
    (void) argument;
    rtems_termios_initialize();
    return rtems_termios_device_install(
        CONSOLE_DEVICE_NAME, has_interrupt ? &by_interrupt : &polled, NULL, &console.base);
}

/* The driver's table has them, but what rtems_termios_device_install registered does not come here. */
#define NEVER_CALLED(name)                                                                                             \
    rtems_device_driver name(rtems_device_major_number major, rtems_device_minor_number minor, void *argument)         \
    {                                                                                                                  \
        (void) major;                                                                                                  \
        (void) minor;                                                                                                  \
        (void) argument;                                                                                               \
        return RTEMS_NOT_IMPLEMENTED;                                                                                  \
    }
NEVER_CALLED(console_open)
NEVER_CALLED(console_close)
NEVER_CALLED(console_read)
NEVER_CALLED(console_write)
NEVER_CALLED(console_control)
