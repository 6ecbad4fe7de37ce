// SPDX-License-Identifier: Apache-2.0
/* Stands in for RTEMS's file system, which has one device here, and for the events of its one task. */
#include <errno.h>
#include <rtems.h>
#include <rtems/imfs.h>

int errno;

static struct {
    const char *path;
    const IMFS_node_control *control;
    rtems_libio_t file;
} device;
static char path[32];

int IMFS_make_generic_node(const char *name, mode_t mode, const IMFS_node_control *control, void *context)
{
    if (device.path || (mode & ~0777u) != S_IFCHR)
        return -1;
    for (unsigned i = 0; i < sizeof path - 1 && name[i]; i++)
        path[i] = name[i];
    device.path = path;
    device.control = control;
    device.file.context = context;
    return 0;
}

bool standin_open(const char *name)
{
    const char *letter = device.path;

    while (letter && *letter && *letter == *name)
        letter++, name++;
    return letter && *letter == *name;
}

int standin_ioctl(ioctl_command_t command, void *argument)
{
    return device.control->handlers->ioctl_h(&device.file, command, argument);
}

void *standin_mmap(size_t length, off_t offset)
{
    void *address;

    return device.control->handlers->mmap_h(&device.file, &address, length, 3, offset) == 0 ? address : 0;
}

#define DEFAULT(name)                                                                                                  \
    void name(void)                                                                                                    \
    {                                                                                                                  \
    }
DEFAULT(rtems_filesystem_default_open)
DEFAULT(rtems_filesystem_default_close)
DEFAULT(rtems_filesystem_default_read)
DEFAULT(rtems_filesystem_default_write)
DEFAULT(rtems_filesystem_default_lseek_file)
DEFAULT(IMFS_stat)
DEFAULT(rtems_filesystem_default_ftruncate)
DEFAULT(rtems_filesystem_default_fsync_or_fdatasync_success)
DEFAULT(rtems_filesystem_default_fcntl)
DEFAULT(rtems_filesystem_default_kqfilter)
DEFAULT(rtems_filesystem_default_poll)
DEFAULT(rtems_filesystem_default_readv)
DEFAULT(rtems_filesystem_default_writev)

static volatile rtems_event_set pending;

rtems_id rtems_task_self(void)
{
    return 1;
}

/* By interrupts, and one does not interrupt another here. */
rtems_status_code rtems_event_send(rtems_id task, rtems_event_set events)
{
    if (task != 1)
        return RTEMS_INVALID_ID;
    pending |= events;
    return RTEMS_SUCCESSFUL;
}

rtems_status_code rtems_event_receive(
    rtems_event_set wanted, rtems_option options, rtems_interval ticks, rtems_event_set *events)
{
    (void) options, (void) ticks;
    __asm__ volatile("cli" : : : "memory");
    *events = pending & wanted;
    pending &= ~wanted;
    __asm__ volatile("sti" : : : "memory");
    return *events ? RTEMS_SUCCESSFUL : RTEMS_UNSATISFIED;
}
