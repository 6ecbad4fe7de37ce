// SPDX-License-Identifier: Apache-2.0
#include "wires.h"

#include "../drivers/e1000.h"
#include "../drivers/ivshmem_network.h"

/* A function may only be called by its own type. */
#define WIRE_KIND(driver)                                                                                              \
    static void *driver##_wire_open(unsigned index, void (*wake)(void *argument), void *argument)                      \
    {                                                                                                                  \
        return driver##_open(index, wake, argument);                                                                   \
    }                                                                                                                  \
    static const uint8_t *driver##_wire_address(const void *wire)                                                      \
    {                                                                                                                  \
        return driver##_address(wire);                                                                                 \
    }                                                                                                                  \
    static bool driver##_wire_has_interrupt(const void *wire)                                                          \
    {                                                                                                                  \
        return driver##_has_interrupt(wire);                                                                           \
    }                                                                                                                  \
    static bool driver##_wire_has_link(void *wire)                                                                     \
    {                                                                                                                  \
        return driver##_has_link(wire);                                                                                \
    }                                                                                                                  \
    static void *driver##_wire_send_buffer(void *wire)                                                                 \
    {                                                                                                                  \
        return driver##_send_buffer(wire);                                                                             \
    }                                                                                                                  \
    static void driver##_wire_send(void *wire, size_t length)                                                          \
    {                                                                                                                  \
        driver##_send(wire, length);                                                                                   \
    }                                                                                                                  \
    static const void *driver##_wire_received(void *wire, size_t *length, bool *is_whole)                              \
    {                                                                                                                  \
        return driver##_received(wire, length, is_whole);                                                              \
    }                                                                                                                  \
    static void driver##_wire_release(void *wire)                                                                      \
    {                                                                                                                  \
        driver##_release(wire);                                                                                        \
    }

#define WIRE_FUNCTIONS(driver)                                                                                         \
    .open = driver##_wire_open, .address = driver##_wire_address, .has_interrupt = driver##_wire_has_interrupt,        \
    .has_link = driver##_wire_has_link, .send_buffer = driver##_wire_send_buffer, .send = driver##_wire_send,          \
    .received = driver##_wire_received, .release = driver##_wire_release

WIRE_KIND(e1000)
WIRE_KIND(ivshmem_network)

const struct wire_kind wire_card = { .name = { 'e', 'n' }, WIRE_FUNCTIONS(e1000) };
const struct wire_kind wire_shared_memory = { .name = { 'i', 'v' }, WIRE_FUNCTIONS(ivshmem_network) };
