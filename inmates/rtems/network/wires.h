// SPDX-License-Identifier: Apache-2.0
/* What lwIP's interfaces are over: a card, or memory that is shared with another cell. */
#ifndef WIRES_H
#define WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The functions of drivers/e1000.h and of drivers/ivshmem_network.h. */
struct wire_kind {
    /* of lwIP's name for the interface */
    char name[2];
    void *(*open)(unsigned index, void (*wake)(void *argument), void *argument);
    const uint8_t *(*address)(const void *wire);
    bool (*has_interrupt)(const void *wire);
    bool (*has_link)(void *wire);
    void *(*send_buffer)(void *wire);
    void (*send)(void *wire, size_t length);
    const void *(*received)(void *wire, size_t *length, bool *is_whole);
    void (*release)(void *wire);
};

extern const struct wire_kind wire_card, wire_shared_memory;

#endif
