// SPDX-License-Identifier: Apache-2.0
/*
 * Memory between two cells, in RTEMS: counts its beats in its own section of the shared memory, rings the other end at
 * each, and waits until both have seen enough. The other end may be this program or `heartbeat`, the bare one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jailhouse_ivshmem.h>
#include <rtems.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define BEATS 10
#define RUNG RTEMS_EVENT_3
/* Words of an end's section. */
enum { BEAT = 0, IS_CONTENT = 1 };

static unsigned passed, failed;
static struct jailhouse_ivshmem_information about;

static void check(bool condition, const char *what)
{
    printf("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static volatile uint32_t *section(char *memory, uint32_t end)
{
    return (volatile uint32_t *) (memory + about.output + end * about.output_size);
}

static void beat(int link, char *memory)
{
    volatile uint32_t *own = section(memory, about.identifier), *states = (volatile uint32_t *) memory, *other;
    uint32_t end = about.identifier == 0, state = 1, seen = 0, rings = 0;
    rtems_interval pause = rtems_clock_get_ticks_per_second() / 10;

    other = section(memory, end);
    own[BEAT] = own[IS_CONTENT] = 0;
    ioctl(link, JAILHOUSE_IVSHMEM_SET_STATE, &state);
    for (uint32_t i = 1; i <= 600 && !(own[IS_CONTENT] && other[IS_CONTENT]); i++) {
        rtems_event_set events = 0;

        rtems_task_wake_after(pause);
        own[BEAT] = i;
        ioctl(link, JAILHOUSE_IVSHMEM_RING, &end);
        rings += rtems_event_receive(RUNG, RTEMS_NO_WAIT, 0, &events) == RTEMS_SUCCESSFUL;
        if (states[end] && other[BEAT] > seen)
            seen = other[BEAT];
        if (seen >= BEATS && (rings >= BEATS || !about.has_interrupt))
            own[IS_CONTENT] = 1;
    }
    printf("stage-link: %" PRIu32 " beats of the other end, %" PRIu32 " rings\n", seen, rings);
    check(seen >= BEATS, "the other end's beats");
    check(rings >= BEATS, "the other end's rings");
    check(own[IS_CONTENT] && other[IS_CONTENT], "both have seen enough");
    state = 0;
    ioctl(link, JAILHOUSE_IVSHMEM_SET_STATE, &state);
}

static rtems_task Init(rtems_task_argument argument)
{
    rtems_event_set events = RUNG;
    uint32_t nobody = 99;
    char *memory;
    int link;

    (void) argument;
    check(jailhouse_ivshmem_initialize() == 1, "there is one device");
    link = open("/dev/ivshmem0", O_RDWR);
    check(link >= 0 && ioctl(link, JAILHOUSE_IVSHMEM_INFORMATION, &about) == 0, "/dev/ivshmem0");
    if (link >= 0) {
        printf("stage-link: end %" PRIu32 " of %" PRIu32 ", protocol 0x%" PRIx32 ", %" PRIu32 " bytes\n",
            about.identifier, about.ends, about.protocol, about.size);
        memory = mmap(NULL, about.size, PROT_READ | PROT_WRITE, MAP_SHARED, link, 0);
        check(memory != MAP_FAILED, "its memory");
        check(mmap(NULL, about.size + 1, PROT_READ, MAP_SHARED, link, 0) == MAP_FAILED, "and not more than that");
        check(ioctl(link, JAILHOUSE_IVSHMEM_RING, &nobody) == -1 && errno == ENXIO, "an end that does not exist");
        check(about.has_interrupt && ioctl(link, JAILHOUSE_IVSHMEM_EVENTS, &events) == 0, "events");
        if (memory != MAP_FAILED)
            beat(link, memory);
    }
    printf("stage-link: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_APPLICATION_NEEDS_CONSOLE_DRIVER
#define CONFIGURE_MAXIMUM_FILE_DESCRIPTORS 4
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
