// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// queue list, show, retry, delete: what waits in the mail service.

#include <string.h>

#include "base/pm-error.h"
#include "bus/pm-queue-recipients.h"
#include "ctl/pm-ctl.h"
#include "ctl/pm-table.h"

#define PAGE 500

/* One row of ListQueue; strings borrowed from the page. */
typedef struct
{
  guint64 id;
  const char *sender;
  GStrv recipients; /* (owned) */
  guint64 size;
  guint64 accepted;
  gint64 next;
  guint attempts;
  const char *state;
  const char *destination;
  const char *reply;
} Row;

typedef void (*RowFunc) (const Row *row, gpointer data);

static gboolean
read_page (GVariant *messages, RowFunc func, gpointer data, guint64 *last)
{
  GVariantIter iter;
  Row row;
  gboolean any = FALSE;

  g_variant_iter_init (&iter, messages);
  while (g_variant_iter_next (&iter, "(t&s^asttxu&s&s&s)", &row.id, &row.sender, &row.recipients,
                              &row.size, &row.accepted, &row.next, &row.attempts, &row.state,
                              &row.destination, &row.reply))
    {
      func (&row, data);
      g_strfreev (row.recipients);
      *last = row.id;
      any = TRUE;
    }
  return any;
}

/* Calls `func` for all messages of `queue`, page by page. */
static gboolean
each_message (PmBusRelay *relay, const char *queue, RowFunc func, gpointer data, GError **error)
{
  guint64 last = 0;
  gboolean more = TRUE;

  while (more)
    {
      g_autoptr (GVariant) results = NULL;
      g_autoptr (GVariant) messages = NULL;

      results = pm_ctl_call (relay, "ListQueue", g_variant_new ("(stu)", queue, last, PAGE), error);
      if (results == NULL)
        return FALSE;
      messages = g_variant_get_child_value (results, 0);
      more = read_page (messages, func, data, &last) && g_variant_n_children (messages) == PAGE;
    }
  return TRUE;
}

static void
add_row_json (const Row *row, gpointer data)
{
  JsonBuilder *builder = data;
  guint more;
  guint named = pm_bus_count_recipients ((const char *const *) row->recipients, &more);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "id");
  json_builder_add_int_value (builder, (gint64) row->id);
  pm_ctl_set_string (builder, "sender", row->sender);
  json_builder_set_member_name (builder, "recipients");
  json_builder_begin_array (builder);
  for (guint i = 0; i < named; i++)
    json_builder_add_string_value (builder, row->recipients[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "moreRecipients");
  json_builder_add_int_value (builder, more);
  json_builder_set_member_name (builder, "size");
  json_builder_add_int_value (builder, (gint64) row->size);
  pm_ctl_set_time (builder, "accepted", (gint64) row->accepted);
  pm_ctl_set_time (builder, "nextAttempt", row->next);
  json_builder_set_member_name (builder, "attempts");
  json_builder_add_int_value (builder, row->attempts);
  pm_ctl_set_string (builder, "state", row->state);
  pm_ctl_set_string (builder, "destination", row->destination);
  pm_ctl_set_string (builder, "lastReply", row->reply);
  json_builder_end_object (builder);
}

static void
add_row (const Row *row, gpointer data)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, row->id);
  g_autofree char *accepted = pm_ctl_format_time ((gint64) row->accepted);
  g_autofree char *next = pm_ctl_format_time (row->next);
  g_autofree char *attempts = g_strdup_printf ("%u", row->attempts);
  g_autofree char *size = g_format_size (row->size);
  guint more;
  guint n = pm_bus_count_recipients ((const char *const *) row->recipients, &more) + more;
  g_autofree char *to = NULL;

  to = n > 1 ? g_strdup_printf ("%s and %u more", row->recipients[0], n - 1)
             : g_strdup (n == 1 ? row->recipients[0] : "–");
  pm_table_add (data, id, row->state, accepted, next, attempts, size,
                *row->sender != '\0' ? row->sender : "<>", to, row->destination, row->reply, NULL);
}

/**
 * pm_ctl_queue_list:
 *
 * `queue list`
 */
PmExit
pm_ctl_queue_list (PmCtl *ctl, int argc, char **argv)
{
  g_autofree char *queue = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmTable) table = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  PmBusRelay *relay;
  const GOptionEntry options[] = {
    { "queue", 0, 0, G_OPTION_ARG_STRING, &queue, "Only inbound, or only outbound messages",
      "QUEUE" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  if (queue != NULL && strcmp (queue, "inbound") != 0 && strcmp (queue, "outbound") != 0)
    return pm_ctl_usage (ctl, "“%s” after --queue is neither inbound nor outbound.", queue);

  table = pm_table_new ("ID", "State", "Accepted", "Next attempt", "Tries", "Size", "Sender",
                        "Recipients", "Destination", "Last reply", NULL);
  builder = json_builder_new ();
  json_builder_begin_array (builder);
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay == NULL || !each_message (relay, queue != NULL ? queue : "",
                                      ctl->json ? add_row_json : add_row,
                                      ctl->json ? (gpointer) builder : table, &error))
    return pm_ctl_fail (error);
  json_builder_end_array (builder);
  if (ctl->json)
    pm_ctl_print_json (builder);
  else
    pm_table_print (table);
  return PM_EXIT_DONE;
}

