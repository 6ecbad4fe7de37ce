// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>

// What glibc's Swift module leaves out.

// An event descriptor (eventfd(2)); −1 with errno.
int doorbell_create(void);

// Wakes whoever waits for it.
void doorbell_ring(int doorbell);

// Memory without a name (memfd_create(2)), of a size in bytes; −1 with errno.
int nameless_memory_create(size_t size);
