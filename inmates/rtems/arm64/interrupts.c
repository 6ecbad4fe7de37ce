// SPDX-License-Identifier: Apache-2.0
/*
 * RTEMS's interrupts by the cell's interrupt controller, GICv2 or GICv3, at the addresses that the communication region
 * tells: takes the place of arm-gicv3.o (Arm's IHI0048 and IHI0069).
 *
 * The BSP's driver takes the first redistributor for its own, which is that of the machine's CPU 0, and lets all shared
 * interrupts go to CPU 0, which ends the cell with a GICv2 if one of them is the cell's. Here the redistributor is looked
 * for; what the distributor says of a shared interrupt is left as the hypervisor made it: it goes to the cell's first
 * CPU. Nobody but Linux switches the distributor, and nobody but the cell sees what it does to interrupts of others.
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/irq-generic.h>
#include <bsp/irq.h>
#include <dev/irq/arm-gic-arch.h>

/* Of the distributor, and of a redistributor's second page for a CPU's own interrupts. */
enum {
    ENABLE = 0x100,
    DISABLE = 0x180,
    SET_PENDING = 0x200,
    CLEAR_PENDING = 0x280,
    PRIORITY = 0x400,
    SOFTWARE_INTERRUPT = 0xf00
};

/* Of a redistributor, version 3. */
enum { TYPE = 0x08, OWN_INTERRUPTS = 0x10000, FRAME = 0x20000, FRAME_OF_VERSION_4 = 0x40000 };
#define TYPE_HAS_VIRTUAL_INTERRUPTS (1u << 1)
#define TYPE_LAST (1u << 4)

/* Of a CPU's interface, version 2. */
enum { INTERFACE_CONTROL = 0x00, INTERFACE_PRIORITIES = 0x04, ACKNOWLEDGE = 0x0c, END = 0x10 };

/* Of a CPU's interface, version 3. */
#define ICC_SRE "S3_0_C12_C12_5"
#define ICC_PMR "S3_0_C4_C6_0"
#define ICC_IGRPEN1 "S3_0_C12_C12_7"
#define ICC_IAR1 "S3_0_C12_C12_0"
#define ICC_EOIR1 "S3_0_C12_C12_1"
#define ICC_SGI1R "S3_0_C12_C11_5"
#define SYSTEM_REGISTERS 7u

#define FIRST_OF_CPU 16u
#define FIRST_SHARED 32u
#define NUMBER 0x3ffu
#define ALL_PRIORITIES 0xf0u
#define TO_SELF (2u << 24)
#define AFFINITY 0xff00ffffffu

static struct layer_gic gic;
/* where ENABLE and the others are for a CPU's own interrupts */
static uintptr_t own_interrupts;

/* Those of all the machine's CPUs may be looked at. */
static uintptr_t find_redistributor(void)
{
    uint64_t self = LAYER_READ("mpidr_el1") & AFFINITY;
    uintptr_t frame = gic.redistributors;

    for (;;) {
        uint64_t type = layer_read64(frame + TYPE), affinity = type >> 32;

        if (((affinity >> 24) << 32 | (affinity & 0xffffff)) == self)
            return frame;
        if (type & TYPE_LAST)
            layer_cell_leave(true);
        frame += type & TYPE_HAS_VIRTUAL_INTERRUPTS ? FRAME_OF_VERSION_4 : FRAME;
    }
}

void bsp_interrupt_facility_initialize(void)
{
    gic = layer_cell_gic();
    arm_interrupt_facility_set_exception_handler();
    if (gic.version < 3) {
        own_interrupts = gic.distributor;
        layer_write32(gic.interface + INTERFACE_PRIORITIES, ALL_PRIORITIES);
        layer_write32(gic.interface + INTERFACE_CONTROL, 1);
        return;
    }
    own_interrupts = find_redistributor() + OWN_INTERRUPTS;
    LAYER_WRITE(ICC_SRE, SYSTEM_REGISTERS);
    LAYER_WRITE(ICC_PMR, ALL_PRIORITIES);
    LAYER_WRITE(ICC_IGRPEN1, 1);
}

