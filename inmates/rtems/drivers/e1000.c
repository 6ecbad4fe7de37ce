// SPDX-License-Identifier: Apache-2.0
/*
 * By Intel's "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual" (8254x) and its datasheet of
 * the 82574, with the legacy descriptors that both have. The card reads and writes the cell's memory at the cell's
 * addresses: the IOMMU translates.
 */
#include "e1000.h"

#include "pci_device.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <jailhouse.h>

#define CARDS 2
#define DESCRIPTORS 64 /* a ring's length is a multiple of 128 bytes, a descriptor has 16 */
#define BUFFER 2048

/* Places of 32-bit registers. */
enum {
    CONTROL = 0x0000 / 4,
    STATUS = 0x0008 / 4,
    PHY = 0x0020 / 4,
    CAUSES = 0x00c0 / 4,
    INTERRUPTS_ON = 0x00d0 / 4,
    INTERRUPTS_OFF = 0x00d8 / 4,
    RECEIVE_CONTROL = 0x0100 / 4,
    SEND_CONTROL = 0x0400 / 4,
    SEND_GAP = 0x0410 / 4,
    RECEIVE_RING = 0x2800 / 4,
    SEND_RING = 0x3800 / 4,
    MULTICAST_TABLE = 0x5200 / 4,
    OWN_ADDRESS = 0x5400 / 4
};
/* Of a ring. */
enum { BASE_LOW = 0, BASE_HIGH = 1, LENGTH = 2, HEAD = 4, TAIL = 6, DESCRIPTOR_CONTROL = 10 };

#define CONTROL_RESET (1u << 26)
#define CONTROL_LINK_UP (1u << 6)
#define CONTROL_SPEED_DETECTION (1u << 5)
/* to register 0 of PHY 1: negotiate again */
#define PHY_NEGOTIATE 0x04201200u
#define STATUS_LINK (1u << 1)
#define CAUSE_LINK (1u << 2)
#define CAUSE_FEW_RECEIVE_DESCRIPTORS (1u << 4)
#define CAUSE_OVERRUN (1u << 6)
#define CAUSE_RECEIVED (1u << 7)
/* enabled, short frames padded, collision threshold and distance */
#define SEND_SETTING (1u << 1 | 1u << 3 | 0x0fu << 4 | 0x3fu << 12)
/* enabled, multicast promiscuous, broadcasts, the checksum is not passed on */
#define RECEIVE_SETTING (1u << 1 | 1u << 4 | 1u << 15 | 1u << 26)
#define GRANULARITY_DESCRIPTORS (1u << 24)
#define WRITE_BACK_AT_ONCE (1u << 16)

#define DONE 0x01u
#define LAST_PART 0x02u
/* last part, checksum, report when done */
#define SEND_COMMAND 0x0bu

/* 82540EM, 82545EM, 82541, 82571, 82573L, 82574L, 82583V */
static const uint32_t identifiers[]
    = { 0x100e8086, 0x100f8086, 0x10198086, 0x105e8086, 0x109a8086, 0x10d38086, 0x150c8086 };

/* One that the card has filled: 16 bits length, checksum, 8 bits status, errors. One to send: length, command, status. */
struct descriptor {
    uint64_t address;
    volatile uint16_t length;
    uint16_t checksum;
    volatile uint8_t status;
    volatile uint8_t errors;
    uint16_t special;
};
struct send_descriptor {
    uint64_t address;
    uint16_t length;
    uint8_t checksum_offset;
    uint8_t command;
    volatile uint8_t status;
    uint8_t checksum_start;
    uint16_t special;
};

struct e1000 {
    struct descriptor receive[DESCRIPTORS] __attribute__((aligned(128)));
    struct send_descriptor send[DESCRIPTORS] __attribute__((aligned(128)));
    uint8_t receive_buffers[DESCRIPTORS][BUFFER];
    uint8_t send_buffers[DESCRIPTORS][BUFFER];
    volatile uint32_t *registers;
    unsigned next_received, next_sent;
    void (*wake)(void *argument);
    void *argument;
    bool has_interrupt;
    uint8_t address[6];
};

static struct e1000 cards[CARDS];

static void interrupt(void *argument)
{
    const struct e1000 *card = argument;

    (void) card->registers[CAUSES]; /* clears them */
    card->wake(card->argument);
}

static void set_ring(volatile uint32_t *ring, const void *descriptors)
{
    ring[BASE_LOW] = (uint32_t) descriptors;
    ring[BASE_HIGH] = 0;
    ring[LENGTH] = DESCRIPTORS * 16;
    ring[HEAD] = 0;
    ring[TAIL] = 0;
    ring[DESCRIPTOR_CONTROL] = GRANULARITY_DESCRIPTORS | WRITE_BACK_AT_ONCE;
}

