// SPDX-License-Identifier: Apache-2.0
void rtems_exception_init_mngt(void);
