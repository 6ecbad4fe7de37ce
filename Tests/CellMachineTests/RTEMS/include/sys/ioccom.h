// SPDX-License-Identifier: Apache-2.0
#define _IOR(group, number, type) (0x40000000u | sizeof(type) << 16 | (group) << 8 | (number))
#define _IOW(group, number, type) (0x80000000u | sizeof(type) << 16 | (group) << 8 | (number))
