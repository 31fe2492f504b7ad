// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The log: one line per event that nobody can break or forge. Each case is said in a child process,
// for the writer is the process's own.

#include "base/pm-log.h"

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
  return g_test_run ();
}
