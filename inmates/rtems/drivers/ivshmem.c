// SPDX-License-Identifier: Apache-2.0
/* /dev/ivshmemN. A file of its own, so that only programs that use it have it. */
#include "../layer/layer.h"
#include "ivshmem_device.h"

#include <errno.h>
#include <rtems/imfs.h>

#define MOST 8

struct link {
    struct ivshmem_device *device;
    volatile rtems_id task;
    volatile rtems_event_set events;
    bool is_taken;
};

static void interrupt(void *argument)
{
    const struct link *link = argument;

    if (link->events)
        rtems_event_send(link->task, link->events);
}

static void set_events(struct link *link, rtems_event_set events)
{
    uint32_t flags = layer_interrupts_off();

    link->events = 0;
    link->task = rtems_task_self();
    link->events = events;
    layer_interrupts_restore(flags);
}

static int control(rtems_libio_t *iop, ioctl_command_t command, void *argument)
{
    struct link *link = IMFS_generic_get_context_by_iop(iop);

    switch (command) {
    case JAILHOUSE_IVSHMEM_INFORMATION:
        *(struct jailhouse_ivshmem_information *) argument = *ivshmem_about(link->device);
        return 0;
    case JAILHOUSE_IVSHMEM_SET_STATE:
        ivshmem_set_state(link->device, *(const uint32_t *) argument);
        return 0;
    case JAILHOUSE_IVSHMEM_RING:
        if (*(const uint32_t *) argument >= ivshmem_about(link->device)->ends)
            rtems_set_errno_and_return_minus_one(ENXIO);
        ivshmem_ring(link->device, *(const uint32_t *) argument, 0);
        return 0;
    case JAILHOUSE_IVSHMEM_EVENTS:
        if (!ivshmem_about(link->device)->has_interrupt)
            rtems_set_errno_and_return_minus_one(ENOTSUP);
        link->is_taken = link->is_taken || ivshmem_take(link->device, interrupt, link);
        if (!link->is_taken)
            rtems_set_errno_and_return_minus_one(EBUSY);
        set_events(link, *(const rtems_event_set *) argument);
        return 0;
    }
    rtems_set_errno_and_return_minus_one(ENOTTY);
}

static int map(rtems_libio_t *iop, void **address, size_t length, int protection, off_t offset)
{
    const struct link *link = IMFS_generic_get_context_by_iop(iop);
    const off_t size = ivshmem_about(link->device)->size;

    (void) protection;
    if (offset < 0 || offset > size || length > size - (size_t) offset)
        rtems_set_errno_and_return_minus_one(ENXIO);
    *address = ivshmem_memory(link->device) + offset;
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

static const IMFS_node_control node
    = IMFS_GENERIC_INITIALIZER(&handlers, IMFS_node_initialize_generic, IMFS_node_destroy_default);

int jailhouse_ivshmem_initialize(void)
{
    static struct link links[MOST];
    static int count = -1;
    char name[] = "/dev/ivshmem0";

    if (count >= 0)
        return count; /* they are there already */
    for (unsigned i = 0; i < ivshmem_devices() && i < MOST; i++) {
        links[i].device = ivshmem_device(i);
        name[sizeof name - 2] = (char) ('0' + i);
        if (IMFS_make_generic_node(name, S_IFCHR | 0666, &node, &links[i]) != 0)
            return -1;
    }
    count = (int) ivshmem_devices();
    return count;
}
