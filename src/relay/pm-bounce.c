// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Reports to senders (RFC 3464 in RFC 6522's multipart/report). What it promises: a report has the
// null sender, so that it never begets another; and what peers said stands in it as text that
// cannot become a header.

#include "relay/pm-bounce.h"

#include <string.h>

#include "relay/pm-header.h"

#define MAX_HEADER (64 * 1024)
#define MAX_DIAGNOSTIC 800

PmBounceRecipient *
pm_bounce_recipient_new (const PmQueueRecipient *recipient,
                         const PmSmtpReply *reply,
                         const char *host)
{
  PmBounceRecipient *item = g_new0 (PmBounceRecipient, 1);

  item->recipient = recipient;
  item->reply = pm_smtp_reply_ref (reply);
  item->host = g_strdup (host);
  return item;
}

void
pm_bounce_recipient_free (PmBounceRecipient *recipient)
{
  if (recipient == NULL)
    return;
  pm_smtp_reply_unref (recipient->reply);
  g_free (recipient->host);
  g_free (recipient);
}

/* Printable ASCII on one line: what RFC 3464 fields and a us-ascii part may hold. */
static char *
to_ascii (const char *text)
{
  GString *plain = g_string_new (NULL);

  for (const char *c = text; *c != '\0' && plain->len < MAX_DIAGNOSTIC; c++)
    {
      if ((guchar) *c < 0x20)
        g_string_append_c (plain, ' ');
      else if ((guchar) *c < 0x7f)
        g_string_append_c (plain, *c);
      else if (((guchar) *c & 0xc0) != 0x80)
        g_string_append_c (plain, '?');
    }
  return g_string_free (plain, FALSE);
}

static void
add (GByteArray *out, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add (GByteArray *out, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text));
}

static gboolean
is_ascii (const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (bytes[i] >= 0x80)
      return FALSE;
  return TRUE;
}

/* A header that was cut at our ceiling ends with its last whole line: half a CR LF is no text. */
static gsize
get_whole_lines (const guint8 *bytes, gsize size)
{
  while (size > 0 && bytes[size - 1] != '\n')
    size--;
  return size;
}

static void
add_head (GByteArray *out,
          const PmRelaySettings *settings,
          const PmBounceReport *report,
          const char *boundary,
          gboolean ascii)
{
  g_autofree char *date = pm_header_date (report->now);
  const char *subject = report->kind == PM_BOUNCE_DELAYED ? "Delayed: your message is still waiting"
                                                          : "Undeliverable: your message was not "
                                                            "delivered";

  add (out, "Date: %s\r\n", date);
  add (out, "From: Mail Delivery Service <postmaster@%s>\r\n", settings->host);
  add (out, "To: <%s>\r\n", report->to);
  add (out, "Subject: %s\r\n", subject);
  add (out, "Message-ID: <%" G_GUINT64_FORMAT ".report@%s>\r\n", report->id, settings->host);
  // RFC 3834 5
  add (out, "Auto-Submitted: auto-replied\r\n");
  add (out, "MIME-Version: 1.0\r\n");
  add (out, "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n",
       boundary);
  if (!ascii)
    add (out, "Content-Transfer-Encoding: 8bit\r\n");
  add (out, "\r\nThis is a report about the delivery of a message, in MIME format.\r\n");
}

