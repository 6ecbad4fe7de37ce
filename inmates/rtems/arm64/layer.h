// SPDX-License-Identifier: Apache-2.0
/* What the layer's files for Arm64 know of each other. */
#ifndef LAYER_H
#define LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "../layer/arguments.h"

/* RTEMS's interrupt numbers are the interrupt controller's. */
#define LAYER_VIRTUAL_TIMER 27 /* RTEMS's clock */
#define LAYER_PHYSICAL_TIMER 30 /* for the hypervisor's messages */

/*
 * Registers of devices. Of an access that it emulates the hypervisor knows only what the processor says, and that is
 * nothing of pairs, of addresses that are changed by the way, and of vectors; so the compiler has no choice.
 */
static inline uint8_t layer_read8(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return (uint8_t) value;
}

static inline uint32_t layer_read32(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint64_t layer_read64(uintptr_t address)
{
    uint64_t value;

    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void layer_write8(uintptr_t address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"((uint32_t) value), "r"(address) : "memory");
}

static inline void layer_write32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

#define LAYER_READ(name)                                                                                               \
    __extension__({                                                                                                    \
        uint64_t layer_value;                                                                                          \
        __asm__ volatile("mrs %0, " name : "=r"(layer_value) : : "memory");                                            \
        layer_value;                                                                                                   \
    })
#define LAYER_WRITE(name, value) __asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t) (value)) : "memory")

/* The hypervisor answers PSCI by SMC only; an HVC of another number than its own ends the cell. */
#define LAYER_PSCI_VERSION 0x84000000u
#define LAYER_PSCI_CPU_OFF 0x84000002u

static inline int64_t layer_psci(uint64_t function)
{
    register uint64_t result __asm__("x0") = function;

    __asm__ volatile("smc #0" : "+r"(result) : : "x1", "x2", "x3", "memory");
    return (int64_t) result;
}

static inline void layer_hypercall(uint64_t number, uint64_t argument)
{
    register uint64_t result __asm__("x0") = number;
    register uint64_t first __asm__("x1") = argument;

    __asm__ volatile("hvc #0x4a48" : "+r"(result), "+r"(first) : : "x2", "x3", "memory");
}

/* For ever: the processor goes back to the hypervisor, which lets it wait. */
__attribute__((noreturn)) static inline void layer_halt(void)
{
    __asm__ volatile("msr daifset, #0xf" : : : "memory");
    layer_psci(LAYER_PSCI_CPU_OFF);
    for (;;)
        __asm__ volatile("wfi");
}

/* cell.c: the communication region, and the end of the program */
void layer_cell_begin(void);
/* Answers the hypervisor; does not return from an approved shutdown request. */
void layer_cell_attend(void);
void layer_cell_leave(bool failed) __attribute__((noreturn));

/* As the region describes it. */
struct layer_uart {
    enum { LAYER_UART_NONE = 0, LAYER_UART_8250 = 2, LAYER_UART_PL011 = 3 } kind;
    uintptr_t address;
    uint32_t distance; /* of an 8250's registers, in bytes */
};
struct layer_uart layer_cell_uart(void);
bool layer_cell_may_use_virtual_console(void);
bool layer_cell_has_active_virtual_console(void);

struct layer_gic {
    unsigned version;
    uintptr_t distributor;
    uintptr_t interface; /* version 2 */
    uintptr_t redistributors; /* version 3 */
};
struct layer_gic layer_cell_gic(void);

/* clock.c: answers the hypervisor from now on, with and without RTEMS's clock driver */
void layer_attention_begin(void);

/* console.c */
void layer_console_begin(void);
/* From now on through the virtual console too, if the cell is permitted to: the daemon reads that one. */
void layer_console_use_virtual(void);

/* start.c, called by entry.S */
void layer_prepare_memory(void);

#endif
