// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: replies from a peer. In any pieces the same comes out, and what comes out is clean.

#include <string.h>

#include "fuzz.h"

#include "smtp/pm-smtp-reply.h"

static char *
read_all (const uint8_t *bytes, gsize size, gsize piece)
{
  g_auto (PmSmtpReplyReader) reader = { 0 };
  GString *found = g_string_new (NULL);
  PmSmtpRead read = PM_SMTP_READ_MORE;

  pm_smtp_reply_reader_init (&reader);
  for (gsize done = 0; done < size && read != PM_SMTP_READ_RUBBISH;)
    {
      g_autoptr (PmSmtpReply) reply = NULL;
      gsize used = 0;

      read = pm_smtp_reply_reader_feed (&reader, bytes + done, MIN (piece, size - done), &used,
                                        &reply, NULL);
      done += used;
      if (read == PM_SMTP_READ_REPLY)
        {
          g_autofree char *text = pm_smtp_reply_to_string (reply);

          g_assert_true (g_utf8_validate (text, -1, NULL));
          g_assert_null (strpbrk (text, "\r\n\x1b"));
          g_string_append_printf (found, "%s|", text);
        }
    }
  g_string_append (found, read == PM_SMTP_READ_RUBBISH ? "rubbish" : "end");
  return g_string_free (found, FALSE);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_autofree char *whole = read_all (bytes, size, MAX (size, 1));
  g_autofree char *single = read_all (bytes, size, 1);

  g_assert_cmpstr (whole, ==, single);
  return 0;
}
