// SPDX-License-Identifier: Apache-2.0
#include <rtems.h>
const char *rtems_fatal_source_text(rtems_fatal_source);
const char *rtems_internal_error_text(rtems_fatal_code);
void rtems_exception_frame_print(const rtems_exception_frame *);
