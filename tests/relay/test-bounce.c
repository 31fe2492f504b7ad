// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Reports, read by a MIME parser that is not ours.

#include "relay/pm-bounce.h"

#include <gmime/gmime.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeParser, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeMessage, g_object_unref)

static PmRelaySettings *
make_settings (void)
{
  g_autoptr (PmSite) site = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GError) error = NULL;
  PmRelaySettings *settings;
  static const char text[] =
      "<site xmlns=\"urn:pointsman:site:1\" name=\"T\" organization=\"T\"><configuration>"
      "<servers><server name=\"MAIL1\" host=\"mail1.example.com\"/></servers><connections>"
      "<internet-mail-service server=\"MAIL1\"><connections/></internet-mail-service>"
      "</connections></configuration></site>";

  xml = g_bytes_new_static (text, strlen (text));
  site = pm_site_parse (xml, "site.xml", NULL, &error);
  g_assert_no_error (error);
  settings = pm_relay_settings_new (site, NULL, "0", "/nonexistent", &error);
  g_assert_no_error (error);
  return settings;
}

static GMimeMessage *
make_report (PmBounceKind kind, const char *body, const char *reply_text, GByteArray **raw)
{
  g_autoptr (PmRelaySettings) settings = make_settings ();
  g_autoptr (PmQueueMessage) message = pm_queue_message_new (5, "anna@example.com");
  g_autoptr (GPtrArray) recipients =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free);
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_PEER, kind == PM_BOUNCE_FAILED ? 550 : 451,
                         kind == PM_BOUNCE_FAILED ? "5.1.1" : "4.2.0", reply_text);
  g_autoptr (GBytes) bytes = g_bytes_new_static (body, strlen (body));
  PmBounceReport report = {
    .kind = kind,
    .message = message,
    .body = bytes,
    .recipients = recipients,
    .to = "anna@example.com",
    .id = 6,
    .now = 1700000000 * G_TIME_SPAN_SECOND,
    .expires = 1700100000 * G_TIME_SPAN_SECOND,
  };
  g_autoptr (GMimeStream) stream = NULL;
  g_autoptr (GMimeParser) parser = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *address = g_strdup_printf ("r%u@partner.example", i);
      const char *host = i == 0 ? "mx.partner.example [192.0.2.1]:25" : NULL;
      PmQueueRecipient *recipient = pm_queue_message_add_recipient (message, address);

      g_ptr_array_add (recipients, pm_bounce_recipient_new (recipient, reply, host));
    }
  *raw = pm_bounce_format (settings, &report);
  stream = g_mime_stream_mem_new_with_buffer ((const char *) (*raw)->data, (*raw)->len);
  parser = g_mime_parser_new_with_stream (stream);
  return g_mime_parser_construct_message (parser, NULL);
}

static char *
get_text (GMimeMultipart *multipart, int index)
{
  GMimeObject *object = g_mime_multipart_get_part (multipart, index);
  GMimeDataWrapper *content = g_mime_part_get_content (GMIME_PART (object));
  g_autoptr (GMimeStream) stream = g_mime_stream_mem_new ();
  GByteArray *bytes;

  g_mime_data_wrapper_write_to_stream (content, stream);
  bytes = g_mime_stream_mem_get_byte_array (GMIME_STREAM_MEM (stream));
  return g_strndup ((const char *) bytes->data, bytes->len);
}

static void
assert_line_form (GByteArray *raw)
{
  gsize column = 0;

  for (guint i = 0; i < raw->len; i++)
    {
      g_assert_cmpint (raw->data[i], !=, 0);
      if (raw->data[i] == '\n')
        {
          g_assert_cmpint (raw->data[i - 1], ==, '\r');
          g_assert_cmpuint (column, <, 1000);
          column = 0;
        }
      else
        column++;
      if (raw->data[i] == '\r')
        g_assert_cmpint (raw->data[i + 1], ==, '\n');
    }
}

static void
assert_type (GMimeObject *object, const char *type, const char *subtype)
{
  g_assert_true (g_mime_content_type_is_type (g_mime_object_get_content_type (object), type,
                                              subtype));
}

