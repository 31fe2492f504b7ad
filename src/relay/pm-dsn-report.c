// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Delivery status notifications: RFC 3464 in RFC 6522's multipart/report, and RFC 6533's form for
// messages that came by SMTPUTF8. What it promises: a person understands the first part, a program
// the second, and nothing that a sender or another host said becomes a header of it.

#include "relay/pm-dsn-report.h"

#include <string.h>

#include "relay/pm-dsn-text.h"
#include "relay/pm-header.h"

#define MAX_HEADER (64 * 1024) /* returned of the header section */
#define MAX_IN_TEXT 20         /* recipients that the text names one by one */
#define MAX_ADDRESS 320
#define MAX_DIAGNOSTIC 800
#define MAX_ENVID 400

/**
 * pm_report_is_wanted:
 *
 * Returns: whether a sender who asked for @notify gets a report of this @kind (RFC 3461 4.1)
 */
gboolean
pm_report_is_wanted (PmReportKind kind, PmDsnNotify notify)
{
  static const PmDsnNotify flags[] = {
    [PM_REPORT_FAILED] = PM_DSN_NOTIFY_FAILURE,
    [PM_REPORT_DELAYED] = PM_DSN_NOTIFY_DELAY,
    [PM_REPORT_SUCCESS] = PM_DSN_NOTIFY_SUCCESS,
  };

  if (notify == PM_DSN_NOTIFY_DEFAULT)
    return kind != PM_REPORT_SUCCESS;
  return (notify & PM_DSN_NOTIFY_NEVER) == 0 && (notify & flags[kind]) != 0;
}

static void
add_field (GString *out, const char *name, const char *value)
{
  g_autofree char *first = g_strconcat (name, ": ", NULL);

  pm_dsn_append_folded (out, first, " ", value);
}

static void
add_date (GString *out, const char *name, gint64 time)
{
  g_autofree char *date = pm_header_date (time);

  add_field (out, name, date);
}

static gboolean
is_all_relayed (const PmReport *report)
{
  for (guint i = 0; i < report->n_recipients; i++)
    if (!report->recipients[i].relayed)
      return FALSE;
  return TRUE;
}

static const char *
get_subject (const PmReport *report)
{
  if (*report->sender == '\0')
    return "Undeliverable report";
  switch (report->kind)
    {
    case PM_REPORT_DELAYED:
      return "Delayed: your message is still waiting";
    case PM_REPORT_SUCCESS:
      return is_all_relayed (report) ? "Relayed: your message has been passed on"
                                     : "Delivered: your message has arrived";
    case PM_REPORT_FAILED:
    default:
      return "Undeliverable: your message was not delivered";
    }
}

