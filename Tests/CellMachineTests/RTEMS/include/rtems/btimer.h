// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdint.h>
typedef uint32_t benchmark_timer_t;
void benchmark_timer_initialize(void);
benchmark_timer_t benchmark_timer_read(void);
void benchmark_timer_disable_subtracting_average_overhead(bool);
