// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "doorbell.h"
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

int doorbell_create(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void doorbell_ring(int doorbell)
{
    eventfd_write(doorbell, 1);
}

int nameless_memory_create(size_t size)
{
    int memory = memfd_create("cells", MFD_CLOEXEC);
    if (memory >= 0 && ftruncate(memory, size) < 0) {
        close(memory);
        return -1;
    }
    return memory;
}
