// SPDX-License-Identifier: Apache-2.0
/* Finds PCI devices of the cell, and lets them interrupt by message (PCI Local Bus Specification 3.0, chapter 6). */
#include "pci_device.h"

#include "../layer/layer.h"

#include <bsp.h>
#include <jailhouse.h>
#include <rtems/pci.h>

enum { IDENTIFIER = 0x00, COMMAND = 0x04, HEADER = 0x0c, CAPABILITIES = 0x34 };
#define HAS_CAPABILITIES (1u << 20)
#define HAS_FUNCTIONS (1u << 23)
#define NO_DEVICE 0xffffffffu
#define ENABLE_MSI (1u << 16)
#define MSI_IS_64_BIT (1u << 23)
#define MSI_MESSAGES (7u << 20)
#define ENABLE_MSIX (1u << 31)
#define MASK_MSIX (1u << 30)
#define MSIX_LAST 0x7ffu

uint32_t layer_pci_read(const struct pci_device *device, unsigned char offset)
{
    uint32_t value = NO_DEVICE;

    pci_read_config_dword(device->bus, device->slot, device->function, offset, &value);
    return value;
}

void layer_pci_write(const struct pci_device *device, unsigned char offset, uint32_t value)
{
    pci_write_config_dword(device->bus, device->slot, device->function, offset, value);
}

/* Functions but the first exist only where the header says so. */
static bool advance(struct pci_device *device, uint32_t last_bus)
{
    if (device->function || (layer_pci_read(device, IDENTIFIER) != NO_DEVICE)) {
        struct pci_device first = { device->bus, device->slot, 0 };

        if (device->function < 7 && (layer_pci_read(&first, HEADER) & HAS_FUNCTIONS)) {
            device->function++;
            return true;
        }
    }
    device->function = 0;
    device->slot = (device->slot + 1) % 32;
    if (device->slot)
        return true;
    return device->bus++ < last_bus;
}

bool layer_pci_find(struct pci_device *device, bool first, const uint32_t *identifiers, unsigned count)
{
    uint32_t last_bus = 0;

    layer_argument_number("last-bus", &last_bus);
    for (bool is_there = first || advance(device, last_bus); is_there; is_there = advance(device, last_bus)) {
        uint32_t identifier = layer_pci_read(device, IDENTIFIER);

        for (unsigned i = 0; i < count; i++)
            if (identifier == identifiers[i])
                return true;
    }
    return false;
}

unsigned char layer_pci_capability(const struct pci_device *device, unsigned char identifier)
{
    unsigned char place;

    if (!(layer_pci_read(device, COMMAND) & HAS_CAPABILITIES))
        return 0;
    place = layer_pci_read(device, CAPABILITIES) & 0xfc;
    /* as many as there is room for: a list may be a circle */
    for (int i = 0; place && i < 48; i++) {
        uint32_t entry = layer_pci_read(device, place);

        if ((entry & 0xff) == identifier)
            return place;
        place = entry >> 8 & 0xfc;
    }
    return 0;
}

void layer_pci_set_command(const struct pci_device *device, uint32_t bits)
{
    /* the upper half is the status, whose bits are cleared by writing 1 */
    layer_pci_write(device, COMMAND, (layer_pci_read(device, COMMAND) & 0xffff & ~6u) | bits);
}

bool layer_pci_use_msi(const struct pci_device *device, uint32_t number)
{
    unsigned char place = layer_pci_capability(device, PCI_CAPABILITY_MSI);
    uint32_t control, address, data;

    if (!place)
        return false;
    control = layer_pci_read(device, place);
    jailhouse_interrupt_message(number, &address, &data);
    layer_pci_write(device, place + 4, address);
    if (control & MSI_IS_64_BIT) {
        layer_pci_write(device, place + 8, 0);
        layer_pci_write(device, place + 12, data);
    } else {
        layer_pci_write(device, place + 8, data);
    }
    layer_pci_write(device, place, (control & ~MSI_MESSAGES) | ENABLE_MSI);
    return true;
}

unsigned layer_pci_use_msix(const struct pci_device *device, volatile uint32_t *table, uint32_t number)
{
    unsigned char place = layer_pci_capability(device, PCI_CAPABILITY_MSIX);
    uint32_t control, address, data;
    unsigned count;

    if (!place)
        return 0;
    control = layer_pci_read(device, place);
    count = (control >> 16 & MSIX_LAST) + 1;
    jailhouse_interrupt_message(number, &address, &data);
    layer_pci_write(device, place, (control & ~MASK_MSIX) | ENABLE_MSIX);
    for (unsigned i = 0; i < count; i++, table += 4) {
        table[0] = address;
        table[1] = 0;
        table[2] = data;
        table[3] = 0; /* not masked */
    }
    return count;
}
