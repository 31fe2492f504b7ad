// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message tracking: what was added is found, page by page and by every key; what there is no room
// for is counted; a damaged file is set aside.

#include "queue/pm-tracking.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

#include "base/pm-error.h"

#define START (1700000000 * G_TIME_SPAN_SECOND)

typedef struct
{
  char *folder;
  char *path;
  PmTracking *tracking;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("pm-tracking-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "tracking.db", NULL);
  fixture->tracking = pm_tracking_new (fixture->folder, &error);
  g_assert_no_error (error);
  // The events below are old.
  pm_tracking_set_keep (fixture->tracking, G_MAXINT64 / 2);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  pm_tracking_free (fixture->tracking);
  dir = g_dir_open (fixture->folder, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static void
add (PmTracking *tracking,
     guint second,
     const char *event,
     guint64 message,
     const char *sender,
     const char *recipient)
{
  pm_tracking_add (tracking, &(PmTrackingEvent){ .time = START + second * G_TIME_SPAN_SECOND,
                                                 .event = event,
                                                 .message = message,
                                                 .sender = sender,
                                                 .recipient = recipient,
                                                 .delay = -1 });
}

static void
add_story (PmTracking *tracking)
{
  add (tracking, 1, "accepted", 1, "anna@example.com", NULL);
  add (tracking, 2, "accepted", 2, "", NULL);
  add (tracking, 3, "deferred", 1, "anna@example.com", "p@partner.example");
  add (tracking, 4, "delivered", 2, "", "Anna@Example.com");
  pm_tracking_add (tracking, &(PmTrackingEvent){ .time = START + 5 * G_TIME_SPAN_SECOND,
                                                 .event = "relayed",
                                                 .message = 1,
                                                 .sender = "anna@example.com",
                                                 .recipient = "p@partner.example",
                                                 .original = "old@legacy.example",
                                                 .relay = "mx.partner.example [192.0.2.1]:25",
                                                 .reply = "250 2.0.0 taken",
                                                 .delay = 4 * G_TIME_SPAN_SECOND,
                                                 .size = 1234 });
  add (tracking, 6, "refused", 0, "spam@bad.example", "nobody@example.com");
}

static void
test_search (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *name;
    PmTrackingFilter filter;
    const char *expected; /* the seconds of the events, latest first */
  } cases[] = {
    { "everything", { 0 }, "6 5 4 3 2 1 " },
    { "message", { .message = 1 }, "5 3 1 " },
    { "sender", { .sender = "ANNA@example.com" }, "5 3 1 " },
    { "null sender", { .sender = "" }, "4 2 " },
    { "recipient", { .recipient = "anna@example.com" }, "4 " },
    { "recipient as given", { .recipient = "old@legacy.example" }, "5 " },
    { "domain on either side", { .domain = "example.com" }, "6 5 4 3 1 " },
    { "rare outcome", { .event = "deferred" }, "3 " },
    { "common outcome", { .event = "relayed" }, "5 " },
    { "sender and outcome", { .sender = "anna@example.com", .event = "deferred" }, "3 " },
    { "domain and outcome", { .domain = "partner.example", .event = "relayed" }, "5 " },
    { "message and recipient", { .message = 1, .recipient = "p@partner.example" }, "5 3 " },
    { "time",
      { .since = START + 2 * G_TIME_SPAN_SECOND, .until = START + 4 * G_TIME_SPAN_SECOND },
      "3 2 " },
    { "nothing", { .sender = "x'; DROP TABLE events; --" }, "" },
  };

  add_story (fixture->tracking);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) events =
          pm_tracking_query (fixture->tracking, &cases[i].filter, 0, 100, &error);
      g_autoptr (GString) found = g_string_new (NULL);

      g_test_message ("%s", cases[i].name);
      g_assert_no_error (error);
      for (guint j = 0; j < events->len; j++)
        {
          const PmTrackingEvent *event = g_ptr_array_index (events, j);

          g_string_append_printf (found, "%d ",
                                  (int) ((event->time - START) / G_TIME_SPAN_SECOND));
        }
      g_assert_cmpstr (found->str, ==, cases[i].expected);
    }
}

