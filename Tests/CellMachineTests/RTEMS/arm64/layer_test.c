// SPDX-License-Identifier: Apache-2.0
/* The layer for Arm64 in a cell: memory, clock, interrupts, console, the end. TEST is a word for what it does. */
#include <bsp/console-termios.h>
#include <bsp/irq-generic.h>
#include <jailhouse.h>
#include <rtems.h>
#include <rtems/bspIo.h>
#include <rtems/irq-extension.h>

#ifndef TEST
#define TEST "all"
#endif
#define OWN_OF_CPU 28
#define FOREIGN 40

static unsigned passed, failed;

static void check(bool condition, const char *what)
{
    printk("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static void check_memory(void)
{
    uint64_t control;

    __asm__("mrs %0, sctlr_el1" : "=r"(control));
    check((control & 0x1005) == 0x1005, "memory: MMU and caches");
}

static uint64_t count(void)
{
    uint64_t value;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
    return value;
}

/* A second by ticks is a second by the counter. */
static void check_clock(void)
{
    uint64_t frequency, begin, milliseconds;

    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    rtems_task_wake_after(1);
    begin = count();
    rtems_task_wake_after(rtems_clock_get_ticks_per_second());
    milliseconds = (count() - begin) * 1000 / frequency;
    printk("100 ticks: %u ms\n", (unsigned) milliseconds);
    /* a busy machine delays the first reading or the last one */
    check(milliseconds > 950 && milliseconds < 1500, "clock: ticks against the counter");
}

static volatile unsigned interrupts;

static void handler(void *argument)
{
    interrupts += (unsigned) (uintptr_t) argument;
}

static rtems_interrupt_entry by_software = RTEMS_INTERRUPT_ENTRY_INITIALIZER(handler, (void *) 1, "test");
static rtems_interrupt_entry pending = RTEMS_INTERRUPT_ENTRY_INITIALIZER(handler, (void *) 16, "test");

static void check_interrupts(void)
{
    bool is_enabled = false;

    rtems_interrupt_entry_install(3, RTEMS_INTERRUPT_UNIQUE, &by_software);
    bsp_interrupt_raise(3);
    rtems_task_wake_after(2);
    check(interrupts == 1, "interrupts: by software");
    rtems_interrupt_entry_install(OWN_OF_CPU, RTEMS_INTERRUPT_UNIQUE, &pending);
    bsp_interrupt_raise(OWN_OF_CPU);
    rtems_task_wake_after(2);
    check(interrupts == 17, "interrupts: of the processor");
    bsp_interrupt_vector_is_enabled(OWN_OF_CPU, &is_enabled);
    check(is_enabled, "interrupts: enabled");
    bsp_interrupt_vector_disable(OWN_OF_CPU);
    bsp_interrupt_vector_is_enabled(OWN_OF_CPU, &is_enabled);
    check(!is_enabled, "interrupts: disabled");
    bsp_interrupt_vector_enable(FOREIGN);
    bsp_interrupt_vector_is_enabled(FOREIGN, &is_enabled);
    check(!is_enabled, "interrupts: none that is not the cell's");
}

static void check_console(void)
{
    const console_device *console = &console_device_table[0];
    static const char text[] = "by the device\n";

    console->handler->write(console->context, text, sizeof text - 1);
    check(console_device_count == 1 && console->handler->poll_read(console->context) == -1, "console: nothing typed");
}

void standin_before_bsp(void);
void standin_before_bsp(void)
{
    if (*TEST == 'b')
        rtems_fatal(42, 8);
}

static rtems_task Init(rtems_task_argument argument)
{
    (void) argument;
    if (*TEST == 'f')
        rtems_fatal(42, 7);
    if (*TEST == 'x')
        __asm__ volatile("udf #0");
    if (*TEST == 's')
        for (printk("spins\n");;)
            ;
    check_memory();
    check_clock();
    check_interrupts();
    check_console();
    jailhouse_lock_configuration(true);
    jailhouse_lock_configuration(false);
    jailhouse_heartbeat();
    printk("layer: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
