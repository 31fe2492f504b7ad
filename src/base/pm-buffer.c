// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A byte queue with a ceiling. Memory follows what is in it: an emptied buffer gives large
// allocations back, so that ten thousand idle connections cost next to nothing.

#include "base/pm-buffer.h"

#include <string.h>

#define KEEP 4096

/**
 * pm_buffer_init:
 * @buffer: (out caller-allocates): the buffer to set up; it allocates nothing yet
 * @limit: the most bytes it will ever hold
 */
void
pm_buffer_init (PmBuffer *buffer, gsize limit)
{
  *buffer = (PmBuffer){ .limit = limit };
}

/**
 * pm_buffer_clear:
 *
 * Frees what @buffer holds; it is then empty and usable with the same limit.
 */
void
pm_buffer_clear (PmBuffer *buffer)
{
  g_free (buffer->bytes);
  *buffer = (PmBuffer){ .limit = buffer->limit };
}

/**
 * pm_buffer_size:
 *
 * Returns: how many bytes wait in it.
 */
gsize
pm_buffer_size (const PmBuffer *buffer)
{
  return buffer->end - buffer->start;
}

/**
 * pm_buffer_room:
 *
 * Returns: how many bytes may still come in before the limit.
 */
gsize
pm_buffer_room (const PmBuffer *buffer)
{
  return buffer->limit - pm_buffer_size (buffer);
}

/**
 * pm_buffer_peek:
 *
 * Returns: (nullable): the waiting bytes, pm_buffer_size() of them; valid until the next call that
 *   is not const.
 */
const guint8 *
pm_buffer_peek (const PmBuffer *buffer)
{
  return buffer->bytes == NULL ? NULL : buffer->bytes + buffer->start;
}

/**
 * pm_buffer_consume:
 * @size: at most pm_buffer_size()
 *
 * Drops the first @size bytes.
 */
void
pm_buffer_consume (PmBuffer *buffer, gsize size)
{
  g_return_if_fail (size <= pm_buffer_size (buffer));

  buffer->start += size;
  if (buffer->start < buffer->end)
    return;

  buffer->start = buffer->end = 0;
  if (buffer->allocated > KEEP)
    pm_buffer_clear (buffer);
}

/**
 * pm_buffer_reserve:
 * @size: how many bytes are to be written
 *
 * Returns: (nullable): where to write up to @size bytes, to be followed by pm_buffer_commit();
 *   %NULL when @size is over pm_buffer_room().
 */
guint8 *
pm_buffer_reserve (PmBuffer *buffer, gsize size)
{
  gsize waiting = pm_buffer_size (buffer);

  if (size > pm_buffer_room (buffer))
    return NULL;

  if (buffer->allocated - buffer->end < size && buffer->start > 0)
    {
      memmove (buffer->bytes, buffer->bytes + buffer->start, waiting);
      buffer->start = 0;
      buffer->end = waiting;
    }
  if (buffer->allocated - buffer->end < size || buffer->bytes == NULL)
    {
      gsize wanted = MAX (MAX (buffer->allocated * 2, waiting + size), 256);

      buffer->allocated = MIN (wanted, MAX (buffer->limit, 1));
      buffer->bytes = g_realloc (buffer->bytes, buffer->allocated);
    }
  return buffer->bytes + buffer->end;
}

/**
 * pm_buffer_commit:
 * @size: how many of the bytes last reserved were written
 */
void
pm_buffer_commit (PmBuffer *buffer, gsize size)
{
  g_return_if_fail (size <= buffer->allocated - buffer->end);

  buffer->end += size;
}

/**
 * pm_buffer_append:
 *
 * Returns: %FALSE, with nothing appended, when @size is over pm_buffer_room().
 */
gboolean
pm_buffer_append (PmBuffer *buffer, gconstpointer bytes, gsize size)
{
  guint8 *target = pm_buffer_reserve (buffer, size);

  if (target == NULL)
    return FALSE;
  if (size > 0)
    memcpy (target, bytes, size);
  pm_buffer_commit (buffer, size);
  return TRUE;
}

/**
 * pm_buffer_move:
 * @from: whose first bytes go to the end of @to
 *
 * Moves as many bytes as there are and as there is room for.
 *
 * Returns: how many
 */
gsize
pm_buffer_move (PmBuffer *to, PmBuffer *from)
{
  gsize size = MIN (pm_buffer_size (from), pm_buffer_room (to));

  if (size == 0 || !pm_buffer_append (to, pm_buffer_peek (from), size))
    return 0;
  pm_buffer_consume (from, size);
  return size;
}
