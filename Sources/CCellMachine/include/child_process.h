// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

// Starts a program whose descriptors 3, 4, … are copies of `descriptors`, with standard input and output from and to
// /dev/null and standard error to `error_output`, all others closed. The kernel kills it when the calling thread
// ends, however that happens.
//
// Returns its process id; −1 with errno when there is none, of fork or of execv.
pid_t child_process_start(const char *path, char *const arguments[], const int *descriptors, int count,
                          int error_output);
