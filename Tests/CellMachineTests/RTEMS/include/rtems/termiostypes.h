// SPDX-License-Identifier: Apache-2.0
#include <rtems.h>
#include <rtems/libio.h>
struct termios;
typedef struct rtems_termios_tty {
    bool rawInBufSemaphoreWait;
} rtems_termios_tty;
typedef struct rtems_termios_device_flow rtems_termios_device_flow;
typedef struct {
    const char *name;
} rtems_termios_device_context;
#define RTEMS_TERMIOS_DEVICE_CONTEXT_INITIALIZER(name) { name }
typedef enum { TERMIOS_POLLED, TERMIOS_IRQ_DRIVEN } rtems_termios_device_mode;
typedef struct {
    bool (*first_open)(
        rtems_termios_tty *, rtems_termios_device_context *, struct termios *, rtems_libio_open_close_args_t *);
    void (*last_close)(rtems_termios_tty *, rtems_termios_device_context *, rtems_libio_open_close_args_t *);
    int (*poll_read)(rtems_termios_device_context *);
    void (*write)(rtems_termios_device_context *, const char *, size_t);
    bool (*set_attributes)(rtems_termios_device_context *, const struct termios *);
    rtems_termios_device_mode mode;
} rtems_termios_device_handler;
void rtems_termios_initialize(void);
rtems_status_code rtems_termios_device_install(const char *, const rtems_termios_device_handler *,
    const rtems_termios_device_flow *, rtems_termios_device_context *);
void rtems_termios_set_best_baud(struct termios *, uint32_t);
int rtems_termios_enqueue_raw_characters(void *, const char *, int);
int rtems_termios_dequeue_characters(void *, int);
/* the stand-in's own: what open, write and read of /dev/console come to */
void standin_console_write(const char *text);
/* -1: none has come */
int standin_console_read(void);
bool standin_console_is_interrupt_driven(void);
/* Whether a read of the terminal, which is open, waits until something comes; RTEMS leaves that to the driver. */
bool standin_console_waits(void);
