// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
typedef uint32_t CPU_Counter_ticks;
uint32_t _CPU_Counter_frequency(void);
CPU_Counter_ticks _CPU_Counter_read(void);
