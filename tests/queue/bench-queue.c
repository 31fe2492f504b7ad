// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How fast the queue alone is. `bench-queue FOLDER speed N` takes in N messages of 4 KiB, as many
// at a time as wait, and records their delivery; `bench-queue FOLDER fill N` leaves N messages;
// `bench-queue FOLDER look` opens what is there and says how long that and each question takes,
// and exits with 1 where a limit is missed: ready in 3 s, 100 MiB resident, 100 ms a page.

#include "queue/pm-queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct
{
  PmQueue *queue;
  guint to_send;
  guint under_way;
  guint done;
  guint total;
  gboolean deliver;
  char body[4096];
} Run;

static void send_more (Run *run);

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  gint64 next_try;

  if (!pm_queue_update_finish (PM_QUEUE (source), result, &next_try, NULL))
    abort ();
  run->under_way--;
  run->done++;
  send_more (run);
}

typedef struct
{
  Run *run;
  guint64 id;
} Sent;

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Sent *sent = data;
  Run *run = sent->run;
  g_autoptr (PmQueueMessage) message = NULL;
  g_autoptr (GBytes) body = NULL;
  PmQueueUpdate *update;

  if (!pm_queue_enqueue_finish (PM_QUEUE (source), result, NULL))
    abort ();
  if (!run->deliver)
    {
      run->under_way--;
      run->done++;
      send_more (run);
      return;
    }
  message = pm_queue_load (run->queue, sent->id, NULL);
  body = pm_queue_open_body (run->queue, sent->id, NULL);
  update = pm_queue_update_new (sent->id);
  pm_queue_update_add (update, g_ptr_array_index (message->recipients, 0), PM_OUTCOME_DONE, "250");
  pm_queue_update_async (run->queue, update, settled_cb, run);
}

static void
send_more (Run *run)
{
  while (run->to_send > 0 && run->under_way < 100)
    {
      guint number = run->to_send--;
      g_autofree char *address = g_strdup_printf ("user%u@d%u.example", number, number % 1000);
      PmQueueMessage *message = pm_queue_message_new (pm_queue_new_id (run->queue),
                                                      "sender@example.com");
      PmQueueRecipient *recipient = pm_queue_message_add_recipient (message, address);
      Sent *sent = g_new0 (Sent, 1);

      g_free (recipient->destination);
      recipient->destination = g_strdup (strchr (address, '@') + 1);
      recipient->next_try = message->received = (gint64) message->id;
      message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (run->queue),
                                                    run->body, sizeof run->body, NULL);
      sent->run = run;
      sent->id = message->id;
      run->under_way++;
      pm_queue_enqueue_async (run->queue, message, sent_cb, sent);
    }
}

static double
cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
resident_mib (void)
{
  g_autofree char *text = NULL;
  long pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    sscanf (text, "%*d %ld", &pages);
  return (double) pages * (double) sysconf (_SC_PAGESIZE) / 1048576;
}

static PmQueue *
open_queue (const char *folder)
{
  g_autoptr (PmClock) clock = pm_clock_new_system ();
  g_autoptr (GError) error = NULL;
  PmQueue *queue = pm_queue_new (folder, clock, &error);

  if (queue == NULL)
    g_error ("%s", error->message);
  return queue;
}

static void
take_in (const char *folder, guint n, gboolean deliver)
{
  g_autoptr (PmQueue) queue = open_queue (folder);
  g_auto (PmQueueDurability) durability = { 0 };
  Run run = { .queue = queue, .to_send = n, .total = n, .deliver = deliver };
  gint64 began = g_get_monotonic_time ();
  double cpu = cpu_seconds ();
  double seconds;

  memset (run.body, 'x', sizeof run.body);
  send_more (&run);
  while (run.done < n)
    g_main_context_iteration (NULL, TRUE);
  seconds = (double) (g_get_monotonic_time () - began) / 1e6;
  cpu = cpu_seconds () - cpu;
  pm_queue_get_durability (queue, &durability);
  printf ("%u messages%s: %.0f a second, %.1f us of CPU each, %.4f syncs each, batches up to %" G_GUINT64_FORMAT ", last commit %" G_GUINT64_FORMAT " us, on %s\n",
          n, deliver ? " in and out" : " in", n / seconds, cpu * 1e6 / n,
          (double) durability.syncs / n, durability.largest_batch, durability.commit_time,
          durability.file_system);
  pm_queue_close (queue);
}

static gboolean missed;

static void
report (const char *what, double value, const char *unit, double limit)
{
  printf ("%-44s %8.1f %s%s\n", what, value, unit, value > limit ? "  TOO MUCH" : "");
  missed |= value > limit;
}

static double
since (gint64 began)
{
  return (double) (g_get_monotonic_time () - began) / 1000;
}

static void
look (const char *folder)
{
  static const struct
  {
    const char *name;
    PmQueueFilter filter;
  } pages[] = {
    { "first page of 100", { .agent = -1, .state = -1 } },
    { "page of a destination", { .agent = -1, .state = -1, .destination = "d7.example" } },
    { "page of a sender that nobody is", { .agent = -1, .state = -1, .sender = "nobody@x" } },
    { "page of held ones", { .agent = -1, .state = PM_QUEUE_STATE_HELD } },
    { "page of deferred ones", { .agent = -1, .state = PM_QUEUE_STATE_DEFERRED } },
  };
  gint64 began = g_get_monotonic_time ();
  g_autoptr (PmQueue) queue = open_queue (folder);
  g_autoptr (GPtrArray) summary = NULL;
  g_autoptr (GArray) due = NULL;
  PmDue after = { .time = G_MININT64 };
  guint64 count;

  printf ("%" G_GUINT64_FORMAT " messages\n", pm_queue_get_size (queue));
  report ("ready", since (began), "ms", 3000);
  began = g_get_monotonic_time ();
  due = pm_queue_due (queue, &after, 10000, NULL);
  report ("first 10,000 that are due", since (began), "ms", 1000);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      guint64 next;
      g_autoptr (GArray) ids = NULL;
      g_autoptr (GPtrArray) messages = NULL;

      began = g_get_monotonic_time ();
      ids = pm_queue_select (queue, &pages[i].filter, 0, 100, &next, NULL);
      messages = pm_queue_load_each (queue, ids, NULL);
      report (pages[i].name, since (began), "ms", 100);
    }
  began = g_get_monotonic_time ();
  pm_queue_count (queue, PM_QUEUE_REMOTE, &count, NULL);
  report ("count by agent", since (began), "ms", 10);
  began = g_get_monotonic_time ();
  summary = pm_queue_summarize (queue, 100, NULL);
  report ("summary by destination and age", since (began), "ms", 1000);
  report ("resident", resident_mib (), "MiB", 100);
  began = g_get_monotonic_time ();
  pm_queue_close (queue);
  report ("closed", since (began), "ms", 3000);
}

int
main (int argc, char *argv[])
{
  if (argc == 4 && strcmp (argv[2], "speed") == 0)
    take_in (argv[1], (guint) atoi (argv[3]), TRUE);
  else if (argc == 4 && strcmp (argv[2], "fill") == 0)
    take_in (argv[1], (guint) atoi (argv[3]), FALSE);
  else if (argc == 3 && strcmp (argv[2], "look") == 0)
    look (argv[1]);
  else
    {
      fprintf (stderr, "Usage: bench-queue FOLDER speed N | fill N | look\n");
      return 2;
    }
  return missed ? 1 : 0;
}