static void
test_history (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = NULL;
  const PmTrackingEvent *event;

  add_story (fixture->tracking);
  events = pm_tracking_history (fixture->tracking, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (events->len, ==, 3);
  g_assert_cmpstr (((PmTrackingEvent *) g_ptr_array_index (events, 0))->event, ==, "accepted");
  g_assert_cmpstr (((PmTrackingEvent *) g_ptr_array_index (events, 1))->event, ==, "deferred");
  event = g_ptr_array_index (events, 2);
  g_assert_cmpstr (event->event, ==, "relayed");
  g_assert_cmpstr (event->sender, ==, "anna@example.com");
  g_assert_cmpstr (event->recipient, ==, "p@partner.example");
  g_assert_cmpstr (event->original, ==, "old@legacy.example");
  g_assert_cmpstr (event->relay, ==, "mx.partner.example [192.0.2.1]:25");
  g_assert_cmpstr (event->reply, ==, "250 2.0.0 taken");
  g_assert_cmpint (event->delay, ==, 4 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (event->size, ==, 1234);
  g_assert_null (event->client);
}

/* Pages of events that came in the same moment: none is left out, none comes twice. */
static void
test_pages (Fixture *fixture, gconstpointer data)
{
  const PmTrackingFilter filters[] = { { 0 }, { .domain = "example.com" } };

  for (guint i = 0; i < 25; i++)
    add (fixture->tracking, 1, "accepted", i + 1, "anna@example.com", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    {
      gint64 before = 0;
      guint64 expected = 25;

      while (TRUE)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (GPtrArray) page =
              pm_tracking_query (fixture->tracking, &filters[i], before, 10, &error);

          g_assert_no_error (error);
          for (guint j = 0; j < page->len; j++)
            {
              const PmTrackingEvent *event = g_ptr_array_index (page, j);

              g_assert_cmpuint (event->message, ==, expected--);
              before = event->id;
            }
          if (page->len < 10)
            break;
        }
      g_assert_cmpuint (expected, ==, 0);
    }
}

static guint
count (PmTracking *tracking)
{
  const PmTrackingFilter filter = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = pm_tracking_query (tracking, &filter, 0, 1000, &error);

  g_assert_no_error (error);
  return events->len;
}

static void
wait_for_count (PmTracking *tracking, guint expected)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  while (count (tracking) != expected)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static void
test_prune (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 700; i++)
    add (fixture->tracking, i, "accepted", i + 1, "anna@example.com", NULL);
  pm_tracking_add (fixture->tracking, &(PmTrackingEvent){ .time = g_get_real_time (),
                                                          .event = "accepted",
                                                          .message = 1000,
                                                          .delay = -1 });
  wait_for_count (fixture->tracking, 701);
  pm_tracking_set_keep (fixture->tracking, G_TIME_SPAN_DAY);
  wait_for_count (fixture->tracking, 1);

  pm_tracking_set_keep (fixture->tracking, 0);
  wait_for_count (fixture->tracking, 0);
  add (fixture->tracking, 1, "accepted", 1, "anna@example.com", NULL);
  g_assert_cmpuint (count (fixture->tracking), ==, 0);
}

static void
test_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_story (fixture->tracking);
  pm_tracking_free (fixture->tracking);
  fixture->tracking = pm_tracking_new (fixture->folder, &error);
  g_assert_no_error (error);
  pm_tracking_set_keep (fixture->tracking, G_MAXINT64 / 2);
  g_assert_cmpuint (count (fixture->tracking), ==, 6);
}

