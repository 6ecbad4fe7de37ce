// SPDX-License-Identifier: Apache-2.0
/* The driver of the network card, in two cells on one wire: frames there and back, and that they interrupt. */
#include <jailhouse.h>
#include <rtems.h>
#include <rtems/bspIo.h>

#include "drivers/e1000.h"

#define FRAMES 100
/* IEEE 802's type for experiments. */
#define TYPE_HIGH 0x88
#define TYPE_LOW 0xb5
enum { TYPE = 12, NUMBER = 14, IS_CONTENT = 15, CONTENTS = 16, LENGTH = 1000 };

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

static bool send(struct e1000 *card, uint8_t number, bool is_content)
{
    uint8_t *frame = e1000_send_buffer(card);

    if (!frame)
        return false;
    for (unsigned i = 0; i < 6; i++) {
        frame[i] = 0xff;
        frame[6 + i] = e1000_address(card)[i];
    }
    frame[TYPE] = TYPE_HIGH;
    frame[TYPE + 1] = TYPE_LOW;
    frame[NUMBER] = number;
    frame[IS_CONTENT] = is_content;
    for (unsigned i = CONTENTS; i < LENGTH; i++)
        frame[i] = (uint8_t) (number + i);
    e1000_send(card, LENGTH);
    return true;
}

/* Of the frames that have come: how many are as they were sent. */
static unsigned receive(struct e1000 *card, bool *is_other_content, unsigned *wrong)
{
    const uint8_t *frame;
    unsigned count = 0;
    size_t length;
    bool is_whole;

    while ((frame = e1000_received(card, &length, &is_whole))) {
        bool is_right = is_whole && length == LENGTH;

        if (frame[TYPE] == TYPE_HIGH && frame[TYPE + 1] == TYPE_LOW) {
            for (unsigned i = CONTENTS; i < LENGTH && is_right; i++)
                is_right = frame[i] == (uint8_t) (frame[NUMBER] + i);
            count += is_right;
            *wrong += !is_right;
            *is_other_content |= frame[IS_CONTENT];
        }
        e1000_release(card);
    }
    return count;
}

static rtems_task Init(rtems_task_argument argument)
{
    struct e1000 *card = e1000_open(0, wake, (void *) &interrupts);
    bool is_other_content = false, is_full = false;
    unsigned received = 0, sent = 0, wrong = 0, rounds;

    (void) argument;
    check(card && !e1000_open(1, wake, 0), "there is one card");
    if (!card)
        exit(1);
    check(e1000_has_interrupt(card), "it has an interrupt");
    for (unsigned i = 0; i < 1000 && !e1000_has_link(card); i++)
        rtems_task_wake_after(1);
    check(e1000_has_link(card), "it has a wire");
    for (rounds = 0; rounds < 6000 && !(received >= FRAMES && is_other_content); rounds++) {
        for (unsigned i = 0; i < 4; i++)
            sent += send(card, (uint8_t) sent, received >= FRAMES);
        rtems_task_wake_after(1);
        received += receive(card, &is_other_content, &wrong);
    }
    /* the other one hears of it */
    for (unsigned i = 0; i < 10; i++) {
        send(card, 0, true);
        rtems_task_wake_after(1);
    }
    /* more than the ring has room for, at once: it is refused, and nothing breaks */
    for (unsigned i = 0; i < 1000 && !is_full; i++)
        is_full = !send(card, 0, true);
    rtems_task_wake_after(20);
    check(send(card, 0, true), "after its ring was filled it sends again");
    printk("card: %u sent, %u received, %u wrong, %u interrupts\n", sent, received, wrong, interrupts);
    check(received >= FRAMES && wrong == 0, "the other's frames");
    check(is_other_content, "the other has ours");
    check(interrupts > 0, "frames interrupt");
    printk("card: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
