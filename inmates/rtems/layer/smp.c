// SPDX-License-Identifier: Apache-2.0
/*
 * Several processors, for a BSP built with RTEMS_SMP: takes the place of bspsmp.o and smp-imps.o.
 *
 * RTEMS's assembly has it compiled in that a processor learns its index from the identifier in the local APIC's window,
 * at the address that the variable imps_lapic_addr holds, at every interrupt and context switch. In a cell each such
 * access is a VM exit, and in x2APIC mode it ends the cell. So the variable points to a page of RAM, and each processor
 * but the first has page tables of its own in which this page is its own.
 */
#include "layer.h"

#include <bsp.h>
#include <rtems.h>
#ifdef RTEMS_SMP
#include <bsp/irq.h>
#include <jailhouse.h>
#include <libcpu/cpuModel.h>
#include <rtems/score/smpimpl.h>

#define MOST 8
#define IDENTIFIER 8 /* of the words of the window: offset 0x20 */

/* entry.S: the stacks that the waiting processors wait for */
extern volatile uint32_t layer_stacks[];
void layer_secondary(uint32_t index);

static volatile uint32_t self[MOST][1024] __attribute__((aligned(4096)));
static uint32_t directories[MOST][1024] __attribute__((aligned(4096)));
static uint32_t tables[MOST][1024] __attribute__((aligned(4096)));
static volatile uint32_t identifiers[MOST];
static volatile uint32_t is_there[MOST];

/* smp-imps.o's */
unsigned char imps_apic_cpu_map[256] = { 0, 1, 2, 3, 4, 5, 6, 7 };
unsigned char imps_cpu_apic_map[256];
unsigned imps_lapic_addr = (unsigned) &self[0];
int imps_num_cpus = 1, imps_enabled;

uint32_t layer_processor(void)
{
    return self[0][IDENTIFIER] >> 24;
}

uint32_t _CPU_SMP_Get_current_processor(void)
{
    return layer_processor();
}

/* Pages of 4 MiB that map all to itself, but for the one with the page of the identifier. */
static void map(uint32_t index)
{
    uint32_t address = (uint32_t) &self[0], first = address & 0xffc00000;

    self[index][IDENTIFIER] = index << 24;
    for (uint32_t i = 0; i < 1024; i++) {
        directories[index][i] = i << 22 | 0x83; /* present, writable, 4 MiB */
        tables[index][i] = (first + (i << 12)) | 0x3;
    }
    directories[index][address >> 22] = (uint32_t) tables[index] | 0x3;
    tables[index][address >> 12 & 0x3ff] = (uint32_t) &self[index] | 0x3;
}

uint32_t _CPU_SMP_Initialize(void)
{
    uint32_t count = jailhouse_processors();

    if (count > MOST)
        count = MOST;
    identifiers[0] = layer_apic_identifier();
    for (uint32_t i = 1; i < count; i++)
        map(i);
    imps_num_cpus = (int) count;
    return count;
}

bool _CPU_SMP_Start_processor(uint32_t index)
{
    __sync_synchronize();
    layer_stacks[index] = (uint32_t) _Per_CPU_Get_by_index(index)->interrupt_stack_high & ~15u;
    for (unsigned milliseconds = 0; milliseconds < 1000; milliseconds++) {
        if (is_there[index])
            return true;
        Wait_X_ms(1);
    }
    return false;
}

/* Called by entry.S on the stack of the processor. */
void layer_secondary(uint32_t index)
{
    uint32_t value;

    if (index >= MOST)
        layer_halt();
    __asm__ volatile("movl %%cr4, %0; orl $0x10, %0; movl %0, %%cr4" : "=&r"(value));
    __asm__ volatile("movl %0, %%cr3" : : "r"(directories[index]));
    __asm__ volatile("movl %%cr0, %0; orl $0x80000000, %0; movl %0, %%cr0" : "=&r"(value) : : "memory");
    __asm__ volatile("fninit");
    layer_apic_enable();
    identifiers[index] = layer_apic_identifier();
    is_there[index] = 1;
    _SMP_Start_multitasking_on_secondary_processor(_Per_CPU_Get_by_index(index));
}

void _CPU_SMP_Finalize_initialization(uint32_t count)
{
    (void) count;
}

void _CPU_SMP_Prepare_start_multitasking(void)
{
}

void _CPU_SMP_Send_interrupt(uint32_t index)
{
    /* what it is about is written before it arrives */
    __sync_synchronize();
    layer_apic_send(identifiers[index], LAYER_FIRST_VECTOR + LAYER_INTERPROCESSOR);
}
#endif
