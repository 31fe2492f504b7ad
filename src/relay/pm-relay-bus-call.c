// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the methods of org.pointsman.Relay1 share.

#include "relay/pm-relay-bus-call.h"

#include <string.h>

#include "base/pm-error.h"

#define MAX_PAGE 1000
#define MAX_TEXT 1024
#define MAX_QUOTED 100 /* letters of a key that is not known */

/**
 * pm_relay_bus_return:
 * @results: (transfer floating): a tuple
 */
void
pm_relay_bus_return (GTask *task, GVariant *results)
{
  g_task_return_pointer (task, g_variant_ref_sink (results), (GDestroyNotify) g_variant_unref);
}

/**
 * pm_relay_bus_run_in_thread:
 * @func: does the blocking part, with the data of @task
 * @next: goes on in this thread; its data is @task (transfer full)
 */
void
pm_relay_bus_run_in_thread (GTask *task, GTaskThreadFunc func, GAsyncReadyCallback next)
{
  g_autoptr (GTask) part = g_task_new (g_task_get_source_object (task), NULL, next,
                                       g_object_ref (task));

  g_task_set_task_data (part, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (part, func);
}

gboolean
pm_relay_bus_check_page (guint limit, GError **error)
{
  if (limit >= 1 && limit <= MAX_PAGE)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "A page has from 1 to %d rows, not %u", MAX_PAGE,
               limit);
  return FALSE;
}

/**
 * pm_relay_bus_get_state:
 *
 * Returns: what people call it: "held", "active" or "deferred"
 */
const char *
pm_relay_bus_get_state (PmRelay *relay,
                        const PmRelaySettings *settings,
                        const PmQueueMessage *message,
                        const PmQueueRecipient *recipient)
{
  if (message->held || (recipient->agent == PM_QUEUE_REMOTE &&
                        settings->service->transfer == PM_TRANSFER_INBOUND))
    return "held";
  // One that waits for a host that is known to be dead was never tried, and is deferred too.
  return pm_relay_is_active (relay, message->id) ? "active" : "deferred";
}

static char *
list_keys (const PmRelayBusKey *keys, guint n_keys)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < n_keys; i++)
    g_string_append_printf (text, "%s%s (%s)", i > 0 ? ", " : "", keys[i].key, keys[i].type);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
check_key (const char *key,
           GVariant *value,
           const PmRelayBusKey *keys,
           guint n_keys,
           GError **error)
{
  g_autofree char *known = NULL;
  g_autofree char *start = NULL;

  for (guint i = 0; i < n_keys; i++)
    if (strcmp (keys[i].key, key) == 0)
      {
        if (!g_variant_is_of_type (value, G_VARIANT_TYPE (keys[i].type)))
          {
            g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                         "“%s” has the type %s where %s was expected", key,
                         g_variant_get_type_string (value), keys[i].type);
            return FALSE;
          }
        if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) &&
            strlen (g_variant_get_string (value, NULL)) > MAX_TEXT)
          {
            g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                         "“%s” has %zu bytes; at most %d are taken: shorten it", key,
                         strlen (g_variant_get_string (value, NULL)), MAX_TEXT);
            return FALSE;
          }
        return TRUE;
      }
  known = list_keys (keys, n_keys);
  start = g_utf8_substring (key, 0, MIN (g_utf8_strlen (key, -1), MAX_QUOTED));
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "“%s” is not one of: %s", start, known);
  return FALSE;
}

/**
 * pm_relay_bus_check_keys:
 * @dictionary: an a{sv} from somebody
 * @keys: (array length=n_keys): what may stand in it
 *
 * Returns: whether only known keys stand there, each once, of their types, texts not too long
 */
gboolean
pm_relay_bus_check_keys (GVariant *dictionary,
                         const PmRelayBusKey *keys,
                         guint n_keys,
                         GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (!check_key (key, value, keys, n_keys, error))
        return FALSE;
      if (!g_hash_table_add (seen, (gpointer) key))
        {
          g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "“%s” stands there twice", key);
          return FALSE;
        }
    }
  return TRUE;
}

/**
 * pm_relay_bus_add:
 * @builder: of an a{sv}
 * @value: (transfer floating)
 */
void
pm_relay_bus_add (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", key, value);
}

/**
 * pm_relay_bus_add_string:
 * @text: (nullable): left out; what is no UTF-8 is made so
 */
void
pm_relay_bus_add_string (GVariantBuilder *builder, const char *key, const char *text)
{
  g_autofree char *valid = NULL;

  if (text == NULL)
    return;
  valid = g_utf8_make_valid (text, -1);
  pm_relay_bus_add (builder, key, g_variant_new_string (valid));
}
