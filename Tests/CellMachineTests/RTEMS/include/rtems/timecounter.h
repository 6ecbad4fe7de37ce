// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#define RTEMS_TIMECOUNTER_QUALITY_CLOCK_DRIVER 100
struct timecounter {
    uint32_t (*tc_get_timecount)(struct timecounter *);
    uint32_t tc_counter_mask;
    uint64_t tc_frequency;
    int tc_quality;
};
void rtems_timecounter_install(struct timecounter *);
void rtems_timecounter_tick(void);