static uint32_t acknowledge(void)
{
    return gic.version < 3 ? layer_read32(gic.interface + ACKNOWLEDGE) : (uint32_t) LAYER_READ(ICC_IAR1);
}

static void end(uint32_t acknowledged)
{
    if (gic.version < 3)
        layer_write32(gic.interface + END, acknowledged);
    else
        LAYER_WRITE(ICC_EOIR1, acknowledged);
}

void bsp_interrupt_dispatch(void)
{
    uint32_t acknowledged, level;

    while (bsp_interrupt_is_valid_vector((acknowledged = acknowledge()) & NUMBER)) {
        level = arm_interrupt_enable_interrupts();
        bsp_interrupt_handler_dispatch_unchecked(acknowledged & NUMBER);
        arm_interrupt_restore_interrupts(level);
        end(acknowledged);
    }
}

static uintptr_t place(rtems_vector_number vector, uintptr_t offset)
{
    return vector < FIRST_SHARED ? own_interrupts + offset : gic.distributor + offset + vector / 32 * 4;
}

static void set(rtems_vector_number vector, uintptr_t offset)
{
    layer_write32(place(vector, offset), 1u << vector % 32);
}

static bool is_set(rtems_vector_number vector, uintptr_t offset)
{
    return layer_read32(place(vector, offset)) >> vector % 32 & 1;
}

rtems_status_code bsp_interrupt_vector_enable(rtems_vector_number vector)
{
    set(vector, ENABLE);
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_vector_disable(rtems_vector_number vector)
{
    set(vector, DISABLE);
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_vector_is_enabled(rtems_vector_number vector, bool *enabled)
{
    *enabled = is_set(vector, ENABLE);
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_is_pending(rtems_vector_number vector, bool *pending)
{
    *pending = is_set(vector, SET_PENDING);
    return RTEMS_SUCCESSFUL;
}

/* To itself: a program has one CPU. */
void arm_gic_trigger_sgi(rtems_vector_number vector, uint32_t targets)
{
    uint64_t self = LAYER_READ("mpidr_el1");

    (void) targets;
    if (gic.version < 3)
        layer_write32(gic.distributor + SOFTWARE_INTERRUPT, TO_SELF | vector);
    else
        LAYER_WRITE(ICC_SGI1R,
            (self >> 32 & 0xff) << 48 | (self >> 16 & 0xff) << 32 | (uint64_t) vector << 24 | (self >> 8 & 0xff) << 16
                | 1u << (self & 0xf));
}

rtems_status_code bsp_interrupt_raise(rtems_vector_number vector)
{
    if (vector < FIRST_OF_CPU)
        arm_gic_trigger_sgi(vector, 1);
    else
        set(vector, SET_PENDING);
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_clear(rtems_vector_number vector)
{
    if (vector < FIRST_OF_CPU)
        return RTEMS_UNSATISFIED;
    set(vector, CLEAR_PENDING);
    return RTEMS_SUCCESSFUL;
}

/* The hypervisor gives all interrupts to the cell with the same one. */
rtems_status_code bsp_interrupt_get_priority(rtems_vector_number vector, uint32_t *priority)
{
    (void) vector;
    *priority = 0;
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_set_priority(rtems_vector_number vector, uint32_t priority)
{
    (void) vector;
    return priority == 0 ? RTEMS_SUCCESSFUL : RTEMS_INVALID_PRIORITY;
}

rtems_status_code bsp_interrupt_get_attributes(rtems_vector_number vector, rtems_interrupt_attributes *attributes)
{
    attributes->is_maskable = true;
    attributes->maybe_enable = true;
    attributes->maybe_disable = true;
    attributes->can_raise = true;
    attributes->can_get_priority = true;
    if (vector < FIRST_OF_CPU) {
        attributes->cleared_by_acknowledge = true;
        attributes->trigger_signal = RTEMS_INTERRUPT_NO_SIGNAL;
    } else {
        attributes->can_disable = true;
        attributes->can_clear = true;
        attributes->trigger_signal = RTEMS_INTERRUPT_UNSPECIFIED_SIGNAL;
    }
    return RTEMS_SUCCESSFUL;
}
