// SPDX-License-Identifier: Apache-2.0
/* The hypervisor's shared memory device, by its specification, version 2: what the drivers above it have in common. */
#ifndef IVSHMEM_DEVICE_H
#define IVSHMEM_DEVICE_H

#include <jailhouse_ivshmem.h>
#include <stdbool.h>
#include <stdint.h>

struct ivshmem_device;

/* How many the cell has. They are found and set up at the first call, which is a task's. */
unsigned ivshmem_devices(void);

/* index below ivshmem_devices(). */
struct ivshmem_device *ivshmem_device(unsigned index);

const struct jailhouse_ivshmem_information *ivshmem_about(const struct ivshmem_device *device);
char *ivshmem_memory(const struct ivshmem_device *device);
/* Its place among the PCI devices: bus in bits 15 to 8, slot, function. */
uint16_t ivshmem_place(const struct ivshmem_device *device);
/* 0: none; each interrupts by the same handler. */
unsigned ivshmem_vectors(const struct ivshmem_device *device);

/* handler is called from the interrupt. One driver each: false if another one has it. */
bool ivshmem_take(struct ivshmem_device *device, void (*handler)(void *argument), void *argument);

/* An end or a vector that does not exist hears nothing. */
void ivshmem_ring(const struct ivshmem_device *device, uint32_t end, uint32_t vector);
void ivshmem_set_state(const struct ivshmem_device *device, uint32_t state);
uint32_t ivshmem_state(const struct ivshmem_device *device, uint32_t end);

#endif
