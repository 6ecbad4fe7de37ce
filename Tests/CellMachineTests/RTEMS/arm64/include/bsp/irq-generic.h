// SPDX-License-Identifier: Apache-2.0
#include <rtems.h>
typedef enum { RTEMS_INTERRUPT_UNSPECIFIED_SIGNAL, RTEMS_INTERRUPT_NO_SIGNAL } rtems_interrupt_signal_variant;
typedef struct {
    bool is_maskable, can_disable, maybe_enable, maybe_disable, can_raise, can_clear, cleared_by_acknowledge;
    bool can_get_priority;
    rtems_interrupt_signal_variant trigger_signal;
} rtems_interrupt_attributes;
void bsp_interrupt_initialize(void);
void bsp_interrupt_facility_initialize(void);
void bsp_interrupt_dispatch(void);
bool bsp_interrupt_is_valid_vector(rtems_vector_number);
void bsp_interrupt_handler_dispatch_unchecked(rtems_vector_number);
rtems_status_code bsp_interrupt_vector_enable(rtems_vector_number);
rtems_status_code bsp_interrupt_vector_disable(rtems_vector_number);
rtems_status_code bsp_interrupt_vector_is_enabled(rtems_vector_number, bool *);
rtems_status_code bsp_interrupt_get_attributes(rtems_vector_number, rtems_interrupt_attributes *);
rtems_status_code bsp_interrupt_is_pending(rtems_vector_number, bool *);
rtems_status_code bsp_interrupt_raise(rtems_vector_number);
rtems_status_code bsp_interrupt_clear(rtems_vector_number);
rtems_status_code bsp_interrupt_set_priority(rtems_vector_number, uint32_t);
rtems_status_code bsp_interrupt_get_priority(rtems_vector_number, uint32_t *);
