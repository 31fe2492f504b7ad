// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The handler that the tests of the server's session share, and their scripts: every case is fed
// whole, byte by byte and in odd pieces, with a handler that answers at once and with one that
// answers later, and must end the same.

#include "server-peer.h"

#include <string.h>

static void
answer (Peer *peer, PmSmtpReply *reply)
{
  if (peer->later)
    {
      peer->owes = TRUE;
      peer->answer = reply;
      return;
    }
  pm_smtp_server_continue (peer->server, reply);
  pm_smtp_reply_unref (reply);
}

static void
challenge (Peer *peer, const char *text)
{
  if (!peer->later)
    {
      pm_smtp_server_challenge (peer->server, text, strlen (text));
      return;
    }
  peer->owes = TRUE;
  peer->challenge = g_strdup (text);
}

static void
connected_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  answer (peer, peer->connected == NULL ? NULL : pm_smtp_reply_ref (peer->connected));
}

PmSmtpReply *
policy (const char *text)
{
  g_autoptr (GError) error = NULL;
  PmSmtpReply *reply = pm_smtp_reply_parse (text, PM_SMTP_SOURCE_POLICY, &error);

  g_assert_no_error (error);
  return reply;
}

static void
hello_cb (PmSmtpServer *server, const char *name, gboolean extended, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append_printf (peer->story, "%s(%s) ", extended ? "ehlo" : "helo", name);
  answer (peer, strcmp (name, "evil") == 0 ? policy ("550 5.7.1 Not you") : NULL);
}

static void
mail_cb (PmSmtpServer *server, const PmSmtpMail *mail, gpointer user_data)
{
  Peer *peer = user_data;
  g_autofree char *sender =
      mail->sender == NULL ? g_strdup ("") : pm_mail_address_to_string (mail->sender);

  g_string_append_printf (peer->story, "mail(%s", sender);
  if (mail->size > 0)
    g_string_append_printf (peer->story, ",%" G_GUINT64_FORMAT, mail->size);
  if (mail->priority != 0)
    g_string_append_printf (peer->story, ",prio=%d", mail->priority);
  if (mail->ret != PM_DSN_RET_DEFAULT)
    g_string_append (peer->story, mail->ret == PM_DSN_RET_FULL ? ",full" : ",hdrs");
  if (mail->envid != NULL)
    g_string_append_printf (peer->story, ",envid=%s", mail->envid);
  if (mail->auth != NULL)
    g_string_append_printf (peer->story, ",auth=%s", mail->auth);
  g_string_append_printf (peer->story, "%s%s%s) ", mail->utf8 ? ",utf8" : "",
                          mail->require_tls ? ",tls" : "",
                          mail->body == PM_SMTP_BODY_8BITMIME ? ",8" : "");
  answer (peer, g_str_has_prefix (sender, "bad") ? policy ("550 5.7.1 No") : NULL);
}

static void
rcpt_cb (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer user_data)
{
  Peer *peer = user_data;
  g_autofree char *recipient = pm_mail_address_to_string (rcpt->recipient);

  g_string_append_printf (peer->story, "rcpt(%s", recipient);
  if (rcpt->notify != PM_DSN_NOTIFY_DEFAULT)
    g_string_append_printf (peer->story, ",notify=%u", rcpt->notify);
  if (rcpt->orcpt != NULL)
    g_string_append_printf (peer->story, ",orcpt=%s", rcpt->orcpt);
  g_string_append (peer->story, ") ");
  if (g_str_has_prefix (recipient, "bad"))
    answer (peer, policy ("550 5.1.1 No such user"));
  else if (g_str_has_prefix (recipient, "busy"))
    answer (peer, policy ("421 4.3.0 Not now"));
  else
    answer (peer, NULL);
}

static void
data_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append (peer->story, "data ");
  g_string_truncate (peer->message, 0);
  answer (peer, peer->refuse_data ? policy ("452 4.3.1 Disk full") : NULL);
}

static PmSmtpReply *
chunk_cb (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpuint (size, >, 0);
  g_string_append_len (peer->message, (const char *) bytes, (gssize) size);
  return peer->refuse_chunk > 0 && --peer->refuse_chunk == 0 ? policy ("452 4.3.1 Disk full")
                                                             : NULL;
}

static void
end_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;
  g_autofree char *shown = g_strescape (peer->message->str, NULL);

  g_string_append_printf (peer->story, "end[%s] ", shown);
  answer (peer, peer->refuse_end ? policy ("451 4.3.0 Try again") : NULL);
}

static void
reset_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append (peer->story, "reset ");
}

static void
trace_cb (PmSmtpServer *server, gboolean sent, const char *line, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append_printf (peer->trace, "%c %s\n", sent ? '>' : '<', line);
}

