// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gunixfdlist.h>

#include "relay/pm-relay.h"

G_BEGIN_DECLS

/**
 * PmRelayBusCall:
 * @relay: the engine
 * @connection: the bus
 * @sender: who calls, by its unique name
 * @parameters: as they came; GDBus has held them against the interface
 * @changes: (element-type utf8 GCancellable): changes under way, by `SENDER OPERATION`
 * @fds: (nullable): what the answer's handles stand for
 *
 * One call of a method of org.pointsman.Relay1. It lives until its task is over.
 */
typedef struct
{
  PmRelay *relay;
  GDBusConnection *connection;
  const char *sender;
  GVariant *parameters;
  GHashTable *changes;
  GUnixFDList *fds;
} PmRelayBusCall;

/*
 * A method: it ends @task, whose source object is the engine, by pm_relay_bus_return() or in an
 * error. It never blocks; what takes the disk is done in a thread. In the engine's thread.
 */
typedef void (*PmRelayBusMethod) (PmRelayBusCall *call, GTask *task);

void pm_relay_bus_return (GTask *task, GVariant *results);
void pm_relay_bus_run_in_thread (GTask *task, GTaskThreadFunc func, GAsyncReadyCallback next);
gboolean pm_relay_bus_check_page (guint limit, GError **error);
const char *pm_relay_bus_get_state (PmRelay *relay,
                                    const PmRelaySettings *settings,
                                    const PmQueueMessage *message,
                                    const PmQueueRecipient *recipient);

/* How the keys of an a{sv} are called, and their types. */
typedef struct
{
  const char *key;
  const char *type;
} PmRelayBusKey;

gboolean pm_relay_bus_check_keys (GVariant *dictionary,
                                  const PmRelayBusKey *keys,
                                  guint n_keys,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_relay_bus_add (GVariantBuilder *builder, const char *key, GVariant *value);
void pm_relay_bus_add_string (GVariantBuilder *builder, const char *key, const char *text);

/* The methods, by what they are about. */
void pm_relay_bus_list_queue (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_query_queue (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_summarize_queue (PmRelayBusCall *call, GTask *task);

void pm_relay_bus_show_message (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_describe_message (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_export_message (PmRelayBusCall *call, GTask *task);

void pm_relay_bus_hold_messages (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_release_messages (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_retry_messages (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_retry_matching (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_delete_messages (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_delete_matching (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_redirect_messages (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_set_priority (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_cancel_operation (PmRelayBusCall *call, GTask *task);

void pm_relay_bus_track_messages (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_show_history (PmRelayBusCall *call, GTask *task);

void pm_relay_bus_statistics (PmRelayBusCall *call, GTask *task);

void pm_relay_bus_effective_policy (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_test_route (PmRelayBusCall *call, GTask *task);
void pm_relay_bus_tls_policy (PmRelayBusCall *call, GTask *task);

G_END_DECLS
