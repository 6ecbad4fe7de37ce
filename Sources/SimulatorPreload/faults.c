// SPDX-License-Identifier: Apache-2.0
// Lets calls of the C library fail, and the wall clock jump, as jailhouse-sim inject program says. What is to fail
// stands in the file `programs` of the machine's directory; its layout is in ProgramFaultTable.swift.
//
// Calls for the device and sysfs are never touched, but for `descriptor`, which is what EMFILE means. Calls that
// umockdev makes on behalf of such a call are its own business.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum call { OPEN = 1, WRITE, FSYNC, RENAME, DESCRIPTOR, ACCEPT, SOCKET, CLOCK };
enum { SLOTS = 32, SIZE = 4096 };
enum { ROOT_KILLS = 1, LOCK_HELD = 2 };

struct slot {
    uint32_t used;
    uint32_t call;
    int32_t error;
    int32_t left;
    uint32_t probability;
    int32_t process;
    char program[24];
    int64_t ahead;
    uint32_t uses;
    uint32_t unused;
};

struct table {
    char magic[8];
    uint32_t count;
    uint32_t reading;  // ROOT_KILLS, LOCK_HELD
    int32_t reader;
    char read[44];
    struct slot slots[SLOTS];
};
_Static_assert(sizeof(struct slot) == 64 && sizeof(struct table) <= SIZE, "the layout is the simulator's, too");

static struct table *table;
static const char *machine_root;
// set while a replaced call runs: what it calls in turn is not the program's
static __thread int inside;

__attribute__((constructor)) static void map_table(void)
{
    char path[4096];
    const char *directory = getenv("JAILHOUSE_SIM_DIRECTORY");
    machine_root = getenv("UMOCKDEV_DIR");
    if (!directory || snprintf(path, sizeof(path), "%s/programs", directory) >= (int)sizeof(path))
        return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    void *start = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (start == MAP_FAILED)
        return;
    if (memcmp(start, "JHSIMFLT", 8) == 0)
        table = start;
    else
        munmap(start, SIZE);
}

static int is_for_us(const struct slot *slot)
{
    return (slot->process == 0 || slot->process == getpid()) &&
           (slot->program[0] == 0 || strncmp(slot->program, program_invocation_short_name, sizeof(slot->program)) == 0);
}

static int is_our_turn(const struct slot *slot)
{
    if (slot->probability >= 1000000)
        return 1;
    static __thread uint64_t state;
    if (state == 0)
        state = (uint64_t)(uintptr_t)&state ^ ((uint64_t)getpid() << 32) ^ (uint64_t)clock();
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % 1000000 < slot->probability;
}

