// SPDX-License-Identifier: Apache-2.0
#include <rtems.h>
typedef struct {
    bool can_enable, can_disable;
} rtems_interrupt_attributes;
void bsp_interrupt_facility_initialize(void);
void bsp_interrupt_handler_dispatch(rtems_vector_number);
rtems_status_code bsp_interrupt_vector_enable(rtems_vector_number);
rtems_status_code bsp_interrupt_vector_disable(rtems_vector_number);
rtems_status_code bsp_interrupt_vector_is_enabled(rtems_vector_number, bool *);
rtems_status_code bsp_interrupt_get_attributes(rtems_vector_number, rtems_interrupt_attributes *);
rtems_status_code bsp_interrupt_is_pending(rtems_vector_number, bool *);
rtems_status_code bsp_interrupt_raise(rtems_vector_number);
rtems_status_code bsp_interrupt_clear(rtems_vector_number);
rtems_status_code bsp_interrupt_set_priority(rtems_vector_number, uint32_t);
rtems_status_code bsp_interrupt_get_priority(rtems_vector_number, uint32_t *);
