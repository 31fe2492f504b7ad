// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's session before its first message: greeting, EHLO or LHLO, STARTTLS, login. What was
// said in clear counts for nothing once the connection is encrypted, and a password leaves only
// over an encrypted connection unless the owner allows it otherwise.

#include "smtp/pm-smtp-client-private.h"

#include <string.h>

#define MAX_AUTH_LINE 500     /* with the initial response; RFC 5321 4.5.3.1.4 */
#define MAX_AUTH_ANSWER 12286 /* RFC 4954 4 */

static void
set_login_line (PmSmtpClient *client, char *line)
{
  if (client->login_line != NULL)
    explicit_bzero (client->login_line, strlen (client->login_line));
  g_free (client->login_line);
  client->login_line = line;
}

/*
 * Whatever stood in the way of our login: a transient reply of our own, with what the peer said in
 * its text, so that no mail is returned for a password that has to be put right here.
 */
static void
fail_login (PmSmtpClient *client, const char *what, const char *detail)
{
  g_autofree char *text = detail == NULL ? g_strdup (what)
                                         : g_strdup_printf ("%s: %.400s", what, detail);
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_AUTH, 454, "4.7.8", valid);
}

static char *
encode (GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return g_base64_encode (data, size);
}

static void
begin_login (PmSmtpClient *client)
{
  g_autoptr (GBytes) initial = NULL;
  g_autofree char *mechanism = NULL;
  g_autofree char *encoded = NULL;

  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_AUTH);
  if (!client->secured && !client->config.login_in_clear)
    {
      fail_login (client, "We log in over an encrypted connection only, and this one is not", NULL);
      return;
    }
  if (!pm_smtp_client_offers (client, PM_SMTP_EXTENSION_AUTH) || client->mechanisms == NULL)
    {
      fail_login (client, "The server offers no login", NULL);
      return;
    }
  mechanism = client->handler->auth_choose (client, client->mechanisms, &initial,
                                            client->user_data);
  if (mechanism == NULL)
    {
      fail_login (client, "The server offers no way to log in that we have", client->mechanisms);
      return;
    }

  // RFC 4954 4: an empty initial response is "="; one that does not fit waits for the challenge.
  encoded = initial == NULL ? NULL : encode (initial);
  if (encoded != NULL && strlen (encoded) > MAX_AUTH_LINE)
    {
      client->initial = g_steal_pointer (&initial);
      explicit_bzero (encoded, strlen (encoded));
      g_clear_pointer (&encoded, g_free);
    }
  set_login_line (client, g_strdup_printf ("AUTH %s%s%s", mechanism, encoded == NULL ? "" : " ",
                                           encoded == NULL    ? ""
                                           : *encoded == '\0' ? "="
                                                              : encoded));
  if (encoded != NULL)
    explicit_bzero (encoded, strlen (encoded));
}

/* No more than the alphabet of RFC 4648 4: what GLib skips silently is refused. */
static GBytes *
decode_challenge (const PmSmtpReply *reply)
{
  const char *text = reply->lines[0];
  gsize letters = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  gsize size = strlen (text);
  guchar *bytes;

  if (reply->lines[1] != NULL || size % 4 != 0 || letters + strspn (text + letters, "=") != size ||
      size - letters > 2)
    return NULL;
  if (size == 0)
    return g_bytes_new_static ("", 0);
  bytes = g_base64_decode (text, &size);
  return g_bytes_new_take (bytes, size);
}

static void
give_up (PmSmtpClient *client)
{
  client->gave_up = TRUE;
  set_login_line (client, g_strdup ("*"));
}

static void
take_challenge (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autoptr (GBytes) challenge = decode_challenge (reply);
  g_autoptr (GBytes) answer = NULL;
  char *line;
  gsize size;
  gconstpointer bytes;

  client->said = FALSE;
  if (challenge == NULL)
    {
      give_up (client);
      return;
    }
  bytes = g_bytes_get_data (challenge, &size);
  answer = client->initial != NULL
               ? g_steal_pointer (&client->initial)
               : client->handler->auth_step (client, bytes, size, client->user_data);
  if (answer == NULL)
    {
      give_up (client);
      return;
    }
  line = encode (answer);
  set_login_line (client, line);
  if (strlen (line) > MAX_AUTH_ANSWER)
    give_up (client);
}

static void
enter_ready (PmSmtpClient *client)
{
  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_READY);
  if (client->message == NULL && !client->quitting && client->handler->ready != NULL)
    client->handler->ready (client, client->user_data);
}

