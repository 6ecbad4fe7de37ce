// SPDX-License-Identifier: Apache-2.0
/* The layer in a cell: clock, interrupts, console, PCI, the end. TEST is a word for what it does. */
#include <jailhouse.h>
#include <rtems.h>
#include <rtems/bspIo.h>
#include <rtems/fatal.h>
#include <rtems/pci.h>
#include <rtems/score/userextimpl.h>
#include <rtems/termiostypes.h>

#ifndef TEST
#define TEST "all"
#endif

static unsigned passed, failed;

static void check(bool condition, const char *what)
{
    printk("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static uint32_t pm(void)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(jailhouse_pm_timer_port()));
    return value;
}

/* A second by ticks is a second by the PM timer. */
static void check_clock(void)
{
    uint32_t begin, passed_pm;
    uint64_t up;

    /* until all that is executed is translated, where the machine is emulated */
    rtems_task_wake_after(5);
    pm();
    rtems_clock_get_uptime_nanoseconds();
    rtems_task_wake_after(5);
    begin = pm();
    up = rtems_clock_get_uptime_nanoseconds();
    rtems_task_wake_after(rtems_clock_get_ticks_per_second());
    passed_pm = (pm() - begin) & 0xffffff;
    up = rtems_clock_get_uptime_nanoseconds() - up;
    printk("100 ticks: %u of 3579545 PM ticks, %u us of uptime\n", (unsigned) passed_pm, (unsigned) (up / 1000));
    /* a busy machine delays the first reading or the last one */
    check(passed_pm > 3579545 - 180000 && passed_pm < 3579545 + 1800000, "clock: ticks against the PM timer");
    check(up / 1000 > 950000 && up / 1000 < 1500000, "clock: uptime");
}

static volatile unsigned interrupts;

static void handler(void *argument)
{
    interrupts += (unsigned) (uintptr_t) argument;
}

/* ICR of the x2APIC; to oneself. */
static void send(uint32_t address, uint32_t data)
{
    __asm__ volatile("wrmsr" : : "c"(0x830), "a"(0x4000 | (data & 0xff)), "d"(address >> 12 & 0xff) : "memory");
}

static void check_interrupts(void)
{
    uint32_t number = jailhouse_interrupt_allocate(), other = jailhouse_interrupt_allocate(), address, data;

    check(number > 0 && number < 16 && other > 0 && other != number, "interrupts: numbers for MSI");
    rtems_interrupt_handler_install(number, "test", RTEMS_INTERRUPT_UNIQUE, handler, (void *) 1);
    jailhouse_interrupt_message(number, &address, &data);
    send(address, data);
    send(address, data);
    rtems_task_wake_after(2);
    check(interrupts == 1 || interrupts == 2, "interrupts: by message");
    rtems_interrupt_handler_remove(number, handler, (void *) 1);
}

static void check_console(void)
{
    standin_console_write(standin_console_is_interrupt_driven() ? "by interrupt\n" : "polled\n");
    check(true, "console: written");
    if (standin_console_is_interrupt_driven())
        check(standin_console_waits(), "console: a read waits for what is typed");
}

static void echo(void)
{
    printk("type\n");
    for (;;) {
        int character = standin_console_read();

        if (character == 'q')
            exit(0);
        if (character >= 0)
            printk("typed %x\n", (unsigned) character);
        rtems_task_wake_after(1);
    }
}

/* RTEMS for i386 leaves this in a restarted task's context. */
static void check_restart(void)
{
    Thread_Control task = { .Registers = { .isr_dispatch_disable = 1 } };

    standin_restart(&task);
    check(task.Registers.isr_dispatch_disable == 0, "restart: interrupts preempt the task");
}

static void check_pci(void)
{
    uint32_t identifier = 0;
    unsigned char low = 0, high = 0;

    BSP_pci_configuration.pci_functions->read_config_dword(0, 0x1f, 7, 0, &identifier);
    BSP_pci_configuration.pci_functions->read_config_byte(0, 0x1f, 7, 0, &low);
    BSP_pci_configuration.pci_functions->read_config_byte(0, 0x1f, 7, 1, &high);
    check(identifier == 0xffffffff && low == 0xff && high == 0xff, "pci: no device that is not the cell's");
}

/* In the communication region. */
static volatile uint32_t *told_apic_khz(void)
{
    extern char communication_region[];

    return (volatile uint32_t *) communication_region + 18;
}

void standin_before_bsp(void);
void standin_before_bsp(void)
{
    if (*TEST == 'b')
        rtems_fatal(42, 8);
    if (*TEST == 'u')
        told_apic_khz()[0] = 0;
}

static rtems_task Init(rtems_task_argument argument)
{
    static const rtems_exception_frame fault = { .idtIndex = 13, .eip = 0x123456 };
    const char *test = TEST;

    (void) argument;
    if (*test == 'e')
        echo();
    if (*test == 'f')
        rtems_fatal(42, 7);
    if (*test == 'x')
        rtems_fatal(RTEMS_FATAL_SOURCE_EXCEPTION, (rtems_fatal_code) &fault);
    if (*test == 'u')
        check(told_apic_khz()[0] == 0 && jailhouse_apic_timer_frequency() > 0, "clock: measured, not told");
    check_clock();
    check_interrupts();
    check_console();
    check_pci();
    check_restart();
    jailhouse_lock_configuration(true);
    jailhouse_lock_configuration(false);
    jailhouse_heartbeat();
    printk("layer: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_APPLICATION_NEEDS_CONSOLE_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
