// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// XCLIENT, Postfix's command by which a trusted proxy says for whom it speaks: NAME=value pairs in
// xtext, in one table. All of it is checked before anything is believed.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"
#include "smtp/pm-xtext.h"

typedef struct
{
  PmSmtpXclient values;
  GPtrArray *texts; /* (owned): what the values point to */
} Request;

typedef struct
{
  const char *name;
  /* `text` is %NULL when the value is unavailable */
  gboolean (*read) (const char *text, PmSmtpXclient *values);
} Attribute;

static gboolean
read_name (const char *text, PmSmtpXclient *values)
{
  values->name = text == NULL ? "" : text;
  return text == NULL || pm_smtp_server_is_host_name (text);
}

// "192.0.2.1" or "IPV6:2001:db8::1". Of a client whose address nobody knows, the unspecified one:
// it must not be taken for the proxy, and get what the proxy may.
static gboolean
read_address (const char *text, GInetAddress **address)
{
  gboolean tagged = text != NULL && g_ascii_strncasecmp (text, "IPV6:", 5) == 0;

  g_clear_object (address);
  if (text == NULL)
    {
      *address = g_inet_address_new_any (G_SOCKET_FAMILY_IPV4);
      return TRUE;
    }
  *address = g_inet_address_new_from_string (tagged ? text + 5 : text);
  return *address != NULL &&
         (!tagged || g_inet_address_get_family (*address) == G_SOCKET_FAMILY_IPV6);
}

static gboolean
read_port (const char *text, guint16 *port)
{
  guint64 number = 0;

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &number, NULL))
    return FALSE;
  *port = (guint16) number;
  return TRUE;
}

static gboolean
read_addr (const char *text, PmSmtpXclient *values)
{
  return read_address (text, &values->address);
}

static gboolean
read_client_port (const char *text, PmSmtpXclient *values)
{
  return read_port (text, &values->port);
}

static gboolean
read_proto (const char *text, PmSmtpXclient *values)
{
  values->protocol = text;
  return text == NULL || strcmp (text, "SMTP") == 0 || strcmp (text, "ESMTP") == 0;
}

static gboolean
read_helo (const char *text, PmSmtpXclient *values)
{
  values->hello = text == NULL ? "" : text;
  return text == NULL || pm_smtp_server_is_host_name (text);
}

static gboolean
read_login (const char *text, PmSmtpXclient *values)
{
  values->login = text == NULL ? "" : text;
  return text == NULL || (*text != '\0' && strlen (text) <= 255);
}

static gboolean
read_destaddr (const char *text, PmSmtpXclient *values)
{
  return read_address (text, &values->destination);
}

static gboolean
read_destport (const char *text, PmSmtpXclient *values)
{
  return read_port (text, &values->destination_port);
}

static const Attribute attributes[] = {
  { "NAME", read_name },
  { "ADDR", read_addr },
  { "PORT", read_client_port },
  { "PROTO", read_proto },
  { "HELO", read_helo },
  { "LOGIN", read_login },
  { "DESTADDR", read_destaddr },
  { "DESTPORT", read_destport },
};

/**
 * pm_smtp_server_xclient_names:
 *
 * Returns: (transfer full): the attributes, as EHLO offers them.
 */
char *
pm_smtp_server_xclient_names (void)
{
  GString *out = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (attributes); i++)
    g_string_append_printf (out, "%s%s", i == 0 ? "" : " ", attributes[i].name);
  return g_string_free (out, FALSE);
}

static gboolean
read_attribute (const char *word, Request *request)
{
  const char *equals = strchr (word, '=');
  gsize length = equals == NULL ? 0 : (gsize) (equals - word);
  char *text = equals == NULL ? NULL : pm_xtext_decode (equals + 1);
  gboolean missing;

  if (text == NULL)
    return FALSE;
  g_ptr_array_add (request->texts, text);
  missing = strcmp (text, "[UNAVAILABLE]") == 0 || strcmp (text, "[TEMPUNAVAIL]") == 0;
  for (gsize i = 0; i < G_N_ELEMENTS (attributes); i++)
    if (strlen (attributes[i].name) == length &&
        g_ascii_strncasecmp (word, attributes[i].name, length) == 0)
      return attributes[i].read (missing ? NULL : text, &request->values);
  return FALSE;
}

static void
request_clear (Request *request)
{
  g_clear_object (&request->values.address);
  g_clear_object (&request->values.destination);
  g_ptr_array_unref (request->texts);
}

/**
 * pm_smtp_server_run_xclient:
 *
 * Reads the attributes and asks the handler.
 */
void
pm_smtp_server_run_xclient (PmSmtpServer *server, const char *argument)
{
  g_auto (GStrv) words = g_strsplit (argument, " ", -1);
  Request request = { .texts = g_ptr_array_new_with_free_func (g_free) };
  gboolean good = *argument != '\0';

  for (gsize i = 0; good && words[i] != NULL; i++)
    good = *words[i] == '\0' || read_attribute (words[i], &request);
  if (!server->xclient)
    {
      pm_smtp_server_say (server, 550, "5.7.0", "You may not speak for others");
    }
  else if (!good)
    {
      pm_smtp_server_say (server, 501, "5.5.4", "An attribute of XCLIENT is wrong or not known");
    }
  else
    {
      g_clear_pointer (&server->login, g_free);
      server->login = g_strdup (request.values.login);
      pm_smtp_server_ask (server, PM_SMTP_QUESTION_XCLIENT);
      server->handler->xclient (server, &request.values, server->user_data);
    }
  request_clear (&request);
}

/**
 * pm_smtp_server_settle_xclient:
 * @answer: (nullable): what the handler thinks of it
 *
 * The client is another one now: it is greeted anew, or it is refused, and then the session is over
 * as it is for one that connects itself. To go on would be to let it in under the proxy's name.
 */
void
pm_smtp_server_settle_xclient (PmSmtpServer *server, const PmSmtpReply *answer)
{
  g_autofree char *login = g_steal_pointer (&server->login);

  pm_smtp_server_forget (server);
  server->authenticated = login != NULL && *login != '\0';
  pm_smtp_server_greet (server, answer);
}
