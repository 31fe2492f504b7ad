// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Reports, byte by byte against files that are known to be right, and read by a MIME parser that is
// not ours; and whatever senders and hosts say to get a header of their own into one.

#include "relay/pm-dsn-report.h"

#include <gmime/gmime.h>
#include <string.h>

#include "relay/pm-dsn-text.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeParser, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeMessage, g_object_unref)

static const char plain_message[] = "From: anna@example.com\r\n"
                                    "Subject: lunch\r\n"
                                    "Message-ID: <lunch.1@example.com>\r\n"
                                    "\r\n"
                                    "THE BODY\r\n";
static const char global_message[] = "From: j\xc3\xb6rg@example.com\r\n"
                                     "Subject: gr\xc3\xbc\xc3\x9f dich\r\n"
                                     "\r\n"
                                     "THE BODY\r\n";

/* A report and the strings it borrows. */
typedef struct
{
  const char *name;
  PmReportKind kind;
  const char *sender;
  const char *message;
  gboolean utf8;
  gboolean headers_only;
  PmDsnRet ret;
  const char *envid;
  const char *address;
  const char *original;
  const char *orcpt;
  guint code;
  const char *status;
  const char *reply;
  PmSmtpSource source;
  const char *host;
  gboolean relayed;
} Case;

static GByteArray *
format (const Case *c, guint n_recipients, PmReportNeeds *needs)
{
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new (c->source, c->code, c->status, c->reply);
  g_autofree PmReportRecipient *recipients = g_new0 (PmReportRecipient, n_recipients);
  PmReport report = {
    .kind = c->kind,
    .host = "mail1.example.com",
    .to = *c->sender != '\0' ? c->sender : "admin@example.com",
    .sender = c->sender,
    .id = 6,
    .message = 5,
    .utf8 = c->utf8,
    .headers_only = c->headers_only,
    .ret = c->ret,
    .envid = c->envid,
    .now = 1700003600 * G_TIME_SPAN_SECOND,
    .received = 1700000000 * G_TIME_SPAN_SECOND,
    .expires = 1700172800 * G_TIME_SPAN_SECOND,
    .body = (const guint8 *) c->message,
    .body_size = strlen (c->message),
    .recipients = recipients,
    .n_recipients = n_recipients,
  };

  for (guint i = 0; i < n_recipients; i++)
    recipients[i] = (PmReportRecipient){
      .address = c->address,
      .original = c->original != NULL ? c->original : c->address,
      .orcpt = c->orcpt,
      .reply = reply,
      .host = c->host,
      .relayed = c->relayed,
    };
  return pm_report_format (&report, needs);
}

static const Case golden[] = {
  { "failed", PM_REPORT_FAILED, "anna@example.com", plain_message, FALSE, FALSE,
    PM_DSN_RET_DEFAULT, "QQ+1=2", "nobody@partner.example", NULL, "rfc822;Nobody@partner.example",
    550, "5.1.1", "no such user here, and this is a long line that must be folded since it is "
                  "longer than a line of mail should be\nand a second line",
    PM_SMTP_SOURCE_PEER, "mx.partner.example [192.0.2.1]:25", FALSE },
  { "failed-full", PM_REPORT_FAILED, "anna@example.com", plain_message, FALSE, FALSE,
    PM_DSN_RET_FULL, NULL, "p@partner.example", "p@old.example", NULL, 451, "4.4.1",
    "Nobody answers", PM_SMTP_SOURCE_LOCAL, NULL, FALSE },
  { "delayed", PM_REPORT_DELAYED, "anna@example.com", plain_message, FALSE, FALSE,
    PM_DSN_RET_FULL, NULL, "p@partner.example", NULL, NULL, 451, "4.2.0", "busy",
    PM_SMTP_SOURCE_PEER, "mx.partner.example [192.0.2.1]:25", FALSE },
  { "delivered", PM_REPORT_SUCCESS, "anna@example.com", plain_message, FALSE, FALSE,
    PM_DSN_RET_FULL, "E1", "bert@example.com", "sales@example.com", "rfc822;sales@example.com",
    250, "2.0.0", "Delivered to the mailbox", PM_SMTP_SOURCE_LOCAL, NULL, FALSE },
  { "relayed", PM_REPORT_SUCCESS, "anna@example.com", plain_message, FALSE, FALSE,
    PM_DSN_RET_DEFAULT, NULL, "p@partner.example", NULL, NULL, 250, "2.6.0", "taken",
    PM_SMTP_SOURCE_PEER, "mx.partner.example [192.0.2.1]:25", TRUE },
  { "global", PM_REPORT_FAILED, "j\xc3\xb6rg@example.com", global_message, TRUE, FALSE,
    PM_DSN_RET_FULL, NULL, "p\xc3\xa4ul@partner.example", NULL,
    "utf-8;p\xc3\xa4ul+x@partner.example", 550, "5.1.1", "niemand hei\xc3\x9ft so",
    PM_SMTP_SOURCE_PEER, "mx.partner.example [192.0.2.1]:25", FALSE },
  { "requiretls", PM_REPORT_FAILED, "anna@example.com", plain_message, FALSE, TRUE,
    PM_DSN_RET_FULL, NULL, "p@partner.example", NULL, NULL, 550, "5.7.30",
    "REQUIRETLS needed", PM_SMTP_SOURCE_LOCAL, "mx.partner.example [192.0.2.1]:25", FALSE },
  { "double", PM_REPORT_FAILED, "", plain_message, FALSE, FALSE, PM_DSN_RET_DEFAULT, NULL,
    "forged@partner.example", NULL, NULL, 550, "5.1.1", "no such user", PM_SMTP_SOURCE_PEER,
    "mx.partner.example [192.0.2.1]:25", FALSE },
};

