// SPDX-License-Identifier: Apache-2.0
#define IDT_SIZE 256
#define NUM_SYSTEM_GDT_DESCRIPTORS 3+1
#define GDT_SIZE 4
