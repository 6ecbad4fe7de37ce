// SPDX-License-Identifier: Apache-2.0
/* When ticks are due, by a counter of the test's own. */
#include "layer/ticks.h"

#include <stdio.h>

static int failures;

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            failures++;                                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);             \
        }                                                                       \
    } while (0)

/* A year of ticks of 1 ms by the PM timer ends where it should: nothing that is rounded adds up. */
static void never_drifts(uint64_t frequency, uint32_t microseconds, uint64_t ticks)
{
    struct layer_ticks clock;
    unsigned __int128 exact = (unsigned __int128) frequency * microseconds * ticks / 1000000;

    layer_ticks_begin(&clock, 1000, frequency, microseconds);
    for (uint64_t i = 1; i < ticks; i++)
        layer_ticks_advance(&clock);
    CHECK(clock.due == 1000 + (uint64_t) exact);
}

static void makes_up_what_is_late(void)
{
    struct layer_ticks clock;

    layer_ticks_begin(&clock, 0, 3579545, 10000);
    CHECK(layer_ticks_until(&clock, 0) == 35795);
    CHECK(layer_ticks_due(&clock, 30000) == 0);
    CHECK(layer_ticks_due(&clock, 35795) == 1);
    CHECK(layer_ticks_due(&clock, 35795) == 0);
    /* held up for a second and a half */
    CHECK(layer_ticks_due(&clock, 35795 + 3579545 + 1789772) == 150);
    CHECK(layer_ticks_until(&clock, 99999999) == 0);
}

static void a_little_early_is_in_time(void)
{
    struct layer_ticks clock;

    layer_ticks_begin(&clock, 0, 3579545, 10000);
    CHECK(layer_ticks_due(&clock, 35795 - 40) == 0);
    CHECK(layer_ticks_due(&clock, 35795 - 30) == 1);
    /* and the next one is due when it would have been */
    CHECK(layer_ticks_until(&clock, 35795) == 35795 || layer_ticks_until(&clock, 35795) == 35796);
}

/* A counter of 5 GHz for a hundred years does not overflow. */
static void lasts(void)
{
    struct layer_ticks clock;

    layer_ticks_begin(&clock, 5000000000ull * 86400 * 365 * 100, 5000000000ull, 10000);
    CHECK(layer_ticks_until(&clock, 5000000000ull * 86400 * 365 * 100) == 50000000);
}

int main(void)
{
    never_drifts(3579545, 1000, 10000000);
    never_drifts(3579545, 16667, 10000000);
    never_drifts(2594123456, 10000, 10000000);
    makes_up_what_is_late();
    a_little_early_is_in_time();
    lasts();
    return failures != 0;
}
