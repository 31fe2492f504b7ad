// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: delivery reports. Whatever senders and hosts have said, each line is whole and short
// enough, and none is a field that they have brought. Seven strings, with line feeds between them,
// then the message; the first byte chooses what kind of report.

#include <string.h>

#include "fuzz.h"

#include "relay/pm-dsn-report.h"

#define N_STRINGS 7

static void
assert_lines (const GByteArray *raw, gsize end)
{
  gsize column = 0;

  for (gsize i = 0; i < end; i++)
    {
      g_assert_cmpint (raw->data[i], !=, 0);
      g_assert_cmpint (raw->data[i] == '\n', ==, i > 0 && raw->data[i - 1] == '\r');
      column = raw->data[i] == '\n' ? 0 : column + 1;
      g_assert_cmpuint (column, <, 1000);
    }
}

/* Where what is returned of the message begins: behind it, lines are the sender's own. */
static gsize
find_returned (const GByteArray *raw)
{
  g_autofree char *text = g_strndup ((const char *) raw->data, raw->len);
  const char *last = NULL;
  const char *part = text;

  for (guint i = 0; i < 3; i++)
    {
      part = strstr (part, "\r\n--=_");
      g_assert_nonnull (part);
      last = part;
      part++;
    }
  return (gsize) (last - text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *) bytes + 1, size - 1) : NULL;
  g_auto (GStrv) strings = NULL;
  g_autoptr (PmSmtpReply) reply = NULL;
  g_autoptr (GByteArray) raw = NULL;
  PmReportRecipient recipient;
  PmReportNeeds needs;
  PmReport report;

  if (text == NULL)
    return 0;
  strings = g_strsplit (text, "\n", N_STRINGS + 1);
  if (g_strv_length (strings) <= N_STRINGS)
    return 0;
  reply = pm_smtp_reply_new (PM_SMTP_SOURCE_PEER, bytes[0] % 3 == 1 ? 451 : 550, NULL, strings[0]);
  recipient = (PmReportRecipient){
    .address = strings[1],
    .original = strings[2],
    .orcpt = strings[3],
    .reply = reply,
    .host = strings[4],
    .relayed = (bytes[0] & 0x20) != 0,
  };
  report = (PmReport){
    .kind = (PmReportKind) (bytes[0] % 3),
    .host = "mail1.example.com",
    .to = strings[5],
    .sender = strings[5],
    .utf8 = (bytes[0] & 0x40) != 0,
    // The whole message comes back as it is; its lines are not ours to mend.
    .ret = PM_DSN_RET_HEADERS,
    .envid = strings[6],
    .body = (const guint8 *) strings[7],
    .body_size = strlen (strings[7]),
    .recipients = &recipient,
    .n_recipients = 1,
  };
  raw = pm_report_format (&report, &needs);
  assert_lines (raw, find_returned (raw));
  if (!report.utf8)
    for (gsize i = 0; i < find_returned (raw); i++)
      g_assert_cmpint (raw->data[i], <, 0x80);
  return 0;
}
