// SPDX-License-Identifier: Apache-2.0
/*
 * RTEMS's access to the PCI configuration space, through the ports that the hypervisor moderates, or through the window
 * in memory with pci=mmconfig on the command line. Only devices of the cell answer.
 */
#include "layer.h"

#include <bsp.h>
#include <jailhouse.h>
#include <rtems/bspIo.h>
#include <rtems/pci.h>

#define ADDRESS 0xcf8
#define DATA 0xcfc

static uintptr_t window;

/* An address and its datum are two accesses, by one processor and one interrupt level at a time. */
static volatile int lock;

static uint32_t acquire(void)
{
    uint32_t flags = layer_interrupts_off();

    while (__sync_lock_test_and_set(&lock, 1))
        layer_pause();
    return flags;
}

static void release(uint32_t flags)
{
    __sync_lock_release(&lock);
    layer_interrupts_restore(flags);
}

/* Says which register the data port is to be, and which of its ports. */
static uint16_t select_register(unsigned char bus, unsigned char slot, unsigned char function, unsigned char offset)
{
    layer_out32(
        ADDRESS, 0x80000000u | (uint32_t) bus << 16 | (uint32_t) slot << 11 | (uint32_t) function << 8 | (offset & 0xfc));
    return (uint16_t) (DATA + (offset & 3));
}

static uintptr_t place(unsigned char bus, unsigned char slot, unsigned char function, unsigned char offset)
{
    return window + ((uintptr_t) bus << 20 | (uintptr_t) slot << 15 | (uintptr_t) function << 12 | offset);
}

#define ACCESS(name, type, width)                                                                                      \
    static int read_##name(                                                                                            \
        unsigned char bus, unsigned char slot, unsigned char function, unsigned char offset, type *value)              \
    {                                                                                                                  \
        uint32_t flags = acquire();                                                                                    \
        *value = window ? *(volatile type *) place(bus, slot, function, offset)                                        \
                        : layer_in##width(select_register(bus, slot, function, offset));                                        \
        release(flags);                                                                                                \
        return PCIBIOS_SUCCESSFUL;                                                                                     \
    }                                                                                                                  \
    static int write_##name(                                                                                           \
        unsigned char bus, unsigned char slot, unsigned char function, unsigned char offset, type value)               \
    {                                                                                                                  \
        uint32_t flags = acquire();                                                                                    \
        if (window)                                                                                                    \
            *(volatile type *) place(bus, slot, function, offset) = value;                                             \
        else                                                                                                           \
            layer_out##width(select_register(bus, slot, function, offset), value);                                              \
        release(flags);                                                                                                \
        return PCIBIOS_SUCCESSFUL;                                                                                     \
    }
ACCESS(byte, unsigned char, 8)
ACCESS(word, unsigned short, 16)
ACCESS(dword, uint32_t, 32)

static const pci_config_access_functions functions = {
    read_byte, read_word, read_dword, write_byte, write_word, write_dword
};

/* bspstart.o's */
rtems_pci_config_t BSP_pci_configuration;

void layer_pci_begin(void)
{
    uint64_t base = layer_cell_mmconfig_base();
    char word[12];

    if (jailhouse_argument("pci", word, sizeof word) && word[0] == 'm') {
        /* 32 bits without paging reach so far */
        if (base && base < 0xf0000000u)
            window = (uintptr_t) base;
        else
            printk("cell: no PCI window below 4 GiB, PCI by ports\n");
    }
    BSP_pci_configuration.pci_functions = &functions;
}
