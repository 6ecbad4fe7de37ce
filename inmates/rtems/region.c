// SPDX-License-Identifier: Apache-2.0
#include "region.h"

/* Places of 32-bit words. */
enum {
    SIGNATURE = 0,              /* "JHCO" */
    SIGNATURE_AND_REVISION = 1, /* "MM", then 16 bits */
    STATE = 2,
    MESSAGE = 3,
    REPLY = 4,
    TIMER_AND_PROCESSORS = 16,  /* 16 bits each */
    TSC_KHZ = 17,
    APIC_TIMER_KHZ = 18
};

#define JHCO 0x4f43484au
#define MM 0x4d4du

enum region_result region_open(struct region *region, uintptr_t address)
{
    region->words = (volatile uint32_t *) address;
    if (region->words[SIGNATURE] != JHCO || (region->words[SIGNATURE_AND_REVISION] & 0xffff) != MM)
        return REGION_ABSENT;
    if (region_revision(region) != REGION_REVISION) {
        region_set_state(region, REGION_INTERFACE_MISMATCH);
        return REGION_OTHER_REVISION;
    }
    return REGION_OK;
}

uint16_t region_revision(const struct region *region)
{
    return (uint16_t) (region->words[SIGNATURE_AND_REVISION] >> 16);
}

void region_set_state(const struct region *region, enum region_state state)
{
    region->words[STATE] = (uint32_t) state;
}

/* The message is gone before its answer stands there: the next one may follow the answer at once. */
static void reply(const struct region *region, enum region_reply answer)
{
    region->words[MESSAGE] = REGION_NOTHING;
    __sync_synchronize();
    region->words[REPLY] = (uint32_t) answer;
}

bool region_attend(const struct region *region, region_may_shut_down may_shut_down, void *context)
{
    /* read once: it may change */
    uint32_t message = region->words[MESSAGE];

    switch (message) {
    case REGION_NOTHING:
        return false;
    case REGION_SHUTDOWN_REQUEST:
        if (may_shut_down && !may_shut_down(context)) {
            reply(region, REGION_DENIED);
            return false;
        }
        reply(region, REGION_APPROVED);
        region_set_state(region, REGION_SHUT_DOWN);
        return true;
    case REGION_RECONFIGURATION_COMPLETED:
        reply(region, REGION_RECEIVED);
        return false;
    default:
        reply(region, REGION_UNKNOWN);
        return false;
    }
}

uint16_t region_pm_timer_port(const struct region *region)
{
    return (uint16_t) region->words[TIMER_AND_PROCESSORS];
}

uint16_t region_processors(const struct region *region)
{
    return (uint16_t) (region->words[TIMER_AND_PROCESSORS] >> 16);
}

uint32_t region_tsc_khz(const struct region *region)
{
    return region->words[TSC_KHZ];
}

uint32_t region_apic_timer_khz(const struct region *region)
{
    return region->words[APIC_TIMER_KHZ];
}
