// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the server offers in its EHLO reply and what its extensions add to MAIL and RCPT: three
// tables. An extension is an entry here, and a verb's entry in pm-smtp-server-verbs.c where it
// brings one.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"
#include "smtp/pm-xtext.h"

typedef struct
{
  const char *keyword;
  char *(*value) (PmSmtpServer *server);      /* (nullable): what stands after the keyword */
  gboolean (*offered) (PmSmtpServer *server); /* (nullable): always */
} Extension;

// A parameter's function returns NULL, or what the value must be: that is 501 5.5.4.
typedef struct
{
  const char *keyword;
  const char *(*apply) (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail);
  gboolean (*offered) (PmSmtpServer *server); /* (nullable): with EHLO */
} MailParameter;

typedef struct
{
  const char *keyword;
  const char *(*apply) (PmSmtpParameter *parameter, PmSmtpRcpt *rcpt);
} RcptParameter;

// RFC 1870 4: 0 is "no fixed limit".
static char *
size_value (PmSmtpServer *server)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, server->max_size);
}

static char *
auth_value (PmSmtpServer *server)
{
  return g_strjoinv (" ", server->mechanisms);
}

// RFC 9422 4: six digits at most.
static char *
limits_value (PmSmtpServer *server)
{
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "RCPTMAX=%u", MIN (server->max_recipients, 999999));
  if (server->max_messages != 0)
    g_string_append_printf (out, " MAILMAX=%u", MIN (server->max_messages, 999999));
  return g_string_free (out, FALSE);
}

static char *
xclient_value (PmSmtpServer *server)
{
  return pm_smtp_server_xclient_names ();
}

// RFC 3207 4.2: not again.
static gboolean
offers_starttls (PmSmtpServer *server)
{
  return server->starttls && !server->secured;
}

// RFC 8689 2: only through TLS.
static gboolean
offers_requiretls (PmSmtpServer *server)
{
  return server->requiretls && server->secured;
}

static gboolean
offers_mt_priority (PmSmtpServer *server)
{
  return server->mt_priority;
}

static gboolean
offers_etrn (PmSmtpServer *server)
{
  return server->etrn;
}

static gboolean
offers_xclient (PmSmtpServer *server)
{
  return server->xclient;
}

static const Extension extensions[] = {
  { "PIPELINING", NULL, NULL },                       // RFC 2920
  { "SIZE", size_value, NULL },                       // RFC 1870
  { "8BITMIME", NULL, NULL },                         // RFC 6152
  { "SMTPUTF8", NULL, NULL },                         // RFC 6531
  { "CHUNKING", NULL, NULL },                         // RFC 3030
  { "DSN", NULL, NULL },                              // RFC 3461
  { "ENHANCEDSTATUSCODES", NULL, NULL },              // RFC 2034
  { "LIMITS", limits_value, NULL },                   // RFC 9422
  { "STARTTLS", NULL, offers_starttls },              // RFC 3207
  { "REQUIRETLS", NULL, offers_requiretls },          // RFC 8689
  { "AUTH", auth_value, pm_smtp_server_offers_auth }, // RFC 4954
  { "MT-PRIORITY", NULL, offers_mt_priority },        // RFC 6710
  { "ETRN", NULL, offers_etrn },                      // RFC 1985
  { "XCLIENT", xclient_value, offers_xclient },
};

// The EHLO reply has no enhanced codes: RFC 2034 4.
PmSmtpReply *
pm_smtp_server_hello_reply (PmSmtpServer *server)
{
  g_autoptr (GString) text = g_string_new (server->host);

  for (gsize i = 0; server->extended && i < G_N_ELEMENTS (extensions); i++)
    {
      g_autofree char *value = NULL;

      if (extensions[i].offered != NULL && !extensions[i].offered (server))
        continue;
      if (extensions[i].value != NULL)
        value = extensions[i].value (server);
      g_string_append_printf (text, "\n%s%s%s", extensions[i].keyword,
                              value == NULL ? "" : " ", value == NULL ? "" : value);
    }
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 250, NULL, text->str);
}

// RFC 1870 3: up to 20 digits. Whether it is too large is asked when all parameters were read.
static const char *
apply_size (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  const char *value = parameter->value;

  if (value == NULL || strlen (value) > 20 || strspn (value, "0123456789") != strlen (value))
    return "SIZE must be a number of bytes";
  // What overflows is G_MAXUINT64: too large as well.
  mail->size = g_ascii_strtoull (value, NULL, 10);
  return NULL;
}

static const char *
apply_body (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  if (parameter->value != NULL && g_ascii_strcasecmp (parameter->value, "7BIT") == 0)
    mail->body = PM_SMTP_BODY_7BIT;
  else if (parameter->value != NULL && g_ascii_strcasecmp (parameter->value, "8BITMIME") == 0)
    mail->body = PM_SMTP_BODY_8BITMIME;
  else
    return "BODY must be 7BIT or 8BITMIME";
  return NULL;
}

static const char *
apply_utf8 (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  mail->utf8 = TRUE;
  return parameter->value == NULL ? NULL : "SMTPUTF8 takes no value";
}

