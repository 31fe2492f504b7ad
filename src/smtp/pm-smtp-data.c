// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message data on the wire, both ways. The reader is one state machine over the raw bytes, so that
// it does not matter how they were cut into pieces: SMTP smuggling (CVE-2023-51764 and its kin)
// lives from engines that disagree about where a message ends.

#include "smtp/pm-smtp-data.h"

#include <string.h>

#define EACH_BYTE(value) (G_MAXUINT64 / 255 * (value))

// The first byte that may matter within a line: CR, LF, NUL, or a neighbour of theirs. Eight at a
// time, for these loops see every byte of every message.
static const guint8 *
skip_text (const guint8 *from, const guint8 *end)
{
  for (; end - from >= 8; from += 8)
    {
      guint64 word;

      memcpy (&word, from, sizeof word);
      // Some byte is below 14: in it the subtraction borrows while its high bit is clear.
      if (((word - EACH_BYTE ('\r' + 1)) & ~word & EACH_BYTE (0x80)) != 0)
        break;
    }
  while (from != end && *from > '\r')
    from++;
  return from;
}

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

      if (reader->state == PM_SMTP_DATA_TEXT)
        c = skip_text (c, end);
      if (c == end)
        break;

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

// The end of the piece that begins at `from`: after its LF, or the last byte. NULL when it is not
// in lines: LF without CR, CR without LF (which the next piece may bring).
static const guint8 *
find_line_end (PmSmtpDataWriter *writer, const guint8 *from, const guint8 *end)
{
  const guint8 *feed = memchr (from, '\n', (gsize) (end - from));
  const guint8 *last = feed != NULL ? feed : end; // one past the text, with its CR
  const guint8 *cr;

  if (writer->cr)
    return *from == '\n' ? from + 1 : NULL;
  cr = memchr (from, '\r', (gsize) (last - from));
  if (cr != (feed != NULL ? feed - 1 : end - 1) && (cr != NULL || feed != NULL))
    return NULL;
  writer->cr = cr != NULL && feed == NULL;
  return feed != NULL ? feed + 1 : end;
}

/**
 * pm_smtp_chunk_reader_feed:
 *
 * Returns: whether the octets are lines.
 */
PmSmtpDataResult
pm_smtp_chunk_reader_feed (PmSmtpChunkReader *reader, const guint8 *bytes, gsize size)
{
  const guint8 *end = bytes + size;

  for (const guint8 *c = bytes; c < end; c++)
    {
      guint8 byte;

      if (reader->text && !reader->cr)
        c = skip_text (c, end);
      if (c == end)
        break;

      byte = *c;
      if (reader->cr && byte != '\n')
        return PM_SMTP_DATA_BARE_CR;
      if (!reader->cr && byte == '\n')
        return PM_SMTP_DATA_BARE_LF;
      if (byte == '\0')
        return PM_SMTP_DATA_NUL;
      reader->cr = byte == '\r';
      reader->text = byte != '\n';
    }
  return PM_SMTP_DATA_MORE;
}

/**
 * pm_smtp_data_writer_feed:
 *
 * Looks for line ends by memchr() and copies what stands between two dots in one go.
 *
 * Returns: how many bytes it wrote to @out, or -1.
 */
gssize
pm_smtp_data_writer_feed (PmSmtpDataWriter *writer, const guint8 *bytes, gsize size, guint8 *out)
{
  const guint8 *end = bytes + size;
  const guint8 *from = bytes; // what is not copied yet
  guint8 *o = out;

  if (size > 0 && memchr (bytes, '\0', size) != NULL)
    return -1;
  for (const guint8 *line = bytes; line < end;)
    {
      const guint8 *next;

      if (!writer->text && *line == '.')
        {
          memcpy (o, from, (gsize) (line - from));
          o += line - from;
          *o++ = '.';
          from = line;
        }
      next = find_line_end (writer, line, end);
      if (next == NULL)
        return -1;
      writer->text = next[-1] != '\n';
      writer->cr = writer->cr && writer->text;
      line = next;
    }
  memcpy (o, from, (gsize) (end - from));
  return o + (end - from) - out;
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
