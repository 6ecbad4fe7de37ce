// SPDX-License-Identifier: Apache-2.0
/*
 * A restarted task of RTEMS for i386 keeps what its context says of dispatching at the end of interrupts. If an interrupt
 * preempted it before, that says "not now": the processor would never be taken from it again by an interrupt. Programs
 * without a clock driver restart tasks that no interrupt has preempted, but in a cell the layer's timer does that.
 */
#include "layer.h"

#include <rtems/score/threadimpl.h>
#include <rtems/score/userextimpl.h>

/* In RTEMS's order: the task's context is set up, then the extensions are called, then it is entered. */
static void restarted(Thread_Control *executing, Thread_Control *task)
{
    (void) executing;
    task->Registers.isr_dispatch_disable = 0;
}

void layer_restart_begin(void)
{
    static User_extensions_Control extension = { .Callouts = { .thread_restart = restarted } };

    _User_extensions_Add_set(&extension);
}
