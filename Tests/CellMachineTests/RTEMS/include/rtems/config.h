// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#define rtems_configuration_get_microseconds_per_tick() 10000u