static int take(struct slot *slot)
{
    int32_t left = __atomic_load_n(&slot->left, __ATOMIC_RELAXED);
    while (left > 0) {
        if (__atomic_compare_exchange_n(&slot->left, &left, left - 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return 1;
    }
    return left < 0;
}

// A full or read-only file system still lets itself be read.
static int is_about_writing(int error)
{
    return error == EROFS || error == ENOSPC || error == EDQUOT;
}

// Whether this call is to fail; errno is set then.
static int fails_to(enum call call, int writes)
{
    if (!table || inside || __atomic_load_n(&table->count, __ATOMIC_RELAXED) == 0)
        return 0;
    for (int number = 0; number < SLOTS; number++) {
        struct slot *slot = &table->slots[number];
        if (__atomic_load_n(&slot->used, __ATOMIC_ACQUIRE) == 0 || slot->call != call || !is_for_us(slot))
            continue;
        if (writes ? slot->error == 0 : is_about_writing(slot->error))
            continue;
        if (!is_our_turn(slot) || !take(slot))
            continue;
        __atomic_fetch_add(&slot->uses, 1, __ATOMIC_RELAXED);
        if (slot->error == 0) {
            struct timespec time = {slot->ahead / 1000000000, slot->ahead % 1000000000};
            nanosleep(&time, NULL);
            continue;
        }
        errno = slot->error;
        return 1;
    }
    return 0;
}

static int fails(enum call call)
{
    return fails_to(call, 1);
}

static int begins(const char *path, const char *prefix)
{
    return prefix && strncmp(path, prefix, strlen(prefix)) == 0;
}

static int is_own_path(const char *path)
{
    return path && !begins(path, "/dev/") && !begins(path, "/sys/") && !begins(path, "/proc/") &&
           !begins(path, machine_root);
}

// Calls that give a descriptor. libdispatch looks at its threads in /proc every second and ends the process when it
// cannot, so that is spared.
static int has_no_descriptor(const char *path)
{
    return path && !begins(path, "/proc/") && fails(DESCRIPTOR);
}

static int is_own_file(int file)
{
    struct stat information;
    char link[64], path[4096];
    if (!table || inside || __atomic_load_n(&table->count, __ATOMIC_RELAXED) == 0)
        return 0;
    if (syscall(SYS_fstat, file, &information) != 0 || !S_ISREG(information.st_mode))
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_own_path(path);
}

#define NEXT(name) ((__typeof__(&name))next(&next_##name, #name))
#define REPLACED(name) static void *next_##name

static void *next(void **known, const char *name)
{
    if (!*known)
        *known = dlsym(RTLD_NEXT, name);
    return *known;
}

#define PASS_ON(type, call)                                                                                            \
    inside++;                                                                                                          \
    type result = call;                                                                                                \
    inside--;                                                                                                          \
    return result

static int writes(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define REPLACE_OPEN(name)                                                                                             \
    REPLACED(name);                                                                                                    \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = mode_of(flags, rest);                                                                            \
        va_end(rest);                                                                                                  \
        if (has_no_descriptor(path) || (is_own_path(path) && fails_to(OPEN, writes(flags))))                           \
            return -1;                                                                                                 \
        PASS_ON(int, NEXT(name)(path, flags, mode));                                                                   \
    }

#define REPLACE_OPENAT(name)                                                                                           \
    REPLACED(name);                                                                                                    \
    int name(int directory, const char *path, int flags, ...)                                                          \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = mode_of(flags, rest);                                                                            \
        va_end(rest);                                                                                                  \
        if (has_no_descriptor(path) || (is_own_path(path) && fails_to(OPEN, writes(flags))))                           \
            return -1;                                                                                                 \
        PASS_ON(int, NEXT(name)(directory, path, flags, mode));                                                        \
    }

REPLACE_OPEN(open)
REPLACE_OPEN(open64)
REPLACE_OPENAT(openat)
REPLACE_OPENAT(openat64)

REPLACED(opendir);
DIR *opendir(const char *path)
{
    if (has_no_descriptor(path))
        return NULL;
    PASS_ON(DIR *, NEXT(opendir)(path));
}

REPLACED(write);
ssize_t write(int file, const void *bytes, size_t count)
{
    // what it says on its standard output may go to a file as well
    if (file > STDERR_FILENO && is_own_file(file) && fails(WRITE))
        return -1;
    PASS_ON(ssize_t, NEXT(write)(file, bytes, count));
}

// Reading sysfs: the driver's traps, which plain files do not have.

static int ends_in(const char *path, const char *end)
{
    size_t length = strlen(path), count = strlen(end);
    return length >= count && strcmp(path + length - count, end) == 0;
}

// The path below /sys/devices/jailhouse that a file has; 0 when it is another file.
static int is_attribute(int file, char *path, size_t size)
{
    static const char directory[] = "/sys/devices/jailhouse/";
    char link[64], whole[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, whole, sizeof(whole) - 1);
    if (length < 0 || !machine_root)
        return 0;
    whole[length] = 0;
    size_t root = strlen(machine_root);
    if (strncmp(whole, machine_root, root) != 0 || strncmp(whole + root, directory, sizeof(directory) - 1) != 0)
        return 0;
    snprintf(path, size, "%s", whole + root + sizeof(directory) - 1);
    return 1;
}

static int needs_lock(const char *path)
{
    return strcmp(path, "console") == 0 || begins(path, "mem_pool_") || begins(path, "remap_pool_");
}

static int needs_hypercall(const char *path)
{
    static const char root[] = "cells/0/";
    return begins(path, root) && !ends_in(path, "/name") && !begins(path + sizeof(root) - 1, "cpus_assigned");
}

// The process executes an instruction that there is not: it is dead inside of the driver.
static void die_in_driver(const char *path)
{
    int32_t nobody = 0;
    memset(table->read, 0, sizeof(table->read));
    snprintf(table->read, sizeof(table->read), "%s", path + sizeof("cells/0/") - 1);
    __atomic_compare_exchange_n(&table->reader, &nobody, getpid(), 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    for (;;)
        syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

static void meet_driver(int file)
{
    char path[256];
    struct timespec pause = {0, 200000};
    if (!table || inside || __atomic_load_n(&table->reading, __ATOMIC_ACQUIRE) == 0)
        return;
    int error = errno;
    if (is_attribute(file, path, sizeof(path))) {
        if (__atomic_load_n(&table->reading, __ATOMIC_ACQUIRE) & ROOT_KILLS && needs_hypercall(path))
            die_in_driver(path);
        while (needs_lock(path) && __atomic_load_n(&table->reading, __ATOMIC_ACQUIRE) & LOCK_HELD)
            syscall(SYS_nanosleep, &pause, NULL);
    }
    errno = error;
}

REPLACED(read);
ssize_t read(int file, void *bytes, size_t count)
{
    meet_driver(file);
    PASS_ON(ssize_t, NEXT(read)(file, bytes, count));
}

REPLACED(pread);
ssize_t pread(int file, void *bytes, size_t count, off_t offset)
{
    meet_driver(file);
    PASS_ON(ssize_t, NEXT(pread)(file, bytes, count, offset));
}

REPLACED(pread64);
ssize_t pread64(int file, void *bytes, size_t count, off64_t offset)
{
    meet_driver(file);
    PASS_ON(ssize_t, NEXT(pread64)(file, bytes, count, offset));
}

REPLACED(fsync);
int fsync(int file)
{
    if (is_own_file(file) && fails(FSYNC))
        return -1;
    PASS_ON(int, NEXT(fsync)(file));
}

REPLACED(rename);
int rename(const char *from, const char *to)
{
    if (is_own_path(from) && is_own_path(to) && fails(RENAME))
        return -1;
    PASS_ON(int, NEXT(rename)(from, to));
}

REPLACED(socket);
int socket(int domain, int type, int protocol)
{
    if (fails(DESCRIPTOR) || fails(SOCKET))
        return -1;
    PASS_ON(int, NEXT(socket)(domain, type, protocol));
}

REPLACED(accept);
int accept(int socket, struct sockaddr *restrict address, socklen_t *restrict length)
{
    if (fails(DESCRIPTOR) || fails(ACCEPT))
        return -1;
    PASS_ON(int, NEXT(accept)(socket, address, length));
}

REPLACED(accept4);
int accept4(int socket, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    if (fails(DESCRIPTOR) || fails(ACCEPT))
        return -1;
    PASS_ON(int, NEXT(accept4)(socket, address, length, flags));
}

// How far the program's wall clock is ahead.
static int64_t ahead(void)
{
    int64_t sum = 0;
    if (!table || __atomic_load_n(&table->count, __ATOMIC_RELAXED) == 0)
        return 0;
    for (int number = 0; number < SLOTS; number++) {
        const struct slot *slot = &table->slots[number];
        if (__atomic_load_n(&slot->used, __ATOMIC_ACQUIRE) != 0 && slot->call == CLOCK && is_for_us(slot))
            sum += slot->ahead;
    }
    return sum;
}

static void shift(struct timespec *time, int64_t nanoseconds)
{
    int64_t fraction = time->tv_nsec + nanoseconds % 1000000000;
    time->tv_sec += nanoseconds / 1000000000;
    if (fraction < 0) {
        fraction += 1000000000;
        time->tv_sec--;
    }
    time->tv_sec += fraction / 1000000000;
    time->tv_nsec = fraction % 1000000000;
}

REPLACED(clock_gettime);
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = NEXT(clock_gettime)(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        shift(time, ahead());
    return result;
}

REPLACED(gettimeofday);
int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    int result = NEXT(gettimeofday)(time, zone);
    if (result == 0) {
        struct timespec fine = {time->tv_sec, time->tv_usec * 1000};
        shift(&fine, ahead());
        time->tv_sec = fine.tv_sec;
        time->tv_usec = fine.tv_nsec / 1000;
    }
    return result;
}

REPLACED(time);
time_t time(time_t *where)
{
    struct timespec now = {NEXT(time)(NULL), 0};
    shift(&now, ahead());
    if (where)
        *where = now.tv_sec;
    return now.tv_sec;
}
