// SPDX-License-Identifier: Apache-2.0
/*
 * RTEMS's interrupts over the local APIC, the IOAPIC's pins and MSI: takes the place of the BSP's irq.o, which drives
 * the 8259A. RTEMS's number n is vector 0x20 + n: 0 the clock, 1 to 15 devices, 16 between processors.
 */
#include "layer.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <bsp/irq-generic.h>
#include <jailhouse.h>
#include <rtems/bspIo.h>
#include <stdio.h>
#ifdef RTEMS_SMP
#include <rtems/score/processormaskimpl.h>
#include <rtems/score/smpimpl.h>
#endif

static uint32_t counts[BSP_INTERRUPT_VECTOR_COUNT];
static volatile uint32_t enabled; /* a bit for each number */
static uint32_t allocated;

void BSP_dispatch_isr(int number);

/* rtems_irq_mngt_init calls it, once the descriptor table has RTEMS's entries. */
void bsp_interrupt_facility_initialize(void)
{
    static interrupt_gate_descriptor spurious;

    create_interrupt_gate_descriptor(&spurious, (rtems_raw_irq_hdl) layer_spurious);
    Interrupt_descriptor_table[LAYER_SPURIOUS_VECTOR] = spurious;
    layer_apic_enable();
    layer_pins_begin();
}

/*
 * RTEMS's entry code calls it on the interrupt stack with interrupts off, and dispatches threads when it has returned:
 * so the end of the interrupt must be reported in here. Until then the APIC holds back what has no higher class.
 */
void BSP_dispatch_isr(int number)
{
    if ((unsigned) number >= BSP_INTERRUPT_VECTOR_COUNT)
        return;
    counts[number]++;
    if (number == LAYER_TIMER) {
        layer_timer_interrupt();
        layer_apic_end_of_interrupt();
        return;
    }
#ifdef RTEMS_SMP
    if (number == LAYER_INTERPROCESSOR) {
        layer_apic_end_of_interrupt();
        _SMP_Inter_processor_interrupt_handler(_Per_CPU_Get());
        return;
    }
#endif
    __asm__ volatile("sti" : : : "memory");
    bsp_interrupt_handler_dispatch((rtems_vector_number) number);
    __asm__ volatile("cli" : : : "memory");
    layer_apic_end_of_interrupt();
}

static rtems_status_code set(rtems_vector_number number, bool enable)
{
    if (number >= BSP_INTERRUPT_VECTOR_COUNT)
        return RTEMS_INVALID_ID;
    if (enable)
        __sync_fetch_and_or(&enabled, 1u << number);
    else
        __sync_fetch_and_and(&enabled, ~(1u << number));
    if (layer_pin_is_mine(number))
        layer_pin_enable(number, enable);
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_vector_enable(rtems_vector_number number)
{
    return set(number, true);
}

rtems_status_code bsp_interrupt_vector_disable(rtems_vector_number number)
{
    return set(number, false);
}

rtems_status_code bsp_interrupt_vector_is_enabled(rtems_vector_number number, bool *is_enabled)
{
    *is_enabled = enabled >> number & 1;
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_get_attributes(rtems_vector_number number, rtems_interrupt_attributes *attributes)
{
    /* one of MSI is masked at the device */
    attributes->can_enable = layer_pin_is_mine(number);
    attributes->can_disable = attributes->can_enable;
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_is_pending(rtems_vector_number number, bool *pending)
{
    *pending = layer_apic_is_requested((uint8_t) (LAYER_FIRST_VECTOR + number));
    return RTEMS_SUCCESSFUL;
}

/* The hypervisor passes an interprocessor interrupt to oneself on. */
rtems_status_code bsp_interrupt_raise(rtems_vector_number number)
{
    if (number == LAYER_TIMER || number >= LAYER_PINS)
        return RTEMS_UNSATISFIED;
    layer_apic_send(layer_apic_identifier(), LAYER_FIRST_VECTOR + number);
    return RTEMS_SUCCESSFUL;
}

rtems_status_code bsp_interrupt_clear(rtems_vector_number number)
{
    (void) number;
    return RTEMS_UNSATISFIED;
}

rtems_status_code bsp_interrupt_set_priority(rtems_vector_number number, uint32_t priority)
{
    (void) number;
    (void) priority;
    return RTEMS_UNSATISFIED;
}

rtems_status_code bsp_interrupt_get_priority(rtems_vector_number number, uint32_t *priority)
{
    (void) number;
    (void) priority;
    return RTEMS_UNSATISFIED;
}

#ifdef RTEMS_SMP
rtems_status_code bsp_interrupt_raise_on(rtems_vector_number number, uint32_t index)
{
    (void) number;
    (void) index;
    return RTEMS_UNSATISFIED;
}

rtems_status_code bsp_interrupt_get_affinity(rtems_vector_number number, Processor_mask *affinity)
{
    (void) number;
    _Processor_mask_From_index(affinity, 0);
    return RTEMS_UNSATISFIED;
}

rtems_status_code bsp_interrupt_set_affinity(rtems_vector_number number, const Processor_mask *affinity)
{
    (void) number;
    (void) affinity;
    return RTEMS_UNSATISFIED;
}
#endif

uint32_t BSP_irq_count_dump(FILE *file)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < BSP_INTERRUPT_VECTOR_COUNT; i++) {
        sum += counts[i];
        if (counts[i])
            fprintf(file ? file : stdout, "IRQ %u: %lu\n", i, (unsigned long) counts[i]);
    }
    return sum;
}

uint32_t jailhouse_interrupt_allocate(void)
{
    uint32_t flags = layer_interrupts_off(), number = LAYER_PINS - 1;

    while (number && (layer_pin_is_mine(number) || (allocated >> number & 1)))
        number--;
    if (number)
        allocated |= 1u << number;
    layer_interrupts_restore(flags);
    return number;
}

void jailhouse_interrupt_message(uint32_t number, uint32_t *address, uint32_t *data)
{
    *address = 0xfee00000u | layer_apic_identifier() << 12;
    *data = LAYER_FIRST_VECTOR + number;
}
