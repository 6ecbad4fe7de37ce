// SPDX-License-Identifier: Apache-2.0
/* A few commands at TCP port 23, for one user at a time. No password: for a wire that only cells are at. */
#ifndef SHELL_H
#define SHELL_H

void shell_serve(void) __attribute__((noreturn));

#endif
