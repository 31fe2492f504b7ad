// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// queue list, show, summary, export: what waits in the mail service.

#include <gio/gunixfdlist.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <string.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "bus/pm-queue-recipients.h"
#include "ctl/pm-ctl-variant.h"
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

/* The same for all that fit. */
static gboolean
each_match (PmBusRelay *relay, GVariant *filter, RowFunc func, gpointer data, GError **error)
{
  guint64 after = 0;

  do
    {
      g_autoptr (GVariant) results = NULL;
      g_autoptr (GVariant) messages = NULL;
      guint64 last;

      results = pm_ctl_call (relay, "QueryQueue",
                             g_variant_new ("(@a{sv}tu)", filter, after, PAGE), error);
      if (results == NULL)
        return FALSE;
      g_variant_get (results, "(@a(tsasttxusss)t)", &messages, &after);
      read_page (messages, func, data, &last);
    }
  while (after != 0);
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

static gboolean
list (PmCtl *ctl, const char *queue, GVariant *filter, RowFunc func, gpointer data, GError **error)
{
  PmBusRelay *relay = pm_ctl_get_relay (ctl, error);

  if (relay == NULL)
    return FALSE;
  // Only by queue: as a service of before can answer it, too.
  if (g_variant_n_children (filter) == (queue != NULL ? 1 : 0))
    return each_message (relay, queue != NULL ? queue : "", func, data, error);
  return each_match (relay, filter, func, data, error);
}

/**
 * pm_ctl_queue_list:
 *
 * `queue list`
 */
PmExit
pm_ctl_queue_list (PmCtl *ctl, int argc, char **argv)
{
  g_auto (PmCtlFilter) filter = { 0 };
  g_autoptr (GVariant) wanted = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmTable) table = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  const GOptionEntry options[] = { PM_CTL_FILTER_ENTRIES (filter), { NULL } };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  if (filter.queue != NULL && strcmp (filter.queue, "inbound") != 0 &&
      strcmp (filter.queue, "outbound") != 0)
    return pm_ctl_usage (ctl, "“%s” after --queue is neither inbound nor outbound.", filter.queue);
  wanted = pm_ctl_filter_read (ctl, &filter, FALSE, 1, argv);
  if (wanted == NULL)
    return PM_EXIT_USAGE;

  table = pm_table_new ("ID", "State", "Accepted", "Next attempt", "Tries", "Size", "Sender",
                        "Recipients", "Destination", "Last reply", NULL);
  builder = json_builder_new ();
  json_builder_begin_array (builder);
  if (!list (ctl, filter.queue, wanted, ctl->json ? add_row_json : add_row,
             ctl->json ? (gpointer) builder : table, &error))
    return pm_ctl_fail (error);
  json_builder_end_array (builder);
  if (ctl->json)
    pm_ctl_print_json (builder);
  else
    pm_table_print (table);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_queue_summary:
 *
 * `queue summary`
 */
PmExit
pm_ctl_queue_summary (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariantIter) rows = NULL;
  g_autoptr (PmTable) table = pm_table_new ("Destination", "Queue", "Recipients", "Oldest",
                                            "< 1 h", "< 4 h", "< 1 d", "longer", NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *destination, *queue;
  guint64 n, oldest, ages[4];
  PmBusRelay *relay;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay != NULL)
    results = pm_ctl_call (relay, "SummarizeQueue", g_variant_new ("(u)", 1000), &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  g_variant_get (results, "(a(sstt(tttt)))", &rows);
  json_builder_begin_array (builder);
  while (g_variant_iter_next (rows, "(&s&stt(tttt))", &destination, &queue, &n, &oldest, &ages[0],
                              &ages[1], &ages[2], &ages[3]))
    {
      g_autofree char *count = g_strdup_printf ("%" G_GUINT64_FORMAT, n);
      g_autofree char *since = pm_ctl_format_time ((gint64) oldest);
      g_autofree char *name = pm_ctl_clean (destination);
      char texts[4][24];

      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "destination", destination);
      pm_ctl_set_string (builder, "queue", queue);
      json_builder_set_member_name (builder, "recipients");
      json_builder_add_int_value (builder, (gint64) n);
      pm_ctl_set_time (builder, "oldest", (gint64) oldest);
      json_builder_set_member_name (builder, "ages");
      json_builder_begin_array (builder);
      for (guint i = 0; i < 4; i++)
        {
          g_snprintf (texts[i], sizeof texts[i], "%" G_GUINT64_FORMAT, ages[i]);
          json_builder_add_int_value (builder, (gint64) ages[i]);
        }
      json_builder_end_array (builder);
      json_builder_end_object (builder);
      pm_table_add (table, name, queue, count, since, texts[0], texts[1], texts[2], texts[3],
                    NULL);
    }
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

/* Copies what the pipe gives to @path, or standard output. */
static gboolean
copy_out (int fd, const char *path, guint64 size, GError **error)
{
  g_autoptr (GInputStream) in = g_unix_input_stream_new (fd, TRUE);
  g_autoptr (GOutputStream) out = NULL;
  gssize copied;

  if (path == NULL || strcmp (path, "-") == 0)
    out = g_unix_output_stream_new (STDOUT_FILENO, FALSE);
  else
    {
      g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);

      out = G_OUTPUT_STREAM (g_file_replace (file, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL,
                                             error));
    }
  if (out == NULL)
    return FALSE;
  copied = g_output_stream_splice (out, in, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error);
  if (copied < 0)
    return FALSE;
  if ((guint64) copied == size)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_FAILED,
               "Only %" G_GSSIZE_FORMAT " of %" G_GUINT64_FORMAT " bytes came; try again", copied,
               size);
  return FALSE;
}

/**
 * pm_ctl_queue_export:
 *
 * `queue export`
 */
PmExit
pm_ctl_queue_export (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GUnixFDList) files = NULL;
  g_autoptr (GVariant) results = NULL;
  PmBusRelay *relay;
  guint64 id, size;
  int handle, fd = -1;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv) || !read_id (ctl, argv[1], &id))
    return PM_EXIT_USAGE;
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay != NULL)
    results = pm_ctl_call_with_files (relay, "ExportMessage", g_variant_new ("(t)", id), &files,
                                      &error);
  if (results != NULL)
    {
      g_variant_get (results, "(ht)", &handle, &size);
      fd = files != NULL ? g_unix_fd_list_get (files, handle, &error) : -1;
    }
  if (error != NULL)
    return pm_ctl_fail (error);
  if (fd < 0 || !copy_out (fd, argc > 2 ? argv[2] : NULL, size, &error))
    return error != NULL ? pm_ctl_fail (error) : PM_EXIT_FAILED;
  return PM_EXIT_DONE;
}
