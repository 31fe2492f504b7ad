// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the daemons say: one line per event, `event key=value key="a value"`, and the same keys as
// fields where standard error is the journal. What it promises: once pm_log_start() was called, no
// reader of the log holds up whoever has something to say; lines that nobody takes in time are
// counted, and the log says how many.

#include "base/pm-log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pm-log-record.h"

static const char *program_name = "pointsman";
static gboolean debug_wanted = FALSE;
static gboolean priorities_wanted = FALSE;
static gboolean to_journal = FALSE;
static gboolean unread = FALSE;

static int
to_priority (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return 3;
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    return 4;
  if (level & G_LOG_LEVEL_MESSAGE)
    return 5;
  return level & G_LOG_LEVEL_DEBUG ? 7 : 6;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (level == G_LOG_LEVEL_DEBUG && !debug_wanted)
    return G_LOG_WRITER_HANDLED;

  if (to_journal && g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;

  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      {
        if (priorities_wanted)
          fprintf (stderr, "<%d>", to_priority (level));
        fprintf (stderr, "%s: %s\n", program_name, (const char *) fields[i].value);
        break;
      }
  fflush (stderr);
  return G_LOG_WRITER_HANDLED;
}

/* Whether what is written to @fd goes to /dev/null. */
static gboolean
is_nowhere (int fd)
{
  struct stat file;
  struct stat null;

  return fstat (fd, &file) == 0 && stat ("/dev/null", &null) == 0 && S_ISCHR (file.st_mode) &&
         file.st_rdev == null.st_rdev;
}

/**
 * pm_log_init:
 * @program: (transfer none): the program's name, static
 * @debug: whether debug messages are written
 *
 * Installs the process's log writer: the journal where standard error leads there, else plain lines
 * on standard error. Call once, before threads. With `PM_LOG_PRIORITIES` in the environment the
 * plain lines start with their priority as sd-daemon(3) has it, for a manager that keeps them.
 */
void
pm_log_init (const char *program, gboolean debug)
{
  program_name = program;
  debug_wanted = debug;
  priorities_wanted = g_getenv ("PM_LOG_PRIORITIES") != NULL;
  to_journal = g_log_writer_is_journald (STDERR_FILENO);
  unread = is_nowhere (STDERR_FILENO);
  g_log_set_writer_func (write_log, NULL, NULL);
}

/**
 * pm_log_failure:
 * @text: why the program cannot go on; each of its lines is one
 *
 * Writes what somebody who started the program must know, as errors (priority 3) where the reader
 * of standard error knows priorities. Unlike GLib's own errors it does not end the program.
 */
void
pm_log_failure (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const char *priority =
      priorities_wanted || to_journal ? "<3>" : "";

  for (guint i = 0; lines[i] != NULL; i++)
    fprintf (stderr, "%s%s: %s\n", priority, program_name, lines[i]);
  fflush (stderr);
}

#define QUEUE_RECORDS 20000
#define QUEUE_BYTES (8 * 1024 * 1024)
#define GATHER (10 * G_TIME_SPAN_MILLISECOND) /* lines that come together are written together */
#define GATHER_ENOUGH 500
#define STOP_PATIENCE (2 * G_TIME_SPAN_SECOND)
#define WRITE_PATIENCE 1000 /* milliseconds */

/* The thread that writes, and what waits for it. */
static struct
{
  GMutex lock;
  GCond wake;
  GThread *thread;    /* (nullable) */
  GPtrArray *records; /* (element-type PmLogRecord) */
  gsize bytes;
  gboolean running; /* atomic */
  gboolean stopping;
  gboolean ended;
  guint64 dropped; /* since the start; atomic */
  guint64 unsaid;  /* of those, what the log does not tell yet */
} writer;

static void
write_all (const char *bytes, gsize size)
{
  while (size > 0)
    {
      gssize n = write (STDERR_FILENO, bytes, size);

      if (n < 0 && errno == EAGAIN)
        g_poll (&(GPollFD){ .fd = STDERR_FILENO, .events = G_IO_OUT }, 1, WRITE_PATIENCE);
      // Nobody there any more: the mail goes on without a log.
      else if (n <= 0 && errno != EINTR)
        return;
      bytes += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
}

/* To the journal at once, else as a line of @out. */
static void
put_record (const PmLogRecord *record, GString *out)
{
  gsize start = out->len;
  PmLogFields fields;

  if (record->level == G_LOG_LEVEL_DEBUG && !debug_wanted)
    return;
  if (to_journal)
    {
      pm_log_record_append_line (record, out);
      pm_log_record_list_fields (record, program_name, out->str + start, &fields);
      g_log_writer_journald (record->level, fields.fields, fields.n_fields, NULL);
      g_string_truncate (out, start);
      return;
    }
  if (priorities_wanted)
    g_string_append_printf (out, "<%d>", to_priority (record->level));
  g_string_append (out, program_name);
  g_string_append (out, ": ");
  pm_log_record_append_line (record, out);
  g_string_append_c (out, '\n');
}

static void
write_batch (const GPtrArray *records, guint64 dropped)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < records->len; i++)
    put_record (g_ptr_array_index (records, i), out);
  if (dropped > 0)
    {
      g_autofree char *lines = g_strdup_printf ("%" G_GUINT64_FORMAT, dropped);
      g_autofree PmLogRecord *record =
          pm_log_record_new (G_LOG_LEVEL_WARNING, "log-lines-dropped",
                             (const char *const[]){ "lines", lines }, 1);

      put_record (record, out);
    }
  write_all (out->str, out->len);
}

