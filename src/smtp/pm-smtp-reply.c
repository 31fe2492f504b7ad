// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// SMTP replies: made here, read from a peer, written to the wire. Whatever a peer sends, a reply's
// lines are valid UTF-8 without control characters, so that no log, queue row or bounce can be
// broken by them.

#include "smtp/pm-smtp-reply.h"

#include <string.h>

#include "base/pm-error.h"

static void
reply_clear (PmSmtpReply *reply)
{
  g_strfreev (reply->lines);
}

// Controls, of whichever kind: those of ASCII, C1, the separators of lines, and those that turn the
// direction of what follows them.
static gboolean
is_control (gunichar c)
{
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200e && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/**
 * pm_smtp_clean_text:
 * @text: what a peer chose to say; need not be UTF-8, nor end in NUL
 *
 * Returns: (transfer full): the same as it may stand in a log and on a terminal: controls become
 *   "?", and what is no UTF-8 becomes U+FFFD. Any thread.
 */
char *
pm_smtp_clean_text (const char *text, gsize size)
{
  char *clean = g_utf8_make_valid (text, (gssize) size);
  char *to = clean;

  for (const char *from = clean; *from != '\0';)
    {
      const char *next = g_utf8_next_char (from);

      if (is_control (g_utf8_get_char (from)))
        *to++ = '?';
      else
        for (; from < next; from++)
          *to++ = *from;
      from = next;
    }
  *to = '\0';
  return clean;
}

static gboolean
read_number (const char **cursor, const char *end, guint16 *number)
{
  const char *c = *cursor;
  guint value = 0;

  for (; c < end && g_ascii_isdigit (*c) && c - *cursor < 3; c++)
    value = value * 10 + (guint) (*c - '0');
  if (c == *cursor || (c < end && g_ascii_isdigit (*c)))
    return FALSE;
  *number = (guint16) value;
  *cursor = c;
  return TRUE;
}

// RFC 2034 4: the enhanced code stands before the text of each line; one whose class is not the
// reply's is text. Returns where the text begins.
static const char *
read_status (const char *text, const char *end, guint code, PmSmtpStatus *status)
{
  PmSmtpStatus found = { 0 };
  const char *c = text;

  if (!read_number (&c, end, &found.klass) || found.klass != code / 100 || found.klass == 3)
    return text;
  if (c == end || *c++ != '.' || !read_number (&c, end, &found.subject))
    return text;
  if (c == end || *c++ != '.' || !read_number (&c, end, &found.detail))
    return text;
  if (c < end && *c != ' ')
    return text;
  *status = found;
  return c < end ? c + 1 : c;
}

static gboolean
status_equal (const PmSmtpStatus *a, const PmSmtpStatus *b)
{
  return a->klass == b->klass && a->subject == b->subject && a->detail == b->detail;
}

static PmSmtpReply *
make (PmSmtpSource source, guint code, const PmSmtpStatus *status, GStrv lines)
{
  PmSmtpReply *reply = g_atomic_rc_box_new0 (PmSmtpReply);

  reply->source = source;
  reply->code = code;
  reply->status = *status;
  reply->lines = lines;
  return reply;
}

/**
 * pm_smtp_reply_new:
 *
 * Returns: (transfer full): the reply. Any thread.
 */
PmSmtpReply *
pm_smtp_reply_new (PmSmtpSource source, guint code, const char *status, const char *text)
{
  PmSmtpStatus parsed = { 0 };
  GStrv lines;

  g_return_val_if_fail (code >= 200 && code < 600, NULL);
  g_return_val_if_fail (text != NULL, NULL);

  if (status != NULL)
    read_status (status, status + strlen (status), code, &parsed);
  g_return_val_if_fail (status == NULL || parsed.klass != 0, NULL);

  lines = g_strsplit (text, "\n", PM_SMTP_REPLY_MAX_LINES);
  if (lines[0] == NULL) // g_strsplit() makes nothing of "", a reply has at least one line
    {
      g_strfreev (lines);
      lines = g_strdupv ((char *[]){ (char *) "", NULL });
    }
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      char *line = lines[i];

      lines[i] = pm_smtp_clean_text (line, MIN (strlen (line), PM_SMTP_REPLY_MAX_LINE - 32));
      g_free (line);
    }
  return make (source, code, &parsed, lines);
}

/**
 * pm_smtp_reply_new_printf:
 *
 * Returns: (transfer full): pm_smtp_reply_new() with a formatted text. Any thread.
 */
PmSmtpReply *
pm_smtp_reply_new_printf (PmSmtpSource source,
                          guint code,
                          const char *status,
                          const char *format,
                          ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return pm_smtp_reply_new (source, code, status, text);
}

/**
 * pm_smtp_reply_ref:
 *
 * Returns: (transfer full): @reply, with one more reference. Any thread.
 */
PmSmtpReply *
pm_smtp_reply_ref (const PmSmtpReply *reply)
{
  return g_atomic_rc_box_acquire ((PmSmtpReply *) reply);
}

