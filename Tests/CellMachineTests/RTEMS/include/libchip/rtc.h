// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
typedef struct {
    const char *name;
} rtc_tbl;
extern rtc_tbl RTC_Table[];
extern size_t RTC_Count;
