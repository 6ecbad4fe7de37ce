// SPDX-License-Identifier: Apache-2.0
/*
 * lwIP on the cell's e1000 or e1000e, and on memory shared with another cell (ivshmem, protocol 1):
 * liblwip-jailhouse.a, which `make LWIP=…` builds from lwIP's sources.
 *
 * Two tasks of the application's configuration are lwIP's: one that has the protocols, one for each interface. Their stacks
 * have 16 KiB (CONFIGURE_EXTRA_TASK_STACKS, or CONFIGURE_UNIFIED_WORK_AREAS).
 */
#ifndef JAILHOUSE_NETWORK_H
#define JAILHOUSE_NETWORK_H

#include <lwip/netif.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Starts lwIP and its interfaces; the first one is the default. Returns how many there are: the cards, then the
 * shared memories.
 *
 * Words of the command line: address=10.7.0.1 (with netmask=255.255.255.0 and gateway=10.7.0.254) or address=dhcp.
 * Without one the first card has 10.7.0.N, of which N is the last byte of its hardware address. Another card asks by
 * DHCP. Shared memory has 10.8.0.1 at end 0 and 10.8.0.2 at end 1 (10.9 for the second); where it is not the first
 * interface, link-address= and link-netmask= are its words.
 */
unsigned jailhouse_network_begin(void);

/* Waits until the interface has an address and its wire is there; at most so long, 0: without a limit. */
bool jailhouse_network_wait(struct netif *interface, unsigned milliseconds);

/* The one at this place; NULL: there is none. */
struct netif *jailhouse_network_interface(unsigned index);

#ifdef __cplusplus
}
#endif

#endif
