// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The last lines of a unit in the journal: what the unit's processes logged and what systemd says
// about them. Blocks on the disk; any thread.

#include "manager/pm-journal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/pm-error.h"

#define SYNCHRONIZE_SOCKET "/run/systemd/journal/io.systemd.journal"
#define SYNCHRONIZE "{\"method\":\"io.systemd.Journal.Synchronize\",\"parameters\":{}}"
#define SYNCHRONIZE_SECONDS 2

/* (owned by g_autoptr) so that sd_journal closes itself like the rest. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_journal, sd_journal_close)

/*
 * Asks journald to write out what it has received, as journalctl --sync does: a service that has
 * just failed said why only a moment ago. Without the right to ask, what is there must do.
 */
static void
synchronize (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SYNCHRONIZE_SOCKET };
  struct timeval patience = { .tv_sec = SYNCHRONIZE_SECONDS };
  char answer[256];
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return;
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0 &&
      send (fd, SYNCHRONIZE, sizeof SYNCHRONIZE, MSG_NOSIGNAL) == sizeof SYNCHRONIZE &&
      recv (fd, answer, sizeof answer, 0) < 0)
    g_debug ("journald did not answer: %s", g_strerror (errno));
  close (fd);
}

static int
add_matches (sd_journal *journal, const char *unit, gboolean user_unit)
{
  g_autofree char *from_unit =
      g_strconcat (user_unit ? "_SYSTEMD_USER_UNIT=" : "_SYSTEMD_UNIT=", unit, NULL);
  g_autofree char *about_unit = g_strconcat (user_unit ? "USER_UNIT=" : "UNIT=", unit, NULL);
  g_autofree char *uid = g_strdup_printf ("_UID=%u", (guint) getuid ());
  int r;

  /* (from the unit and, in a session, of this user) or (about the unit, from systemd itself) */
  r = sd_journal_add_match (journal, from_unit, 0);
  if (r >= 0 && user_unit)
    r = sd_journal_add_match (journal, uid, 0);
  if (r >= 0)
    r = sd_journal_add_disjunction (journal);
  if (r >= 0)
    r = sd_journal_add_match (journal, about_unit, 0);
  if (r >= 0)
    r = sd_journal_add_match (journal, user_unit ? uid : "_PID=1", 0);
  return r;
}

static const char *
get_field (sd_journal *journal, const char *name, gsize *length)
{
  gsize prefix = strlen (name) + 1;
  const void *field;
  gsize size;

  if (sd_journal_get_data (journal, name, &field, &size) < 0 || size < prefix)
    return NULL;
  *length = size - prefix;
  return (const char *) field + prefix;
}

static PmJournalLine *
read_line (sd_journal *journal)
{
  const char *field;
  gsize length;
  guint64 time = 0;
  guint priority = 6;

  field = get_field (journal, "PRIORITY", &length);
  if (field != NULL && length == 1 && *field >= '0' && *field <= '7')
    priority = (guint) (*field - '0');
  sd_journal_get_realtime_usec (journal, &time);
  field = get_field (journal, "MESSAGE", &length);
  return field != NULL ? pm_journal_line_new ((gint64) time, priority, field, (gssize) length)
                       : NULL;
}

/**
 * pm_journal_read:
 * @unit: as pointsman-relay.service
 * @user_unit: whether it is a unit of this user's own systemd
 * @count: how many lines at most
 *
 * Returns: (transfer container) (element-type PmJournalLine): the last ones, oldest first
 */
GPtrArray *
pm_journal_read (const char *unit, gboolean user_unit, guint count, GError **error)
{
  g_autoptr (GPtrArray) lines =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_journal_line_free);
  g_autoptr (sd_journal) journal = NULL;
  int r;

  synchronize ();
  r = sd_journal_open (&journal, SD_JOURNAL_LOCAL_ONLY);
  if (r >= 0)
    r = add_matches (journal, unit, user_unit);
  if (r >= 0)
    r = sd_journal_seek_tail (journal);
  if (r < 0)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "The journal cannot be read: %s",
                   g_strerror (-r));
      return NULL;
    }
  while (lines->len < count && sd_journal_previous (journal) > 0)
    {
      PmJournalLine *line = read_line (journal);

      if (line != NULL)
        g_ptr_array_insert (lines, 0, line);
    }
  return g_steal_pointer (&lines);
}