static void
add_head (GString *out,
          const PmReport *report,
          const char *message_id,
          const char *boundary,
          gboolean eight_bit)
{
  g_autofree char *to = pm_dsn_clean (report->to, MAX_ADDRESS, report->utf8);

  add_date (out, "Date", report->now);
  g_string_append_printf (out, "From: Mail Delivery Service <postmaster@%s>\r\n", report->host);
  g_string_append_printf (out, "To: <%s>\r\n", to);
  g_string_append_printf (out, "Subject: %s\r\n", get_subject (report));
  g_string_append_printf (out, "Message-ID: <%" G_GUINT64_FORMAT ".report@%s>\r\n", report->id,
                          report->host);
  // RFC 3834 3.1.5
  if (message_id != NULL)
    g_string_append_printf (out, "In-Reply-To: %s\r\nReferences: %s\r\n", message_id, message_id);
  // RFC 3834 5
  g_string_append (out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
  g_string_append_printf (out,
                          "Content-Type: multipart/report; report-type=%s;\r\n"
                          "\tboundary=\"%s\"\r\n",
                          report->utf8 ? "global-delivery-status" : "delivery-status", boundary);
  if (eight_bit)
    g_string_append (out, "Content-Transfer-Encoding: 8bit\r\n");
  g_string_append (out, "\r\n"
                        "This is a report about the delivery of a message, in MIME format.\r\n");
}

static void
add_paragraph (GString *out, const char *text)
{
  g_string_append (out, "\r\n");
  pm_dsn_append_folded (out, "", "", text);
}

static void
add_opening (GString *out, const PmReport *report)
{
  g_autofree char *received = pm_header_date (report->received);
  g_autofree char *expires = pm_header_date (report->expires);
  g_autofree char *text = NULL;

  g_string_append_printf (out, "This is the mail service at %s.\r\n", report->host);
  if (*report->sender == '\0')
    text = g_strdup_printf ("A report to the sender of a message, made or accepted here on %s, "
                            "could not be delivered to the recipients below. It comes to you "
                            "as the administrator.",
                            received);
  else if (report->kind == PM_REPORT_DELAYED)
    text = g_strdup_printf ("Your message, accepted on %s, has not been delivered yet to the "
                            "recipients below. You need not do anything: it is tried again until "
                            "%s.",
                            received, expires);
  else if (report->kind == PM_REPORT_FAILED)
    text = g_strdup_printf ("Your message, accepted on %s, could not be delivered to the "
                            "recipients below, and is not tried any more.",
                            received);
  else
    text = g_strdup_printf ("This is the receipt that you asked for: your message, accepted on %s, "
                            "was delivered to the recipients below.",
                            received);
  add_paragraph (out, text);
}

/* What the reply says, and who says it. */
static void
add_reason (GString *out, const PmReport *report, const PmReportRecipient *recipient)
{
  g_autofree char *reply = pm_smtp_reply_to_string (recipient->reply);
  g_autofree char *reason = pm_dsn_clean (reply, MAX_DIAGNOSTIC, report->utf8);

  if (recipient->host != NULL)
    {
      g_autofree char *host = pm_dsn_clean (recipient->host, MAX_ADDRESS, report->utf8);

      g_string_append_printf (out, "    %s said:\r\n", host);
    }
  else
    g_string_append (out, "    What happened:\r\n");
  pm_dsn_append_folded (out, "      ", "      ", reason);
}

static void
add_text_of_recipient (GString *out, const PmReport *report, const PmReportRecipient *recipient)
{
  g_autofree char *status = pm_smtp_reply_status_to_string (recipient->reply);
  g_autofree char *address = pm_dsn_clean (recipient->original, MAX_ADDRESS, report->utf8);

  g_string_append_printf (out, "\r\n  <%s>\r\n", address);
  if (report->kind == PM_REPORT_SUCCESS && !recipient->relayed)
    return;
  if (report->kind == PM_REPORT_SUCCESS)
    {
      pm_dsn_append_folded (out, "    ", "    ",
                            "The message was passed on to a host that gives no receipts: you will "
                            "hear nothing more unless it fails.");
      return;
    }
  add_reason (out, report, recipient);
  if (report->kind == PM_REPORT_FAILED)
    {
      g_string_append (out, "    What you can do:\r\n");
      pm_dsn_append_folded (out, "      ", "      ",
                            pm_dsn_advice (status, !pm_smtp_reply_is_permanent (recipient->reply)));
    }
}

static void
add_text (GString *out, const PmReport *report)
{
  guint shown = MIN (report->n_recipients, MAX_IN_TEXT);

  g_string_append_printf (out, "Content-Type: text/plain; charset=%s\r\n",
                          report->utf8 ? "utf-8" : "us-ascii");
  if (report->utf8)
    g_string_append (out, "Content-Transfer-Encoding: 8bit\r\n");
  g_string_append (out, "\r\n");
  add_opening (out, report);
  for (guint i = 0; i < shown; i++)
    add_text_of_recipient (out, report, &report->recipients[i]);
  if (shown < report->n_recipients)
    g_string_append_printf (out,
                            "\r\n  and %u more recipients: the next part of this report names "
                            "all.\r\n",
                            report->n_recipients - shown);
}

/* RFC 3464 2.3.3 */
static const char *
get_action (const PmReport *report, const PmReportRecipient *recipient)
{
  if (report->kind == PM_REPORT_FAILED)
    return "failed";
  if (report->kind == PM_REPORT_DELAYED)
    return "delayed";
  return recipient->relayed ? "relayed" : "delivered";
}

/* RFC 3464 2.3.6: `smtp` is what another host replied; what happened here has a type of ours. */
static void
add_diagnostic (GString *out, const PmReport *report, const PmReportRecipient *recipient)
{
  g_autofree char *reply = pm_smtp_reply_to_string (recipient->reply);
  g_autofree char *clean = pm_dsn_clean (reply, MAX_DIAGNOSTIC, report->utf8);
  gboolean peer = recipient->reply->source == PM_SMTP_SOURCE_PEER;
  g_autofree char *value = g_strconcat (peer ? "smtp; " : "x-pointsman; ", clean, NULL);

  add_field (out, "Diagnostic-Code", value);
}

/* RFC 3464 2.3 */
static void
add_status_of_recipient (GString *out, const PmReport *report, const PmReportRecipient *recipient)
{
  static const char classes[] = { '5', '4', '2' }; /* of each kind, whatever the last reply was */
  g_autofree char *original = pm_dsn_original (recipient->orcpt, report->utf8);
  g_autofree char *final = pm_dsn_address (recipient->address, report->utf8);
  g_autofree char *status = pm_smtp_reply_status_to_string (recipient->reply);
  g_autofree char *host = recipient->host != NULL ? pm_dsn_host_name (recipient->host) : NULL;

  g_string_append (out, "\r\n");
  if (original != NULL)
    add_field (out, "Original-Recipient", original);
  add_field (out, "Final-Recipient", final);
  add_field (out, "Action", get_action (report, recipient));
  status[0] = classes[report->kind];
  add_field (out, "Status", status);
  if (host != NULL)
    g_string_append_printf (out, "Remote-MTA: dns; %s\r\n", host);
  if (report->kind != PM_REPORT_SUCCESS || recipient->relayed)
    add_diagnostic (out, report, recipient);
  add_date (out, "Last-Attempt-Date", report->now);
  if (report->kind == PM_REPORT_DELAYED)
    add_date (out, "Will-Retry-Until", report->expires);
}

/* RFC 3464 2.2 */
static void
add_status (GString *out, const PmReport *report)
{
  g_string_append_printf (out, "Content-Type: message/%sdelivery-status\r\n",
                          report->utf8 ? "global-" : "");
  if (report->utf8)
    g_string_append (out, "Content-Transfer-Encoding: 8bit\r\n");
  g_string_append (out, "\r\n");
  if (report->envid != NULL && *report->envid != '\0')
    {
      g_autofree char *envid = pm_dsn_clean (report->envid, MAX_ENVID, report->utf8);

      add_field (out, "Original-Envelope-Id", envid);
    }
  g_string_append_printf (out, "Reporting-MTA: dns; %s\r\n", report->host);
  g_string_append_printf (out, "X-Pointsman-Message: %" G_GUINT64_FORMAT "\r\n", report->message);
  add_date (out, "Arrival-Date", report->received);
  for (guint i = 0; i < report->n_recipients; i++)
    add_status_of_recipient (out, report, &report->recipients[i]);
}

/* A header that was cut at our ceiling ends with its last whole line: half a CR LF is no text. */
static gsize
get_whole_lines (const guint8 *bytes, gsize size)
{
  while (size > 0 && bytes[size - 1] != '\n')
    size--;
  return size;
}

/* RFC 3461 4.3: RET= is about failures alone; of other reports the header is enough. */
static gboolean
returns_all (const PmReport *report)
{
  return report->kind == PM_REPORT_FAILED && report->ret == PM_DSN_RET_FULL &&
         !report->headers_only && report->body_size <= PM_REPORT_MAX_RETURNED &&
         report->body_size > 0 && report->body[report->body_size - 1] == '\n';
}

/* RFC 6522 4, RFC 6533 5 */
static void
add_returned (GString *out, const PmReport *report, gboolean all, gsize size)
{
  const char *type = all ? "message/rfc822" : "text/rfc822-headers";
  gboolean ascii = pm_dsn_is_ascii (report->body, size);

  if (report->utf8 && !ascii)
    type = all ? "message/global" : "message/global-headers";
  g_string_append_printf (out, "Content-Type: %s\r\n", type);
  if (!ascii)
    g_string_append (out, "Content-Transfer-Encoding: 8bit\r\n");
  g_string_append (out, "\r\n");
  g_string_append_len (out, (const char *) report->body, (gssize) size);
}

static char *
make_boundary (const PmReport *report, gsize size)
{
  char *boundary = NULL;

  do
    {
      g_free (boundary);
      boundary = g_strdup_printf ("=_%" G_GUINT64_FORMAT "_%08x%08x%08x", report->id,
                                  g_random_int (), g_random_int (), g_random_int ());
    }
  while (memmem (report->body, size, boundary, strlen (boundary)) != NULL);
  return boundary;
}

/**
 * pm_report_format:
 * @needs: (out): what its way must be able to carry
 *
 * Returns: (transfer full): the report as a message, lines ending in CRLF
 */
GByteArray *
pm_report_format (const PmReport *report, PmReportNeeds *needs)
{
  gboolean all = returns_all (report);
  gsize header = pm_header_size (report->body, MIN (report->body_size, MAX_HEADER));
  gsize returned = all ? report->body_size : get_whole_lines (report->body, header);
  g_autofree char *boundary = make_boundary (report, returned);
  g_autofree char *message_id = pm_dsn_message_id (report->body, header);
  g_autoptr (GString) parts = g_string_sized_new (4096 + returned);
  GString *out = g_string_sized_new (8192 + returned);
  gsize size;

  g_string_append_printf (parts, "\r\n--%s\r\n", boundary);
  add_text (parts, report);
  g_string_append_printf (parts, "\r\n--%s\r\n", boundary);
  add_status (parts, report);
  g_string_append_printf (parts, "\r\n--%s\r\n", boundary);
  add_returned (parts, report, all, returned);
  g_string_append_printf (parts, "\r\n--%s--\r\n", boundary);

  needs->eight_bit = report->utf8 || !pm_dsn_is_ascii (parts->str, parts->len);
  add_head (out, report, message_id, boundary, needs->eight_bit);
  // What only the parts hold in UTF-8 travels as 8bit in types that say so; but hosts that know
  // those types are the ones that know SMTPUTF8.
  needs->utf8 = report->utf8 && (!pm_dsn_is_ascii (parts->str, parts->len) ||
                                 !pm_dsn_is_ascii (out->str, out->len));
  g_string_append_len (out, parts->str, (gssize) parts->len);
  size = out->len;
  return g_byte_array_new_take ((guint8 *) g_string_free (out, FALSE), size);
}
