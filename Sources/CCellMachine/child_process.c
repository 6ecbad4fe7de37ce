// SPDX-License-Identifier: Apache-2.0
// Between fork and execv only what is safe after a fork of one thread of many: no Swift.

#define _GNU_SOURCE
#include "child_process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { first_descriptor = 3, most_descriptors = 32 };

// Reports errno to the parent by `report`, which closes by itself when the program has taken over.
static _Noreturn void fail(int report)
{
    int reason = errno;
    while (write(report, &reason, sizeof reason) < 0 && errno == EINTR)
        ;
    _exit(127);
}

static _Noreturn void become(const char *path, char *const arguments[], const int *descriptors, int count,
                             int error_output, pid_t parent, int report)
{
    sigset_t none;
    int copies[most_descriptors];

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail(report);
    if (getppid() != parent) // it ended before it could be noticed
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);

    // out of the way of the numbers that they will have
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int base = first_descriptor + most_descriptors;
    if (null < 0 || (report = fcntl(report, F_DUPFD_CLOEXEC, base)) < 0)
        fail(report);
    for (int index = 0; index < count; index++)
        if ((copies[index] = fcntl(descriptors[index], F_DUPFD_CLOEXEC, base)) < 0)
            fail(report);
    if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(error_output, STDERR_FILENO) < 0)
        fail(report);
    for (int index = 0; index < count; index++)
        if (dup2(copies[index], first_descriptor + index) < 0)
            fail(report);
    // what others have opened without O_CLOEXEC, too; the reports are read until the program has taken over
    if (close_range(first_descriptor + count, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        fail(report);
    execv(path, arguments);
    fail(report);
}

pid_t child_process_start(const char *path, char *const arguments[], const int *descriptors, int count,
                          int error_output)
{
    int ends[2];
    int reason = 0;
    ssize_t got;

    if (count > most_descriptors) {
        errno = EINVAL;
        return -1;
    }
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        become(path, arguments, descriptors, count, error_output, parent, ends[1]);
    reason = child < 0 ? errno : 0;
    close(ends[1]);
    if (child > 0) {
        while ((got = read(ends[0], &reason, sizeof reason)) < 0 && errno == EINTR)
            ;
        if (got == sizeof reason) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
            child = -1;
        }
    }
    close(ends[0]);
    if (child < 0)
        errno = reason;
    return child;
}
