// SPDX-License-Identifier: Apache-2.0
/* The driver of the communication region against a page of the test's own. */
#include "pm_timer.h"
#include "region.h"

#include <stdio.h>
#include <string.h>

static uint32_t page[1024];
static int failures;

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            failures++;                                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);             \
        }                                                                       \
    } while (0)

enum { STATE = 2, MESSAGE = 3, REPLY = 4 };

static void fill(uint16_t revision)
{
    memset(page, 0, sizeof page);
    memcpy(page, "JHCOMM", 6);
    page[1] |= (uint32_t) revision << 16;
    page[16] = 2u << 16 | 0x408;
    page[17] = 2600000;
    page[18] = 1000000;
}

static bool deny_twice(void *context)
{
    int *asked = context;

    return ++*asked > 2;
}

static bool see_state(void *context)
{
    /* before it is answered, nothing says that the cell is shut down */
    CHECK(page[STATE] == REGION_RUNNING && page[REPLY] == 0);
    *(int *) context = 1;
    return true;
}

int main(void)
{
    struct region region;
    struct pm_timer timer;
    int asked = 0;
    uintptr_t address = (uintptr_t) page;

    CHECK(region_open(&region, address) == REGION_ABSENT);
    CHECK(page[STATE] == 0);
    fill(3);
    CHECK(region_open(&region, address) == REGION_OTHER_REVISION);
    CHECK(region_revision(&region) == 3 && page[STATE] == REGION_INTERFACE_MISMATCH);
    fill(2);
    page[1] ^= 1;
    CHECK(region_open(&region, address) == REGION_ABSENT);

    fill(2);
    CHECK(region_open(&region, address) == REGION_OK);
    CHECK(region_pm_timer_port(&region) == 0x408 && region_processors(&region) == 2);
    CHECK(region_tsc_khz(&region) == 2600000 && region_apic_timer_khz(&region) == 1000000);
    CHECK(!region_attend(&region, NULL, NULL) && page[REPLY] == 0);

    page[MESSAGE] = REGION_RECONFIGURATION_COMPLETED;
    CHECK(!region_attend(&region, NULL, NULL));
    CHECK(page[MESSAGE] == 0 && page[REPLY] == REGION_RECEIVED && page[STATE] == REGION_RUNNING);
    page[MESSAGE] = 77;
    CHECK(!region_attend(&region, NULL, NULL) && page[MESSAGE] == 0 && page[REPLY] == REGION_UNKNOWN);

    for (int round = 1; round <= 2; round++) {
        page[REPLY] = 0;
        page[MESSAGE] = REGION_SHUTDOWN_REQUEST;
        CHECK(!region_attend(&region, deny_twice, &asked));
        CHECK(asked == round && page[MESSAGE] == 0 && page[REPLY] == REGION_DENIED && page[STATE] == REGION_RUNNING);
    }
    page[MESSAGE] = REGION_SHUTDOWN_REQUEST;
    CHECK(region_attend(&region, deny_twice, &asked));
    CHECK(page[MESSAGE] == 0 && page[REPLY] == REGION_APPROVED && page[STATE] == REGION_SHUT_DOWN);

    fill(2);
    asked = 0;
    page[MESSAGE] = REGION_SHUTDOWN_REQUEST;
    CHECK(region_attend(&region, see_state, &asked) && asked == 1);
    fill(2);
    page[MESSAGE] = REGION_SHUTDOWN_REQUEST;
    CHECK(region_attend(&region, NULL, NULL) && page[STATE] == REGION_SHUT_DOWN);
    region_set_state(&region, REGION_RUNNING_LOCKED);
    CHECK(page[STATE] == 1);

    /* across the overflow of 24 bits */
    pm_timer_begin(&timer, 0xfffff0);
    CHECK(!pm_timer_second(&timer, 0xffffff));
    CHECK(!pm_timer_second(&timer, PM_TIMER_FREQUENCY - 0x11));
    CHECK(pm_timer_second(&timer, PM_TIMER_FREQUENCY - 0x10));
    CHECK(!pm_timer_second(&timer, PM_TIMER_FREQUENCY - 0x10));
    return failures != 0;
}
