// SPDX-License-Identifier: Apache-2.0
#ifndef USEREXTIMPL_H
#define USEREXTIMPL_H
#include <rtems/score/threadimpl.h>
typedef struct {
    struct {
        void (*thread_restart)(Thread_Control *executing, Thread_Control *restarted);
    } Callouts;
} User_extensions_Control;
void _User_extensions_Add_set(User_extensions_Control *);
/* The stand-in's own: what RTEMS calls when a task is restarted. */
void standin_restart(Thread_Control *task);
#endif
