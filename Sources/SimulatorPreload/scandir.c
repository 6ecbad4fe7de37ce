// SPDX-License-Identifier: Apache-2.0
// glibc's scandir opens its directory by itself, and so looks past umockdev into the real /sys. This one asks
// opendir, which umockdev has replaced. Upstream's `jailhouse cell list` needs it.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef int (*selector)(const struct dirent *);
typedef int (*order)(const struct dirent **, const struct dirent **);

static void release(struct dirent **names, size_t count)
{
    while (count > 0)
        free(names[--count]);
    free(names);
}

// Appends a copy of the entry; 0 when there is no memory for it.
static int append(struct dirent ***names, size_t *count, const struct dirent *entry)
{
    struct dirent **longer = realloc(*names, (*count + 1) * sizeof(*longer));
    if (!longer)
        return 0;
    *names = longer;
    struct dirent *copy = malloc(entry->d_reclen);
    if (!copy)
        return 0;
    longer[(*count)++] = memcpy(copy, entry, entry->d_reclen);
    return 1;
}

int scandir(const char *path, struct dirent ***names, selector select, order compare)
{
    DIR *directory = opendir(path);
    if (!directory)
        return -1;
    struct dirent **found = NULL;
    size_t count = 0;
    int saved = errno;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry)
            break;
        if (select && !select(entry))
            continue;
        if (!append(&found, &count, entry)) {
            errno = ENOMEM;
            break;
        }
    }
    int error = errno;
    closedir(directory);
    if (error) {
        release(found, count);
        errno = error;
        return -1;
    }
    errno = saved;
    if (compare && count > 1)
        qsort(found, count, sizeof(*found), (int (*)(const void *, const void *))compare);
    *names = found;
    return (int)count;
}

// With 64-bit files, which is what every 64-bit Linux has, the two are the same.
_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "scandir64 is another function here");
int scandir64(const char *path, struct dirent64 ***names, int (*select)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
    return scandir(path, (struct dirent ***)names, (selector)select, (order)compare);
}
