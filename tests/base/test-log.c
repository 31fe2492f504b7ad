// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The log: one line per event that nobody can break or forge. Each case is said in a child process,
// for the writer is the process's own.

#include "base/pm-log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
run (const char *expected)
{
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr (expected);
}

static void
test_plain (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", FALSE);
      pm_log_event (G_LOG_LEVEL_MESSAGE, "accepted", "id", "12ab", "from", "a@b.c", NULL);
      return;
    }
  run ("prog: accepted id=12ab from=a@b.c\n");
}

static void
test_quoting (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", FALSE);
      pm_log_event (G_LOG_LEVEL_MESSAGE, "x", "a", "", "b", "two words", "c", "q\"b\\s", "d",
                    "line\r\nfake event", "e", "k=v", "f", "\x1b[31m", "g", NULL, "h",
                    "\xc3\xa9", NULL);
      return;
    }
  run ("prog: x a=\"\" b=\"two words\" c=\"q\\\"b\\\\s\" "
       "d=\"line\\x0d\\x0afake event\" e=\"k=v\" f=\"\\x1b[31m\" h=\xc3\xa9\n");
}

// Bytes that are no UTF-8 must not reach the journal or a terminal as they are.
static void
test_bytes (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", FALSE);
      pm_log_event (G_LOG_LEVEL_MESSAGE, "x", "a", "b\xff"
                                                   "c",
                    "d", "\xc2\x9b"
                         "1m",
                    NULL);
      return;
    }
  run ("prog: x a=\"b\\xffc\" d=\"\\xc2\\x9b1m\"\n");
}

static void
test_debug (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", FALSE);
      pm_log_event (G_LOG_LEVEL_DEBUG, "unseen", NULL);
      pm_log_event (G_LOG_LEVEL_MESSAGE, "seen", NULL);
      return;
    }
  run ("prog: seen\n");
}

static void
test_debug_wanted (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", TRUE);
      pm_log_event (G_LOG_LEVEL_DEBUG, "seen", "a", "b", NULL);
      return;
    }
  run ("prog: seen a=b\n");
}

static void
test_many_fields (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", FALSE);
#define FOUR "k", "v", "k", "v", "k", "v", "k", "v"
      pm_log_event (G_LOG_LEVEL_MESSAGE, "x", FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR,
                    "a-key-that-is-longer-than-what-a-field-of-the-journal-may-have", "v", NULL);
      return;
    }
  run ("prog: x k=v k=v*\n");
}

// With the thread: lines in their order, all of them there when it stops.
static void
test_thread (void)
{
  if (g_test_subprocess ())
    {
      pm_log_init ("prog", FALSE);
      pm_log_start ();
      pm_log_event (G_LOG_LEVEL_MESSAGE, "one", "id", "1", NULL);
      pm_log_event (G_LOG_LEVEL_DEBUG, "unseen", NULL);
      pm_log_event (G_LOG_LEVEL_MESSAGE, "two", "id", "2", "none", NULL, "reply", "a b", NULL);
      pm_log_stop ();
      pm_log_event (G_LOG_LEVEL_MESSAGE, "three", NULL);
      return;
    }
  run ("prog: one id=1\nprog: two id=2 reply=\"a b\"\nprog: three\n");
}

#define MANY 60000

static gpointer
count_lines (gpointer data)
{
  const int *fd = data;
  guint64 *lines = g_new0 (guint64, 2);
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  gssize n;
  const char *c;

  while ((n = read (*fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
  for (c = text->str; (c = strchr (c, '\n')) != NULL; c++)
    lines[0]++;
  for (c = text->str; (c = strstr (c, "log-lines-dropped lines=")) != NULL; c++)
    {
      lines[1] += g_ascii_strtoull (strchr (c, '=') + 1, NULL, 10);
      lines[0]--;
    }
  return lines;
}

// A reader that does not read: nobody waits for it, and what it missed is counted in the log.
static void
test_stuck_reader (void)
{
  g_autofree guint64 *lines = NULL;
  GThread *reader;
  int pipes[2];
  int saved = dup (STDERR_FILENO);

  g_assert_cmpint (pipe2 (pipes, O_CLOEXEC), ==, 0);
  g_assert_cmpint (dup2 (pipes[1], STDERR_FILENO), ==, STDERR_FILENO);
  close (pipes[1]);
  pm_log_init ("prog", FALSE);
  pm_log_start ();
  for (guint i = 0; i < MANY; i++)
    pm_log_event (G_LOG_LEVEL_MESSAGE, "accepted", "from", "anna@example.com", NULL);
  g_assert_cmpuint (pm_log_get_dropped (), >, 0);
  g_assert_cmpuint (pm_log_get_dropped (), <, MANY);

  reader = g_thread_new ("reader", count_lines, &pipes[0]);
  pm_log_stop ();
  dup2 (saved, STDERR_FILENO);
  close (saved);
  lines = g_thread_join (reader);
  close (pipes[0]);
  g_assert_cmpuint (lines[0] + lines[1], ==, MANY);
  g_assert_cmpuint (lines[1], ==, pm_log_get_dropped ());
}

static void
test_unread (void)
{
  if (g_test_subprocess ())
    {
      int saved = dup (STDERR_FILENO);
      int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);

      dup2 (null, STDERR_FILENO);
      pm_log_init ("prog", FALSE);
      g_assert_false (pm_log_is_read ());
      dup2 (saved, STDERR_FILENO);
      close (saved);
      close (null);
      pm_log_event (G_LOG_LEVEL_MESSAGE, "unseen", NULL);
      return;
    }
  run ("");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/plain", test_plain);
  g_test_add_func ("/log/quoting", test_quoting);
  g_test_add_func ("/log/bytes", test_bytes);
  g_test_add_func ("/log/debug", test_debug);
  g_test_add_func ("/log/debug-wanted", test_debug_wanted);
  g_test_add_func ("/log/many-fields", test_many_fields);
  g_test_add_func ("/log/thread", test_thread);
  g_test_add_func ("/log/stuck-reader", test_stuck_reader);
  g_test_add_func ("/log/unread", test_unread);
  return g_test_run ();
}
