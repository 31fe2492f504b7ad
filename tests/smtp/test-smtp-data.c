// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message data, every byte at every place: the readers and the writer look at eight bytes at once,
// and must see what they would see one by one.

#include "smtp/pm-smtp-data.h"

#include <string.h>

#define LENGTH 40

static const guint8 fills[] = { 'x', ' ', 0x0e, 0x7f, 0x80, 0xff };

static void
append_cb (const guint8 *bytes, gsize size, gpointer user_data)
{
  g_byte_array_append (user_data, bytes, (guint) size);
}

// What `byte` does to a line of other text.
static PmSmtpDataResult
expect (guint byte)
{
  if (byte == '\0')
    return PM_SMTP_DATA_NUL;
  if (byte == '\n')
    return PM_SMTP_DATA_BARE_LF;
  return byte == '\r' ? PM_SMTP_DATA_BARE_CR : PM_SMTP_DATA_MORE;
}

static void
check_reader (const guint8 *line, gsize at, guint byte)
{
  g_autoptr (GByteArray) found = g_byte_array_new ();
  PmSmtpDataReader reader = { 0 };
  gsize used = 0;
  PmSmtpDataResult expected = byte == '\r' && at == LENGTH - 1 ? PM_SMTP_DATA_MORE : expect (byte);

  g_assert_cmpint (
      pm_smtp_data_reader_feed (&reader, line, LENGTH, &used, append_cb, found), ==, expected);
  if (expected == PM_SMTP_DATA_MORE)
    {
      gsize dot = at == 0 && byte == '.' ? 1 : 0; // it is the transparency's

      g_assert_cmpuint (used, ==, LENGTH);
      g_assert_cmpmem (found->data, found->len, line + dot, LENGTH - dot);
      return;
    }
  g_assert_cmpuint (used, ==, at + (byte == '\r' ? 2 : 1));
  g_assert_cmpmem (found->data, MIN (found->len, at), line, at);
}

static void
check_chunk (const guint8 *line, gsize at, guint byte)
{
  PmSmtpChunkReader reader = { 0 };
  PmSmtpDataResult expected = byte == '\r' && at == LENGTH - 1 ? PM_SMTP_DATA_MORE : expect (byte);

  g_assert_cmpint (pm_smtp_chunk_reader_feed (&reader, line, LENGTH), ==, expected);
}

static void
check_writer (const guint8 *line, gsize at, guint byte)
{
  PmSmtpDataWriter writer = { 0 };
  guint8 out[2 * LENGTH];
  gssize size = pm_smtp_data_writer_feed (&writer, line, LENGTH, out);
  gsize dot = at == 0 && byte == '.' ? 1 : 0;

  if (expect (byte) != PM_SMTP_DATA_MORE && !(byte == '\r' && at == LENGTH - 1))
    {
      g_assert_cmpint (size, ==, -1);
      return;
    }
  g_assert_cmpmem (out + dot, (gsize) size - dot, line, LENGTH);
}

static void
test_every_byte (void)
{
  for (gsize f = 0; f < G_N_ELEMENTS (fills); f++)
    for (gsize at = 0; at < LENGTH; at++)
      for (guint byte = 0; byte < 256; byte++)
        {
          g_autofree guint8 *line = g_malloc (LENGTH); // so that reading past it is seen

          memset (line, fills[f], LENGTH);
          line[at] = (guint8) byte;
          check_reader (line, at, byte);
          check_chunk (line, at, byte);
          check_writer (line, at, byte);
        }
}

/* Lines of every length, dots at their start, cut anywhere: what is written is read again. */
static void
test_round_trip (void)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autofree guint8 *out = NULL;

  for (guint length = 0; length < 30; length++)
    {
      g_autofree char *line = g_strnfill (length, length % 3 == 0 ? '.' : 'a');

      g_byte_array_append (message, (const guint8 *) line, length);
      g_byte_array_append (message, (const guint8 *) "\r\n", 2);
    }
  out = g_malloc (2 * message->len + 8);
  for (guint cut = 0; cut <= message->len; cut++)
    {
      g_autoptr (GByteArray) found = g_byte_array_new ();
      PmSmtpDataWriter writer = { 0 };
      PmSmtpDataReader reader = { 0 };
      gsize size = (gsize) pm_smtp_data_writer_feed (&writer, message->data, cut, out);
      gsize used = 0;

      size += (gsize) pm_smtp_data_writer_feed (&writer, message->data + cut, message->len - cut,
                                                out + size);
      memcpy (out + size, ".\r\n", 3);
      g_assert_cmpstr (pm_smtp_data_writer_end (&writer), ==, ".\r\n");
      g_assert_cmpint (
          pm_smtp_data_reader_feed (&reader, out, size + 3, &used, append_cb, found), ==,
          PM_SMTP_DATA_END);
      g_assert_cmpuint (used, ==, size + 3);
      g_assert_cmpmem (found->data, found->len, message->data, message->len);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/smtp/data/every-byte", test_every_byte);
  g_test_add_func ("/smtp/data/round-trip", test_round_trip);
  return g_test_run ();
}
