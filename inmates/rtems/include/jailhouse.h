// SPDX-License-Identifier: Apache-2.0
/*
 * What an RTEMS application may use of its cell beyond RTEMS itself. All of it is optional: an application that includes
 * nothing of this boots, ticks, prints and is shut down all the same.
 */
#ifndef JAILHOUSE_H
#define JAILHOUSE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The application's own, if it defines it: whether the cell may be shut down now. Called from the timer interrupt of the
 * first processor; all of Linux waits for the result. Without it every request is approved.
 */
bool jailhouse_may_shut_down(void);

/*
 * While locked, no other cell is created or destroyed ("running/locked"). Sections nest; each call with true needs one
 * with false. Callable from tasks and interrupts.
 */
void jailhouse_lock_configuration(bool locked);

/*
 * Causes one VM exit, which `liveness = { kind = "vm-exits" }` of the cell's definition counts: call it from the task
 * whose stall is to be noticed. On x86 the layer's timer alone causes exits only where the machine's APICs are in xAPIC
 * mode; on Arm64 each interrupt is one, so that only what the console says shows a stall there.
 */
void jailhouse_heartbeat(void);

/* The value of NAME=VALUE on the command line, copied to buffer and ended by NUL; false if it is not there. */
bool jailhouse_argument(const char *name, char *buffer, unsigned size);

#ifndef __aarch64__
/* What the communication region reports; 0 where it reports nothing. */
uint32_t jailhouse_processors(void);
uint16_t jailhouse_pm_timer_port(void);

/* Measured against the PM timer at the start, in Hz. 0: there is no PM timer. */
uint64_t jailhouse_tsc_frequency(void);
uint32_t jailhouse_apic_timer_frequency(void);

/* How many clock ticks came late and were made up for, of the first processor. */
uint32_t jailhouse_ticks_made_up(void);

/*
 * Message-signalled interrupts. RTEMS's BSPs of this family have interrupts 1 to 15 for devices; those that are not
 * IOAPIC pins of the cell are free for devices with MSI or MSI-X.
 */

/* A free interrupt number for rtems_interrupt_handler_install, or 0 when none is left. */
uint32_t jailhouse_interrupt_allocate(void);

/* What the device's MSI capability or MSI-X table entry must contain; the interrupt arrives at the calling processor. */
void jailhouse_interrupt_message(uint32_t number, uint32_t *address, uint32_t *data);
#endif

#ifdef __cplusplus
}
#endif

#endif
