// SPDX-License-Identifier: Apache-2.0
/*
 * An RTEMS application in a cell: a task that prints a line every second. Nothing of it is peculiar to Jailhouse but
 * the last words.
 */
#include <jailhouse.h>
#include <rtems.h>
#include <rtems/bspIo.h>

static volatile unsigned beats;

/* Optional: called before the cell is shut down, in the timer's interrupt. */
bool jailhouse_may_shut_down(void)
{
    printk("heartbeat: shutting down after %u beats\n", beats);
    return true;
}

static rtems_task Init(rtems_task_argument argument)
{
    (void) argument;
#ifdef __aarch64__
    printk("heartbeat: begins\n");
#else
    printk("heartbeat: PM timer at port 0x%x\n", (unsigned) jailhouse_pm_timer_port());
#endif
    for (;;) {
        rtems_task_wake_after(rtems_clock_get_ticks_per_second());
        beats++;
        printk("heartbeat: %u\n", beats);
    }
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_APPLICATION_DOES_NOT_NEED_CONSOLE_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