static void
add_text (GByteArray *out, const PmRelaySettings *settings, const PmBounceReport *report)
{
  g_autofree char *received = pm_header_date (report->message->received);
  g_autofree char *expires = pm_header_date (report->expires);

  add (out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
  add (out, "This is the mail service at %s.\r\n\r\n", settings->host);
  if (report->kind == PM_BOUNCE_DELAYED)
    add (out,
         "Your message, accepted on %s,\r\nhas not been delivered yet to the recipients below. You "
         "need not do anything:\r\nit is tried again until %s.\r\n",
         received, expires);
  else
    add (out,
         "Your message, accepted on %s,\r\ncould not be delivered to the recipients below, and is "
         "not tried any more.\r\n",
         received);

  for (guint i = 0; i < report->recipients->len; i++)
    {
      const PmBounceRecipient *item = g_ptr_array_index (report->recipients, i);
      g_autofree char *reply = pm_smtp_reply_to_string (item->reply);
      g_autofree char *reason = to_ascii (reply);
      g_autofree char *address = to_ascii (item->recipient->original);

      add (out, "\r\n  <%s>\r\n", address);
      if (item->host != NULL)
        {
          g_autofree char *host = to_ascii (item->host);

          add (out, "    %s said:\r\n", host);
        }
      add (out, "    %s\r\n", reason);
    }
}

/* RFC 3464 2.3 */
static void
add_recipient_fields (GByteArray *out, const PmBounceReport *report, const PmBounceRecipient *item)
{
  g_autofree char *reply = pm_smtp_reply_to_string (item->reply);
  g_autofree char *diagnostic = to_ascii (reply);
  g_autofree char *status = pm_smtp_reply_status_to_string (item->reply);
  g_autofree char *original = to_ascii (item->recipient->original);
  g_autofree char *final = to_ascii (item->recipient->address);
  g_autofree char *now = pm_header_date (report->now);
  g_autofree char *expires = pm_header_date (report->expires);
  gboolean delayed = report->kind == PM_BOUNCE_DELAYED;

  add (out, "\r\nOriginal-Recipient: rfc822;%s\r\n", original);
  add (out, "Final-Recipient: rfc822;%s\r\n", final);
  add (out, "Action: %s\r\n", delayed ? "delayed" : "failed");
  // RFC 3464 2.3.4: the class of the action, also where a transient reply was the last one.
  add (out, "Status: %c%s\r\n", delayed ? '4' : '5', status + 1);
  if (item->host != NULL)
    {
      g_autofree char *host = to_ascii (item->host);
      g_autofree char *name = g_strndup (host, strcspn (host, " "));

      add (out, "Remote-MTA: dns; %s\r\n", name);
    }
  add (out, "Diagnostic-Code: smtp; %s\r\n", diagnostic);
  add (out, "Last-Attempt-Date: %s\r\n", now);
  if (delayed)
    add (out, "Will-Retry-Until: %s\r\n", expires);
}

static void
add_status (GByteArray *out, const PmRelaySettings *settings, const PmBounceReport *report)
{
  g_autofree char *received = pm_header_date (report->message->received);

  add (out, "Content-Type: message/delivery-status\r\n\r\n");
  add (out, "Reporting-MTA: dns; %s\r\n", settings->host);
  add (out, "X-Pointsman-Message: %" G_GUINT64_FORMAT "\r\n", report->message->id);
  add (out, "Arrival-Date: %s\r\n", received);
  for (guint i = 0; i < report->recipients->len; i++)
    add_recipient_fields (out, report, g_ptr_array_index (report->recipients, i));
}

/**
 * pm_bounce_format:
 *
 * Returns: (transfer full): the report as a message, lines ending in CRLF
 */
GByteArray *
pm_bounce_format (const PmRelaySettings *settings, const PmBounceReport *report)
{
  GByteArray *out = g_byte_array_new ();
  g_autofree char *boundary = g_strdup_printf ("=_%" G_GUINT64_FORMAT "_%08x%08x", report->id,
                                               g_random_int (), g_random_int ());
  gsize size;
  const guint8 *bytes = g_bytes_get_data (report->body, &size);
  gsize header = get_whole_lines (bytes, pm_header_size (bytes, MIN (size, MAX_HEADER)));
  gboolean ascii = is_ascii (bytes, header);

  add_head (out, settings, report, boundary, ascii);
  add (out, "\r\n--%s\r\n", boundary);
  add_text (out, settings, report);
  add (out, "\r\n--%s\r\n", boundary);
  add_status (out, settings, report);
  add (out, "\r\n--%s\r\n", boundary);
  add (out, "Content-Type: text/rfc822-headers\r\n");
  if (!ascii)
    add (out, "Content-Transfer-Encoding: 8bit\r\n");
  add (out, "\r\n");
  g_byte_array_append (out, bytes, (guint) header);
  add (out, "\r\n--%s--\r\n", boundary);
  return out;
}

/**
 * pm_bounce_new:
 * @report: its id and time are filled in
 * @error: when its body could not be stored
 *
 * Returns: (transfer full) (nullable): the report as a message for the queue, due at once
 */
PmQueueMessage *
pm_bounce_new (const PmRelaySettings *settings,
               PmQueue *queue,
               PmBounceReport *report,
               GError **error)
{
  g_autoptr (PmQueueMessage) message = pm_queue_message_new (pm_queue_new_id (queue), "");
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (PmMailAddress) address = NULL;
  g_autoptr (PmDecision) decision = NULL;
  PmQueueRecipient *recipient;

  report->id = message->id;
  bytes = pm_bounce_format (settings, report);
  message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (queue), bytes->data,
                                                bytes->len, error);
  if (message->body == NULL)
    return NULL;

  message->eight_bit = !is_ascii (bytes->data, bytes->len);
  message->received = report->now;
  g_free (message->client);
  message->client = g_strdup (settings->host);
  recipient = pm_queue_message_add_recipient (message, report->to);
  recipient->next_try = report->now;

  address = pm_mail_address_parse (report->to, NULL);
  if (address != NULL)
    decision = pm_relay_settings_route (settings, address, NULL);
  if (decision != NULL && decision->action != PM_ACTION_REJECT)
    pm_relay_settings_describe (decision, recipient);
  return g_steal_pointer (&message);
}
