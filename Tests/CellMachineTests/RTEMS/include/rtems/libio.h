// SPDX-License-Identifier: Apache-2.0
typedef struct rtems_libio_open_close_args rtems_libio_open_close_args_t;