static void
starttls_cb (PmSmtpServer *server, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append (peer->story, "starttls ");
  answer (peer, peer->refuse_starttls ? policy ("454 4.7.0 No certificate") : NULL);
}

static void
judge_password (Peer *peer, const guint8 *bytes, gsize size)
{
  gboolean good = size >= 4 && memcmp (bytes + size - 4, "good", 4) == 0;

  answer (peer, good ? NULL : policy ("535 5.7.8 Wrong password"));
}

// PLAIN wants everything at once, LOGIN asks twice, ENDLESS asks for ever.
static void
auth_cb (PmSmtpServer *server,
         const char *mechanism,
         const guint8 *bytes,
         gsize size,
         gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append_printf (peer->story, "auth(%s,%d) ", mechanism, bytes == NULL ? -1 : (int) size);
  if (strcmp (mechanism, "LOGIN") == 0 && bytes == NULL)
    challenge (peer, "Username:");
  else if (strcmp (mechanism, "LOGIN") == 0)
    challenge (peer, "Password:");
  else if (bytes == NULL || strcmp (mechanism, "ENDLESS") == 0)
    challenge (peer, "");
  else
    judge_password (peer, bytes, size);
}

static void
auth_response_cb (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append_printf (peer->story, "response(%d) ", (int) size);
  if (size == 4 && memcmp (bytes, "user", 4) == 0)
    challenge (peer, "Password:");
  else if (size == 4 && memcmp (bytes, "more", 4) == 0)
    challenge (peer, "");
  else
    judge_password (peer, bytes, size);
}

static void
etrn_cb (PmSmtpServer *server, const char *argument, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append_printf (peer->story, "etrn(%s) ", argument);
  answer (peer, strstr (argument, "bad") != NULL ? policy ("459 4.0.0 Not yours") : NULL);
}

static void
append_address (GString *out, const char *name, GInetAddress *address, guint port)
{
  g_autofree char *text = address == NULL ? NULL : g_inet_address_to_string (address);

  if (text != NULL || port != 0)
    g_string_append_printf (out, " %s=%s:%u", name, text == NULL ? "" : text, port);
}

static void
xclient_cb (PmSmtpServer *server, const PmSmtpXclient *xclient, gpointer user_data)
{
  Peer *peer = user_data;

  g_string_append (peer->story, "xclient(");
  if (xclient->name != NULL)
    g_string_append_printf (peer->story, " name=%s", xclient->name);
  if (xclient->hello != NULL)
    g_string_append_printf (peer->story, " helo=%s", xclient->hello);
  if (xclient->login != NULL)
    g_string_append_printf (peer->story, " login=%s", xclient->login);
  if (xclient->protocol != NULL)
    g_string_append_printf (peer->story, " proto=%s", xclient->protocol);
  append_address (peer->story, "from", xclient->address, xclient->port);
  append_address (peer->story, "to", xclient->destination, xclient->destination_port);
  g_string_append (peer->story, ") ");
  answer (peer, g_strcmp0 (xclient->name, "bad.example") == 0 ? policy ("550 5.7.1 No") : NULL);
}

