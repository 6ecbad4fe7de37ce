// SPDX-License-Identifier: Apache-2.0
#include <rtems.h>
typedef struct {
    rtems_interrupt_handler handler;
    void *argument;
    const char *info;
} rtems_interrupt_entry;
#define RTEMS_INTERRUPT_ENTRY_INITIALIZER(handler, argument, info) { handler, argument, info }
rtems_status_code rtems_interrupt_entry_install(rtems_vector_number, rtems_option, rtems_interrupt_entry *);
