// SPDX-License-Identifier: Apache-2.0
typedef struct FILE FILE;
extern FILE *stdout;
int fprintf(FILE *, const char *, ...);
