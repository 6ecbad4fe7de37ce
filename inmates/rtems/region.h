// SPDX-License-Identifier: Apache-2.0
/*
 * The communication region: the page through which a cell and Jailhouse talk. For any program in C on x86 or Arm; it
 * needs no operating system and no library.
 *
 * One thread looks after it, at least as often as the cell's message-timeout asks for: the whole of Linux stands still
 * while the hypervisor waits for an answer.
 */
#ifndef REGION_H
#define REGION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The revision of the layout that this driver knows. */
#define REGION_REVISION 2

/* Where programs look for it if they are not told otherwise. */
#if defined(__aarch64__) || defined(__arm__)
#define REGION_USUAL_PLACE 0x80000000u
#else
#define REGION_USUAL_PLACE 0x900000u
#endif

enum region_state {
    REGION_RUNNING = 0,
    REGION_RUNNING_LOCKED = 1,  /* no other cell may be created or destroyed now */
    REGION_SHUT_DOWN = 2,
    REGION_FAILED = 3,
    REGION_INTERFACE_MISMATCH = 4
};

enum region_message {
    REGION_NOTHING = 0,
    REGION_SHUTDOWN_REQUEST = 1,
    REGION_RECONFIGURATION_COMPLETED = 2
};

enum region_reply {
    REGION_UNKNOWN = 1,
    REGION_DENIED = 2,
    REGION_APPROVED = 3,
    REGION_RECEIVED = 4
};

/* What an attempt to use a region came to. */
enum region_result {
    REGION_OK = 0,
    REGION_ABSENT,              /* no signature there */
    REGION_OTHER_REVISION       /* the cell's state says so now: "Comm ABI mismatch" */
};

struct region {
    volatile uint32_t *words;
};

/*
 * Whether the cell may be shut down now. What has to be finished or printed must be so before this returns true: the
 * hypervisor stops the processors as soon as it is answered.
 */
typedef bool (*region_may_shut_down)(void *context);

/* The page at this address must be the cell's: a read elsewhere ends it. */
enum region_result region_open(struct region *region, uintptr_t address);

uint16_t region_revision(const struct region *region);

void region_set_state(const struct region *region, enum region_state state);

/*
 * Answers what there is to answer. True when a shutdown was approved; the state is "shut down" then, and nothing is
 * left to do. With no function a request is approved.
 */
bool region_attend(const struct region *region, region_may_shut_down may_shut_down, void *context);

/* x86: the ACPI PM timer's port, 3.579545 MHz, 24 bits. Every cell may read it. */
uint16_t region_pm_timer_port(const struct region *region);

/* x86: how many processors the cell has. */
uint16_t region_processors(const struct region *region);

/* x86: in kHz. The timer of the local APIC without its divider; 0 when Linux uses its deadline mode. */
uint32_t region_tsc_khz(const struct region *region);
uint32_t region_apic_timer_khz(const struct region *region);

#ifdef __cplusplus
}
#endif

#endif
