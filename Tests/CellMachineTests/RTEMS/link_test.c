// SPDX-License-Identifier: Apache-2.0
/* /dev/ivshmem0, in two cells with memory between them: what it is, what is refused, states, memory and rings. */
#include <errno.h>
#include <jailhouse_ivshmem.h>
#include <rtems.h>
#include <rtems/bspIo.h>
#include <rtems/imfs.h>

#define RINGS 10
#define CONTENT 0xc0ffee00u

static unsigned passed, failed;
static struct jailhouse_ivshmem_information about;

static void check(bool condition, const char *what)
{
    printk("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static bool is_refused(ioctl_command_t command, void *argument, int reason)
{
    errno = 0;
    return standin_ioctl(command, argument) == -1 && errno == reason;
}

/* Both ends: their sections' words count up, and each step is rung. */
static void exchange(char *memory)
{
    uint32_t other = 1 - about.identifier, rings = 0, state = 5;
    volatile uint32_t *own = (volatile uint32_t *) (memory + about.output + about.identifier * about.output_size);
    volatile uint32_t *theirs = (volatile uint32_t *) (memory + about.output + other * about.output_size);
    const volatile uint32_t *states = (const volatile uint32_t *) memory;
    rtems_event_set events;

    own[0] = own[1] = 0;
    standin_ioctl(JAILHOUSE_IVSHMEM_SET_STATE, &state);
    for (unsigned i = 0; i < 6000 && !(states[other] == 5 && theirs[1] == CONTENT && own[1] == CONTENT); i++) {
        rings += rtems_event_receive(RTEMS_EVENT_3, RTEMS_NO_WAIT, 0, &events) == RTEMS_SUCCESSFUL;
        own[0]++;
        standin_ioctl(JAILHOUSE_IVSHMEM_RING, &other);
        if (rings >= RINGS && theirs[0] >= RINGS)
            own[1] = CONTENT;
        rtems_task_wake_after(1);
    }
    printk("link: %u rings, the other counts %u\n", rings, theirs[0]);
    check(states[about.identifier] == 5 && states[other] == 5, "the state table");
    check(rings >= RINGS, "rings are events");
    check(theirs[1] == CONTENT, "the other sees our section");
}

static rtems_task Init(rtems_task_argument argument)
{
    uint32_t nobody = 2;
    rtems_event_set events = RTEMS_EVENT_3;
    char *memory;

    (void) argument;
    check(jailhouse_ivshmem_initialize() == 1 && jailhouse_ivshmem_initialize() == 1, "there is one device");
    check(standin_open("/dev/ivshmem0") && !standin_open("/dev/ivshmem1"), "its name");
    check(standin_ioctl(JAILHOUSE_IVSHMEM_INFORMATION, &about) == 0, "what it is");
    check(about.ends == 2 && about.identifier < 2 && about.protocol == 1 && about.has_interrupt, "ends, protocol");
    check(about.common == 0x1000 && about.common_size == 0 && about.output == 0x1000 && about.output_size == 124 * 1024
              && about.size == 0x1000 + 2 * 124 * 1024,
        "its sections");
    memory = standin_mmap(about.size, 0);
    check(memory && standin_mmap(0x1000, 0x1000) == memory + 0x1000, "its memory");
    check(!standin_mmap(about.size + 1, 0) && !standin_mmap(2, (off_t) about.size - 1) && !standin_mmap(1, -1),
        "and not more than that");
    check(is_refused(JAILHOUSE_IVSHMEM_RING, &nobody, ENXIO), "an end that does not exist");
    check(is_refused(_IOW('J', 9, uint32_t), &nobody, ENOTTY), "an unknown request");
    check(standin_ioctl(JAILHOUSE_IVSHMEM_EVENTS, &events) == 0, "events");
    exchange(memory);
    printk("link: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