/* Waits until there is something to write, and then a little for what comes with it. */
static void
gather (void)
{
  gint64 until;

  while (writer.records->len == 0 && writer.unsaid == 0 && !writer.stopping)
    g_cond_wait (&writer.wake, &writer.lock);
  until = g_get_monotonic_time () + GATHER;
  while (writer.records->len < GATHER_ENOUGH && !writer.stopping)
    if (!g_cond_wait_until (&writer.wake, &writer.lock, until))
      break;
}

static gpointer
run_writer (gpointer data)
{
  gboolean more = TRUE;

  while (more)
    {
      g_autoptr (GPtrArray) records = NULL;
      guint64 dropped;

      g_mutex_lock (&writer.lock);
      gather ();
      records = g_steal_pointer (&writer.records);
      dropped = writer.unsaid;
      writer.records = g_ptr_array_new_with_free_func (g_free);
      writer.bytes = 0;
      writer.unsaid = 0;
      more = !writer.stopping;
      g_mutex_unlock (&writer.lock);

      write_batch (records, dropped);
    }
  g_mutex_lock (&writer.lock);
  writer.ended = TRUE;
  g_cond_broadcast (&writer.wake);
  g_mutex_unlock (&writer.lock);
  return NULL;
}

/* @record: (transfer full) */
static void
leave_to_writer (PmLogRecord *record)
{
  g_mutex_lock (&writer.lock);
  if (writer.records->len >= QUEUE_RECORDS || writer.bytes + record->size > QUEUE_BYTES)
    {
      writer.dropped++;
      writer.unsaid++;
      g_free (record);
    }
  else
    {
      g_ptr_array_add (writer.records, record);
      writer.bytes += record->size;
      if (writer.records->len == 1 || writer.records->len == GATHER_ENOUGH)
        g_cond_signal (&writer.wake);
    }
  g_mutex_unlock (&writer.lock);
}

void
pm_log_start (void)
{
  if (writer.thread != NULL)
    return;
  writer.records = g_ptr_array_new_with_free_func (g_free);
  writer.stopping = FALSE;
  writer.ended = FALSE;
  writer.thread = g_thread_new ("log", run_writer, NULL);
  __atomic_store_n (&writer.running, TRUE, __ATOMIC_RELEASE);
}

/* A reader that has stopped reading does not keep the program from ending. */
void
pm_log_stop (void)
{
  gint64 until = g_get_monotonic_time () + STOP_PATIENCE;
  gboolean ended;

  if (writer.thread == NULL)
    return;
  __atomic_store_n (&writer.running, FALSE, __ATOMIC_RELEASE);
  g_mutex_lock (&writer.lock);
  writer.stopping = TRUE;
  g_cond_broadcast (&writer.wake);
  while (!writer.ended && g_cond_wait_until (&writer.wake, &writer.lock, until))
    ;
  ended = writer.ended;
  g_mutex_unlock (&writer.lock);

  if (!ended)
    {
      g_thread_unref (g_steal_pointer (&writer.thread));
      return;
    }
  g_thread_join (g_steal_pointer (&writer.thread));
  g_clear_pointer (&writer.records, g_ptr_array_unref);
}

/**
 * pm_log_get_dropped:
 *
 * Returns: how many lines nobody took in time, since the program began
 */
guint64
pm_log_get_dropped (void)
{
  guint64 dropped;

  g_mutex_lock (&writer.lock);
  dropped = writer.dropped;
  g_mutex_unlock (&writer.lock);
  return dropped;
}

gboolean
pm_log_is_read (void)
{
  return !unread;
}

static void
write_at_once (const PmLogRecord *record)
{
  g_autoptr (GString) line = g_string_sized_new (record->size + 32);
  PmLogFields fields;

  pm_log_record_append_line (record, line);
  pm_log_record_list_fields (record, program_name, line->str, &fields);
  g_log_structured_array (record->level, fields.fields, fields.n_fields);
}

/**
 * pm_log_event:
 * @level: %G_LOG_LEVEL_WARNING, %G_LOG_LEVEL_MESSAGE, %G_LOG_LEVEL_INFO or %G_LOG_LEVEL_DEBUG
 * @event: what happened, one word as `message-accepted`
 * @...: pairs of key (lower case, static) and value (UTF-8, or %NULL to leave the pair out), then
 *   %NULL
 *
 * Writes one event. Secrets are never passed to it. Any thread.
 */
void
pm_log_event (GLogLevelFlags level, const char *event, ...)
{
  const char *pairs[2 * PM_LOG_MAX_PAIRS];
  PmLogRecord *record;
  guint n = 0;
  const char *key;
  va_list args;

  if (unread || (level == G_LOG_LEVEL_DEBUG && !debug_wanted))
    return;
  va_start (args, event);
  while ((key = va_arg (args, const char *)) != NULL)
    {
      const char *value = va_arg (args, const char *);

      if (value == NULL || n == PM_LOG_MAX_PAIRS)
        continue;
      pairs[2 * n] = key;
      pairs[2 * n + 1] = value;
      n++;
    }
  va_end (args);

  record = pm_log_record_new (level, event, pairs, n);
  if (__atomic_load_n (&writer.running, __ATOMIC_ACQUIRE))
    {
      leave_to_writer (record);
      return;
    }
  write_at_once (record);
  g_free (record);
}
