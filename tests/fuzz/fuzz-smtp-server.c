// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: a whole server session. The first byte says how large the pieces are and whether the
// handler answers late. What must hold for any input: nothing crashes, every transaction ends in
// exactly one of end and reset, no bare CR, LF or NUL gets into a message, and replies are lines.

#include <string.h>

#include "fuzz.h"

#include "smtp/pm-smtp-server.h"

typedef struct
{
  gboolean later;
  gboolean owes;
  int open; /* transactions that neither ended nor were reset */
  guint8 last;
} Peer;

static void
answer (PmSmtpServer *server, Peer *peer)
{
  if (peer->later)
    peer->owes = TRUE;
  else
    pm_smtp_server_continue (server, NULL);
}

static void
mail_cb (PmSmtpServer *server, const PmSmtpMail *mail, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpint (peer->open, ==, 0);
  peer->open++;
  answer (server, peer);
}

static void
rcpt_cb (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer user_data)
{
  g_assert_nonnull (rcpt->recipient);
  answer (server, user_data);
}

static void
data_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  peer->last = '\n';
  answer (server, peer);
}

static PmSmtpReply *
chunk_cb (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer user_data)
{
  Peer *peer = user_data;

  for (gsize i = 0; i < size; i++)
    {
      g_assert_true (bytes[i] != '\0');
      g_assert_true (bytes[i] != '\n' || peer->last == '\r');
      g_assert_true (peer->last != '\r' || bytes[i] == '\n');
      peer->last = bytes[i];
    }
  return NULL;
}

static void
end_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpint (peer->open--, ==, 1);
  g_assert_true (peer->last == '\n');
  answer (server, peer);
}

static void
reset_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpint (peer->open--, ==, 1);
}

static const PmSmtpServerHandler handler = {
  .mail = mail_cb,
  .rcpt = rcpt_cb,
  .data = data_cb,
  .chunk = chunk_cb,
  .end = end_cb,
  .reset = reset_cb,
};

static void
collect (PmSmtpServer *server)
{
  PmBuffer *out = pm_smtp_server_get_output (server);
  gsize size = pm_buffer_size (out);

  if (size > 0)
    g_assert_true (memcmp (pm_buffer_peek (out) + size - 2, "\r\n", 2) == 0);
  pm_buffer_consume (out, size);
  pm_smtp_server_advance (server);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  PmSmtpServerConfig config = { .host = "mx.example.com", .max_size = 300, .max_recipients = 3 };
  Peer peer = { .later = size > 0 && (bytes[0] & 1) != 0 };
  gsize piece = size > 0 ? (gsize) bytes[0] / 2 + 1 : 1;
  PmSmtpServer *server = pm_smtp_server_new (&config, &handler, &peer);

  pm_smtp_server_start (server);
  for (gsize done = MIN (size, 1); done < size;)
    {
      done += pm_smtp_server_feed (server, bytes + done, MIN (piece, size - done));
      collect (server);
      if (peer.owes)
        {
          peer.owes = FALSE;
          pm_smtp_server_continue (server, NULL);
          collect (server);
        }
    }
  while (peer.owes)
    {
      peer.owes = FALSE;
      pm_smtp_server_continue (server, NULL);
    }
  pm_smtp_server_free (server);
  g_assert_cmpint (peer.open, ==, 0);
  return 0;
}
