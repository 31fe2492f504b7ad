// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who waits outside the lines. It promises that every destination gets its turn: room that is short
// goes round, whoever has more parked.

#include "relay/pm-parking.h"

struct _PmParking
{
  GHashTable *lots; /* (element-type utf8 GQueue): of message numbers, as pointers to guint64 */
  guint count;
  guint limit;
};

static void
free_lot (GQueue *lot)
{
  g_queue_free_full (lot, g_free);
}

/**
 * pm_parking_new:
 * @limit: how many messages it holds at most
 */
PmParking *
pm_parking_new (guint limit)
{
  PmParking *parking = g_new0 (PmParking, 1);

  parking->lots =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) free_lot);
  parking->limit = limit;
  return parking;
}

void
pm_parking_free (PmParking *parking)
{
  if (parking == NULL)
    return;
  g_hash_table_unref (parking->lots);
  g_free (parking);
}

/**
 * pm_parking_add:
 *
 * Returns: %FALSE when it is full
 */
gboolean
pm_parking_add (PmParking *parking, const char *destination, guint64 message)
{
  GQueue *lot = g_hash_table_lookup (parking->lots, destination);

  if (parking->count >= parking->limit)
    return FALSE;
  if (lot == NULL)
    {
      lot = g_queue_new ();
      g_hash_table_insert (parking->lots, g_strdup (destination), lot);
    }
  g_queue_push_tail (lot, g_memdup2 (&message, sizeof message));
  parking->count++;
  return TRUE;
}

static void
take_from (PmParking *parking, GQueue *lot, guint n, GArray *messages)
{
  for (; n > 0 && !g_queue_is_empty (lot); n--)
    {
      g_autofree guint64 *message = g_queue_pop_head (lot);

      g_array_append_val (messages, *message);
      parking->count--;
    }
}

/**
 * pm_parking_take:
 * @messages: (element-type guint64): gets those that may wait in line now; they are not here any
 *   more
 *
 * Returns: whether there are any
 */
gboolean
pm_parking_take (PmParking *parking, PmLimiter *limiter, GArray *messages)
{
  g_autofree char **names = NULL;
  guint n_names;
  guint first;
  guint before = messages->len;

  if (parking->count == 0)
    return FALSE;
  names = (char **) g_hash_table_get_keys_as_array (parking->lots, &n_names);
  first = (guint) g_random_int_range (0, (gint32) n_names);

  for (guint i = 0; i < n_names && messages->len - before < PM_LIMITER_MAX_WAITING; i++)
    {
      const char *name = names[(first + i) % n_names];
      GQueue *lot = g_hash_table_lookup (parking->lots, name);
      guint share = MAX (PM_LIMITER_MAX_WAITING / n_names, 1);

      take_from (parking, lot, MIN (pm_limiter_get_room (limiter, name), share), messages);
      if (g_queue_is_empty (lot))
        g_hash_table_remove (parking->lots, name);
    }
  return messages->len > before;
}

void
pm_parking_clear (PmParking *parking)
{
  g_hash_table_remove_all (parking->lots);
  parking->count = 0;
}

gboolean
pm_parking_is_empty (const PmParking *parking)
{
  return parking->count == 0;
}