/**
 * pm_smtp_reply_unref:
 * @reply: (transfer full) (nullable): a reply
 *
 * Any thread.
 */
void
pm_smtp_reply_unref (PmSmtpReply *reply)
{
  if (reply != NULL)
    g_atomic_rc_box_release_full (reply, (GDestroyNotify) reply_clear);
}

// The first digit says what happened, the second about what, RFC 5321 4.2.1.
static gboolean
read_code (const char *text, gsize size, guint *code)
{
  if (size < 3 || text[0] < '2' || text[0] > '5' ||
      !g_ascii_isdigit (text[1]) || !g_ascii_isdigit (text[2]))
    return FALSE;
  *code = (guint) ((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'));
  return TRUE;
}

/**
 * pm_smtp_reply_parse:
 *
 * Returns: (transfer full) (nullable): the reply. Any thread.
 */
PmSmtpReply *
pm_smtp_reply_parse (const char *text, PmSmtpSource source, GError **error)
{
  PmSmtpStatus status = { 0 };
  g_auto (GStrv) parts = NULL;
  g_autofree char *joined = NULL;
  g_autofree char *code_text = NULL;
  const char *rest;
  gsize size;
  guint code;

  g_return_val_if_fail (text != NULL, NULL);

  size = strlen (text);
  if (!read_code (text, size, &code) || (size > 3 && text[3] != ' '))
    {
      g_autofree char *shown = pm_smtp_clean_text (text, MIN (size, 80));

      g_set_error (
          error, PM_ERROR, PM_ERROR_INVALID,
          "“%s” is not an SMTP reply: "
          "it must begin with three digits, as 550 5.1.1 No such user",
          shown);
      return NULL;
    }

  rest = size > 3 ? text + 4 : text + 3;
  rest = read_status (rest, text + size, code, &status);
  if (status.klass != 0)
    code_text = g_strdup_printf ("%u.%u.%u", status.klass, status.subject, status.detail);
  parts = g_strsplit (rest, " / ", PM_SMTP_REPLY_MAX_LINES);
  joined = g_strjoinv ("\n", parts);
  return pm_smtp_reply_new (source, code, code_text, joined);
}

/**
 * pm_smtp_reply_to_string:
 *
 * Returns: (transfer full): the reply on one line. Any thread.
 */
char *
pm_smtp_reply_to_string (const PmSmtpReply *reply)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (reply != NULL, NULL);

  text = g_strjoinv (" / ", reply->lines);
  if (reply->status.klass == 0)
    return g_strdup_printf ("%03u %s", reply->code, text);
  return g_strdup_printf ("%03u %u.%u.%u %s", reply->code, reply->status.klass,
                          reply->status.subject, reply->status.detail, text);
}

/**
 * pm_smtp_reply_append:
 *
 * Any thread that owns @out.
 *
 * Returns: whether there was room.
 */
gboolean
pm_smtp_reply_append (const PmSmtpReply *reply, PmBuffer *out)
{
  g_autoptr (GString) wire = g_string_new (NULL);

  g_return_val_if_fail (reply != NULL, FALSE);

  for (gsize i = 0; reply->lines[i] != NULL; i++)
    {
      g_string_append_printf (wire, "%03u%c", reply->code, reply->lines[i + 1] == NULL ? ' ' : '-');
      if (reply->status.klass != 0) // RFC 2034 4: in every line
        g_string_append_printf (wire, "%u.%u.%u ", reply->status.klass, reply->status.subject,
                                reply->status.detail);
      g_string_append (wire, reply->lines[i]);
      g_string_append (wire, "\r\n");
    }
  return pm_buffer_append (out, wire->str, wire->len);
}

/**
 * pm_smtp_reply_is_positive:
 *
 * Returns: whether it is a 2yz reply.
 */
gboolean
pm_smtp_reply_is_positive (const PmSmtpReply *reply)
{
  return reply->code / 100 == 2;
}

/**
 * pm_smtp_reply_is_intermediate:
 *
 * Returns: whether it is a 3yz reply.
 */
gboolean
pm_smtp_reply_is_intermediate (const PmSmtpReply *reply)
{
  return reply->code / 100 == 3;
}

/**
 * pm_smtp_reply_is_transient:
 *
 * Returns: whether it is a 4yz reply.
 */
gboolean
pm_smtp_reply_is_transient (const PmSmtpReply *reply)
{
  return reply->code / 100 == 4;
}

/**
 * pm_smtp_reply_is_permanent:
 *
 * Returns: whether it is a 5yz reply.
 */
gboolean
pm_smtp_reply_is_permanent (const PmSmtpReply *reply)
{
  return reply->code / 100 == 5;
}

/**
 * pm_smtp_reply_status_to_string:
 *
 * Returns: (transfer full): the enhanced code. Any thread.
 */
char *
pm_smtp_reply_status_to_string (const PmSmtpReply *reply)
{
  if (reply->status.klass == 0)
    return g_strdup_printf ("%u.0.0", reply->code / 100);
  return g_strdup_printf ("%u.%u.%u", reply->status.klass, reply->status.subject,
                          reply->status.detail);
}

/**
 * pm_smtp_reply_reader_init:
 * @reader: (out caller-allocates): the reader to set up
 */
void
pm_smtp_reply_reader_init (PmSmtpReplyReader *reader)
{
  *reader = (PmSmtpReplyReader){ 0 };
  pm_buffer_init (&reader->line, PM_SMTP_REPLY_MAX_LINE);
}

/**
 * pm_smtp_reply_reader_clear:
 *
 * Frees what @reader holds; it is then as after pm_smtp_reply_reader_init().
 */
void
pm_smtp_reply_reader_clear (PmSmtpReplyReader *reader)
{
  pm_buffer_clear (&reader->line);
  g_clear_pointer (&reader->lines, g_ptr_array_unref);
  pm_smtp_reply_reader_init (reader);
}

static PmSmtpRead
refuse (PmSmtpReplyReader *reader, GError **error, const char *why)
{
  reader->failed = TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "What the server sent is not an SMTP reply: %s",
               why);
  return PM_SMTP_READ_RUBBISH;
}

