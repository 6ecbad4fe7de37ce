// SPDX-License-Identifier: Apache-2.0
/* As much of RTEMS's file system as a driver of a device without reads and writes needs; files.c is behind it. */
#ifndef RTEMS_IMFS_H
#define RTEMS_IMFS_H

#include <errno.h>
#include <rtems.h>

typedef long off_t;
typedef unsigned mode_t;
typedef unsigned long ioctl_command_t;
typedef struct {
    void *context;
} rtems_libio_t;

#define S_IFCHR 0020000u

typedef void standin_handler(void);
typedef struct {
    standin_handler *open_h, *close_h, *read_h, *write_h, *lseek_h, *fstat_h, *ftruncate_h, *fsync_h, *fdatasync_h,
        *fcntl_h, *kqfilter_h, *poll_h, *readv_h, *writev_h;
    int (*ioctl_h)(rtems_libio_t *, ioctl_command_t, void *);
    int (*mmap_h)(rtems_libio_t *, void **, size_t, int, off_t);
} rtems_filesystem_file_handlers_r;
standin_handler rtems_filesystem_default_open, rtems_filesystem_default_close, rtems_filesystem_default_read,
    rtems_filesystem_default_write, rtems_filesystem_default_lseek_file, IMFS_stat, rtems_filesystem_default_ftruncate,
    rtems_filesystem_default_fsync_or_fdatasync_success, rtems_filesystem_default_fcntl,
    rtems_filesystem_default_kqfilter, rtems_filesystem_default_poll, rtems_filesystem_default_readv,
    rtems_filesystem_default_writev;

typedef struct {
    const rtems_filesystem_file_handlers_r *handlers;
} IMFS_node_control;
#define IMFS_GENERIC_INITIALIZER(handlers, begin, end) { handlers }

int IMFS_make_generic_node(const char *path, mode_t mode, const IMFS_node_control *control, void *context);
#define IMFS_generic_get_context_by_iop(iop) ((iop)->context)
#define rtems_set_errno_and_return_minus_one(number)                                                                   \
    do {                                                                                                               \
        errno = (number);                                                                                              \
        return -1;                                                                                                     \
    } while (0)

/* Whether the device was made; then the others may be called. */
bool standin_open(const char *path);
int standin_ioctl(ioctl_command_t command, void *argument);
/* NULL: it does not go. */
void *standin_mmap(size_t length, off_t offset);

#endif
