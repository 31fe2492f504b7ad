// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: a whole server session with every extension. The first byte says how large the
// pieces are, whether the handler answers late and whether there is TLS from the start. What must
// hold for any input: nothing crashes, every transaction ends in exactly one of end and reset, a
// message is whole lines without bare CR, LF or NUL, what was decoded has no controls, nobody logs
// in without TLS, and replies are lines.

#include <string.h>

#include "fuzz.h"

#include "smtp/pm-smtp-server.h"

typedef struct
{
  gboolean later;
  gboolean owes;
  int open; /* transactions that neither ended nor were reset */
  gboolean utf8;
  gboolean challenge; /* is what is owed */
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
check_text (const char *text, gboolean utf8)
{
  if (text == NULL)
    return;
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_true (utf8 || g_str_is_ascii (text));
  for (; *text != '\0'; text++)
    g_assert_true ((guchar) *text >= 0x20 && *text != 0x7f);
}

static void
check_address (const PmMailAddress *address, gboolean utf8)
{
  g_autofree char *text = pm_mail_address_to_string (address);
  g_autoptr (PmMailAddress) again = pm_mail_address_parse (text, NULL);

  check_text (text, utf8);
  // What unquoted grows when it is written may be too long to be read.
  if (again != NULL)
    g_assert_cmpstr (again->local, ==, address->local);
}

static void
mail_cb (PmSmtpServer *server, const PmSmtpMail *mail, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpint (peer->open, ==, 0);
  peer->open++;
  peer->utf8 = mail->utf8;
  if (mail->sender != NULL)
    check_address (mail->sender, mail->utf8);
  check_text (mail->envid, FALSE);
  check_text (mail->auth, FALSE);
  g_assert_cmpint (ABS (mail->priority), <=, 9);
  g_assert_true (!mail->require_tls || pm_smtp_server_is_secured (server));
  answer (server, peer);
}

static void
rcpt_cb (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_nonnull (rcpt->recipient);
  check_address (rcpt->recipient, peer->utf8);
  check_text (rcpt->orcpt, TRUE);
  g_assert_true (rcpt->orcpt == NULL || strlen (rcpt->orcpt) <= 500);
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
  g_assert_true (peer->last == '\n'); // whole lines
  answer (server, peer);
}

static void
reset_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpint (peer->open--, ==, 1);
}

static void
starttls_cb (PmSmtpServer *server, gpointer user_data)
{
  g_assert_false (pm_smtp_server_is_secured (server));
  answer (server, user_data);
}

static void
challenge (PmSmtpServer *server, Peer *peer)
{
  peer->challenge = peer->later;
  if (peer->later)
    peer->owes = TRUE;
  else
    pm_smtp_server_challenge (server, "next", 4);
}

static void
auth_cb (PmSmtpServer *server,
         const char *mechanism,
         const guint8 *bytes,
         gsize size,
         gpointer user_data)
{
  g_assert_true (pm_smtp_server_is_secured (server));
  g_assert_false (pm_smtp_server_is_authenticated (server));
  if (bytes == NULL)
    challenge (server, user_data);
  else
    answer (server, user_data);
}

static void
auth_response_cb (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer user_data)
{
  g_assert_nonnull (bytes);
  if (size % 2 == 1)
    challenge (server, user_data);
  else
    answer (server, user_data);
}

static void
etrn_cb (PmSmtpServer *server, const char *argument, gpointer user_data)
{
  check_text (argument, FALSE);
  answer (server, user_data);
}

static void
xclient_cb (PmSmtpServer *server, const PmSmtpXclient *xclient, gpointer user_data)
{
  check_text (xclient->name, FALSE);
  check_text (xclient->hello, FALSE);
  check_text (xclient->login, FALSE);
  answer (server, user_data);
}

static void
trace_cb (PmSmtpServer *server, gboolean sent, const char *line, gpointer user_data)
{
  check_text (line, TRUE);
}

static const PmSmtpServerHandler handler = {
  .mail = mail_cb,
  .rcpt = rcpt_cb,
  .data = data_cb,
  .chunk = chunk_cb,
  .end = end_cb,
  .reset = reset_cb,
  .trace = trace_cb,
  .starttls = starttls_cb,
  .auth = auth_cb,
  .auth_response = auth_response_cb,
  .etrn = etrn_cb,
  .xclient = xclient_cb,
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

// The owner's part: what is owed, and the handshake.
static void
serve (PmSmtpServer *server, Peer *peer)
{
  collect (server);
  while (peer->owes)
    {
      peer->owes = FALSE;
      if (peer->challenge)
        {
          peer->challenge = FALSE;
          pm_smtp_server_challenge (server, "next", 4);
        }
      else
        pm_smtp_server_continue (server, NULL);
      collect (server);
    }
  if (pm_smtp_server_get_state (server) == PM_SMTP_SERVER_TLS)
    pm_smtp_server_secured (server);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  guint8 first = size > 0 ? bytes[0] : 0;
  PmSmtpServerConfig config = {
    .host = "mx.example.com",
    .max_size = 300,
    .max_recipients = 3,
    .starttls = TRUE,
    .secured = (first & 2) != 0,
    .mechanisms = "PLAIN LOGIN",
    .etrn = TRUE,
    .xclient = TRUE,
    .requiretls = TRUE,
    .mt_priority = TRUE,
  };
  Peer peer = { .later = (first & 1) != 0 };
  gsize piece = (gsize) first / 4 + 1;
  PmSmtpServer *server = pm_smtp_server_new (&config, &handler, &peer);

  pm_smtp_server_start (server);
  for (gsize done = MIN (size, 1); done < size;)
    {
      // A whole line at a time, as a careful client, or pieces that care for nothing.
      const uint8_t *feed = first / 4 == 63 ? memchr (bytes + done, '\n', size - done) : NULL;
      gsize next = feed == NULL ? MIN (piece, size - done) : (gsize) (feed - bytes) + 1 - done;

      done += pm_smtp_server_feed (server, bytes + done, next);
      serve (server, &peer);
    }
  serve (server, &peer);
  pm_smtp_server_free (server);
  g_assert_cmpint (peer.open, ==, 0);
  return 0;
}
