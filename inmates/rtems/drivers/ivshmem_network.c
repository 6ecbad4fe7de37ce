// SPDX-License-Identifier: Apache-2.0
/*
 * Each end's section begins with a split ring as virtio's (Virtual I/O Device specification 1.1, chapter 2.6) for the
 * frames that this end sends, and its frames follow. Nobody writes another's section, so the two rings have their parts
 * "used" exchanged: an end says in its own section which of the other's frames it has taken. Addresses of descriptors
 * are offsets in the sender's section. Both ends announce by an index when they want the next interrupt.
 */
#include "ivshmem_network.h"

#include "ivshmem_device.h"

#include <rtems.h>

#define NETWORKS 2
#define PROTOCOL_NETWORK 1u
#define ALIGNMENT 64u
#define BUFFER 1536u
#define MOST_DESCRIPTORS 4096u
#define LEAST_DESCRIPTORS 32u

/* What an end says of itself in the state table. */
enum { RESET = 0, INITIALIZED = 1, READY = 2, RUNNING = 3 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
/* In 16-bit words; behind the ring's entries stands the index at which to interrupt. */
enum { FLAGS = 0, INDEX = 1, ENTRIES = 2 };

/* The parts in one end's section. */
struct half {
    volatile struct descriptor *descriptors;
    /* of the frames that this end sends */
    volatile uint16_t *available;
    /* of the other's frames: an entry is four words, the descriptor and how much was written */
    volatile uint16_t *used;
    char *section;
};

struct ivshmem_network {
    struct ivshmem_device *device;
    struct half own, other;
    uint32_t descriptors, buffers, data, section_size;
    uint32_t state, end, vector;
    /* of the frames sent: how many, all told, and the buffer of the next one */
    uint16_t sent;
    uint32_t next_buffer;
    /* how many of the other's were taken */
    uint16_t taken;
    volatile bool is_up;
    uint8_t address[6];
};

static struct ivshmem_network networks[NETWORKS];

static uint32_t aligned(uint32_t size)
{
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static uint32_t place_of_used(uint32_t descriptors)
{
    return aligned(descriptors * 16 + (ENTRIES + descriptors + 1) * 2);
}

static uint32_t ring_size(uint32_t descriptors)
{
    return aligned(place_of_used(descriptors) + (ENTRIES + descriptors * 4 + 1) * 2);
}

/* Both ends find the same: the largest ring that takes less than an eighth of a section. */
static bool divide_section(struct ivshmem_network *network)
{
    uint32_t descriptors = MOST_DESCRIPTORS;

    while (descriptors > LEAST_DESCRIPTORS && ring_size(descriptors) >= network->section_size / 8)
        descriptors /= 2;
    network->descriptors = descriptors;
    /* with the smallest ring, the other implementations leave the space of one of twice as many */
    network->data = ring_size(descriptors > LEAST_DESCRIPTORS ? descriptors : 2 * descriptors);
    if (network->data + BUFFER > network->section_size)
        return false;
    network->buffers = (network->section_size - network->data) / BUFFER;
    if (network->buffers > descriptors)
        network->buffers = descriptors;
    return true;
}

static struct half half(const struct ivshmem_network *network, uint32_t end)
{
    const struct jailhouse_ivshmem_information *about = ivshmem_about(network->device);
    char *section = ivshmem_memory(network->device) + about->output + end * about->output_size;

    return (struct half) {
        .descriptors = (volatile struct descriptor *) section,
        .available = (volatile uint16_t *) (section + network->descriptors * 16),
        .used = (volatile uint16_t *) (section + place_of_used(network->descriptors)),
        .section = section
    };
}

static volatile uint16_t *wish_for_frames(const struct ivshmem_network *network, const struct half *half)
{
    return half->used + ENTRIES + network->descriptors * 4;
}

static volatile uint16_t *wish_for_returns(const struct ivshmem_network *network, const struct half *half)
{
    return half->available + ENTRIES + network->descriptors;
}

static void empty_own_half(struct ivshmem_network *network)
{
    volatile uint32_t *words = (volatile uint32_t *) network->own.section;

    for (uint32_t i = 0; i < network->data / 4; i++)
        words[i] = 0;
    network->sent = network->taken = 0;
    network->next_buffer = 0;
    /* returns are looked for before each frame, and interrupt nobody */
    *wish_for_returns(network, &network->own) = 0xffff;
}

static void set_state(struct ivshmem_network *network, uint32_t state)
{
    network->state = state;
    ivshmem_set_state(network->device, state);
}

bool ivshmem_network_has_link(struct ivshmem_network *network)
{
    uint32_t others, before;

    do {
        before = network->state;
        others = ivshmem_state(network->device, 1 - network->end);
        if (before == RESET && others <= INITIALIZED) {
            set_state(network, INITIALIZED);
        } else if (before == INITIALIZED && others >= INITIALIZED) {
            empty_own_half(network);
            set_state(network, READY);
        } else if ((before >= READY && others == RESET) || (before == RUNNING && others == INITIALIZED)) {
            /* it begins anew */
            network->is_up = false;
            set_state(network, RESET);
        } else if (before == READY && others >= READY) {
            set_state(network, RUNNING);
            network->is_up = true;
        }
    } while (network->state != before);
    return network->is_up;
}

static bool set_up(struct ivshmem_network *network, struct ivshmem_device *device, void (*wake)(void *), void *argument)
{
    const struct jailhouse_ivshmem_information *about = ivshmem_about(device);
    uint16_t place = ivshmem_place(device);

    network->device = device;
    network->end = about->identifier;
    network->section_size = about->output_size;
    if (about->ends != 2 || about->identifier > 1 || !divide_section(network))
        return false;
    network->own = half(network, network->end);
    network->other = half(network, 1 - network->end);
    /* one vector for states and one for frames, if there are two; both wake */
    network->vector = ivshmem_vectors(device) > 1;
    network->address[0] = 0x02; /* locally administered */
    network->address[1] = 0x4a;
    network->address[2] = (uint8_t) (place >> 8);
    network->address[3] = (uint8_t) place;
    network->address[5] = (uint8_t) network->end;
    if (!ivshmem_take(device, wake, argument))
        return false;
    set_state(network, RESET);
    return true;
}

struct ivshmem_network *ivshmem_network_open(unsigned index, void (*wake)(void *argument), void *argument)
{
    unsigned seen = 0;

    if (index >= NETWORKS)
        return 0;
    for (unsigned i = 0; i < ivshmem_devices(); i++) {
        struct ivshmem_device *device = ivshmem_device(i);

        if (ivshmem_about(device)->protocol == PROTOCOL_NETWORK && seen++ == index)
            return set_up(&networks[index], device, wake, argument) ? &networks[index] : 0;
    }
    return 0;
}

const uint8_t *ivshmem_network_address(const struct ivshmem_network *network)
{
    return network->address;
}

uint32_t ivshmem_network_end(const struct ivshmem_network *network)
{
    return network->end;
}

bool ivshmem_network_has_interrupt(const struct ivshmem_network *network)
{
    return ivshmem_vectors(network->device) > 0;
}

/* The other wants an interrupt when the index passes its wish. */
static void ring_if_wanted(const struct ivshmem_network *network, const volatile uint16_t *wish, uint16_t index)
{
    __sync_synchronize();
    if (*wish == (uint16_t) (index - 1))
        ivshmem_ring(network->device, 1 - network->end, network->vector);
}

void *ivshmem_network_send_buffer(struct ivshmem_network *network)
{
    uint16_t under_way = (uint16_t) (network->sent - network->other.used[INDEX]);

    if (!network->is_up || under_way >= network->buffers)
        return 0;
    __sync_synchronize();
    return network->own.section + network->data + network->next_buffer * BUFFER;
}

void ivshmem_network_send(struct ivshmem_network *network, size_t length)
{
    uint32_t buffer = network->next_buffer;
    volatile struct descriptor *descriptor = &network->own.descriptors[buffer];

    descriptor->address = network->data + buffer * BUFFER;
    descriptor->length = (uint32_t) length;
    descriptor->flags = descriptor->next = 0;
    network->own.available[ENTRIES + network->sent % network->descriptors] = (uint16_t) buffer;
    __sync_synchronize();
    network->own.available[INDEX] = ++network->sent;
    network->next_buffer = (buffer + 1) % network->buffers;
    ring_if_wanted(network, wish_for_frames(network, &network->other), network->sent);
}

const void *ivshmem_network_received(struct ivshmem_network *network, size_t *length, bool *is_whole)
{
    uint16_t number;
    volatile struct descriptor *descriptor;
    uint64_t address;
    uint32_t size;

    if (!network->is_up)
        return 0;
    if (network->other.available[INDEX] == network->taken) {
        /* the next one is to interrupt; it may have come meanwhile */
        *wish_for_frames(network, &network->own) = network->taken;
        __sync_synchronize();
        if (network->other.available[INDEX] == network->taken)
            return 0;
    }
    __sync_synchronize();
    /* the other's words may change under our eyes: each is read once, and believed within its bounds */
    number = network->other.available[ENTRIES + network->taken % network->descriptors] % network->descriptors;
    descriptor = &network->other.descriptors[number];
    address = descriptor->address;
    size = descriptor->length;
    *is_whole = !descriptor->flags && size <= IVSHMEM_NETWORK_LONGEST_FRAME && address >= network->data
        && address <= network->section_size && size <= network->section_size - address;
    *length = *is_whole ? size : 0;
    return network->other.section + (*is_whole ? (uint32_t) address : 0);
}

void ivshmem_network_release(struct ivshmem_network *network)
{
    uint32_t entry = network->taken % network->descriptors;
    volatile uint32_t *used = (volatile uint32_t *) (network->own.used + ENTRIES) + entry * 2;

    used[0] = network->other.available[ENTRIES + entry];
    used[1] = 1;
    __sync_synchronize();
    network->own.used[INDEX] = ++network->taken;
    ring_if_wanted(network, wish_for_returns(network, &network->other), network->taken);
}
