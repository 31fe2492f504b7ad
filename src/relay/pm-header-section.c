// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A message's header section, found without a parser: lines, names and values. What it promises:
// bounded memory, and the same answer however the bytes were cut.

#include "relay/pm-header-section.h"

#include <string.h>

/* RFC 5322 2.2: a name of printable characters without the colon; obsolete forms have blanks after
 * it (4.5.8). */
static gboolean
is_field (const guint8 *line, gsize size)
{
  gsize at = 0;

  while (at < size && line[at] > ' ' && line[at] < 127 && line[at] != ':')
    at++;
  if (at == 0)
    return FALSE;
  while (at < size && (line[at] == ' ' || line[at] == '\t'))
    at++;
  return at < size && line[at] == ':';
}

/* Takes the lines that are whole. */
static void
take_lines (PmHeaderSection *self)
{
  const guint8 *bytes = self->bytes->data;
  const guint8 *end;

  while (!self->whole &&
         (end = memchr (bytes + self->size, '\n', self->bytes->len - self->size)) != NULL)
    {
      const guint8 *line = bytes + self->size;
      gsize size = (gsize) (end - line) + 1;
      gboolean continues = self->n_fields > 0 && (*line == ' ' || *line == '\t');

      if (!continues && !is_field (line, size))
        self->whole = TRUE;
      else
        self->size += size;
      self->n_fields += !self->whole && !continues ? 1 : 0;
    }
}

/**
 * pm_header_section_feed:
 * @bytes: (array length=size): the next piece of the message, lines ending in CRLF
 *
 * Takes all of it, also what is body already. Not after it was whole.
 */
PmHeaderSectionState
pm_header_section_feed (PmHeaderSection *self, const guint8 *bytes, gsize size)
{
  if (self->bytes == NULL)
    self->bytes = g_byte_array_new ();
  g_byte_array_append (self->bytes, bytes, (guint) size);
  take_lines (self);
  // One field may be without an end.
  if (self->size > PM_HEADER_SECTION_MAX ||
      (!self->whole && self->bytes->len > PM_HEADER_SECTION_MAX))
    return PM_HEADER_SECTION_TOO_LARGE;
  if (self->n_fields > PM_HEADER_SECTION_MAX_FIELDS)
    return PM_HEADER_SECTION_TOO_MANY;
  return self->whole ? PM_HEADER_SECTION_WHOLE : PM_HEADER_SECTION_MORE;
}

/**
 * pm_header_section_finish:
 *
 * The message is over: what there is, is the section.
 */
void
pm_header_section_finish (PmHeaderSection *self)
{
  if (self->bytes == NULL)
    self->bytes = g_byte_array_new ();
  self->whole = TRUE;
}

void
pm_header_section_clear (PmHeaderSection *self)
{
  if (self->bytes != NULL)
    g_byte_array_unref (self->bytes);
  *self = (PmHeaderSection){ 0 };
}

/* Returns: the size of the field that begins @at, with its continuations */
static gsize
measure_field (const PmHeaderSection *self, gsize at)
{
  const guint8 *bytes = self->bytes->data;
  gsize next = at;

  do
    {
      const guint8 *end = memchr (bytes + next, '\n', self->size - next);

      next = end == NULL ? self->size : (gsize) (end - bytes) + 1;
    }
  while (next < self->size && (bytes[next] == ' ' || bytes[next] == '\t'));
  return next - at;
}

/* Returns: (nullable): where the value begins, when the field is called @name */
static const char *
match_field (const char *field, gsize size, const char *name)
{
  gsize length = strlen (name);
  gsize at = length;

  if (size <= length || g_ascii_strncasecmp (field, name, length) != 0)
    return NULL;
  while (at < size && (field[at] == ' ' || field[at] == '\t'))
    at++;
  return at < size && field[at] == ':' ? field + at + 1 : NULL;
}

/* Returns: how many fields are called @name; @value (out) (optional) is the one that is @nth */
static guint
walk (const PmHeaderSection *self, const char *name, guint nth, char **value)
{
  guint count = 0;

  g_return_val_if_fail (self->whole, 0);
  for (gsize at = 0; at < self->size;)
    {
      const char *field = (const char *) self->bytes->data + at;
      gsize size = measure_field (self, at);
      const char *from = match_field (field, size, name);

      at += size;
      if (from == NULL)
        continue;
      if (value != NULL && count == nth)
        {
          *value = g_strndup (from, (gsize) (field + size - from));
          return count + 1;
        }
      count++;
    }
  return count;
}

/**
 * pm_header_section_count:
 *
 * Returns: how many fields are called @name, whatever its case
 */
guint
pm_header_section_count (const PmHeaderSection *self, const char *name)
{
  return walk (self, name, 0, NULL);
}

/**
 * pm_header_section_get:
 * @nth: from 0
 *
 * Returns: (transfer full) (nullable): the value of that field, unfolded (RFC 5322 2.2.3), without
 *   blanks around it
 */
char *
pm_header_section_get (const PmHeaderSection *self, const char *name, guint nth)
{
  char *value = NULL;
  char *to;

  walk (self, name, nth, &value);
  if (value == NULL)
    return NULL;
  to = value;
  for (const char *from = value; *from != '\0'; from++)
    if (*from != '\r' && *from != '\n')
      *to++ = *from;
  *to = '\0';
  return g_strstrip (value);
}