/* The boundary is chance: in the files it is BOUNDARY. */
static char *
name_boundary (GByteArray *raw)
{
  g_autofree char *text = g_strndup ((const char *) raw->data, raw->len);
  g_autoptr (GRegex) regex = g_regex_new ("=_6_[0-9a-f]{24}", 0, 0, NULL);

  return g_regex_replace (regex, text, -1, 0, "BOUNDARY", 0, NULL);
}

static void
test_golden (gconstpointer data)
{
  const Case *c = data;
  PmReportNeeds needs;
  g_autoptr (GByteArray) raw = format (c, 1, &needs);
  g_autofree char *text = name_boundary (raw);
  g_autofree char *file = g_strconcat (c->name, ".eml", NULL);
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "relay", "data", file, NULL);
  g_autofree char *expected = NULL;

  if (g_getenv ("PM_TEST_WRITE_GOLDEN") != NULL)
    g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_true (g_file_get_contents (path, &expected, NULL, NULL));
  g_assert_cmpstr (text, ==, expected);
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

static GMimeMessage *
parse (GByteArray *raw)
{
  g_autoptr (GMimeStream) stream =
      g_mime_stream_mem_new_with_buffer ((const char *) raw->data, raw->len);
  g_autoptr (GMimeParser) parser = g_mime_parser_new_with_stream (stream);
  GMimeMessage *message = g_mime_parser_construct_message (parser, NULL);

  g_assert_nonnull (message);
  return message;
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

static char *
get_type (GMimeMultipart *multipart, int index)
{
  GMimeContentType *type =
      g_mime_object_get_content_type (g_mime_multipart_get_part (multipart, index));

  return g_mime_content_type_get_mime_type (type);
}

static void
test_parsed (gconstpointer data)
{
  const Case *c = data;
  PmReportNeeds needs;
  g_autoptr (GByteArray) raw = format (c, 2, &needs);
  g_autoptr (GMimeMessage) message = parse (raw);
  GMimeObject *top = g_mime_message_get_mime_part (message);
  g_autofree char *status_type = NULL;
  g_autofree char *text_type = NULL;
  const char *report_type;

  assert_line_form (raw);
  g_assert_nonnull (g_mime_message_get_date (message));
  g_assert_cmpstr (g_mime_message_get_message_id (message), ==, "6.report@mail1.example.com");
  g_assert_cmpstr (g_mime_object_get_header (GMIME_OBJECT (message), "Auto-Submitted"), ==,
                   "auto-replied");
  g_assert_true (g_mime_content_type_is_type (g_mime_object_get_content_type (top), "multipart",
                                              "report"));
  report_type = g_mime_object_get_content_type_parameter (top, "report-type");
  g_assert_cmpint (g_mime_multipart_get_count (GMIME_MULTIPART (top)), ==, 3);
  text_type = get_type (GMIME_MULTIPART (top), 0);
  status_type = get_type (GMIME_MULTIPART (top), 1);
  g_assert_cmpstr (text_type, ==, "text/plain");
  g_assert_true (g_str_has_prefix (status_type, "message/"));
  // RFC 6522 3: the subtype of the second part
  g_assert_cmpstr (report_type, ==, status_type + strlen ("message/"));
  g_assert_cmpint (needs.eight_bit, ==, c->utf8);
  g_assert_cmpint (needs.utf8, ==, c->utf8);
  g_assert_cmpint (pm_dsn_is_ascii (raw->data, raw->len), ==, !c->utf8);
}

/* What is returned of the message, by kind, RET= and size. */
static void
test_returned (void)
{
  g_autofree char *filler = g_strnfill (60 * 1024, 'x');
  g_autofree char *large = g_strconcat ("Subject: lunch\r\n\r\n", filler, "\r\n", NULL);
  const struct
  {
    PmReportKind kind;
    PmDsnRet ret;
    gboolean headers_only;
    const char *message;
    const char *type;
  } cases[] = {
    { PM_REPORT_FAILED, PM_DSN_RET_FULL, FALSE, plain_message, "message/rfc822" },
    { PM_REPORT_FAILED, PM_DSN_RET_HEADERS, FALSE, plain_message, "text/rfc822-headers" },
    { PM_REPORT_FAILED, PM_DSN_RET_DEFAULT, FALSE, plain_message, "text/rfc822-headers" },
    { PM_REPORT_FAILED, PM_DSN_RET_FULL, TRUE, plain_message, "text/rfc822-headers" },
    { PM_REPORT_FAILED, PM_DSN_RET_FULL, FALSE, large, "text/rfc822-headers" },
    { PM_REPORT_DELAYED, PM_DSN_RET_FULL, FALSE, plain_message, "text/rfc822-headers" },
    { PM_REPORT_SUCCESS, PM_DSN_RET_FULL, FALSE, plain_message, "text/rfc822-headers" },
    // No header at all, no body, no end of line, and a line that never ends.
    { PM_REPORT_FAILED, PM_DSN_RET_FULL, FALSE, "", "text/rfc822-headers" },
    { PM_REPORT_FAILED, PM_DSN_RET_FULL, FALSE, "\r\n", "message/rfc822" },
    { PM_REPORT_FAILED, PM_DSN_RET_FULL, FALSE, "Subject: x", "text/rfc822-headers" },
    { PM_REPORT_FAILED, PM_DSN_RET_HEADERS, FALSE, filler, "text/rfc822-headers" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Case c = golden[0];
      PmReportNeeds needs;
      g_autoptr (GByteArray) raw = NULL;
      g_autoptr (GMimeMessage) message = NULL;
      g_autofree char *type = NULL;
      g_autofree char *text = NULL;

      c.kind = cases[i].kind;
      c.ret = cases[i].ret;
      c.headers_only = cases[i].headers_only;
      c.message = cases[i].message;
      raw = format (&c, 1, &needs);
      message = parse (raw);
      type = get_type (GMIME_MULTIPART (g_mime_message_get_mime_part (message)), 2);
      text = g_strndup ((const char *) raw->data, raw->len);
      g_test_message ("case %u", i);
      g_assert_cmpstr (type, ==, cases[i].type);
      assert_line_form (raw);
      g_assert_cmpint (strstr (text, "THE BODY") != NULL, ==,
                       strcmp (type, "message/rfc822") == 0 && c.message == plain_message);
    }
}

#define EVIL "x\r\nBcc: victim@example.com\r\n\r\nhello\nX-Evil: 1\rX-Evil: 2"

static const char *const evils[] = {
  EVIL,
  "x\xc2\x85X-Evil: 1\xe2\x80\xa8X-Evil: 2",
  "\r\n\r\n--BOUNDARY--\r\n",
  "\xff\xfe\x80 broken \xc3",
  "p\xc3\xa4ul",
  "    ",
  "",
};

/*
 * Whatever stands in them: no line of the report begins with what they brought, and the parts and
 * fields are those of a harmless one.
 */
static void
assert_harmless (const Case *c, const char *what, const char *evil)
{
  PmReportNeeds needs;
  g_autoptr (GByteArray) raw = format (c, 1, &needs);
  g_autoptr (GMimeMessage) message = parse (raw);
  g_autofree char *text = g_strndup ((const char *) raw->data, raw->len);
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);
  GMimeObject *top = g_mime_message_get_mime_part (message);
  g_autofree char *status = NULL;
  g_auto (GStrv) groups = NULL;

  g_test_message ("%s: %.40s", what, evil);
  assert_line_form (raw);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_assert_false (g_str_has_prefix (lines[i], "X-Evil"));
      g_assert_false (g_str_has_prefix (lines[i], "Bcc"));
    }
  g_assert_null (g_mime_object_get_header (GMIME_OBJECT (message), "Bcc"));
  g_assert_cmpint (g_mime_multipart_get_count (GMIME_MULTIPART (top)), ==, 3);
  if (!c->utf8)
    g_assert_true (pm_dsn_is_ascii (raw->data, raw->len));
  else
    g_assert_true (g_utf8_validate (text, -1, NULL));
  // One group of fields for the message, one for its recipient.
  status = get_text (GMIME_MULTIPART (top), 1);
  groups = g_strsplit (g_strstrip (status), "\r\n\r\n", -1);
  g_assert_cmpuint (g_strv_length (groups), ==, 2);
  g_assert_nonnull (strstr (groups[1], "Final-Recipient: "));
  g_assert_nonnull (strstr (groups[1], "Action: failed\r\n"));
  g_assert_cmpuint (raw->len, <, 16 * 1024);
}

