// SPDX-License-Identifier: Apache-2.0
void bsp_reset(rtems_fatal_source source, rtems_fatal_code code) __attribute__((noreturn));
