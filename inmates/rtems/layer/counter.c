// SPDX-License-Identifier: Apache-2.0
/*
 * RTEMS's processor counter, by the TSC: takes the place of librtemscpu's cpucounterread.o and cpucounterfrequency.o,
 * which count their own calls on i386. A sixteenth of the TSC, so that the frequency fits 32 bits.
 */
#include "layer.h"

#include <rtems/score/cpu.h>

uint32_t _CPU_Counter_frequency(void)
{
    return layer_tsc_hz ? (uint32_t) (layer_tsc_hz >> 4) : 1000000000;
}

CPU_Counter_ticks _CPU_Counter_read(void)
{
    return (CPU_Counter_ticks) (layer_tsc() >> 4);
}
