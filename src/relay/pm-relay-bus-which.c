// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The filters that callers on the bus write. What it promises: what is not understood is refused
// and not ignored, for a filter that loses a condition means more messages.

#include "relay/pm-relay-bus-which.h"

#include <string.h>

#include "base/pm-error.h"
#include "relay/pm-relay-bus-call.h"

#define MAX_IDS 100000

static const PmRelayBusKey keys[] = {
  { "ids", "at" },
  { "all", "b" },
  { "queue", "s" },
  { "state", "s" },
  { "sender", "s" },
  { "sender-domain", "s" },
  { "recipient", "s" },
  { "domain", "s" },
  { "destination", "s" },
  { "reason", "s" },
  { "received-after", "x" },
  { "received-before", "x" },
  { "older-than", "t" },
  { "newer-than", "t" },
  { "operation", "u" },
};

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a;
  guint64 y = *(const guint64 *) b;

  return x < y ? -1 : x > y;
}

/* Each once, whatever the caller wrote: a message that stands there twice is one message. */
static GArray *
read_ids (GVariant *list)
{
  gsize n;
  const guint64 *numbers = g_variant_get_fixed_array (list, &n, sizeof (guint64));
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint kept = 0;

  if (n == 0)
    return ids;
  g_array_append_vals (ids, numbers, (guint) n);
  g_array_sort (ids, compare_ids);
  for (guint i = 0; i < ids->len; i++)
    {
      guint64 id = g_array_index (ids, guint64, i);

      if (kept == 0 || g_array_index (ids, guint64, kept - 1) != id)
        g_array_index (ids, guint64, kept++) = id;
    }
  g_array_set_size (ids, kept);
  return ids;
}

/* Which of @words it is; -1 where the key is not there, -2 with an error. */
static int
read_word (GVariant *dictionary, const char *key, const char *const *words, GError **error)
{
  const char *word;
  g_autofree char *all = NULL;

  if (!g_variant_lookup (dictionary, key, "&s", &word))
    return -1;
  for (int i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], word) == 0)
      return i;
  all = g_strjoinv (", ", (char **) words);
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "The %s “%s” is none of: %s", key, word, all);
  return -2;
}

static gboolean
read_text (GVariant *dictionary, const char *key, const char **text, GError **error)
{
  if (!g_variant_lookup (dictionary, key, "&s", text) || **text != '\0')
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               "“%s” is empty: leave it out, or write “<>” for the null sender", key);
  return FALSE;
}

static gboolean
read_texts (GVariant *dictionary, PmQueueFilter *filter, GError **error)
{
  return read_text (dictionary, "sender", &filter->sender, error) &&
         read_text (dictionary, "sender-domain", &filter->sender_domain, error) &&
         read_text (dictionary, "recipient", &filter->recipient, error) &&
         read_text (dictionary, "domain", &filter->recipient_domain, error) &&
         read_text (dictionary, "destination", &filter->destination, error) &&
         read_text (dictionary, "reason", &filter->reply, error);
}

static gint64
ago (gint64 now, guint64 seconds)
{
  return MAX (now - (gint64) MIN (seconds, G_MAXINT32) * G_USEC_PER_SEC, 1);
}

static void
read_times (GVariant *dictionary, gint64 now, PmQueueFilter *filter)
{
  guint64 seconds;

  g_variant_lookup (dictionary, "received-after", "x", &filter->received_after);
  g_variant_lookup (dictionary, "received-before", "x", &filter->received_before);
  if (g_variant_lookup (dictionary, "newer-than", "t", &seconds))
    filter->received_after = MAX (filter->received_after, ago (now, seconds));
  if (g_variant_lookup (dictionary, "older-than", "t", &seconds))
    filter->received_before = filter->received_before > 0
                                  ? MIN (filter->received_before, ago (now, seconds) + 1)
                                  : ago (now, seconds) + 1;
}

