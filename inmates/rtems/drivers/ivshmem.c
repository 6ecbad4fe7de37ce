// SPDX-License-Identifier: Apache-2.0
/*
 * /dev/ivshmemN: the hypervisor's shared memory device, by its specification, version 2. A file of its own, so that only
 * programs that use it have it.
 */
#include "../layer/layer.h"
#include "pci_device.h"

#include <bsp.h>
#include <bsp/irq.h>
#include <errno.h>
#include <jailhouse.h>
#include <jailhouse_ivshmem.h>
#include <rtems/imfs.h>

/* Registers, as places of 32-bit words. */
enum { OWN_IDENTIFIER = 0, ENDS = 1, INTERRUPTS = 2, DOORBELL = 3, STATE = 4 };
/* Of the vendor's capability. */
enum { STATE_TABLE_SIZE = 4, COMMON_SIZE = 8, OUTPUT_SIZE = 16, MEMORY_ADDRESS = 24 };
enum { CLASS = 0x08, BAR_REGISTERS = 0x10, BAR_MSIX = 0x14, BAR_MEMORY = 0x18 };
#define SIEMENS_IVSHMEM 0x4106110au
#define MOST 8
#define WINDOW 0x2000u /* one page of registers, one with the MSI-X table */
#define USUAL_PLACE 0xf0000000u

struct link {
    volatile uint32_t *registers;
    char *memory;
    struct jailhouse_ivshmem_information about;
    volatile rtems_id task;
    volatile rtems_event_set events;
};

static void interrupt(void *argument)
{
    const struct link *link = argument;

    if (link->events)
        rtems_event_send(link->task, link->events);
}

static int control(rtems_libio_t *iop, ioctl_command_t command, void *argument)
{
    struct link *link = IMFS_generic_get_context_by_iop(iop);
    uint32_t flags;

    switch (command) {
    case JAILHOUSE_IVSHMEM_INFORMATION:
        *(struct jailhouse_ivshmem_information *) argument = link->about;
        return 0;
    case JAILHOUSE_IVSHMEM_SET_STATE:
        link->registers[STATE] = *(const uint32_t *) argument;
        return 0;
    case JAILHOUSE_IVSHMEM_RING:
        if (*(const uint32_t *) argument >= link->about.ends)
            rtems_set_errno_and_return_minus_one(ENXIO);
        __sync_synchronize();
        link->registers[DOORBELL] = *(const uint32_t *) argument << 16;
        return 0;
    case JAILHOUSE_IVSHMEM_EVENTS:
        if (!link->about.has_interrupt)
            rtems_set_errno_and_return_minus_one(ENOTSUP);
        flags = layer_interrupts_off();
        link->events = 0;
        link->task = rtems_task_self();
        link->events = *(const rtems_event_set *) argument;
        layer_interrupts_restore(flags);
        return 0;
    }
    rtems_set_errno_and_return_minus_one(ENOTTY);
}

static int map(rtems_libio_t *iop, void **address, size_t length, int protection, off_t offset)
{
    const struct link *link = IMFS_generic_get_context_by_iop(iop);

    (void) protection;
    if (offset < 0 || offset > link->about.size || length > link->about.size - (size_t) offset)
        rtems_set_errno_and_return_minus_one(ENXIO);
    *address = link->memory + offset;
    return 0;
}

static const rtems_filesystem_file_handlers_r handlers = {
    .open_h = rtems_filesystem_default_open,
    .close_h = rtems_filesystem_default_close,
    .read_h = rtems_filesystem_default_read,
    .write_h = rtems_filesystem_default_write,
    .ioctl_h = control,
    .lseek_h = rtems_filesystem_default_lseek_file,
    .fstat_h = IMFS_stat,
    .ftruncate_h = rtems_filesystem_default_ftruncate,
    .fsync_h = rtems_filesystem_default_fsync_or_fdatasync_success,
    .fdatasync_h = rtems_filesystem_default_fsync_or_fdatasync_success,
    .fcntl_h = rtems_filesystem_default_fcntl,
    .kqfilter_h = rtems_filesystem_default_kqfilter,
    .poll_h = rtems_filesystem_default_poll,
    .readv_h = rtems_filesystem_default_readv,
    .writev_h = rtems_filesystem_default_writev,
    .mmap_h = map
};

static const IMFS_node_control node = IMFS_GENERIC_INITIALIZER(&handlers, IMFS_node_initialize_generic, IMFS_node_destroy_default);

static bool open_device(const struct pci_device *device, uint32_t place, struct link *link)
{
    unsigned char vendor = layer_pci_capability(device, PCI_CAPABILITY_VENDOR);
    uint32_t address, number;

    /* a capability that is not the device's own says less */
    if (!vendor || place % WINDOW)
        return false;
    layer_pci_set_command(device, 0);
    layer_pci_write(device, BAR_REGISTERS, place);
    layer_pci_write(device, BAR_MSIX, place + WINDOW / 2);
    layer_pci_set_command(device, PCI_DEVICE_MEMORY | PCI_DEVICE_MASTER);
    address = layer_pci_read(device, vendor + MEMORY_ADDRESS);
    if (layer_pci_read(device, vendor + MEMORY_ADDRESS + 4))
        return false; /* 32 bits do not reach there */
    if (!address) {
        address = layer_pci_read(device, BAR_MEMORY) & ~15u;
        if (layer_pci_read(device, BAR_MEMORY + 4))
            return false;
    }
    if (!address)
        return false;
    link->registers = (volatile uint32_t *) place;
    link->memory = (char *) address;
    link->about.identifier = link->registers[OWN_IDENTIFIER];
    link->about.ends = link->registers[ENDS];
    link->about.protocol = layer_pci_read(device, CLASS) >> 8 & 0xffff;
    link->about.common = layer_pci_read(device, vendor + STATE_TABLE_SIZE);
    link->about.common_size = layer_pci_read(device, vendor + COMMON_SIZE);
    link->about.output = link->about.common + link->about.common_size;
    link->about.output_size = layer_pci_read(device, vendor + OUTPUT_SIZE);
    link->about.size = link->about.output + link->about.output_size * link->about.ends;
    number = jailhouse_interrupt_allocate();
    if (number
        && rtems_interrupt_handler_install(number, "ivshmem", RTEMS_INTERRUPT_UNIQUE, interrupt, link)
            == RTEMS_SUCCESSFUL)
        link->about.has_interrupt
            = layer_pci_use_msix(device, (volatile uint32_t *) (place + WINDOW / 2), number);
    link->registers[INTERRUPTS] = 1;
    return true;
}

int jailhouse_ivshmem_initialize(void)
{
    static struct link links[MOST];
    static int count = -1;
    static const uint32_t identifier = SIEMENS_IVSHMEM;
    struct pci_device device = { 0, 0, 0 };
    uint32_t place = USUAL_PLACE;
    char name[] = "/dev/ivshmem0";

    if (count >= 0)
        return count; /* they are there already */
    layer_argument_number("ivshmem", &place);
    count = 0;
    for (bool first = true; count < MOST && layer_pci_find(&device, first, &identifier, 1); first = false) {
        if (!open_device(&device, place, &links[count]))
            continue;
        name[sizeof name - 2] = (char) ('0' + count);
        if (IMFS_make_generic_node(name, S_IFCHR | 0666, &node, &links[count]) != 0)
            return -1;
        place += WINDOW;
        count++;
    }
    return count;
}
