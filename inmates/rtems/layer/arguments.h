// SPDX-License-Identifier: Apache-2.0
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* A number of the command line, decimal or with 0x. */
bool layer_argument_number(const char *name, uint32_t *value);

#endif
