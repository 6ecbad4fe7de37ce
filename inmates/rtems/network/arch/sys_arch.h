// SPDX-License-Identifier: Apache-2.0
/* lwIP's view of an operating system, by RTEMS's self-contained objects: nothing of them is counted by a configuration. */
#ifndef ARCH_SYS_ARCH_H
#define ARCH_SYS_ARCH_H

#include <rtems.h>
#include <rtems/thread.h>
#include <stdbool.h>

typedef struct {
    rtems_counting_semaphore semaphore;
    bool is_valid;
} sys_sem_t;

typedef struct {
    rtems_mutex mutex;
    bool is_valid;
} sys_mutex_t;

#define SYS_MAILBOX_MOST 128

/* A ring of messages; a semaphore counts what is in it, another what still fits. */
typedef struct {
    rtems_mutex mutex;
    rtems_counting_semaphore filled, free;
    void *messages[SYS_MAILBOX_MOST];
    unsigned first, count, size;
    bool is_valid;
} sys_mbox_t;

typedef rtems_id sys_thread_t;
typedef int sys_prot_t;

#define sys_mutex_valid(object) ((object)->is_valid)
#define sys_mutex_set_invalid(object) ((object)->is_valid = false)
#define sys_sem_valid(object) ((object)->is_valid)
#define sys_sem_set_invalid(object) ((object)->is_valid = false)
#define sys_mbox_valid(object) ((object)->is_valid)
#define sys_mbox_set_invalid(object) ((object)->is_valid = false)
#define sys_msleep(milliseconds) sys_sleep(milliseconds)
void sys_sleep(unsigned milliseconds);

#endif
