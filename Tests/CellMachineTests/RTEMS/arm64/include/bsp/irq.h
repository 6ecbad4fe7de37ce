// SPDX-License-Identifier: Apache-2.0
#include <rtems.h>
void arm_gic_trigger_sgi(rtems_vector_number, uint32_t);
