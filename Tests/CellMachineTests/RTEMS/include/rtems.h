// SPDX-License-Identifier: Apache-2.0
/* As much of RTEMS as the layer and the applications use, to compile them without. */
#ifndef RTEMS_H
#define RTEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void rtems_task;
typedef uint32_t rtems_task_argument;
typedef uint32_t rtems_interval;
typedef uint32_t rtems_vector_number;
typedef uint32_t rtems_id;
typedef uint32_t rtems_event_set;
typedef uint32_t rtems_option;
typedef uint32_t rtems_device_major_number, rtems_device_minor_number;
typedef int rtems_fatal_source;
typedef uint32_t rtems_fatal_code;
typedef void (*rtems_interrupt_handler)(void *);
typedef struct rtems_exception_frame {
    uint32_t idtIndex, eip;
} rtems_exception_frame;

typedef enum {
    RTEMS_SUCCESSFUL = 0,
    RTEMS_INVALID_ID = 4,
    RTEMS_UNSATISFIED = 13,
    RTEMS_NOT_IMPLEMENTED = 24
} rtems_status_code;
typedef rtems_status_code rtems_device_driver;

#define RTEMS_INTERRUPT_UNIQUE 1u
#define RTEMS_INTERRUPT_SHARED 0u
#define RTEMS_NO_WAIT 1u
#define RTEMS_EVENT_3 8u
#define RTEMS_FATAL_SOURCE_EXIT 5
#define RTEMS_FATAL_SOURCE_EXCEPTION 9
#define INTERNAL_ERROR_CORE 0

rtems_status_code rtems_task_wake_after(rtems_interval ticks);
rtems_interval rtems_clock_get_ticks_per_second(void);
uint64_t rtems_clock_get_uptime_nanoseconds(void);
rtems_id rtems_task_self(void);
rtems_status_code rtems_event_send(rtems_id task, rtems_event_set events);
rtems_status_code rtems_event_receive(
    rtems_event_set wanted, rtems_option options, rtems_interval ticks, rtems_event_set *events);
rtems_status_code rtems_interrupt_handler_install(
    rtems_vector_number vector, const char *info, rtems_option options, rtems_interrupt_handler handler, void *argument);
rtems_status_code rtems_interrupt_handler_remove(
    rtems_vector_number vector, rtems_interrupt_handler handler, void *argument);
void rtems_fatal(rtems_fatal_source source, rtems_fatal_code code) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));

#endif