static gboolean
read_id (PmCtl *ctl, const char *text, guint64 *id)
{
  if (g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, id, NULL))
    return TRUE;
  pm_ctl_usage (ctl, "“%s” is not the number of a message; “queue list” shows them.", text);
  return FALSE;
}

static void
print_message_json (guint64 id, const char *header, GVariantIter *recipients)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *address, *state, *reply;
  guint attempts;
  gint64 next;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "id");
  json_builder_add_int_value (builder, (gint64) id);
  pm_ctl_set_string (builder, "header", header);
  json_builder_set_member_name (builder, "recipients");
  json_builder_begin_array (builder);
  while (g_variant_iter_next (recipients, "(&s&sux&s)", &address, &state, &attempts, &next, &reply))
    {
      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "address", address);
      pm_ctl_set_string (builder, "state", state);
      json_builder_set_member_name (builder, "attempts");
      json_builder_add_int_value (builder, attempts);
      pm_ctl_set_time (builder, "nextAttempt", next);
      pm_ctl_set_string (builder, "lastReply", reply);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

/* What a stranger wrote, without what a terminal would obey. */
static void
print_header (const char *header)
{
  g_autofree char *valid = g_utf8_make_valid (header, -1);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar letter = g_utf8_get_char (c);
      char out[7] = { 0 };

      if (letter == '\r')
        continue;
      g_unichar_to_utf8 (g_unichar_iscntrl (letter) && letter != '\n' && letter != '\t' ? '?'
                                                                                        : letter,
                         out);
      g_print ("%s", out);
    }
  g_print ("\n");
}

static void
print_message (const char *header, GVariantIter *recipients)
{
  g_autoptr (PmTable) table = pm_table_new ("Recipient", "State", "Tries", "Next attempt",
                                            "Last reply", NULL);
  const char *address, *state, *reply;
  guint attempts;
  gint64 next;

  while (g_variant_iter_next (recipients, "(&s&sux&s)", &address, &state, &attempts, &next, &reply))
    {
      g_autofree char *tries = g_strdup_printf ("%u", attempts);
      g_autofree char *when = pm_ctl_format_time (next);

      pm_table_add (table, address, state, tries, when, reply, NULL);
    }
  pm_table_print (table);
  g_print ("\n");
  print_header (header);
}

/**
 * pm_ctl_queue_show:
 *
 * `queue show`
 */
PmExit
pm_ctl_queue_show (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariantIter) recipients = NULL;
  const char *header;
  PmBusRelay *relay;
  guint64 id;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv) || !read_id (ctl, argv[1], &id))
    return PM_EXIT_USAGE;
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay != NULL)
    results = pm_ctl_call (relay, "ShowMessage", g_variant_new ("(t)", id), &error);
  if (results == NULL)
    return pm_ctl_fail (error);

  g_variant_get (results, "(&sa(ssuxs))", &header, &recipients);
  if (ctl->json)
    print_message_json (id, header, recipients);
  else
    print_message (header, recipients);
  return PM_EXIT_DONE;
}

static gboolean
read_ids (PmCtl *ctl, int argc, char **argv, GVariantBuilder *ids)
{
  g_variant_builder_init (ids, G_VARIANT_TYPE ("at"));
  for (int i = 1; i < argc; i++)
    {
      guint64 id;

      if (!read_id (ctl, argv[i], &id))
        {
          g_variant_builder_clear (ids);
          return FALSE;
        }
      g_variant_builder_add (ids, "t", id);
    }
  return TRUE;
}

/* Calls a method that answers with a count, and says it. `arguments` is floating. */
static PmExit
change_queue (PmCtl *ctl, const char *method, GVariant *arguments, const char *done)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (arguments);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  PmBusRelay *relay = pm_ctl_get_relay (ctl, &error);
  guint count;

  if (relay != NULL)
    results = pm_ctl_call (relay, method, sunk, &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  g_variant_get (results, "(u)", &count);
  if (!ctl->json)
    {
      pm_ctl_say ("%u %s %s.", count, count == 1 ? "message is" : "messages are", done);
      return PM_EXIT_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "count");
  json_builder_add_int_value (builder, count);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_queue_retry:
 *
 * `queue retry`
 */
PmExit
pm_ctl_queue_retry (PmCtl *ctl, int argc, char **argv)
{
  GVariantBuilder ids;
  gboolean all = FALSE;
  const GOptionEntry options[] = {
    { "all", 0, 0, G_OPTION_ARG_NONE, &all, "All messages that wait", NULL },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  if (all == (argc > 1))
    return pm_ctl_usage (ctl, "Say which: the numbers of messages, or --all.");
  if (!read_ids (ctl, argc, argv, &ids))
    return PM_EXIT_USAGE;
  return change_queue (ctl, "RetryMessages", g_variant_new ("(at)", &ids), "tried again");
}

/**
 * pm_ctl_queue_delete:
 *
 * `queue delete`
 */
PmExit
pm_ctl_queue_delete (PmCtl *ctl, int argc, char **argv)
{
  GVariantBuilder ids;
  gboolean silent = FALSE;
  const GOptionEntry options[] = {
    { "no-report", 0, 0, G_OPTION_ARG_NONE, &silent,
      "Send the sender no report that the message was not delivered", NULL },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv) || !read_ids (ctl, argc, argv, &ids))
    return PM_EXIT_USAGE;
  return change_queue (ctl, "DeleteMessages", g_variant_new ("(atb)", &ids, !silent), "deleted");
}
