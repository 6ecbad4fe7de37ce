// SPDX-License-Identifier: Apache-2.0
/*
 * The third stage of the port of 2016, in RTEMS: the network. Two cells with a card each on one wire, or with memory
 * between them, find each other by broadcasts, ping each other, and exchange data by TCP.
 *
 * interface=1 on the command line: by the second interface. peer=10.7.0.2: that machine is pinged instead, whatever it is.
 * serve: answers pings, echoes TCP at port 7, and has a shell at port 23, until the cell is shut down.
 */
#include "shell.h"

#include <jailhouse.h>
#include <jailhouse_network.h>
#include <lwip/api.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/raw.h>
#include <lwip/sockets.h>
#include <lwip/sys.h>
#include <rtems.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PINGS 5
#define PORT_OF_GREETINGS 4242
#define PORT_OF_ECHO 7
#define AMOUNT (100 * 1024)
#define PRIORITY 30
#define STACK (16 * 1024)

static unsigned passed, failed;
/* of the other cell */
static volatile u32_t peer;
static volatile bool peer_is_done, is_done;

static void check(bool condition, const char *what)
{
    printf("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static struct sockaddr_in place(u32_t address, u16_t port)
{
    struct sockaddr_in place = { .sin_len = sizeof place, .sin_family = AF_INET, .sin_port = lwip_htons(port) };

    place.sin_addr.s_addr = address;
    return place;
}

/* Says that this cell is there, and whether it has all that it wants of the other; listens to the other's. */
static void greet(void *argument)
{
    const struct netif *interface = argument;
    struct sockaddr_in here = place(INADDR_ANY, PORT_OF_GREETINGS);
    const u32_t network = netif_ip4_netmask(interface)->addr;
    struct sockaddr_in everybody = place(netif_ip4_addr(interface)->addr | ~network, PORT_OF_GREETINGS);
    struct timeval pause = { 0, 100000 };
    int link = lwip_socket(AF_INET, SOCK_DGRAM, 0), yes = 1;

    lwip_setsockopt(link, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    lwip_setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    lwip_bind(link, (struct sockaddr *) &here, sizeof here);
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        char word = is_done ? 'd' : 'h';

        lwip_sendto(link, &word, 1, 0, (struct sockaddr *) &everybody, sizeof everybody);
        while (lwip_recvfrom(link, &word, 1, 0, (struct sockaddr *) &from, &size) == 1) {
            /* not our own, and not over another interface */
            if (from.sin_addr.s_addr == netif_ip4_addr(interface)->addr
                || ((from.sin_addr.s_addr ^ netif_ip4_addr(interface)->addr) & network))
                continue;
            peer = from.sin_addr.s_addr;
            peer_is_done = word == 'd';
        }
    }
}

/* Sends back what comes, one connection after another. */
static void echo(void *argument)
{
    struct sockaddr_in here = place(INADDR_ANY, PORT_OF_ECHO);
    int listener = lwip_socket(AF_INET, SOCK_STREAM, 0);
    static char buffer[4096];

    (void) argument;
    lwip_bind(listener, (struct sockaddr *) &here, sizeof here);
    lwip_listen(listener, 4);
    for (;;) {
        int link = lwip_accept(listener, NULL, NULL);
        ssize_t length;

        while ((length = lwip_recv(link, buffer, sizeof buffer, 0)) > 0)
            lwip_send(link, buffer, (size_t) length, 0);
        lwip_close(link);
    }
}

static bool ping(u32_t address, u16_t number)
{
    struct sockaddr_in to = place(address, 0);
    struct timeval patience = { 2, 0 };
    struct icmp_echo_hdr request = { .type = ICMP_ECHO, .id = 0x4a48, .seqno = lwip_htons(number) };
    int link = lwip_socket(AF_INET, SOCK_RAW, IP_PROTO_ICMP);
    bool is_answered = false;
    char answer[128];
    ssize_t length;

    request.chksum = inet_chksum(&request, sizeof request);
    lwip_setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    lwip_sendto(link, &request, sizeof request, 0, (struct sockaddr *) &to, sizeof to);
    while (!is_answered && (length = lwip_recv(link, answer, sizeof answer, 0)) > 0) {
        const struct ip_hdr *ip = (const struct ip_hdr *) answer;
        const struct icmp_echo_hdr *reply = (const struct icmp_echo_hdr *) (answer + IPH_HL_BYTES(ip));

        is_answered = reply->type == ICMP_ER && reply->id == request.id && reply->seqno == request.seqno;
    }
    lwip_close(link);
    return is_answered;
}

/* How many bytes came back as they were sent. */
static size_t exchange(u32_t address)
{
    struct sockaddr_in to = place(address, PORT_OF_ECHO);
    struct timeval patience = { 10, 0 };
    int link = lwip_socket(AF_INET, SOCK_STREAM, 0);
    static unsigned char sent[1000], received[1000];
    size_t count = 0;

    lwip_setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (lwip_connect(link, (struct sockaddr *) &to, sizeof to) != 0) {
        lwip_close(link);
        return 0;
    }
    while (count < AMOUNT) {
        size_t back = 0;

        for (size_t i = 0; i < sizeof sent; i++)
            sent[i] = (unsigned char) (count / sizeof sent + i * 7);
        if (lwip_send(link, sent, sizeof sent, 0) != sizeof sent)
            break;
        while (back < sizeof sent) {
            ssize_t length = lwip_recv(link, received + back, sizeof received - back, 0);
            if (length <= 0)
                break;
            back += (size_t) length;
        }
        if (back < sizeof sent || memcmp(sent, received, sizeof sent) != 0)
            break;
        count += sizeof sent;
    }
    lwip_close(link);
    return count;
}

static bool wait_for(const volatile bool *condition, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 50 && !*condition; i++)
        sys_msleep(20);
    return *condition;
}

static void try_peer(bool is_ours)
{
    unsigned answered = 0;
    size_t bytes;

    for (u16_t i = 1; i <= PINGS; i++)
        answered += ping(peer, i);
    printf("stage-network: %u of %u pings answered\n", answered, PINGS);
    check(answered == PINGS, "the other answers pings");
    if (!is_ours)
        return;
    bytes = exchange(peer);
    printf("stage-network: %u bytes by TCP and back\n", (unsigned) bytes);
    check(bytes >= AMOUNT, "TCP");
    is_done = true;
    check(wait_for(&peer_is_done, 60), "the other is content, too");
    sys_msleep(500); /* it hears of ours */
}

static rtems_task Init(rtems_task_argument argument)
{
    char word[16];
    struct netif *interface;
    unsigned index = 0;

    (void) argument;
    check(jailhouse_network_begin() > 0, "the cell has a card, or memory for a network");
    if (jailhouse_argument("interface", word, sizeof word))
        index = (unsigned) atoi(word);
    interface = jailhouse_network_interface(index);
    if (interface) {
        check(jailhouse_network_wait(interface, 20000), "the wire is there, and an address");
        printf("stage-network: %02x:%02x:%02x:%02x:%02x:%02x, %s\n", interface->hwaddr[0], interface->hwaddr[1],
            interface->hwaddr[2], interface->hwaddr[3], interface->hwaddr[4], interface->hwaddr[5],
            ip4addr_ntoa(netif_ip4_addr(interface)));
        sys_thread_new("ECHO", echo, NULL, STACK, PRIORITY);
        if (jailhouse_argument("serve", word, sizeof word)) {
            printf("stage-network: serving\n");
            shell_serve(); /* does not return */
        }
        if (jailhouse_argument("peer", word, sizeof word)) {
            peer = ipaddr_addr(word);
            try_peer(false);
        } else {
            sys_thread_new("HI", greet, interface, STACK, PRIORITY);
            for (unsigned i = 0; i < 3000 && !peer; i++)
                sys_msleep(20);
            check(peer != 0, "another cell is on the wire");
            if (peer)
                try_peer(true);
        }
    }
    printf("stage-network: %u passed, %u failed\n", passed, failed);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_APPLICATION_NEEDS_CONSOLE_DRIVER
#define CONFIGURE_MICROSECONDS_PER_TICK 1000
#define CONFIGURE_UNIFIED_WORK_AREAS
#define CONFIGURE_UNLIMITED_OBJECTS
#define CONFIGURE_INIT_TASK_STACK_SIZE STACK
#define CONFIGURE_INIT_TASK_PRIORITY PRIORITY
#define CONFIGURE_INIT_TASK_ATTRIBUTES RTEMS_FLOATING_POINT
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
