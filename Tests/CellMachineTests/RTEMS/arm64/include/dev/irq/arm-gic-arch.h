// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
void arm_interrupt_facility_set_exception_handler(void);
uint32_t arm_interrupt_enable_interrupts(void);
void arm_interrupt_restore_interrupts(uint32_t);
