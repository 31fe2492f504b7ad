// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Mail at a steady rate, whatever becomes of it: each message has its moment. What is measured is
// the time from the end of DATA to its reply, and what a message was late because no session was
// free. Prints how many, the median and the 99th percentile in microseconds.
//
//   steady-load PORT SESSIONS RATE SECONDS SIZE RECIPIENT

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int port;
static long n_messages;
static double rate;
static char envelope[512];
static char *body;
static size_t body_size;
static int64_t begin;
static atomic_long next;
static int64_t *waits;

static void
fail (const char *what)
{
  fprintf (stderr, "steady-load: %s\n", what);
  exit (1);
}

static int64_t
get_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C (1000000) + now.tv_nsec / 1000;
}

static void
sleep_until (int64_t moment)
{
  struct timespec when = { .tv_sec = moment / 1000000, .tv_nsec = moment % 1000000 * 1000 };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0)
    ;
}

static void
say (int fd, const char *bytes, size_t size)
{
  while (size > 0)
    {
      ssize_t n = write (fd, bytes, size);

      if (n <= 0)
        fail ("the connection broke");
      bytes += n;
      size -= (size_t) n;
    }
}

/* So many replies, each of which is to begin with a 2 or a 3. */
static void
expect (int fd, int replies)
{
  char text[4096];
  size_t size = 0;

  while (replies > 0)
    {
      ssize_t n = read (fd, text + size, sizeof text - 1 - size);
      char *line = text;
      char *end;

      if (n <= 0)
        fail ("the connection broke");
      size += (size_t) n;
      text[size] = '\0';
      while ((end = strchr (line, '\n')) != NULL)
        {
          if (line[0] != '2' && line[0] != '3')
            fail (line);
          replies -= line[3] == ' ';
          line = end + 1;
        }
      size -= (size_t) (line - text);
      memmove (text, line, size);
    }
}

static int
open_session (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  int on = 1;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    fail ("cannot connect");
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  expect (fd, 1);
  say (fd, "EHLO client.test\r\n", 18);
  expect (fd, 1);
  return fd;
}

static void *
serve (void *data)
{
  int fd = open_session ();
  long which;

  while ((which = atomic_fetch_add (&next, 1)) < n_messages)
    {
      int64_t moment = begin + (int64_t) ((double) which * 1e6 / rate);
      int64_t late = get_time () - moment;
      int64_t sent;

      sleep_until (moment);
      say (fd, envelope, strlen (envelope));
      expect (fd, 3);
      sent = get_time ();
      say (fd, body, body_size);
      expect (fd, 1);
      waits[which] = get_time () - sent + (late > 0 ? late : 0);
    }
  say (fd, "QUIT\r\n", 6);
  expect (fd, 1);
  close (fd);
  return data;
}

static int
compare (const void *a, const void *b)
{
  int64_t left = *(const int64_t *) a;
  int64_t right = *(const int64_t *) b;

  return (left > right) - (left < right);
}

static void
make_body (size_t size)
{
  char line[72 + 1];
  FILE *out = open_memstream (&body, &body_size);

  memset (line, 'x', 70);
  strcpy (line + 70, "\r\n");
  fputs ("Subject: latency\r\n\r\n", out);
  for (size_t i = 0; i < size / (sizeof line - 1); i++)
    fputs (line, out);
  fputs (".\r\n", out);
  fclose (out);
}

int
main (int argc, char **argv)
{
  pthread_t threads[1000];
  int sessions;

  if (argc != 7 || (sessions = atoi (argv[2])) < 1 || sessions > 1000)
    fail ("PORT SESSIONS RATE SECONDS SIZE RECIPIENT");
  port = atoi (argv[1]);
  rate = atof (argv[3]);
  n_messages = (long) (rate * atof (argv[4]));
  if (n_messages < 1)
    fail ("nothing to send");
  make_body ((size_t) atol (argv[5]));
  snprintf (envelope, sizeof envelope,
            "MAIL FROM:<sender@example.net>\r\nRCPT TO:<%s>\r\nDATA\r\n", argv[6]);
  waits = calloc ((size_t) n_messages, sizeof *waits);
  begin = get_time () + 500000;
  for (int i = 0; i < sessions; i++)
    if (pthread_create (&threads[i], NULL, serve, NULL) != 0)
      fail ("no thread");
  for (int i = 0; i < sessions; i++)
    pthread_join (threads[i], NULL);
  qsort (waits, (size_t) n_messages, sizeof *waits, compare);
  printf ("%ld %ld %ld\n", n_messages, (long) waits[n_messages / 2],
          (long) waits[n_messages * 99 / 100]);
  return 0;
}
