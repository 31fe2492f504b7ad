// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message data on the wire, both ways. The reader is one state machine over the raw bytes, so that
// it does not matter how they were cut into pieces: SMTP smuggling (CVE-2023-51764 and its kin)
// lives from engines that disagree about where a message ends.

#include "smtp/pm-smtp-data.h"

// Passes on what stands between from and to.
static void
pass (const guint8 *from, const guint8 *to, PmSmtpDataFunc func, gpointer user_data)
{
  if (to > from)
    func (from, (gsize) (to - from), user_data);
}

static PmSmtpDataResult
step (PmSmtpDataReader *reader, guint8 byte)
{
  gboolean after_cr = reader->state == PM_SMTP_DATA_CR || reader->state == PM_SMTP_DATA_DOT_CR;

  if (after_cr && byte != '\n')
    return PM_SMTP_DATA_BARE_CR;
  switch (byte)
    {
    case '\0':
      return PM_SMTP_DATA_NUL;
    case '\n':
      if (!after_cr)
        return PM_SMTP_DATA_BARE_LF;
      if (reader->state == PM_SMTP_DATA_DOT_CR)
        return PM_SMTP_DATA_END;
      reader->state = PM_SMTP_DATA_LINE;
      return PM_SMTP_DATA_MORE;
    case '\r':
      reader->state = reader->state == PM_SMTP_DATA_DOT ? PM_SMTP_DATA_DOT_CR : PM_SMTP_DATA_CR;
      return PM_SMTP_DATA_MORE;
    case '.':
      reader->state = reader->state == PM_SMTP_DATA_LINE ? PM_SMTP_DATA_DOT : PM_SMTP_DATA_TEXT;
      return PM_SMTP_DATA_MORE;
    default:
      reader->state = PM_SMTP_DATA_TEXT;
      return PM_SMTP_DATA_MORE;
    }
}

/**
 * pm_smtp_data_reader_feed:
 * @func: (scope call): gets the message's bytes
 *
 * Returns: what the bytes came to.
 */
PmSmtpDataResult
pm_smtp_data_reader_feed (PmSmtpDataReader *reader,
                          const guint8 *bytes,
                          gsize size,
                          gsize *used,
                          PmSmtpDataFunc func,
                          gpointer user_data)
{
  const guint8 *end = bytes + size;
  const guint8 *from = bytes;

  for (const guint8 *c = bytes; c < end; c++)
    {
      PmSmtpDataResult result;

      if (reader->state == PM_SMTP_DATA_TEXT && *c > '\r')
        continue;

      result = step (reader, *c);
      if (reader->state == PM_SMTP_DATA_DOT || reader->state == PM_SMTP_DATA_DOT_CR)
        {
          // Neither the dot nor the CR after it is the message's.
          pass (from, c, func, user_data);
          from = c + 1;
        }
      if (result == PM_SMTP_DATA_MORE)
        continue;

      pass (from, c, func, user_data);
      reader->state = PM_SMTP_DATA_OVER;
      *used = (gsize) (c - bytes) + 1;
      return result;
    }
  pass (from, end, func, user_data);
  *used = size;
  return PM_SMTP_DATA_MORE;
}

/**
 * pm_smtp_data_writer_feed:
 *
 * Returns: how many bytes it wrote to @out, or -1.
 */
gssize
pm_smtp_data_writer_feed (PmSmtpDataWriter *writer, const guint8 *bytes, gsize size, guint8 *out)
{
  guint8 *o = out;

  for (gsize i = 0; i < size; i++)
    {
      guint8 byte = bytes[i];

      if (writer->cr != (byte == '\n') || byte == '\0')
        return -1;
      if (!writer->text && byte == '.')
        *o++ = '.';
      *o++ = byte;
      writer->cr = byte == '\r';
      writer->text = byte != '\n';
    }
  return o - out;
}

/**
 * pm_smtp_data_writer_end:
 *
 * Returns: (nullable): the end of data.
 */
const char *
pm_smtp_data_writer_end (PmSmtpDataWriter *writer)
{
  if (writer->cr)
    return NULL;
  return writer->text ? "\r\n.\r\n" : ".\r\n";
}