static void
take_login (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autofree char *text = pm_smtp_reply_to_string (reply);

  set_login_line (client, NULL);
  if (client->gave_up)
    {
      fail_login (client, "The login could not go on after the server's challenge", text);
      return;
    }
  if (reply->code == 334)
    {
      take_challenge (client, reply);
      return;
    }
  g_clear_pointer (&client->initial, g_bytes_unref);
  if (pm_smtp_reply_is_intermediate (reply))
    {
      pm_smtp_client_refuse_answer (client, reply);
    }
  else if (!pm_smtp_reply_is_positive (reply))
    {
      fail_login (client, "The server refused our login", text);
    }
  else if (client->handler->auth_done != NULL &&
           !client->handler->auth_done (client, client->user_data))
    {
      fail_login (client, "The server did not prove that it knows the account", NULL);
    }
  else
    {
      client->logged_in = TRUE;
      enter_ready (client);
    }
}

/* The peer was greeted: what has to be done before it gets a message. */
static void
go_on (PmSmtpClient *client)
{
  if (client->config.want_tls != PM_SMTP_CLIENT_TLS_NONE && !client->secured &&
      !client->tls_refused)
    {
      if (pm_smtp_client_offers (client, PM_SMTP_EXTENSION_STARTTLS))
        {
          pm_smtp_client_set_state (client, PM_SMTP_CLIENT_STARTTLS);
          return;
        }
      if (client->config.want_tls == PM_SMTP_CLIENT_TLS_REQUIRED)
        {
          pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_TLS, 451, "4.7.10",
                                            "The server offers no encryption, which is required");
          return;
        }
    }
  if (client->config.login && !client->logged_in)
    begin_login (client);
  else
    enter_ready (client);
}

static void
take_starttls (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autofree char *said = NULL;
  g_autofree char *text = NULL;

  if (reply->code == 220)
    {
      pm_smtp_client_set_state (client, PM_SMTP_CLIENT_TLS); // @starttls once all bytes are read
      client->tls_told = FALSE;
      return;
    }
  if (pm_smtp_reply_is_positive (reply) || pm_smtp_reply_is_intermediate (reply))
    {
      pm_smtp_client_refuse_answer (client, reply);
      return;
    }
  if (client->config.want_tls != PM_SMTP_CLIENT_TLS_REQUIRED)
    {
      client->tls_refused = TRUE;
      go_on (client);
      return;
    }
  said = pm_smtp_reply_to_string (reply);
  text = g_strdup_printf ("The server offers encryption, which is required, and refused to begin "
                          "it: %s",
                          said);
  pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_TLS, 451, "4.7.10", text);
}

/* RFC 9422 2: LIMITS NAME=VALUE…; 0 is not a value of these. */
static void
read_limits (PmSmtpClient *client, char **words)
{
  struct
  {
    const char *name;
    guint64 *value;
  } limits[] = {
    { "MAILMAX", &client->max_mails },
    { "RCPTMAX", &client->max_recipients },
    { "RCPTDOMAINMAX", &client->max_domains },
  };

  for (; *words != NULL; words++)
    for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
      {
        gsize size = strlen (limits[i].name);
        guint64 value;

        if (g_ascii_strncasecmp (*words, limits[i].name, size) == 0 && (*words)[size] == '=' &&
            g_ascii_string_to_unsigned (*words + size + 1, 10, 1, 999999, &value, NULL))
          *limits[i].value = value;
      }
}

static void
read_extension (PmSmtpClient *client, const char *line)
{
  static const struct
  {
    const char *keyword;
    PmSmtpExtensions extension;
  } known[] = {
    { "PIPELINING", PM_SMTP_EXTENSION_PIPELINING },
    { "SIZE", PM_SMTP_EXTENSION_SIZE },
    { "8BITMIME", PM_SMTP_EXTENSION_8BITMIME },
    { "ENHANCEDSTATUSCODES", PM_SMTP_EXTENSION_ENHANCEDSTATUSCODES },
    { "SMTPUTF8", PM_SMTP_EXTENSION_SMTPUTF8 },
    { "DSN", PM_SMTP_EXTENSION_DSN },
    { "STARTTLS", PM_SMTP_EXTENSION_STARTTLS },
    { "AUTH", PM_SMTP_EXTENSION_AUTH },
    { "REQUIRETLS", PM_SMTP_EXTENSION_REQUIRETLS },
    { "MT-PRIORITY", PM_SMTP_EXTENSION_MT_PRIORITY },
    { "LIMITS", PM_SMTP_EXTENSION_LIMITS },
  };
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  PmSmtpExtensions found = 0;

  for (gsize i = 0; words[0] != NULL && i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (words[0], known[i].keyword) == 0)
      found = known[i].extension;

  client->extensions |= found;
  if (found == PM_SMTP_EXTENSION_SIZE && words[1] != NULL)
    client->max_size = g_ascii_strtoull (words[1], NULL, 10);
  else if (found == PM_SMTP_EXTENSION_LIMITS)
    read_limits (client, words + 1);
  else if (found == PM_SMTP_EXTENSION_AUTH && words[1] != NULL)
    {
      g_autofree char *mechanisms = g_strjoinv (" ", words + 1);

      g_free (client->mechanisms);
      client->mechanisms = g_ascii_strup (mechanisms, -1);
    }
}

