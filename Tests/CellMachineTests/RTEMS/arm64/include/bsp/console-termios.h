// SPDX-License-Identifier: Apache-2.0
#include <rtems/termiostypes.h>
typedef struct {
    const char *device_file;
    bool (*probe)(rtems_termios_device_context *);
    const rtems_termios_device_handler *handler;
    const rtems_termios_device_flow *flow;
    rtems_termios_device_context *context;
} console_device;
extern const console_device console_device_table[];
extern const size_t console_device_count;
bool console_device_probe_default(rtems_termios_device_context *);
