// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Logging in (RFC 4954): the exchange of challenges and responses, without knowing any mechanism.
// Secrets pass through here, so that neither the trace nor an error ever has a word of them, and
// what was decoded is wiped.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"

#define MAX_FAILURES 5

// explicit_bzero() for text.
static void
wipe (char *text)
{
  explicit_bzero (text, strlen (text));
}

/**
 * pm_smtp_server_offers_auth:
 *
 * Returns: whether one may log in: never without TLS.
 */
gboolean
pm_smtp_server_offers_auth (PmSmtpServer *server)
{
  return server->mechanisms != NULL && server->secured;
}

static int
base64_value (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63
                                  : -1;
}

// RFC 4648 3.3, 3.5: no other characters, padded, no bits left over. NULL when it is not that.
static guint8 *
decode_base64 (const char *text, gsize *size)
{
  gsize length = strlen (text);
  gsize padding = length < 4 || text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1
                                                                                      : 2;
  g_autofree guint8 *bytes = g_malloc (length / 4 * 3 + 1);
  guint32 bits = 0;

  *size = 0;
  if (length % 4 != 0)
    return NULL;
  for (gsize i = 0; i < length; i++)
    {
      int value = i >= length - padding ? 0 : base64_value (text[i]);

      if (value < 0)
        return NULL;
      bits = (bits << 6 | (guint32) value) & 0xffffff;
      if (i % 4 != 3)
        continue;
      bytes[(*size)++] = (guint8) (bits >> 16);
      bytes[(*size)++] = (guint8) (bits >> 8);
      bytes[(*size)++] = (guint8) bits;
    }
  *size -= padding;
  if ((padding == 1 && (bits & 0xff) != 0) || (padding == 2 && (bits & 0xffff) != 0))
    return NULL;
  return g_steal_pointer (&bytes);
}

static void
fail (PmSmtpServer *server, guint code, const char *status, const char *text)
{
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_READY);
  if (++server->n_failed >= MAX_FAILURES)
    pm_smtp_server_say (server, 421, "4.7.0", "Too many failed log-ins");
  else
    pm_smtp_server_say (server, code, status, text);
}

static const char *
find_mechanism (PmSmtpServer *server, const char *name, gsize length)
{
  for (gsize i = 0; server->mechanisms[i] != NULL; i++)
    if (strlen (server->mechanisms[i]) == length && length > 0 &&
        g_ascii_strncasecmp (server->mechanisms[i], name, length) == 0)
      return server->mechanisms[i];
  return NULL;
}

// `text` (nullable): the initial response; "=" is one of no bytes (RFC 4954 4).
static void
begin (PmSmtpServer *server, const char *mechanism, const char *text)
{
  g_autofree guint8 *bytes = NULL;
  gsize size = 0;

  if (text != NULL)
    bytes = decode_base64 (strcmp (text, "=") == 0 ? "" : text, &size);
  if (text != NULL && bytes == NULL)
    {
      fail (server, 501, "5.5.2", "The initial response is not base64");
      return;
    }
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_AUTH);
  server->handler->auth (server, mechanism, bytes, size, server->user_data);
  if (bytes != NULL)
    explicit_bzero (bytes, size);
}

/**
 * pm_smtp_server_run_auth:
 *
 * `AUTH mechanism [initial-response]`.
 */
void
pm_smtp_server_run_auth (PmSmtpServer *server, const char *argument)
{
  gsize length = strcspn (argument, " ");
  const char *rest = argument + length + strspn (argument + length, " ");
  const char *mechanism;

  if (server->mechanisms == NULL)
    {
      pm_smtp_server_say (server, 502, "5.5.1", "Nobody can log in here");
      return;
    }
  if (!server->secured)
    {
      pm_smtp_server_say (server, 538, "5.7.11", "Log in through TLS only: say STARTTLS first");
      return;
    }
  if (server->authenticated)
    {
      pm_smtp_server_say (server, 503, "5.5.1", "You have logged in already");
      return;
    }
  mechanism = find_mechanism (server, argument, length);
  if (mechanism == NULL)
    {
      pm_smtp_server_say (server, 504, "5.5.4", "This way to log in is not offered");
      return;
    }
  begin (server, mechanism, *rest == '\0' ? NULL : rest);
}

/**
 * pm_smtp_server_take_response:
 * @line: what came after a challenge
 * @whole: whether it was not too long
 *
 * Hands the client's answer on.
 */
void
pm_smtp_server_take_response (PmSmtpServer *server, const char *line, gboolean whole)
{
  g_autofree guint8 *bytes = NULL;
  gsize size = 0;

  pm_smtp_server_trace (server, FALSE, "(the answer to a challenge)");
  server->alone = TRUE;
  if (pm_buffer_size (&server->input) > 0)
    {
      pm_smtp_server_violate (server, 554, "5.5.1", "You sent more before it was your turn");
      return;
    }
  if (!whole)
    {
      fail (server, 500, "5.5.6", "The line is too long");
      return;
    }
  if (strcmp (line, "*") == 0)
    {
      fail (server, 501, "5.7.0", "The log-in is cancelled");
      return;
    }
  bytes = decode_base64 (line, &size);
  if (bytes == NULL)
    {
      fail (server, 501, "5.5.2", "This is not base64");
      return;
    }
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_AUTH);
  server->handler->auth_response (server, bytes, size, server->user_data);
  explicit_bzero (bytes, size);
}

// A challenge has no enhanced code (RFC 4954 4), and may be longer than a reply.
static void
say_challenge (PmSmtpServer *server)
{
  g_autofree char *challenge = g_steal_pointer (&server->challenge);
  g_autofree char *line = g_strconcat ("334 ", challenge, "\r\n", NULL);

  pm_smtp_server_trace (server, TRUE, "334 (a challenge)");
  if (strlen (line) > PM_SMTP_SERVER_LONGEST_LINE ||
      !pm_buffer_append (&server->output, line, strlen (line)))
    fail (server, 454, "4.7.0", "This log-in cannot go on");
  else
    pm_smtp_server_set_state (server, PM_SMTP_SERVER_AUTH);
  wipe (challenge);
  wipe (line);
}

/**
 * pm_smtp_server_settle_auth:
 * @answer: (nullable): how the log-in ended, where it has
 *
 * It goes on, or is over.
 */
void
pm_smtp_server_settle_auth (PmSmtpServer *server, const PmSmtpReply *answer)
{
  if (server->challenge != NULL)
    {
      say_challenge (server);
      return;
    }
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_READY);
  if (answer == NULL || pm_smtp_reply_is_positive (answer))
    {
      server->authenticated = TRUE;
      server->n_failed = 0;
      if (answer != NULL)
        pm_smtp_server_say_reply (server, answer);
      else
        pm_smtp_server_say (server, 235, "2.7.0", "Logged in");
      return;
    }
  pm_smtp_server_say_reply (server, answer);
  if (++server->n_failed >= MAX_FAILURES && server->state != PM_SMTP_SERVER_CLOSED)
    pm_smtp_server_say (server, 421, "4.7.0", "Too many failed log-ins");
}

/**
 * pm_smtp_server_challenge:
 * @bytes: (nullable) (array length=size): what the mechanism asks
 *
 * Answers the open question of a log-in by another one.
 */
void
pm_smtp_server_challenge (PmSmtpServer *server, gconstpointer bytes, gsize size)
{
  g_return_if_fail (server->question == PM_SMTP_QUESTION_AUTH && !server->answered);

  server->challenge = size == 0 ? g_strdup ("") : g_base64_encode (bytes, size);
  pm_smtp_server_continue (server, NULL);
}
