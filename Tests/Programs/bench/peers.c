// SPDX-License-Identifier: Apache-2.0
// What the daemon and its command are compared with: the least that can do the same.
//
//   peers list DIRECTORY         what a listing of the cells needs of sysfs, read once and printed
//   peers poll DIRECTORY SECONDS  what one look needs, read every 10 ms through descriptors that stay open

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 1024 };

static int numbers[CELLS];

static int list_numbers(const char *directory)
{
    char path[4096];
    int count = 0;
    snprintf(path, sizeof(path), "%s/cells", directory);
    DIR *cells = opendir(path);
    if (!cells)
        return 0;
    for (struct dirent *entry; (entry = readdir(cells)) && count < CELLS;)
        if (atoi(entry->d_name) > 0)
            numbers[count++] = atoi(entry->d_name);
    closedir(cells);
    return count;
}

static int open_file(const char *directory, int number, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/cells/%d/%s", directory, number, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void list(const char *directory)
{
    static const char *const names[] = {"name", "state", "cpus_assigned_list", "cpus_failed_list"};
    int count = list_numbers(directory);
    for (int cell = 0; cell < count; cell++) {
        printf("%-8d", numbers[cell]);
        for (int name = 0; name < 4; name++) {
            char text[256] = "";
            int file = open_file(directory, numbers[cell], names[name]);
            ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
            close(file);
            if (length > 0)
                text[length - 1] = 0;
            printf("%-24s", text);
        }
        puts("");
    }
}

static void poll_cells(const char *directory, double seconds)
{
    static int files[2 * CELLS + 1];
    static char known[2 * CELLS + 1][64];
    char path[4096], text[4096];
    int count = list_numbers(directory), used = 0;
    snprintf(path, sizeof(path), "%s/enabled", directory);
    files[used++] = open(path, O_RDONLY | O_CLOEXEC);
    for (int cell = 0; cell < count; cell++) {
        files[used++] = open_file(directory, numbers[cell], "state");
        files[used++] = open_file(directory, numbers[cell], "cpus_failed_list");
    }
    struct timespec next, pause = {0, 10000000};
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (long round = 0; round < seconds * 100; round++) {
        for (int file = 0; file < used; file++) {
            ssize_t length = pread(files[file], text, sizeof(text), 0);
            if (length > 0 && length < 64 && memcmp(known[file], text, length) != 0)
                memcpy(known[file], text, length);
        }
        count = list_numbers(directory);
        next.tv_nsec += pause.tv_nsec;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

int main(int count, char **words)
{
    if (count == 3 && strcmp(words[1], "list") == 0)
        list(words[2]);
    else if (count == 4 && strcmp(words[1], "poll") == 0)
        poll_cells(words[2], atof(words[3]));
    else
        return 64;
    return 0;
}