static const char *
apply_require_tls (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  mail->require_tls = TRUE;
  return parameter->value == NULL ? NULL : "REQUIRETLS takes no value";
}

// RFC 6710 6: priority-value = (["-"] NZDIGIT) / "0".
static const char *
apply_priority (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  const char *value = parameter->value == NULL ? "" : parameter->value;
  gboolean negative = *value == '-';
  const char *digit = value + (negative ? 1 : 0);

  if (!g_ascii_isdigit (*digit) || digit[1] != '\0' || (negative && *digit == '0'))
    return "MT-PRIORITY must be a number from -9 to 9";
  mail->priority = negative ? '0' - *digit : *digit - '0';
  return NULL;
}

static const char *
apply_ret (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  return pm_smtp_server_read_ret (parameter->value, mail);
}

static const char *
apply_envid (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  return pm_smtp_server_read_envid (parameter, mail);
}

// RFC 4954 5: a mailbox in xtext, or "<>".
static const char *
apply_auth (PmSmtpServer *server, PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  g_autofree char *decoded =
      parameter->value == NULL ? NULL : pm_xtext_decode (parameter->value);
  g_autoptr (PmMailAddress) mailbox = NULL;

  if (decoded != NULL && strcmp (decoded, "<>") == 0)
    *decoded = '\0';
  else if (decoded != NULL)
    mailbox = pm_mail_address_parse (decoded, NULL);
  if (decoded == NULL || (mailbox == NULL && *decoded != '\0') || *parameter->value == '\0')
    return "AUTH must be an address in xtext, or <>";
  g_free (parameter->value);
  parameter->value = g_steal_pointer (&decoded);
  mail->auth = parameter->value;
  return NULL;
}

static const MailParameter mail_parameters[] = {
  { "SIZE", apply_size, NULL },
  { "BODY", apply_body, NULL },
  { "SMTPUTF8", apply_utf8, NULL },
  { "RET", apply_ret, NULL },
  { "ENVID", apply_envid, NULL },
  { "AUTH", apply_auth, pm_smtp_server_offers_auth },
  { "REQUIRETLS", apply_require_tls, offers_requiretls },
  { "MT-PRIORITY", apply_priority, offers_mt_priority },
};

static const MailParameter *
find_mail_parameter (PmSmtpServer *server, const char *keyword)
{
  for (gsize i = 0; server->extended && i < G_N_ELEMENTS (mail_parameters); i++)
    if (strcmp (mail_parameters[i].keyword, keyword) == 0)
      return mail_parameters[i].offered == NULL || mail_parameters[i].offered (server)
                 ? &mail_parameters[i]
                 : NULL;
  return NULL;
}

/**
 * pm_smtp_server_read_mail:
 *
 * Returns: %FALSE when it has said why not.
 */
gboolean
pm_smtp_server_read_mail (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpMail *mail)
{
  mail->sender = path->address;
  for (guint i = 0; i < path->parameters->len; i++)
    {
      PmSmtpParameter *given = path->parameters->pdata[i];
      const MailParameter *known = find_mail_parameter (server, given->keyword);
      const char *wrong;

      if (known == NULL) // RFC 5321 4.1.1.11
        {
          pm_smtp_server_say (server, 555, "5.5.4", "A parameter of MAIL is not known here");
          return FALSE;
        }
      wrong = known->apply (server, given, mail);
      if (wrong != NULL)
        {
          pm_smtp_server_say (server, 501, "5.5.4", wrong);
          return FALSE;
        }
    }
  if (server->max_size == 0 || mail->size <= server->max_size)
    return TRUE;
  pm_smtp_server_say (server, 552, "5.3.4", "The message is larger than this server takes");
  return FALSE;
}

static const char *
apply_notify (PmSmtpParameter *parameter, PmSmtpRcpt *rcpt)
{
  return pm_smtp_server_read_notify (parameter->value, rcpt);
}

static const RcptParameter rcpt_parameters[] = {
  { "NOTIFY", apply_notify },
  { "ORCPT", pm_smtp_server_read_orcpt },
};

static const RcptParameter *
find_rcpt_parameter (PmSmtpServer *server, const char *keyword)
{
  for (gsize i = 0; server->extended && i < G_N_ELEMENTS (rcpt_parameters); i++)
    if (strcmp (rcpt_parameters[i].keyword, keyword) == 0)
      return &rcpt_parameters[i];
  return NULL;
}

/**
 * pm_smtp_server_read_rcpt:
 *
 * Returns: %FALSE when it has said why not.
 */
gboolean
pm_smtp_server_read_rcpt (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpRcpt *rcpt)
{
  rcpt->recipient = path->address;
  for (guint i = 0; i < path->parameters->len; i++)
    {
      PmSmtpParameter *given = path->parameters->pdata[i];
      const RcptParameter *known = find_rcpt_parameter (server, given->keyword);
      const char *wrong;

      if (known == NULL)
        {
          pm_smtp_server_say (server, 555, "5.5.4", "A parameter of RCPT is not known here");
          return FALSE;
        }
      wrong = known->apply (given, rcpt);
      if (wrong != NULL)
        {
          pm_smtp_server_say (server, 501, "5.5.4", wrong);
          return FALSE;
        }
    }
  return TRUE;
}