/* RFC 3207 4.2: before and after TLS two different peers may have spoken. */
void
pm_smtp_client_forget_hello (PmSmtpClient *client)
{
  client->extensions = 0;
  client->max_size = client->max_mails = client->max_recipients = client->max_domains = 0;
  g_clear_pointer (&client->mechanisms, g_free);
}

static void
take_greeting (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (pm_smtp_reply_is_positive (reply))
    pm_smtp_client_set_state (client, PM_SMTP_CLIENT_EHLO);
  else if (pm_smtp_reply_is_intermediate (reply))
    pm_smtp_client_refuse_answer (client, reply);
  else
    pm_smtp_client_break_off (client, PM_SMTP_PHASE_GREETING, reply);
}

static void
take_ehlo (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (pm_smtp_reply_is_positive (reply))
    {
      // RFC 5321 4.1.1.1: the first line is the greeting.
      for (gsize i = 1; client->state == PM_SMTP_CLIENT_EHLO && reply->lines[i] != NULL; i++)
        read_extension (client, reply->lines[i]);
      go_on (client);
    }
  else if (pm_smtp_reply_is_permanent (reply) && client->state == PM_SMTP_CLIENT_EHLO &&
           client->config.protocol == PM_SMTP_PROTOCOL_SMTP)
    pm_smtp_client_set_state (client, PM_SMTP_CLIENT_HELO); // RFC 5321 3.2
  else if (pm_smtp_reply_is_intermediate (reply))
    pm_smtp_client_refuse_answer (client, reply);
  else
    pm_smtp_client_break_off (client, PM_SMTP_PHASE_HELLO, reply);
}

static void
say_login (PmSmtpClient *client)
{
  const char *shown = client->login_line;
  g_autofree char *verb = NULL;

  if (client->said || client->login_line == NULL ||
      pm_buffer_room (&client->output) < MAX_AUTH_ANSWER + 2)
    return;
  // Never shown: the answers, and what stands after the mechanism.
  if (g_str_has_prefix (shown, "AUTH "))
    {
      verb = g_strndup (shown, 5 + strcspn (shown + 5, " "));
      shown = verb;
    }
  else if (!g_str_equal (shown, "*"))
    {
      shown = "(login)";
    }
  client->said = TRUE;
  pm_smtp_client_say (client, client->login_line, shown);
  set_login_line (client, NULL);
}

/* What these states have to say. */
void
pm_smtp_client_say_hello (PmSmtpClient *client)
{
  gboolean lmtp = client->config.protocol == PM_SMTP_PROTOCOL_LMTP;

  if (client->state == PM_SMTP_CLIENT_EHLO)
    pm_smtp_client_say_once (client, lmtp ? "LHLO" : "EHLO", client->config.hello);
  else if (client->state == PM_SMTP_CLIENT_HELO)
    pm_smtp_client_say_once (client, "HELO", client->config.hello);
  else if (client->state == PM_SMTP_CLIENT_STARTTLS)
    pm_smtp_client_say_once (client, "STARTTLS", NULL);
  else if (client->state == PM_SMTP_CLIENT_AUTH)
    say_login (client);
}

void
pm_smtp_client_take_hello (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (client->state == PM_SMTP_CLIENT_GREETING)
    take_greeting (client, reply);
  else if (client->state == PM_SMTP_CLIENT_STARTTLS)
    take_starttls (client, reply);
  else if (client->state == PM_SMTP_CLIENT_AUTH)
    take_login (client, reply);
  else
    take_ehlo (client, reply);
}
