// SPDX-License-Identifier: Apache-2.0
/* What the layer's files know of each other. */
#ifndef LAYER_H
#define LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "arguments.h"

/* RTEMS's interrupt numbers in the pc386 family, and where they are in the IDT. */
#define LAYER_TIMER 0
#define LAYER_PINS 16 /* 1 to 15 are devices' */
#define LAYER_INTERPROCESSOR 16
#define LAYER_FIRST_VECTOR 0x20u
#define LAYER_SPURIOUS_VECTOR 0xffu

#define LAYER_PM_TIMER_HZ 3579545u
#define LAYER_PM_TIMER_MASK 0xffffffu
/* A shutdown request is answered within this many parts of a second, whatever the length of RTEMS's tick. */
#define LAYER_ATTENDS_PER_SECOND 100

static inline uint8_t layer_in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t layer_in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t layer_in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void layer_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void layer_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void layer_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint64_t layer_tsc(void)
{
    uint64_t value;

    __asm__ volatile("rdtsc" : "=A"(value));
    return value;
}

static inline uint64_t layer_msr_read(uint32_t number)
{
    uint64_t value;

    __asm__ volatile("rdmsr" : "=A"(value) : "c"(number));
    return value;
}

static inline void layer_msr_write(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "A"(value) : "memory");
}

struct layer_cpuid {
    uint32_t a, b, c, d;
};

static inline struct layer_cpuid layer_cpuid(uint32_t leaf)
{
    struct layer_cpuid result;

    __asm__ volatile("cpuid" : "=a"(result.a), "=b"(result.b), "=c"(result.c), "=d"(result.d) : "a"(leaf), "c"(0));
    return result;
}

static inline void layer_pause(void)
{
    __asm__ volatile("pause");
}

/* Interrupts of this processor; nests. */
static inline uint32_t layer_interrupts_off(void)
{
    uint32_t flags;

    __asm__ volatile("pushfl; popl %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void layer_interrupts_restore(uint32_t flags)
{
    __asm__ volatile("pushl %0; popfl" : : "r"(flags) : "memory", "cc");
}

__attribute__((noreturn)) static inline void layer_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* cell.c: the communication region, and the end of the program */
void layer_cell_begin(void);
/* Answers the hypervisor; does not return from an approved shutdown request. */
void layer_cell_attend(void);
void layer_cell_leave(bool failed) __attribute__((noreturn));
uint32_t layer_cell_told_tsc_khz(void);
uint32_t layer_cell_told_apic_khz(void);
uint64_t layer_cell_mmconfig_base(void);

/* As the region describes it. */
struct layer_uart {
    uint32_t address; /* 0: there is none */
    uint32_t divider; /* 0: it is set up already */
    bool in_memory;
    uint32_t distance; /* of its registers, in bytes */
};
struct layer_uart layer_cell_uart(void);
bool layer_cell_may_use_virtual_console(void);
bool layer_cell_has_active_virtual_console(void);

/* apic.c */
void layer_apic_enable(void);
bool layer_apic_is_x2apic(void);
void layer_apic_end_of_interrupt(void);
uint32_t layer_apic_identifier(void);
bool layer_apic_is_requested(uint8_t vector);
void layer_apic_send(uint32_t identifier, uint32_t vector);
/* The timer, undivided: its interrupt once, by its count or by the TSC. */
void layer_apic_timer_use_count(void);
void layer_apic_timer_use_deadline(void);
void layer_apic_timer_mask(void);
void layer_apic_timer_count(uint32_t count);
uint32_t layer_apic_timer_now(void);
void layer_apic_timer_deadline(uint64_t tsc);

/* pins.c: the cell's pins of the IOAPIC */
void layer_pins_begin(void);
bool layer_pin_is_mine(uint32_t number);
void layer_pin_enable(uint32_t number, bool enable);

/* measure.c */
void layer_measure(void);
extern uint32_t layer_apic_hz;
extern uint64_t layer_tsc_hz;
extern uint16_t layer_pm_port;
bool layer_tsc_is_invariant(void);

static inline uint32_t layer_pm_now(void)
{
    return layer_in32(layer_pm_port) & LAYER_PM_TIMER_MASK;
}

/* clock.c */
void layer_timer_begin(void);
/* on each further processor */
void layer_timer_begin_here(void);
void layer_timer_interrupt(void);

/* console.c */
void layer_console_begin(void);
/* From now on through the virtual console too, if the cell is permitted to: the daemon reads that one. */
void layer_console_use_virtual(void);
void layer_console_put(char character);
int layer_console_get(void);
/* Of an 8250, for the interrupt-driven driver. */
bool layer_console_is_uart(void);
uint8_t layer_console_register(unsigned number);
void layer_console_set_register(unsigned number, uint8_t value);

/* pci.c */
void layer_pci_begin(void);

/* restart.c */
void layer_restart_begin(void);

/* entry.S */
extern char layer_spurious[];

/* smp.c */
uint32_t layer_processor(void);

#endif
