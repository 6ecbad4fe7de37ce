/*
 * An RTEMS application for a cell of Jailhouse: it prints its heartbeat every second, and answers the hypervisor.
 *
 * It prints with printk, which writes to COM1 itself: the console driver waits for an interrupt of COM1's, which comes
 * through the 8259A and reaches no cell. It takes its time from the PM timer, because the BSP's clock is the 8254.
 */
#include <rtems.h>
#include <rtems/bspIo.h>

#include "pm_timer.h"
#include "region.h"

/* An address that the linker was given: see the Makefile and region.ld. */
extern char communication_region[];

static inline uint32_t read_port(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static bool may_shut_down(void *context)
{
    const uint32_t *beats = context;

    printk("heartbeat: shutting down after %u beats\n", (unsigned) *beats);
    return true;
}

/* Nothing is left to do, and the BSP's way out is the keyboard controller's, which a cell does not have. */
static void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static rtems_task Init(rtems_task_argument argument)
{
    struct region region;
    struct pm_timer timer;
    uint16_t port;
    uint32_t beats = 0;

    (void) argument;
    switch (region_open(&region, (uintptr_t) communication_region)) {
    case REGION_ABSENT:
        printk("heartbeat: no communication region at %p\n", (void *) communication_region);
        halt();
        break;
    case REGION_OTHER_REVISION:
        printk("heartbeat: the communication region has revision %u\n", (unsigned) region_revision(&region));
        halt();
        break;
    case REGION_OK:
        break;
    }
    port = region_pm_timer_port(&region);
    printk(
        "heartbeat: communication region at %p, PM timer at port 0x%x\n", (void *) communication_region,
        (unsigned) port);
    pm_timer_begin(&timer, read_port(port));
    while (!region_attend(&region, may_shut_down, &beats)) {
        if (pm_timer_second(&timer, read_port(port))) {
            beats++;
            printk("heartbeat: %u\n", (unsigned) beats);
        }
        /* others of the same priority; without a clock there is no waiting for a time */
        rtems_task_wake_after(RTEMS_YIELD_PROCESSOR);
    }
    halt();
}

#define CONFIGURE_APPLICATION_DOES_NOT_NEED_CLOCK_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
