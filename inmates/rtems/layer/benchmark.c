// SPDX-License-Identifier: Apache-2.0
/* The timer of RTEMS's timing tests, and waiting: takes the place of the BSP's btimer.o, which uses the 8254. */
#include "layer.h"

#include <bsp.h>
#include <rtems/btimer.h>

volatile uint32_t Ttimer_val;
volatile unsigned int fastLoop1ms, slowLoop1ms;
bool benchmark_timer_find_average_overhead;
void Timer_exit(void);

static uint64_t begin;

void Calibrate_loop_1ms(void)
{
}

void Wait_X_ms(unsigned int milliseconds)
{
    for (; milliseconds; milliseconds--) {
        uint64_t tsc = layer_tsc();
        uint32_t start = layer_pm_port ? layer_pm_now() : 0;

        if (layer_pm_port)
            while (((layer_pm_now() - start) & LAYER_PM_TIMER_MASK) < LAYER_PM_TIMER_HZ / 1000)
                layer_pause();
        else
            while (layer_tsc() - tsc < layer_tsc_hz / 1000)
                layer_pause();
    }
}

void Timer_exit(void)
{
}

void benchmark_timer_initialize(void)
{
    begin = layer_tsc();
}

benchmark_timer_t benchmark_timer_read(void)
{
    return (benchmark_timer_t) (layer_tsc() - begin);
}

void benchmark_timer_disable_subtracting_average_overhead(bool find)
{
    benchmark_timer_find_average_overhead = find;
}
