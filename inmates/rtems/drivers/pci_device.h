// SPDX-License-Identifier: Apache-2.0
/* A function of a PCI device, for the drivers of the layer. */
#ifndef PCI_DEVICE_H
#define PCI_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct pci_device {
    unsigned char bus, slot, function;
};

#define PCI_CAPABILITY_MSI 0x05
#define PCI_CAPABILITY_VENDOR 0x09
#define PCI_CAPABILITY_MSIX 0x11
/* Bits of the command register. */
#define PCI_DEVICE_MEMORY 2u
#define PCI_DEVICE_MASTER 4u

/*
 * The next one with these identifiers behind *device, in the order of their addresses; begin with a zeroed structure and
 * first = true. An identifier: the device's in the high 16 bits, the vendor's in the low ones.
 */
bool layer_pci_find(struct pci_device *device, bool first, const uint32_t *identifiers, unsigned count);

uint32_t layer_pci_read(const struct pci_device *device, unsigned char offset);
void layer_pci_write(const struct pci_device *device, unsigned char offset, uint32_t value);
/* Its place in the configuration space, or 0. */
unsigned char layer_pci_capability(const struct pci_device *device, unsigned char identifier);
void layer_pci_set_command(const struct pci_device *device, uint32_t bits);

/* One interrupt by message, by MSI. False: it has no such capability. */
bool layer_pci_use_msi(const struct pci_device *device, uint32_t number);
/* The same interrupt for each entry of the MSI-X table, which is at table. How many there are; 0: no such capability. */
unsigned layer_pci_use_msix(const struct pci_device *device, volatile uint32_t *table, uint32_t number);

#endif
