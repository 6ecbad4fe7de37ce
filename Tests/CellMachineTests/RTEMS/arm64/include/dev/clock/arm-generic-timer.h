// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
uint64_t arm_gt_clock_get_compare_value(void);
void arm_gt_clock_set_compare_value(uint64_t);
uint64_t arm_gt_clock_get_count(void);
void arm_gt_clock_set_control(uint32_t);
void arm_generic_timer_get_config(uint32_t *frequency, uint32_t *irq);
