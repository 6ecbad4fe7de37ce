// SPDX-License-Identifier: Apache-2.0
typedef void (*BSP_output_char_function_type)(char);
typedef int (*BSP_polling_getchar_function_type)(void);
extern BSP_output_char_function_type BSP_output_char;
extern BSP_polling_getchar_function_type BSP_poll_char;
int printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
