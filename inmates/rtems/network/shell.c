// SPDX-License-Identifier: Apache-2.0
#include "shell.h"

#include <inttypes.h>
#include <jailhouse.h>
#include <jailhouse_network.h>
#include <lwip/sockets.h>
#include <lwip/stats.h>
#include <rtems.h>
#include <rtems/malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_OF_TELNET 23
/* Of the Telnet protocol, RFC 854: a command follows, and its option. */
#define INTERPRET_AS_COMMAND 255

static int client;

static void say(const char *text)
{
    lwip_send(client, text, strlen(text), 0);
}

static void uptime(void)
{
    uint64_t milliseconds = rtems_clock_get_uptime_nanoseconds() / 1000000;
    char line[96];

    snprintf(line, sizeof line, "%" PRIu64 ".%03u s, %" PRIu32 " ticks made up\r\n", milliseconds / 1000,
        (unsigned) (milliseconds % 1000), jailhouse_ticks_made_up());
    say(line);
}

static void interfaces(void)
{
    struct netif *interface;

    for (unsigned i = 0; (interface = jailhouse_network_interface(i)) != NULL; i++) {
        char line[96];

        snprintf(line, sizeof line, "%c%c%u: %s, %s\r\n", interface->name[0], interface->name[1], interface->num,
            ip4addr_ntoa(netif_ip4_addr(interface)), netif_is_link_up(interface) ? "up" : "no link");
        say(line);
    }
}

static void memory(void)
{
    char line[64];

    snprintf(line, sizeof line, "%zu bytes free\r\n", malloc_free_space());
    say(line);
}

/* Whether the connection stays. */
static bool run(const char *command)
{
    if (strcmp(command, "uptime") == 0)
        uptime();
    else if (strcmp(command, "interfaces") == 0)
        interfaces();
    else if (strcmp(command, "memory") == 0)
        memory();
    else if (strcmp(command, "shutdown") == 0)
        exit(0);
    else if (strcmp(command, "quit") == 0)
        return false;
    else if (*command)
        say("uptime | interfaces | memory | shutdown | quit\r\n");
    say("> ");
    return true;
}

static void talk(void)
{
    char line[64];
    size_t length = 0;
    unsigned ignored = 0;
    unsigned char byte;

    say("RTEMS in a cell\r\n> ");
    while (lwip_recv(client, &byte, 1, 0) == 1) {
        if (ignored) {
            ignored--;
        } else if (byte == INTERPRET_AS_COMMAND) {
            ignored = 2;
        } else if (byte == '\n') {
            line[length] = 0;
            length = 0;
            if (!run(line))
                return;
        } else if (byte >= ' ' && byte < 0x7f && length < sizeof line - 1) {
            line[length++] = (char) byte;
        }
    }
}

void shell_serve(void)
{
    struct sockaddr_in here
        = { .sin_len = sizeof here, .sin_family = AF_INET, .sin_port = lwip_htons(PORT_OF_TELNET) };
    int listener = lwip_socket(AF_INET, SOCK_STREAM, 0);

    lwip_bind(listener, (struct sockaddr *) &here, sizeof here);
    lwip_listen(listener, 1);
    for (;;) {
        client = lwip_accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        talk();
        lwip_close(client);
    }
}