static void
test_injection (void)
{
  g_autofree char *long_text = g_strnfill (100000, 'y');

  for (guint i = 0; i <= G_N_ELEMENTS (evils); i++)
    for (guint utf8 = 0; utf8 < 2; utf8++)
      {
        const char *evil = i < G_N_ELEMENTS (evils) ? evils[i] : long_text;
        g_autofree char *orcpt = g_strconcat ("rfc822;", evil, NULL);
        g_autofree char *utf8_orcpt = g_strconcat ("utf-8;", evil, NULL);
        g_autofree char *type = g_strconcat (evil, ";x", NULL);
        Case harmless = golden[0];
        Case c;

        harmless.utf8 = utf8 == 1;
        c = harmless;
        c.envid = evil;
        assert_harmless (&c, "ENVID", evil);
        c = harmless;
        c.orcpt = orcpt;
        assert_harmless (&c, "ORCPT", evil);
        c.orcpt = utf8_orcpt;
        assert_harmless (&c, "ORCPT of UTF-8", evil);
        c.orcpt = type;
        assert_harmless (&c, "type of ORCPT", evil);
        c.orcpt = evil;
        assert_harmless (&c, "ORCPT without type", evil);
        c = harmless;
        c.reply = evil;
        assert_harmless (&c, "reply", evil);
        c = harmless;
        c.host = evil;
        assert_harmless (&c, "host", evil);
        c = harmless;
        c.address = evil;
        c.original = evil;
        assert_harmless (&c, "recipient", evil);
        c = harmless;
        c.sender = *evil != '\0' ? evil : " ";
        assert_harmless (&c, "sender", evil);
      }
}

