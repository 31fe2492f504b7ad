// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the server offers in its EHLO reply and what its extensions add to MAIL and RCPT: two
// tables. An extension is an entry here, and a verb's entry in pm-smtp-server-verbs.c where it
// brings one.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"

typedef struct
{
  const char *keyword;
  char *(*value) (PmSmtpServer *server); /* (nullable): what stands after the keyword */
} Extension;

typedef struct
{
  const char *keyword;
  gboolean (*apply) (PmSmtpServer *server, const char *value, PmSmtpMail *mail);
} MailParameter;

// RFC 1870 4: 0 is "no fixed limit".
static char *
size_value (PmSmtpServer *server)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, server->max_size);
}

static const Extension extensions[] = {
  { "PIPELINING", NULL },          // RFC 2920
  { "SIZE", size_value },          // RFC 1870
  { "8BITMIME", NULL },            // RFC 6152
  { "ENHANCEDSTATUSCODES", NULL }, // RFC 2034
};

// The EHLO reply has no enhanced codes: RFC 2034 4.
PmSmtpReply *
pm_smtp_server_hello_reply (PmSmtpServer *server)
{
  g_autoptr (GString) text = g_string_new (server->host);

  for (gsize i = 0; server->extended && i < G_N_ELEMENTS (extensions); i++)
    {
      g_autofree char *value = NULL;

      if (extensions[i].value != NULL)
        value = extensions[i].value (server);
      g_string_append_printf (text, "\n%s%s%s", extensions[i].keyword,
                              value == NULL ? "" : " ", value == NULL ? "" : value);
    }
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 250, NULL, text->str);
}

// RFC 1870 3: up to 20 digits.
static gboolean
apply_size (PmSmtpServer *server, const char *value, PmSmtpMail *mail)
{
  if (value == NULL || strlen (value) > 20 || strspn (value, "0123456789") != strlen (value))
    {
      pm_smtp_server_say (server, 501, "5.5.4", "SIZE must be a number of bytes");
      return FALSE;
    }
  mail->size =
      g_ascii_strtoull (value, NULL, 10); // what overflows is G_MAXUINT64: too large as well
  if (server->max_size == 0 || mail->size <= server->max_size)
    return TRUE;

  pm_smtp_server_say (server, 552, "5.3.4", "The message is larger than this server takes");
  return FALSE;
}

static gboolean
apply_body (PmSmtpServer *server, const char *value, PmSmtpMail *mail)
{
  if (value != NULL && g_ascii_strcasecmp (value, "7BIT") == 0)
    mail->body = PM_SMTP_BODY_7BIT;
  else if (value != NULL && g_ascii_strcasecmp (value, "8BITMIME") == 0)
    mail->body = PM_SMTP_BODY_8BITMIME;
  else
    {
      pm_smtp_server_say (server, 501, "5.5.4", "BODY must be 7BIT or 8BITMIME");
      return FALSE;
    }
  return TRUE;
}

static const MailParameter mail_parameters[] = {
  { "SIZE", apply_size },
  { "BODY", apply_body },
};

static const MailParameter *
find_mail_parameter (PmSmtpServer *server, const char *keyword)
{
  for (gsize i = 0; server->extended && i < G_N_ELEMENTS (mail_parameters); i++)
    if (strcmp (mail_parameters[i].keyword, keyword) == 0)
      return &mail_parameters[i];
  return NULL;
}

// Returns FALSE when it has said why not.
gboolean
pm_smtp_server_read_mail (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpMail *mail)
{
  mail->sender = path->address;
  for (guint i = 0; i < path->parameters->len; i++)
    {
      const PmSmtpParameter *given = path->parameters->pdata[i];
      const MailParameter *known = find_mail_parameter (server, given->keyword);

      if (known == NULL) // RFC 5321 4.1.1.11
        {
          pm_smtp_server_say (server, 555, "5.5.4", "A parameter of MAIL is not known here");
          return FALSE;
        }
      if (!known->apply (server, given->value, mail))
        return FALSE;
    }
  return TRUE;
}

gboolean
pm_smtp_server_read_rcpt (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpRcpt *rcpt)
{
  rcpt->recipient = path->address;
  if (path->parameters->len == 0)
    return TRUE;
  pm_smtp_server_say (server, 555, "5.5.4", "A parameter of RCPT is not known here");
  return FALSE;
}
