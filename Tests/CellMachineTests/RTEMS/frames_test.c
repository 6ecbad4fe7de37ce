// SPDX-License-Identifier: Apache-2.0
/*
 * The network in memory between two cells: frames there and back, and more than the ring has room for. End 0 does it
 * twice: end 1 is restarted between.
 */
#include <jailhouse.h>
#include <rtems.h>
#include <rtems/bspIo.h>

#include "drivers/ivshmem_device.h"
#include "drivers/ivshmem_network.h"

#define FRAMES 1000
enum { NUMBER = 14, IS_CONTENT = 15, CONTENTS = 16, LENGTH = IVSHMEM_NETWORK_LONGEST_FRAME };

static unsigned passed, failed;
static volatile unsigned interrupts;

static void check(bool condition, const char *what)
{
    printk("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static void wake(void *argument)
{
    interrupts += argument == &interrupts;
}

static bool send(struct ivshmem_network *network, uint8_t number, bool is_content)
{
    uint8_t *frame = ivshmem_network_send_buffer(network);

    if (!frame)
        return false;
    frame[NUMBER] = number;
    frame[IS_CONTENT] = is_content;
    for (unsigned i = CONTENTS; i < LENGTH; i++)
        frame[i] = (uint8_t) (number + i);
    ivshmem_network_send(network, LENGTH);
    return true;
}

/* Frames of a sender count up; so none is lost, none comes twice. */
static void receive(struct ivshmem_network *network, unsigned *count, bool *is_other_content, unsigned *wrong)
{
    const uint8_t *frame;
    size_t length;
    bool is_whole;

    while ((frame = ivshmem_network_received(network, &length, &is_whole))) {
        bool is_right = is_whole && length == LENGTH && frame[NUMBER] == (uint8_t) *count;

        for (unsigned i = CONTENTS; i < LENGTH && is_right; i++)
            is_right = frame[i] == (uint8_t) (frame[NUMBER] + i);
        *is_other_content |= is_whole && frame[IS_CONTENT];
        ivshmem_network_release(network);
        (*count)++;
        *wrong += !is_right;
    }
}

static bool wait_for_link(struct ivshmem_network *network, bool wanted)
{
    for (unsigned i = 0; i < 3000 && ivshmem_network_has_link(network) != wanted; i++)
        rtems_task_wake_after(1);
    return ivshmem_network_has_link(network) == wanted;
}

static void exchange(struct ivshmem_network *network)
{
    bool is_other_content = false;
    unsigned sent = 0, received = 0, wrong = 0, refused = 0;

    for (unsigned i = 0; i < 6000 && !(received >= FRAMES && is_other_content && sent > FRAMES); i++) {
        /* more than there is room for, now and then */
        for (unsigned burst = 0; burst < (i % 8 ? 10u : 200u); burst++) {
            if (send(network, (uint8_t) sent, received >= FRAMES))
                sent++;
            else
                refused++;
        }
        rtems_task_wake_after(1);
        receive(network, &received, &is_other_content, &wrong);
    }
    /* the other one hears of it, if the ring has room */
    for (unsigned i = 0; i < 20; i++) {
        sent += send(network, (uint8_t) sent, true);
        rtems_task_wake_after(1);
        receive(network, &received, &is_other_content, &wrong);
    }
    printk("frames: %u sent, %u refused, %u received, %u wrong, %u interrupts\n", sent, refused, received, wrong,
        interrupts);
    check(received >= FRAMES && wrong == 0, "the other's frames");
    check(is_other_content, "the other has ours");
    check(refused > 0, "a full ring refuses");
    check(interrupts > 2, "frames interrupt");
}

static rtems_task Init(rtems_task_argument argument)
{
    struct ivshmem_network *network = ivshmem_network_open(0, wake, (void *) &interrupts);

    (void) argument;
    check(network && !ivshmem_network_open(1, wake, 0), "there is one network");
    if (!network)
        exit(1);
    check(ivshmem_network_has_interrupt(network), "it has an interrupt");
    check(ivshmem_network_address(network)[0] == 2 && ivshmem_network_address(network)[5] == ivshmem_network_end(network),
        "each end has an address");
    check(!ivshmem_take(ivshmem_device(0), wake, 0), "its interrupt is the network's");
    check(wait_for_link(network, true), "the other is there");
    exchange(network);
    if (ivshmem_network_end(network) == 0) {
        /* the other cell is restarted */
        check(wait_for_link(network, false), "the other has begun anew");
        check(wait_for_link(network, true), "it is there again");
        exchange(network);
    }
    printk("frames: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