static void
test_failed (void)
{
  g_autoptr (GByteArray) raw = NULL;
  g_autoptr (GMimeMessage) message =
      make_report (PM_BOUNCE_FAILED, "Subject: lunch\r\nFrom: a@b\r\n\r\nSECRET BODY\r\n",
                   "no such user", &raw);
  GMimeObject *top;
  GMimeMultipart *parts;
  g_autofree char *human = NULL;
  g_autofree char *status = NULL;
  g_autofree char *header = NULL;

  assert_line_form (raw);
  g_assert_nonnull (message);
  g_assert_cmpstr (g_mime_object_get_header (GMIME_OBJECT (message), "Auto-Submitted"), ==,
                   "auto-replied");
  g_assert_cmpstr (g_mime_message_get_message_id (message), ==, "6.report@mail1.example.com");
  g_assert_nonnull (g_mime_message_get_date (message));
  top = g_mime_message_get_mime_part (message);
  assert_type (top, "multipart", "report");
  g_assert_cmpstr (g_mime_object_get_content_type_parameter (top, "report-type"), ==,
                   "delivery-status");
  parts = GMIME_MULTIPART (top);
  g_assert_cmpint (g_mime_multipart_get_count (parts), ==, 3);
  assert_type (g_mime_multipart_get_part (parts, 0), "text", "plain");
  assert_type (g_mime_multipart_get_part (parts, 1), "message", "delivery-status");
  assert_type (g_mime_multipart_get_part (parts, 2), "text", "rfc822-headers");

  human = get_text (parts, 0);
  g_assert_nonnull (strstr (human, "<r0@partner.example>"));
  g_assert_nonnull (strstr (human, "no such user"));
  status = get_text (parts, 1);
  g_assert_nonnull (strstr (status, "Reporting-MTA: dns; mail1.example.com\r\n"));
  g_assert_nonnull (strstr (status, "\r\n\r\nOriginal-Recipient: rfc822;r1@partner.example\r\n"
                                    "Final-Recipient: rfc822;r1@partner.example\r\n"
                                    "Action: failed\r\nStatus: 5.1.1\r\n"));
  g_assert_nonnull (strstr (status, "Remote-MTA: dns; mx.partner.example\r\n"));
  g_assert_nonnull (strstr (status, "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
  header = get_text (parts, 2);
  g_assert_nonnull (strstr (header, "Subject: lunch"));
  g_assert_null (g_strstr_len ((const char *) raw->data, raw->len, "SECRET"));
}

static void
test_delayed (void)
{
  g_autoptr (GByteArray) raw = NULL;
  g_autoptr (GMimeMessage) message =
      make_report (PM_BOUNCE_DELAYED, "Subject: lunch\r\n\r\n", "busy", &raw);
  GMimeMultipart *parts = GMIME_MULTIPART (g_mime_message_get_mime_part (message));
  g_autofree char *status = get_text (parts, 1);

  g_assert_nonnull (strstr (status, "Action: delayed\r\nStatus: 4.2.0\r\n"));
  g_assert_nonnull (strstr (status, "Will-Retry-Until: Thu, 16 Nov 2023 02:00:00 +0000\r\n"));
}

/* What a peer says and what a sender writes can add neither fields nor parts. */
static void
test_hostile_text (void)
{
  g_autofree char *words = g_strnfill (5000, 'x');
  g_autofree char *reply =
      g_strdup_printf ("no\nX-Injected: yes\n\nbody\n--=_6\n\xc3\xa4\x01%s", words);
  g_autoptr (GByteArray) raw = NULL;
  g_autoptr (GMimeMessage) message =
      make_report (PM_BOUNCE_FAILED, "Subject: \xc3\xa4\r\nX: --=_6\r\n--=_6--\r\n\r\n",
                   reply, &raw);
  GMimeObject *top = g_mime_message_get_mime_part (message);
  g_autofree char *status = NULL;

  assert_line_form (raw);
  g_assert_cmpint (g_mime_multipart_get_count (GMIME_MULTIPART (top)), ==, 3);
  g_assert_cmpstr (g_mime_object_get_header (top, "Content-Transfer-Encoding"), ==, "8bit");
  g_assert_null (g_mime_object_get_header (GMIME_OBJECT (message), "X-Injected"));
  status = get_text (GMIME_MULTIPART (top), 1);
  g_assert_null (strstr (status, "\nX-Injected"));
  for (const char *c = status; *c != '\0'; c++)
    g_assert_cmpint ((guchar) *c, <, 0x7f);
}

/* However long a header is, what is quoted of it ends with a whole line. */
static void
test_huge_header (void)
{
  for (guint more = 0; more < 12; more++)
    {
      g_autoptr (GString) body = g_string_new ("X-Fill: ");
      g_autoptr (GByteArray) raw = NULL;
      g_autoptr (GMimeMessage) message = NULL;

      for (guint i = 0; i < more; i++)
        g_string_append_c (body, 'x');
      g_string_append (body, "\r\n");
      while (body->len < 70000)
        g_string_append (body, "X-Line: xx\r\n");
      message = make_report (PM_BOUNCE_FAILED, body->str, "no", &raw);
      assert_line_form (raw);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_mime_init ();
  g_test_add_func ("/bounce/failed", test_failed);
  g_test_add_func ("/bounce/delayed", test_delayed);
  g_test_add_func ("/bounce/hostile-text", test_hostile_text);
  g_test_add_func ("/bounce/huge-header", test_huge_header);
  return g_test_run ();
}
