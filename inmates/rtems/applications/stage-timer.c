// SPDX-License-Identifier: Apache-2.0
/*
 * The second stage of the port of 2016, in RTEMS: the clock. Ticks, uptime and sleeps are held against the PM timer,
 * which this program reads itself; a rate-monotonic period is kept.
 */
#include <inttypes.h>
#include <jailhouse.h>
#include <rtems.h>
#include <stdio.h>
#include <stdlib.h>

#define PM_TIMER_HZ 3579545u
#define SECONDS 10

static unsigned passed, failed;

static void check(bool condition, const char *what)
{
    printf("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static uint32_t pm(void)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(jailhouse_pm_timer_port()));
    return value;
}

static void check_drift(void)
{
    rtems_interval per_second = rtems_clock_get_ticks_per_second(), begin;
    int64_t worst = 0, tick = 1000000 / per_second;
    uint64_t sum = 0, up;
    uint32_t last;

    rtems_task_wake_after(per_second / 10);
    begin = rtems_clock_get_ticks_since_boot();
    last = pm();
    up = rtems_clock_get_uptime_nanoseconds();
    for (int second = 1; second <= SECONDS; second++) {
        rtems_interval passed_ticks = rtems_clock_get_ticks_since_boot() - begin, wanted = (unsigned) second * per_second;
        uint32_t now;
        int64_t off;

        /* until that tick: a pause of so many ticks would begin too late whenever this task is delayed */
        rtems_task_wake_after(passed_ticks < wanted ? wanted - passed_ticks : 1);
        passed_ticks = rtems_clock_get_ticks_since_boot() - begin;
        now = pm();
        sum += (now - last) & 0xffffff;
        last = now;
        off = (int64_t) (sum * 1000000 / PM_TIMER_HZ) - passed_ticks * tick;
        printf("stage-timer: %d s by ticks, off by %" PRId64 " us\n", second, off);
        if (llabs(off) > worst)
            worst = llabs(off);
    }
    up = rtems_clock_get_uptime_nanoseconds() - up;
    /* the last reading may be late; what counts is that nothing adds up */
    check(worst < 2 * tick, "ticks against the PM timer");
    check(llabs((int64_t) (up / 1000) - (int64_t) (sum * 1000000 / PM_TIMER_HZ)) < 1000, "uptime against the PM timer");
    printf("stage-timer: %" PRIu32 " ticks made up, APIC timer %" PRIu32 " Hz, TSC %" PRIu64 " Hz\n",
        jailhouse_ticks_made_up(), jailhouse_apic_timer_frequency(), jailhouse_tsc_frequency());
}

static void check_period(void)
{
    rtems_interval length = rtems_clock_get_ticks_per_second() / 10;
    rtems_rate_monotonic_period_status status;
    rtems_id period;
    unsigned missed = 0;

    if (rtems_rate_monotonic_create(rtems_build_name('P', 'E', 'R', ' '), &period) != RTEMS_SUCCESSFUL) {
        check(false, "a period is created");
        return;
    }
    for (int i = 0; i < 20; i++)
        missed += rtems_rate_monotonic_period(period, length) == RTEMS_TIMEOUT;
    check(missed == 0, "a period of 100 ms is kept");
    check(rtems_rate_monotonic_get_status(period, &status) == RTEMS_SUCCESSFUL, "its status is known");
    rtems_rate_monotonic_delete(period);
}

static rtems_task Init(rtems_task_argument argument)
{
    (void) argument;
    check_drift();
    check_period();
    printf("stage-timer: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_APPLICATION_NEEDS_CONSOLE_DRIVER
#define CONFIGURE_MICROSECONDS_PER_TICK 10000
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_MAXIMUM_PERIODS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
