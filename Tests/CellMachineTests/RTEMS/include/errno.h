// SPDX-License-Identifier: Apache-2.0
extern int errno;
#define ENXIO 6
#define EBUSY 16
#define ENOTTY 25
#define ENOTSUP 134
