// SPDX-License-Identifier: Apache-2.0
/*
 * Memory that cells share, by the hypervisor's virtual device (ivshmem, version 2): /dev/ivshmem0, /dev/ivshmem1 …
 *
 *     int count = jailhouse_ivshmem_initialize();
 *     int link = open("/dev/ivshmem0", O_RDWR);
 *     struct jailhouse_ivshmem_information about;
 *     ioctl(link, JAILHOUSE_IVSHMEM_INFORMATION, &about);
 *     char *memory = mmap(NULL, about.size, PROT_READ | PROT_WRITE, MAP_SHARED, link, 0);
 *
 * The memory has three parts, in this order: the state table (a 32-bit word for each end), the common section, which all
 * ends may write, and a section for each end, which only that end may write. A write elsewhere ends the cell. What the
 * memory contains at the start is what an earlier run left.
 */
#ifndef JAILHOUSE_IVSHMEM_H
#define JAILHOUSE_IVSHMEM_H

#include <rtems.h>
#include <stdint.h>
#include <sys/ioccom.h>

#ifdef __cplusplus
extern "C" {
#endif

struct jailhouse_ivshmem_information {
    uint32_t identifier;    /* of this end */
    uint32_t ends;          /* how many there can be */
    uint32_t protocol;      /* as the configuration says: 0 undefined, 1 network, 0x4000 and up the user's */
    uint32_t common;        /* offset of the common section; its size may be 0 */
    uint32_t common_size;
    uint32_t output;        /* offset of the section of end 0; the others' follow */
    uint32_t output_size;   /* of each */
    uint32_t size;          /* of all */
    uint32_t has_interrupt; /* whether another end's ring is an interrupt here, not only a change in memory */
};

/* What this cell is and where things are. */
#define JAILHOUSE_IVSHMEM_INFORMATION _IOR('J', 1, struct jailhouse_ivshmem_information)
/* This end's word in the state table; the other ends are interrupted. 0: not there. */
#define JAILHOUSE_IVSHMEM_SET_STATE _IOW('J', 2, uint32_t)
/* Interrupts the end of this identifier. ENXIO: there is no such end. */
#define JAILHOUSE_IVSHMEM_RING _IOW('J', 3, uint32_t)
/* From now on each interrupt sends these events to the calling task; 0: none. ENOTSUP: there are no interrupts.
   EBUSY: they are the network's. */
#define JAILHOUSE_IVSHMEM_EVENTS _IOW('J', 4, rtems_event_set)

/*
 * Makes the devices. Returns how many there are, or -1 and errno.
 *
 * Their registers appear at 0xf0000000, or where ivshmem=ADDRESS of the command line says, with 8 KiB each: an address at
 * which the cell has no memory. The first PCI bus is searched; with last-bus=N of the command line, N more.
 */
int jailhouse_ivshmem_initialize(void);

#ifdef __cplusplus
}
#endif

#endif
