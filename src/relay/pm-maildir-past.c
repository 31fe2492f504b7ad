// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Whether a Maildir has a message already. Our files are named after the queue's number of the
// message, which never comes back, so a delivery whose record a crash cut off is found by its name,
// be it in new/ or, read meanwhile, in cur/. Only what was accepted before this program started, or
// before the queue last failed to record something, is looked for; a Maildir is read once for all
// of that.

#include "relay/pm-maildir-past.h"

#include <string.h>

#define MAX_NUMBERS 1000000

struct _PmMaildirPast
{
  GMutex mutex;
  gint64 before;    /* what was accepted before is in doubt; guarded */
  guint generation; /* guarded */

  /* the thread's own */
  guint known;          /* the generation that `maildirs` belong to */
  GHashTable *maildirs; /* (owned) (element-type utf8 GHashTable): path to a set of guint64 */
  guint numbers;
};

/* Microseconds since 1970, as the queue numbers its messages. */
PmMaildirPast *
pm_maildir_past_new (void)
{
  PmMaildirPast *past = g_new0 (PmMaildirPast, 1);

  g_mutex_init (&past->mutex);
  past->before = g_get_real_time ();
  past->maildirs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                          (GDestroyNotify) g_hash_table_unref);
  return past;
}

void
pm_maildir_past_free (PmMaildirPast *past)
{
  g_mutex_clear (&past->mutex);
  g_hash_table_unref (past->maildirs);
  g_free (past);
}

/* From now on whatever was accepted until now is in doubt. Any thread. */
void
pm_maildir_past_doubt (PmMaildirPast *past)
{
  g_mutex_lock (&past->mutex);
  past->before = g_get_real_time ();
  past->generation++;
  g_mutex_unlock (&past->mutex);
}

/* `SECONDS.QNUMBER.HOST`, whatever comes behind it. */
static gboolean
read_number (const char *name, guint64 *number)
{
  const char *dot = strchr (name, '.');
  char *end;

  if (dot == NULL || dot[1] != 'Q' || !g_ascii_isdigit (dot[2]))
    return FALSE;
  *number = g_ascii_strtoull (dot + 2, &end, 10);
  return *end == '.';
}

static void
read_folder (GHashTable *numbers, const char *maildir, const char *name)
{
  g_autofree char *path = g_build_filename (maildir, name, NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *entry;
  guint64 number;

  while (folder != NULL && (entry = g_dir_read_name (folder)) != NULL)
    if (read_number (entry, &number))
      g_hash_table_add (numbers, g_memdup2 (&number, sizeof number));
}

static GHashTable *
get_numbers (PmMaildirPast *past, const char *maildir)
{
  GHashTable *numbers = g_hash_table_lookup (past->maildirs, maildir);

  if (numbers != NULL)
    return numbers;
  if (past->numbers > MAX_NUMBERS)
    {
      g_hash_table_remove_all (past->maildirs);
      past->numbers = 0;
    }
  numbers = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  // new/ first: who reads mail moves it to cur/, never back, so that none slips through.
  read_folder (numbers, maildir, "new");
  read_folder (numbers, maildir, "cur");
  past->numbers += g_hash_table_size (numbers) + 1;
  g_hash_table_insert (past->maildirs, g_strdup (maildir), numbers);
  return numbers;
}

/* A time that is yet to come is one of a clock that was set back. */
static gboolean
is_in_doubt (PmMaildirPast *past, gint64 received)
{
  gint64 before;
  guint generation;

  g_mutex_lock (&past->mutex);
  before = past->before;
  generation = past->generation;
  g_mutex_unlock (&past->mutex);
  if (generation != past->known)
    {
      past->known = generation;
      past->numbers = 0;
      g_hash_table_remove_all (past->maildirs);
    }
  return received <= before || received > g_get_real_time ();
}

/*
 * Whether the message lay in the Maildir when doubt began. What is delivered later is recorded, or
 * brings new doubt.
 */
gboolean
pm_maildir_past_has (PmMaildirPast *past,
                     const char *maildir,
                     const PmMaildirDelivery *delivery)
{
  return is_in_doubt (past, delivery->received) &&
         g_hash_table_contains (get_numbers (past, maildir), &delivery->message);
}
