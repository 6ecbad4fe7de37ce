// SPDX-License-Identifier: Apache-2.0
#ifndef BSP_H
#define BSP_H
#include <rtems.h>
#include <stdio.h>
#define IDT_SIZE 256
typedef struct {
    uint16_t low, selector, flags, high;
} interrupt_gate_descriptor;
extern interrupt_gate_descriptor Interrupt_descriptor_table[IDT_SIZE];
typedef void (*rtems_raw_irq_hdl)(void);
void create_interrupt_gate_descriptor(interrupt_gate_descriptor *, rtems_raw_irq_hdl);
void bsp_start(void);
void rtems_irq_mngt_init(void);
void Clock_driver_install_handler(void);
void Clock_driver_support_initialize_hardware(void);
void Wait_X_ms(unsigned int);
void Calibrate_loop_1ms(void);
void _IBMPC_initVideo(void);
uint32_t BSP_irq_count_dump(FILE *);
void bsp_fatal_extension(rtems_fatal_source, bool, rtems_fatal_code);
#endif