static PmSmtpReply *
take_reply (PmSmtpReplyReader *reader)
{
  GStrv lines;

  g_ptr_array_add (reader->lines, NULL);
  g_ptr_array_set_free_func (reader->lines, NULL);
  lines = (GStrv) g_ptr_array_free (g_steal_pointer (&reader->lines), FALSE);
  return make (PM_SMTP_SOURCE_PEER, reader->code, &reader->status, lines);
}

// One line without its CRLF. RFC 5321 4.2.1: Reply-line = *( Reply-code "-" [ textstring ] CRLF )
// Reply-code [ SP textstring ] CRLF, and every line has the same code.
static PmSmtpRead
take_line (PmSmtpReplyReader *reader,
           const char *line,
           gsize size,
           PmSmtpReply **reply,
           GError **error)
{
  PmSmtpStatus status = { 0 };
  const char *end = line + size;
  const char *text;
  guint code;

  if (!read_code (line, size, &code) || (size > 3 && line[3] != ' ' && line[3] != '-'))
    return refuse (reader, error, "a line does not begin with a reply code");
  if (reader->lines != NULL && code != reader->code)
    return refuse (reader, error, "the lines of one reply have different codes");
  if (reader->lines != NULL && reader->lines->len >= PM_SMTP_REPLY_MAX_LINES)
    return refuse (reader, error, "it has too many lines");

  text = read_status (size > 3 ? line + 4 : end, end, code, &status);
  if (reader->lines == NULL)
    {
      reader->lines = g_ptr_array_new_with_free_func (g_free);
      reader->code = code;
      reader->status = status;
    }
  else if (!status_equal (&status, &reader->status))
    {
      text = size > 3 ? line + 4 : end;
    }
  g_ptr_array_add (reader->lines, pm_smtp_clean_text (text, (gsize) (end - text)));

  if (size > 3 && line[3] == '-')
    return PM_SMTP_READ_MORE;
  *reply = take_reply (reader);
  return PM_SMTP_READ_REPLY;
}

/**
 * pm_smtp_reply_reader_feed:
 * @used: (out): how many of the bytes were taken
 * @reply: (out) (transfer full): set with %PM_SMTP_READ_REPLY
 * @error: set with %PM_SMTP_READ_RUBBISH: %PM_ERROR_INVALID
 *
 * Returns: what came of it.
 */
PmSmtpRead
pm_smtp_reply_reader_feed (PmSmtpReplyReader *reader,
                           gconstpointer bytes,
                           gsize size,
                           gsize *used,
                           PmSmtpReply **reply,
                           GError **error)
{
  const guint8 *all = bytes;

  *used = 0;
  if (reader->failed)
    return refuse (reader, error, "an earlier line was not");

  while (*used < size)
    {
      const guint8 *start = all + *used;
      const guint8 *feed = memchr (start, '\n', size - *used);
      gsize piece = feed == NULL ? size - *used : (gsize) (feed - start) + 1;
      const char *line;
      gsize length;
      PmSmtpRead read;

      *used += piece;
      if (!pm_buffer_append (&reader->line, start, piece))
        return refuse (reader, error, "a line is too long");
      if (feed == NULL)
        break;

      line = (const char *) pm_buffer_peek (&reader->line);
      length = pm_buffer_size (&reader->line);
      if (length < 2 || line[length - 2] != '\r' || memchr (line, '\r', length - 2) != NULL ||
          memchr (line, '\0', length) != NULL)
        return refuse (reader, error, "a line does not end in CR LF, or has a CR or NUL in it");
      read = take_line (reader, line, length - 2, reply, error);
      pm_buffer_consume (&reader->line, length);
      if (read != PM_SMTP_READ_MORE)
        return read;
    }
  return PM_SMTP_READ_MORE;
}
