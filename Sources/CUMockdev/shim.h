// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <glib-object.h>
#include <umockdev.h>

// Swift cannot import GLib's casting macros.

typedef gboolean (*umockdev_call_handler)(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer data);
typedef void (*umockdev_client_handler)(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer data);

static inline void umockdev_connect_ioctl(UMockdevIoctlBase *base, umockdev_call_handler handler, gpointer data)
{
    g_signal_connect(base, "handle-ioctl", G_CALLBACK(handler), data);
}

static inline void umockdev_connect_read(UMockdevIoctlBase *base, umockdev_call_handler handler, gpointer data)
{
    g_signal_connect(base, "handle-read", G_CALLBACK(handler), data);
}

static inline void umockdev_connect_client(UMockdevIoctlBase *base, umockdev_client_handler handler, gpointer data)
{
    g_signal_connect(base, "client-connected", G_CALLBACK(handler), data);
}

static inline void umockdev_client_set_owner(UMockdevIoctlClient *client, gpointer owner, GDestroyNotify release)
{
    g_object_set_data_full(G_OBJECT(client), "owner", owner, release);
}

static inline gpointer umockdev_client_get_owner(UMockdevIoctlClient *client)
{
    return g_object_get_data(G_OBJECT(client), "owner");
}

static inline void umockdev_log_critical(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
    if (!strstr(message, "Destroying IoctlClient with open stream"))
        g_log_default_handler(domain, level, message, data);
}

// A client that is killed in a call is nothing to complain about.
static inline void umockdev_expect_vanishing_clients(void)
{
    g_log_set_handler(NULL, G_LOG_LEVEL_CRITICAL, umockdev_log_critical, NULL);
}
