// SPDX-License-Identifier: Apache-2.0
/*
 * lwIP's interfaces over the cards and over memory that is shared with another cell: a task for each hands over what
 * comes, and looks whether the wire is there.
 */
#include "wires.h"

#include <jailhouse.h>
#include <jailhouse_network.h>
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/netifapi.h>
#include <lwip/tcpip.h>
#include <netif/ethernet.h>
#include <rtems.h>
#include <string.h>

#define MOST 4
#define LONGEST_FRAME 1514
#define PRIORITY 15
/* How often one without interrupt is looked at, and the wire of each, in milliseconds. */
#define POLL 5
#define LINK_POLL 100

static struct interface {
    struct netif netif;
    const struct wire_kind *kind;
    void *wire;
    rtems_binary_semaphore news;
    /* a wire that begins anew is not sent to meanwhile */
    rtems_mutex sending;
} interfaces[MOST];
static unsigned count;

static void wake(void *argument)
{
    rtems_binary_semaphore_post(&((struct interface *) argument)->news);
}

/* By lwIP's own task only. */
static err_t send(struct netif *netif, struct pbuf *packet)
{
    struct interface *interface = netif->state;
    void *buffer;

    if (packet->tot_len > LONGEST_FRAME)
        return ERR_BUF;
    rtems_mutex_lock(&interface->sending);
    buffer = interface->kind->send_buffer(interface->wire);
    if (buffer) {
        pbuf_copy_partial(packet, buffer, packet->tot_len, 0);
        interface->kind->send(interface->wire, packet->tot_len);
    }
    rtems_mutex_unlock(&interface->sending);
    return buffer ? ERR_OK : ERR_IF; /* the protocols send again what matters */
}

static void receive(struct interface *interface)
{
    const void *frame;
    size_t length;
    bool is_whole;

    while ((frame = interface->kind->received(interface->wire, &length, &is_whole)) != NULL) {
        struct pbuf *packet = is_whole ? pbuf_alloc(PBUF_RAW, (u16_t) length, PBUF_POOL) : NULL;

        if (packet)
            pbuf_take(packet, frame, (u16_t) length);
        interface->kind->release(interface->wire);
        if (packet && interface->netif.input(packet, &interface->netif) != ERR_OK)
            pbuf_free(packet);
    }
}

static void attend(void *argument)
{
    struct interface *interface = argument;
    const unsigned pause = interface->kind->has_interrupt(interface->wire) ? LINK_POLL : POLL;
    const rtems_interval ticks = pause * rtems_clock_get_ticks_per_second() / 1000 + 1;

    for (;;) {
        bool has_link;

        rtems_mutex_lock(&interface->sending);
        has_link = interface->kind->has_link(interface->wire);
        rtems_mutex_unlock(&interface->sending);
        if (has_link && !netif_is_link_up(&interface->netif))
            netifapi_netif_set_link_up(&interface->netif);
        else if (!has_link && netif_is_link_up(&interface->netif))
            netifapi_netif_set_link_down(&interface->netif);
        rtems_binary_semaphore_wait_timed_ticks(&interface->news, ticks);
        receive(interface);
    }
}

static err_t set_up(struct netif *netif)
{
    const struct interface *interface = netif->state;

    memcpy(netif->name, interface->kind->name, 2);
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, interface->kind->address(interface->wire), 6);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = send;
    netif->hostname = "rtems";
    return ERR_OK;
}

static ip4_addr_t address_argument(const char *name, ip4_addr_t otherwise)
{
    char text[16];
    ip4_addr_t address;

    return jailhouse_argument(name, text, sizeof text) && ip4addr_aton(text, &address) ? address : otherwise;
}

/*
 * The first interface is set up by address=, netmask=, gateway=. Of the others a card asks by DHCP; nobody would answer
 * at memory between two cells: link-address=, link-netmask=, or else 10.8.0.1 at end 0, 10.8.0.2 at end 1, and so on
 * with 10.9 for a second one.
 */
static void add(struct interface *interface, unsigned index, unsigned place)
{
    const bool is_card = interface->kind == &wire_card, is_first = index == 0;
    const u8_t last = interface->kind->address(interface->wire)[5];
    const char *word = is_first ? "address" : "link-address";
    char text[16] = "";
    ip4_addr_t address, netmask, gateway;
    bool asks;

    if (is_first || !is_card)
        jailhouse_argument(word, text, sizeof text);
    asks = (!is_first && is_card) || strcmp(text, "dhcp") == 0;
    if (is_card)
        IP4_ADDR(&address, 10, 7, 0, last);
    else
        IP4_ADDR(&address, 10, 8 + place, 0, last + 1);
    IP4_ADDR(&netmask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    address = address_argument(word, address);
    netmask = address_argument(is_first ? "netmask" : "link-netmask", netmask);
    if (is_first)
        gateway = address_argument("gateway", gateway);
    if (asks)
        netifapi_netif_add(&interface->netif, NULL, NULL, NULL, interface, set_up, tcpip_input);
    else
        netifapi_netif_add(&interface->netif, &address, &netmask, &gateway, interface, set_up, tcpip_input);
    if (is_first)
        netifapi_netif_set_default(&interface->netif);
    netifapi_netif_set_up(&interface->netif);
    sys_thread_new("WIRE", attend, interface, DEFAULT_THREAD_STACKSIZE, PRIORITY);
    if (asks)
        netifapi_dhcp_start(&interface->netif);
}

static void add_all(const struct wire_kind *kind)
{
    for (unsigned place = 0; count < MOST; place++, count++) {
        struct interface *interface = &interfaces[count];

        rtems_binary_semaphore_init(&interface->news, "wire");
        rtems_mutex_init(&interface->sending, "wire");
        interface->kind = kind;
        interface->wire = kind->open(place, wake, interface);
        if (!interface->wire)
            break;
        add(interface, count, place);
    }
}

unsigned jailhouse_network_begin(void)
{
    static bool has_begun;

    if (has_begun)
        return count;
    has_begun = true;
    tcpip_init(NULL, NULL);
    add_all(&wire_card);
    add_all(&wire_shared_memory);
    return count;
}

struct netif *jailhouse_network_interface(unsigned index)
{
    return index < count ? &interfaces[index].netif : NULL;
}

bool jailhouse_network_wait(struct netif *interface, unsigned milliseconds)
{
    u32_t begin = sys_now();

    while (!netif_is_link_up(interface) || ip4_addr_isany_val(*netif_ip4_addr(interface))) {
        if (milliseconds && sys_now() - begin >= milliseconds)
            return false;
        sys_msleep(20);
    }
    return true;
}