static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  g_autofree char *rubbish = g_strnfill (20000, 'x');
  const char *name;
  guint aside = 0;

  add_story (fixture->tracking);
  g_clear_pointer (&fixture->tracking, pm_tracking_free);
  g_assert_true (g_file_set_contents (fixture->path, rubbish, 20000, NULL));

  fixture->tracking = pm_tracking_new (fixture->folder, &error);
  g_assert_no_error (error);
  pm_tracking_set_keep (fixture->tracking, G_MAXINT64 / 2);
  add_story (fixture->tracking);
  g_assert_cmpuint (count (fixture->tracking), ==, 6);

  dir = g_dir_open (fixture->folder, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    aside += g_str_has_prefix (name, "tracking.db.damaged-");
  g_assert_cmpuint (aside, ==, 1);
}

/* A file that is locked: who adds does not wait, and what finds no room is counted. */
static void
test_full (Fixture *fixture, gconstpointer data)
{
  sqlite3 *db;
  gint64 begun;
  guint64 dropped;
  const guint n = 120000;

  count (fixture->tracking);
  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), ==, SQLITE_OK);
  begun = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    add (fixture->tracking, i, "accepted", i + 1, NULL, NULL);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 5 * G_TIME_SPAN_SECOND);
  dropped = pm_tracking_get_dropped (fixture->tracking);
  g_assert_cmpuint (dropped, >, 0);
  g_assert_cmpuint (dropped, <, n);
  sqlite3_close (db);
}

static guint
get_rows (void)
{
  const char *text = g_getenv ("PM_TEST_TRACKING_ROWS");

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : 40000;
}

/* Every search answers at once, however many events there are: PM_TEST_TRACKING_ROWS=1000000. */
static void
test_large (Fixture *fixture, gconstpointer data)
{
  static const PmTrackingFilter filters[] = {
    { 0 },
    { .message = 77 },
    { .sender = "user77@example.com" },
    { .recipient = "user77@d7.example" },
    { .domain = "d7.example" },
    { .domain = "example.com" },
    { .event = "delivered" },
    { .event = "bounced" },
    { .domain = "example.com", .event = "bounced" },
    { .sender = "user77@example.com", .event = "bounced" },
    { .since = START + 100 * G_TIME_SPAN_SECOND, .until = START + 110 * G_TIME_SPAN_SECOND },
    { .domain = "nowhere.example" },
  };
  const guint rows = get_rows ();
  gint64 begun = g_get_monotonic_time ();
  gint64 took;

  for (guint i = 0; i < rows; i++)
    {
      g_autofree char *sender = g_strdup_printf ("user%u@example.com", i % 5000);
      g_autofree char *recipient = g_strdup_printf ("user%u@d%u.example", i % 7000, i % 300);

      add (fixture->tracking, i / 100, i % 1000 == 999 ? "bounced" : "delivered", i / 2 + 1,
           sender, recipient);
      if (i % 10000 == 9999)
        pm_tracking_flush (fixture->tracking);
    }
  pm_tracking_flush (fixture->tracking);
  took = g_get_monotonic_time () - begun;
  g_test_message ("%u rows, %.1f µs each", rows, (double) took / rows);
  g_assert_cmpuint (pm_tracking_get_dropped (fixture->tracking), ==, 0);

  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) events = NULL;

      begun = g_get_monotonic_time ();
      events = pm_tracking_query (fixture->tracking, &filters[i], 0, 100, &error);
      took = g_get_monotonic_time () - begun;
      g_assert_no_error (error);
      g_test_message ("search %u: %u events in %.1f ms", i, events->len, (double) took / 1000);
      g_assert_cmpint (took, <, 100 * G_TIME_SPAN_MILLISECOND);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  // That a file is set aside and events are dropped is a warning, and what two tests are about.
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)
  ADD ("/tracking/search", test_search);
  ADD ("/tracking/history", test_history);
  ADD ("/tracking/pages", test_pages);
  ADD ("/tracking/prune", test_prune);
  ADD ("/tracking/stays", test_stays);
  ADD ("/tracking/damaged", test_damaged);
  ADD ("/tracking/full", test_full);
  ADD ("/tracking/large", test_large);
  return g_test_run ();
}