/* Of many recipients the text names the first, the status all. */
static void
test_many (void)
{
  PmReportNeeds needs;
  g_autoptr (GByteArray) raw = format (&golden[0], 1000, &needs);
  g_autoptr (GMimeMessage) message = parse (raw);
  GMimeMultipart *parts = GMIME_MULTIPART (g_mime_message_get_mime_part (message));
  g_autofree char *text = get_text (parts, 0);
  g_autofree char *status = get_text (parts, 1);
  g_auto (GStrv) groups = g_strsplit (g_strstrip (status), "\r\n\r\n", -1);

  g_assert_nonnull (strstr (text, "and 980 more recipients"));
  g_assert_cmpuint (g_strv_length (groups), ==, 1001);
  g_assert_cmpuint (strlen (text), <, 16 * 1024);
}

static void
test_wanted (void)
{
  static const struct
  {
    PmDsnNotify notify;
    gboolean failed, delayed, success;
  } cases[] = {
    { PM_DSN_NOTIFY_DEFAULT, TRUE, TRUE, FALSE },
    { PM_DSN_NOTIFY_NEVER, FALSE, FALSE, FALSE },
    { PM_DSN_NOTIFY_SUCCESS, FALSE, FALSE, TRUE },
    { PM_DSN_NOTIFY_FAILURE, TRUE, FALSE, FALSE },
    { PM_DSN_NOTIFY_DELAY, FALSE, TRUE, FALSE },
    { PM_DSN_NOTIFY_SUCCESS | PM_DSN_NOTIFY_FAILURE | PM_DSN_NOTIFY_DELAY, TRUE, TRUE, TRUE },
    { PM_DSN_NOTIFY_NEVER | PM_DSN_NOTIFY_FAILURE, FALSE, FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_cmpint (pm_report_is_wanted (PM_REPORT_FAILED, cases[i].notify), ==,
                       cases[i].failed);
      g_assert_cmpint (pm_report_is_wanted (PM_REPORT_DELAYED, cases[i].notify), ==,
                       cases[i].delayed);
      g_assert_cmpint (pm_report_is_wanted (PM_REPORT_SUCCESS, cases[i].notify), ==,
                       cases[i].success);
    }
}

static void
test_addresses (void)
{
  static const struct
  {
    const char *address;
    gboolean utf8;
    const char *expected;
  } cases[] = {
    { "a@b.example", FALSE, "rfc822;a@b.example" },
    { "a+b@b.example", TRUE, "rfc822;a+b@b.example" },
    { "\xc3\xa4@b.example", TRUE, "utf-8;\xc3\xa4@b.example" },
    { "\xc3\xa4@b.example", FALSE, "utf-8;\\x{E4}@b.example" },
    { "\xc3\xa4+=\\@b.example", TRUE, "utf-8;\xc3\xa4\\x{2B}\\x{3D}\\x{5C}@b.example" },
    { "\xf0\x9f\x93\xaa@b.example", FALSE, "utf-8;\\x{1F4EA}@b.example" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = pm_dsn_address (cases[i].address, cases[i].utf8);

      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

static void
test_message_id (void)
{
  static const struct
  {
    const char *header;
    const char *expected;
  } cases[] = {
    { "Message-ID: <a@b>\r\n", "<a@b>" },
    { "X: y\r\nmessage-id:<a@b> \r\n", "<a@b>" },
    { "Message-ID: a@b\r\n", NULL },
    { "Message-ID: <a b>\r\n", NULL },
    { "Message-ID:\r\n <a@b>\r\n", NULL },
    { "Message-ID: <a>\r\n\tX: <b>\r\n", "<a>" },
    { "X-Message-ID: <a@b>\r\n", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *id =
          pm_dsn_message_id ((const guint8 *) cases[i].header, strlen (cases[i].header));

      g_assert_cmpstr (id, ==, cases[i].expected);
    }
}

/* Every code has its advice, and none is empty. */
static void
test_advice (void)
{
  static const char *const codes[] = { "5.1.1", "5.2.2", "5.3.4", "4.4.1", "5.4.6",
                                       "5.7.1", "5.0.0", "4.0.0", "5.9.9", "" };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    g_assert_cmpuint (strlen (pm_dsn_advice (codes[i], FALSE)), >, 20);
  g_assert_cmpstr (pm_dsn_advice ("5.1.1", FALSE), !=, pm_dsn_advice ("5.1.10", FALSE));
  g_assert_cmpstr (pm_dsn_advice ("5.1.7", FALSE), !=, pm_dsn_advice ("5.1.1", FALSE));
  g_assert_cmpstr (pm_dsn_advice ("4.0.0", TRUE), !=, pm_dsn_advice ("5.0.0", FALSE));
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_mime_init ();
  for (guint i = 0; i < G_N_ELEMENTS (golden); i++)
    {
      g_autofree char *golden_name = g_strconcat ("/dsn-report/golden/", golden[i].name, NULL);
      g_autofree char *parsed_name = g_strconcat ("/dsn-report/parsed/", golden[i].name, NULL);

      g_test_add_data_func (golden_name, &golden[i], test_golden);
      g_test_add_data_func (parsed_name, &golden[i], test_parsed);
    }
  g_test_add_func ("/dsn-report/returned", test_returned);
  g_test_add_func ("/dsn-report/injection", test_injection);
  g_test_add_func ("/dsn-report/many", test_many);
  g_test_add_func ("/dsn-report/wanted", test_wanted);
  g_test_add_func ("/dsn-report/addresses", test_addresses);
  g_test_add_func ("/dsn-report/message-id", test_message_id);
  g_test_add_func ("/dsn-report/advice", test_advice);
  result = g_test_run ();
  g_mime_shutdown ();
  return result;
}