static gboolean
read_filter (GVariant *dictionary, gint64 now, PmRelayBusWhich *which, GError **error)
{
  static const char *const queues[] = { "inbound", "outbound", NULL };
  static const char *const states[] = { "fresh", "deferred", "held", NULL };
  PmQueueFilter filter = PM_QUEUE_FILTER_ALL;

  filter.agent = read_word (dictionary, "queue", queues, error);
  if (filter.agent == -2)
    return FALSE;
  filter.state = read_word (dictionary, "state", states, error);
  if (filter.state == -2 || !read_texts (dictionary, &filter, error))
    return FALSE;
  read_times (dictionary, now, &filter);
  which->filter = pm_queue_filter_copy (&filter);
  return TRUE;
}

/* How many keys narrow it down. */
static gsize
count_conditions (GVariant *dictionary)
{
  gsize n = g_variant_n_children (dictionary);
  guint operation;
  gboolean all;

  if (g_variant_lookup (dictionary, "operation", "u", &operation))
    n--;
  if (g_variant_lookup (dictionary, "all", "b", &all))
    n--;
  return n;
}

static gboolean
check_sense (GVariant *dictionary, gboolean change, gboolean has_ids, GError **error)
{
  gsize conditions = count_conditions (dictionary);
  gboolean all = FALSE;
  guint operation;

  g_variant_lookup (dictionary, "all", "b", &all);
  if (all && conditions > 0)
    g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID,
                         "“all” does not go with what narrows it down");
  else if (has_ids && conditions > 1)
    g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID,
                         "“ids” do not go with other conditions");
  else if (change && !all && conditions == 0)
    g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID,
                         "Say which messages: their “ids”, a condition, or “all”");
  else if (!change && g_variant_lookup (dictionary, "operation", "u", &operation))
    g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID,
                         "“operation” is for changes; here nothing is changed");
  else
    return TRUE;
  return FALSE;
}

/**
 * pm_relay_bus_which_read:
 * @dictionary: an a{sv}, see org.pointsman.Relay1.xml
 * @change: they are to be changed: all of them are meant only when that is said
 * @now: the time, for ages
 *
 * Returns: (transfer full) (nullable)
 */
PmRelayBusWhich *
pm_relay_bus_which_read (GVariant *dictionary, gboolean change, gint64 now, GError **error)
{
  g_autoptr (PmRelayBusWhich) which = g_new0 (PmRelayBusWhich, 1);
  g_autoptr (GVariant) ids = NULL;

  if (!pm_relay_bus_check_keys (dictionary, keys, G_N_ELEMENTS (keys), error))
    return NULL;
  ids = g_variant_lookup_value (dictionary, "ids", G_VARIANT_TYPE ("at"));
  if (!check_sense (dictionary, change, ids != NULL, error) ||
      !read_filter (dictionary, now, which, error))
    return NULL;
  if (ids != NULL && g_variant_n_children (ids) > MAX_IDS)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                   "At most %d messages can be named at once; use a filter", MAX_IDS);
      return NULL;
    }
  if (ids != NULL)
    which->ids = read_ids (ids);
  g_variant_lookup (dictionary, "operation", "u", &which->operation);
  return g_steal_pointer (&which);
}

/**
 * pm_relay_bus_which_new:
 * @ids: (nullable): an at; %NULL for all messages
 */
PmRelayBusWhich *
pm_relay_bus_which_new (GVariant *ids)
{
  PmRelayBusWhich *which = g_new0 (PmRelayBusWhich, 1);

  which->filter = pm_queue_filter_copy (&PM_QUEUE_FILTER_ALL);
  if (ids != NULL)
    which->ids = read_ids (ids);
  return which;
}

void
pm_relay_bus_which_free (PmRelayBusWhich *which)
{
  if (which == NULL)
    return;
  g_clear_pointer (&which->ids, g_array_unref);
  pm_queue_filter_free (which->filter);
  g_free (which);
}
