// SPDX-License-Identifier: Apache-2.0
/* As much of RTEMS for aarch64 as the layer and the applications use, to compile them without. */
#ifndef RTEMS_H
#define RTEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void rtems_task;
typedef uintptr_t rtems_task_argument;
typedef uint32_t rtems_interval;
typedef uint32_t rtems_vector_number;
typedef uint32_t rtems_option;
typedef uint32_t rtems_device_major_number, rtems_device_minor_number;
typedef int rtems_fatal_source;
typedef uintptr_t rtems_fatal_code;
typedef void (*rtems_interrupt_handler)(void *);
typedef struct {
    void *register_pc;
    uint64_t register_syndrome, register_fault_address;
} rtems_exception_frame;

typedef enum { RTEMS_SUCCESSFUL = 0, RTEMS_UNSATISFIED = 13, RTEMS_INVALID_PRIORITY = 19 } rtems_status_code;
typedef rtems_status_code rtems_device_driver;

#define RTEMS_INTERRUPT_UNIQUE 1u
#define RTEMS_FATAL_SOURCE_EXIT 5
#define RTEMS_FATAL_SOURCE_EXCEPTION 9
#define INTERNAL_ERROR_CORE 0

rtems_status_code rtems_task_wake_after(rtems_interval ticks);
rtems_interval rtems_clock_get_ticks_per_second(void);
void rtems_fatal(rtems_fatal_source source, rtems_fatal_code code) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));

#endif