static void reset(struct e1000 *card)
{
    volatile uint32_t *registers = card->registers;
    uint32_t low, high;

    registers[INTERRUPTS_OFF] = 0xffffffff;
    registers[CONTROL] = CONTROL_RESET;
    Wait_X_ms(20);
    registers[INTERRUPTS_OFF] = 0xffffffff;
    (void) registers[CAUSES];
    low = registers[OWN_ADDRESS];
    high = registers[OWN_ADDRESS + 1];
    for (unsigned i = 0; i < 6; i++)
        card->address[i] = (uint8_t) (i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
    for (unsigned i = 0; i < 128; i++)
        registers[MULTICAST_TABLE + i] = 0;
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        card->receive[i] = (struct descriptor) { .address = (uint32_t) card->receive_buffers[i] };
        card->send[i] = (struct send_descriptor) { .address = (uint32_t) card->send_buffers[i], .status = DONE };
    }
    card->next_received = card->next_sent = 0;
    set_ring(registers + RECEIVE_RING, card->receive);
    set_ring(registers + SEND_RING, card->send);
    registers[SEND_GAP] = 0x0060200a; /* as the manual recommends for copper */
    registers[SEND_CONTROL] = SEND_SETTING;
    registers[RECEIVE_CONTROL] = RECEIVE_SETTING;
    registers[RECEIVE_RING + TAIL] = DESCRIPTORS - 1;
    registers[CONTROL] = CONTROL_LINK_UP | CONTROL_SPEED_DETECTION;
    registers[PHY] = PHY_NEGOTIATE;
}

struct e1000 *e1000_open(unsigned index, void (*wake)(void *argument), void *argument)
{
    struct pci_device device = { 0, 0, 0 };
    struct e1000 *card;
    uint32_t base, number;
    bool is_there = true;

    if (index >= CARDS)
        return 0;
    for (unsigned i = 0; is_there && i <= index; i++)
        is_there = layer_pci_find(&device, i == 0, identifiers, sizeof identifiers / sizeof identifiers[0]);
    base = is_there ? layer_pci_read(&device, 0x10) : 0;
    /* memory, below 4 GiB */
    if (!(base & ~15u) || (base & 1) || ((base & 4) && layer_pci_read(&device, 0x14)))
        return 0;
    card = &cards[index];
    card->registers = (volatile uint32_t *) (base & ~15u);
    card->wake = wake;
    card->argument = argument;
    layer_pci_set_command(&device, PCI_DEVICE_MEMORY | PCI_DEVICE_MASTER);
    reset(card);
    number = wake && layer_pci_capability(&device, PCI_CAPABILITY_MSI) ? jailhouse_interrupt_allocate() : 0;
    if (number
        && rtems_interrupt_handler_install(number, "e1000", RTEMS_INTERRUPT_UNIQUE, interrupt, card)
            == RTEMS_SUCCESSFUL)
        card->has_interrupt = layer_pci_use_msi(&device, number);
    if (card->has_interrupt)
        card->registers[INTERRUPTS_ON] = CAUSE_LINK | CAUSE_FEW_RECEIVE_DESCRIPTORS | CAUSE_OVERRUN | CAUSE_RECEIVED;
    return card;
}

const uint8_t *e1000_address(const struct e1000 *card)
{
    return card->address;
}

bool e1000_has_link(const struct e1000 *card)
{
    return card->registers[STATUS] & STATUS_LINK;
}

bool e1000_has_interrupt(const struct e1000 *card)
{
    return card->has_interrupt;
}

void *e1000_send_buffer(struct e1000 *card)
{
    /* the ring is full when its tail would meet its head, so one descriptor stays unused */
    unsigned following = (card->next_sent + 1) % DESCRIPTORS;

    if (!(card->send[card->next_sent].status & DONE) || !(card->send[following].status & DONE))
        return 0;
    return card->send_buffers[card->next_sent];
}

void e1000_send(struct e1000 *card, size_t length)
{
    struct send_descriptor *descriptor = &card->send[card->next_sent];

    descriptor->length = (uint16_t) length;
    descriptor->command = SEND_COMMAND;
    descriptor->status = 0;
    card->next_sent = (card->next_sent + 1) % DESCRIPTORS;
    __sync_synchronize();
    card->registers[SEND_RING + TAIL] = card->next_sent;
}

const void *e1000_received(struct e1000 *card, size_t *length, bool *is_whole)
{
    const struct descriptor *descriptor = &card->receive[card->next_received];

    if (!(descriptor->status & DONE))
        return 0;
    __sync_synchronize();
    *length = descriptor->length;
    *is_whole = (descriptor->status & LAST_PART) && !descriptor->errors;
    return card->receive_buffers[card->next_received];
}

void e1000_release(struct e1000 *card)
{
    card->receive[card->next_received].status = 0;
    __sync_synchronize();
    card->registers[RECEIVE_RING + TAIL] = card->next_received;
    card->next_received = (card->next_received + 1) % DESCRIPTORS;
}
