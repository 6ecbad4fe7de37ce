// SPDX-License-Identifier: Apache-2.0
/* What lwIP asks of a compiler and of a C library. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <errno.h>
#include <rtems/bspIo.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/uio.h>

/* lwIP has one of its own unless this is a macro */
#define iovec iovec

#define LWIP_PLATFORM_DIAG(message)                                                                                    \
    do {                                                                                                               \
        printk message;                                                                                                \
    } while (0)
#define LWIP_PLATFORM_ASSERT(message)                                                                                  \
    do {                                                                                                               \
        printk("lwIP: %s (%s, line %d)\n", message, __FILE__, __LINE__);                                               \
        abort();                                                                                                       \
    } while (0)
#define LWIP_RAND() ((u32_t) arc4random())

#endif
