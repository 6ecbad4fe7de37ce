// SPDX-License-Identifier: Apache-2.0
#include "ivshmem_device.h"

#include "../layer/layer.h"
#include "pci_device.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <jailhouse.h>

/* Registers, as places of 32-bit words. */
enum { OWN_IDENTIFIER = 0, ENDS = 1, INTERRUPTS = 2, DOORBELL = 3, STATE = 4 };
/* Of the vendor's capability. */
enum { STATE_TABLE_SIZE = 4, COMMON_SIZE = 8, OUTPUT_SIZE = 16, MEMORY_ADDRESS = 24 };
enum { CLASS = 0x08, BAR_REGISTERS = 0x10, BAR_MSIX = 0x14, BAR_MEMORY = 0x18 };
#define SIEMENS_IVSHMEM 0x4106110au
#define MOST 8
#define WINDOW 0x2000u /* one page of registers, one with the MSI-X table */
#define USUAL_PLACE 0xf0000000u

struct ivshmem_device {
    volatile uint32_t *registers;
    char *memory;
    struct jailhouse_ivshmem_information about;
    unsigned vectors;
    uint16_t place;
    void (*volatile handler)(void *argument);
    void *argument;
};

static struct ivshmem_device devices[MOST];

static void interrupt(void *argument)
{
    const struct ivshmem_device *device = argument;

    if (device->handler)
        device->handler(device->argument);
}

static bool find_memory(const struct pci_device *function, unsigned char vendor, struct ivshmem_device *device)
{
    uint32_t address = layer_pci_read(function, vendor + MEMORY_ADDRESS);

    if (layer_pci_read(function, vendor + MEMORY_ADDRESS + 4))
        return false; /* 32 bits do not reach there */
    if (!address) {
        address = layer_pci_read(function, BAR_MEMORY) & ~15u;
        if (layer_pci_read(function, BAR_MEMORY + 4))
            return false;
    }
    device->memory = (char *) address;
    return address != 0;
}

static bool open_device(const struct pci_device *function, uint32_t window, struct ivshmem_device *device)
{
    unsigned char vendor = layer_pci_capability(function, PCI_CAPABILITY_VENDOR);
    uint32_t number;

    /* a capability that is not the device's own says less */
    if (!vendor || window % WINDOW)
        return false;
    layer_pci_set_command(function, 0);
    layer_pci_write(function, BAR_REGISTERS, window);
    layer_pci_write(function, BAR_MSIX, window + WINDOW / 2);
    layer_pci_set_command(function, PCI_DEVICE_MEMORY | PCI_DEVICE_MASTER);
    if (!find_memory(function, vendor, device))
        return false;
    device->registers = (volatile uint32_t *) window;
    device->place = (uint16_t) (function->bus << 8 | function->slot << 3 | function->function);
    device->about.identifier = device->registers[OWN_IDENTIFIER];
    device->about.ends = device->registers[ENDS];
    device->about.protocol = layer_pci_read(function, CLASS) >> 8 & 0xffff;
    device->about.common = layer_pci_read(function, vendor + STATE_TABLE_SIZE);
    device->about.common_size = layer_pci_read(function, vendor + COMMON_SIZE);
    device->about.output = device->about.common + device->about.common_size;
    device->about.output_size = layer_pci_read(function, vendor + OUTPUT_SIZE);
    device->about.size = device->about.output + device->about.output_size * device->about.ends;
    number = jailhouse_interrupt_allocate();
    if (number
        && rtems_interrupt_handler_install(number, "ivshmem", RTEMS_INTERRUPT_UNIQUE, interrupt, device)
            == RTEMS_SUCCESSFUL)
        device->vectors = layer_pci_use_msix(function, (volatile uint32_t *) (window + WINDOW / 2), number);
    device->about.has_interrupt = device->vectors > 0;
    device->registers[INTERRUPTS] = 1;
    return true;
}

unsigned ivshmem_devices(void)
{
    static int count = -1;
    static const uint32_t identifier = SIEMENS_IVSHMEM;
    struct pci_device function = { 0, 0, 0 };
    uint32_t window = USUAL_PLACE;

    if (count >= 0)
        return (unsigned) count;
    layer_argument_number("ivshmem", &window);
    count = 0;
    for (bool first = true; count < MOST && layer_pci_find(&function, first, &identifier, 1); first = false) {
        if (!open_device(&function, window, &devices[count]))
            continue;
        window += WINDOW;
        count++;
    }
    return (unsigned) count;
}

struct ivshmem_device *ivshmem_device(unsigned index)
{
    return &devices[index];
}

const struct jailhouse_ivshmem_information *ivshmem_about(const struct ivshmem_device *device)
{
    return &device->about;
}

char *ivshmem_memory(const struct ivshmem_device *device)
{
    return device->memory;
}

uint16_t ivshmem_place(const struct ivshmem_device *device)
{
    return device->place;
}

unsigned ivshmem_vectors(const struct ivshmem_device *device)
{
    return device->vectors;
}

bool ivshmem_take(struct ivshmem_device *device, void (*handler)(void *argument), void *argument)
{
    if (device->handler)
        return false;
    device->argument = argument;
    __sync_synchronize();
    device->handler = handler;
    return true;
}

void ivshmem_ring(const struct ivshmem_device *device, uint32_t end, uint32_t vector)
{
    __sync_synchronize();
    device->registers[DOORBELL] = end << 16 | vector;
}

void ivshmem_set_state(const struct ivshmem_device *device, uint32_t state)
{
    __sync_synchronize();
    device->registers[STATE] = state;
}

uint32_t ivshmem_state(const struct ivshmem_device *device, uint32_t end)
{
    return ((const volatile uint32_t *) device->memory)[end];
}
