// SPDX-License-Identifier: Apache-2.0
#ifndef THREADIMPL_H
#define THREADIMPL_H
#include <stdint.h>
typedef struct {
    struct {
        uint32_t isr_dispatch_disable;
    } Registers;
} Thread_Control;
#endif
