// SPDX-License-Identifier: Apache-2.0
/* lwIP's interfaces over the cards: a task for each hands over what comes, and looks whether the wire is there. */
#include "../drivers/e1000.h"

#include <jailhouse.h>
#include <jailhouse_network.h>
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/netifapi.h>
#include <lwip/tcpip.h>
#include <netif/ethernet.h>
#include <rtems.h>
#include <string.h>

#define MOST 2
#define PRIORITY 15
/* How often a card without interrupt is looked at, and the wire of each, in milliseconds. */
#define POLL 5
#define LINK_POLL 100

static struct interface {
    struct netif netif;
    struct e1000 *card;
    rtems_binary_semaphore news;
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

    if (packet->tot_len > E1000_LONGEST_FRAME)
        return ERR_BUF;
    buffer = e1000_send_buffer(interface->card);
    if (!buffer)
        return ERR_IF; /* the protocols send again what matters */
    pbuf_copy_partial(packet, buffer, packet->tot_len, 0);
    e1000_send(interface->card, packet->tot_len);
    return ERR_OK;
}

static void receive(struct interface *interface)
{
    const void *frame;
    size_t length;
    bool is_whole;

    while ((frame = e1000_received(interface->card, &length, &is_whole)) != NULL) {
        struct pbuf *packet = is_whole ? pbuf_alloc(PBUF_RAW, (u16_t) length, PBUF_POOL) : NULL;

        if (packet)
            pbuf_take(packet, frame, (u16_t) length);
        e1000_release(interface->card);
        if (packet && interface->netif.input(packet, &interface->netif) != ERR_OK)
            pbuf_free(packet);
    }
}

static void attend(void *argument)
{
    struct interface *interface = argument;
    const unsigned pause = e1000_has_interrupt(interface->card) ? LINK_POLL : POLL;
    const rtems_interval ticks = pause * rtems_clock_get_ticks_per_second() / 1000 + 1;

    for (;;) {
        bool has_link = e1000_has_link(interface->card);

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

    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, e1000_address(interface->card), 6);
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

static void add(struct interface *interface, unsigned index)
{
    char word[16] = "";
    ip4_addr_t address, netmask, gateway;
    bool asks;

    jailhouse_argument("address", word, sizeof word);
    asks = index > 0 || strcmp(word, "dhcp") == 0;
    IP4_ADDR(&address, 10, 7, 0, e1000_address(interface->card)[5]);
    IP4_ADDR(&netmask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    address = address_argument("address", address);
    netmask = address_argument("netmask", netmask);
    gateway = address_argument("gateway", gateway);
    if (asks)
        netifapi_netif_add(&interface->netif, NULL, NULL, NULL, interface, set_up, tcpip_input);
    else
        netifapi_netif_add(&interface->netif, &address, &netmask, &gateway, interface, set_up, tcpip_input);
    if (index == 0)
        netifapi_netif_set_default(&interface->netif);
    netifapi_netif_set_up(&interface->netif);
    sys_thread_new("CARD", attend, interface, DEFAULT_THREAD_STACKSIZE, PRIORITY);
    if (asks)
        netifapi_dhcp_start(&interface->netif);
}

unsigned jailhouse_network_begin(void)
{
    static bool has_begun;

    if (has_begun)
        return count;
    has_begun = true;
    tcpip_init(NULL, NULL);
    for (; count < MOST; count++) {
        struct interface *interface = &interfaces[count];

        rtems_binary_semaphore_init(&interface->news, "e1000");
        interface->card = e1000_open(count, wake, interface);
        if (!interface->card)
            break;
        add(interface, count);
    }
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
