// SPDX-License-Identifier: Apache-2.0
/*
 * A network of two ends in shared memory, as Linux's ivshmem-net: frames in and out, nothing of a protocol above. An
 * ivshmem device with two ends and protocol 1 is one.
 */
#ifndef IVSHMEM_NETWORK_H
#define IVSHMEM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVSHMEM_NETWORK_LONGEST_FRAME 1514u

struct ivshmem_network;

/*
 * The one at this place (0, 1 …) among the cell's. NULL: there is none, its sections are too small for a frame, or there
 * are more than this driver can have. wake is called with its argument from the interrupt.
 */
struct ivshmem_network *ivshmem_network_open(unsigned index, void (*wake)(void *argument), void *argument);

/* Six bytes: 02:4a, the device's place, 00, the end. */
const uint8_t *ivshmem_network_address(const struct ivshmem_network *network);
/* 0 or 1. */
uint32_t ivshmem_network_end(const struct ivshmem_network *network);
bool ivshmem_network_has_interrupt(const struct ivshmem_network *network);

/*
 * Whether the other end is there. To be asked after each interrupt: it is what brings the connection about, and what
 * notices that the other one has begun anew. The task that receives does it, and not while a frame is being sent.
 */
bool ivshmem_network_has_link(struct ivshmem_network *network);

/* As those of e1000.h: one task that sends, one that receives. */
void *ivshmem_network_send_buffer(struct ivshmem_network *network);
void ivshmem_network_send(struct ivshmem_network *network, size_t length);
const void *ivshmem_network_received(struct ivshmem_network *network, size_t *length, bool *is_whole);
void ivshmem_network_release(struct ivshmem_network *network);

#endif
