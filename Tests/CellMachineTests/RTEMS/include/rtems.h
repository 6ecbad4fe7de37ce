/* As much of RTEMS as the application uses, to compile it without. */
#include <stddef.h>
#include <stdint.h>

typedef void rtems_task;
typedef uint32_t rtems_task_argument;
typedef uint32_t rtems_interval;
typedef int rtems_status_code;

#define RTEMS_YIELD_PROCESSOR 0u

rtems_status_code rtems_task_wake_after(rtems_interval ticks);