static const PmSmtpServerHandler handler = {
  .connected = connected_cb,
  .hello = hello_cb,
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

const PmSmtpServerConfig config = {
  .host = "mx.example.com",
  .max_size = 1000,
  .max_recipients = 3,
  .max_messages = 2,
  .max_errors = 4,
  .max_idle_commands = 6,
};

const PmSmtpServerConfig full_config = {
  .host = "mx.example.com",
  .max_size = 1000,
  .max_recipients = 3,
  .starttls = TRUE,
  .secured = TRUE,
  .mechanisms = "PLAIN LOGIN ENDLESS",
  .etrn = TRUE,
  .xclient = TRUE,
  .requiretls = TRUE,
  .mt_priority = TRUE,
};

void
collect (Peer *peer)
{
  PmBuffer *out = pm_smtp_server_get_output (peer->server);

  g_string_append_len (peer->wire, (const char *) pm_buffer_peek (out),
                       (gssize) pm_buffer_size (out));
  pm_buffer_consume (out, pm_buffer_size (out));
  pm_smtp_server_advance (peer->server);
}

void
settle (Peer *peer)
{
  collect (peer);
  while (peer->owes)
    {
      g_autoptr (PmSmtpReply) reply = g_steal_pointer (&peer->answer);
      g_autofree char *text = g_steal_pointer (&peer->challenge);

      g_assert_true (pm_smtp_server_is_waiting (peer->server));
      g_assert_cmpuint (pm_smtp_server_get_patience (peer->server), ==, 0);
      peer->owes = FALSE;
      if (text != NULL)
        pm_smtp_server_challenge (peer->server, text, strlen (text));
      else
        pm_smtp_server_continue (peer->server, reply);
      collect (peer);
    }
}

void
peer_init (Peer *peer, const PmSmtpServerConfig *settings, gboolean later)
{
  *peer = (Peer){ .story = g_string_new (NULL),
                  .wire = g_string_new (NULL),
                  .trace = g_string_new (NULL),
                  .message = g_string_new (NULL),
                  .later = later };
  peer->server = pm_smtp_server_new (settings, &handler, peer);
}

void
peer_clear (Peer *peer)
{
  pm_smtp_server_free (peer->server);
  pm_smtp_reply_unref (peer->answer);
  pm_smtp_reply_unref (peer->connected);
  g_string_free (peer->story, TRUE);
  g_string_free (peer->wire, TRUE);
  g_string_free (peer->trace, TRUE);
  g_free (peer->challenge);
  g_string_free (peer->message, TRUE);
}

// The codes of the replies, last lines only: "220 250 354".
char *
codes (const char *wire)
{
  g_auto (GStrv) lines = g_strsplit (wire, "\r\n", -1);
  g_autoptr (GString) found = g_string_new (NULL);

  for (gsize i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    if (lines[i][3] == ' ')
      g_string_append_printf (found, "%s%.3s", found->len > 0 ? " " : "", lines[i]);
  return g_string_free (g_steal_pointer (&found), FALSE);
}

void
feed (Peer *peer, const char *bytes, gsize size, gsize piece)
{
  gsize done = 0;

  while (done < size)
    {
      gsize taken = pm_smtp_server_feed (peer->server, bytes + done, MIN (piece, size - done));

      settle (peer);
      g_assert_cmpuint (taken, >, 0);
      done += taken;
    }
}

// How much a careful client would send in one go: a line, or a whole message with its end.
static gsize
next_group (Peer *peer, const char *input, gsize size)
{
  gboolean body = pm_smtp_server_get_state (peer->server) == PM_SMTP_SERVER_DATA;
  const char *end = NULL;

  g_assert (input != NULL); // does not return, which the compiler wants to know
  end = body ? memmem (input, size, "\r\n.\r\n", 5) : memchr (input, '\n', size);
  if (body && strncmp (input, ".\r\n", 3) == 0)
    return 3;
  // A BDAT comes with its octets.
  if (!body && end != NULL && g_ascii_strncasecmp (input, "BDAT ", 5) == 0)
    return MIN (size, (gsize) (end - input) + 1 + g_ascii_strtoull (input + 5, NULL, 10));
  return end == NULL ? size : (gsize) (end - input) + (body ? 5 : 1);
}

static void
check_script (const Script *script, gsize piece, gboolean later)
{
  Peer peer;
  g_autofree char *found = NULL;
  g_autofree char *label = g_strdup_printf ("%s (pieces of %" G_GSIZE_FORMAT "%s)", script->name,
                                            piece, later ? ", later" : "");
  // DATA must be the last of its group: what follows it comes after the 354.
  const char *input = script->input;
  gsize size = script->size == 0 ? strlen (input) : script->size;

  g_test_message ("%s", label);
  peer_init (&peer, script->config == NULL ? &config : script->config, later);
  pm_smtp_server_start (peer.server);
  settle (&peer);
  if (script->whole)
    {
      feed (&peer, input, size, piece);
    }
  else
    {
      // As a careful client: commands that end a group wait for their reply.
      while (size > 0)
        {
          gsize length = next_group (&peer, input, size);

          feed (&peer, input, length, piece);
          input += length;
          size -= length;
        }
    }
  found = codes (peer.wire->str);
  g_assert_cmpstr (found, ==, script->codes);
  g_assert_cmpint (pm_smtp_server_get_state (peer.server) != PM_SMTP_SERVER_CLOSED, ==,
                   script->open);
  pm_smtp_server_end (peer.server, NULL, FALSE);
  g_assert_cmpstr (g_strchomp (peer.story->str), ==, script->story);
  peer_clear (&peer);
}

static void
test_script (gconstpointer user_data)
{
  static const gsize pieces[] = { 1, 2, 3, 7, 100000 };
  const Script *script = user_data;

  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      if (script->whole && pieces[i] < 100000)
        continue;
      check_script (script, pieces[i], FALSE);
      check_script (script, pieces[i], TRUE);
    }
}

void
say (Peer *peer, const char *text)
{
  feed (peer, text, strlen (text), strlen (text));
}

void
peer_hello (Peer *peer)
{
  pm_smtp_server_start (peer->server);
  settle (peer);
  say (peer, EHLO);
}

void
add_scripts (const char *prefix, const Script *scripts, gsize n_scripts)
{
  for (gsize i = 0; i < n_scripts; i++)
    {
      g_autofree char *path = g_strconcat (prefix, "/", scripts[i].name, NULL);

      g_test_add_data_func (path, &scripts[i], test_script);
    }
}
