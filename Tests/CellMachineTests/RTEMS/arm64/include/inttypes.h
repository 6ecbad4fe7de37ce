// SPDX-License-Identifier: Apache-2.0
#define PRIx64 "lx"
#define PRIxPTR "lx"
#define PRIuPTR "lu"
