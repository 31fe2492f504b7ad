// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The commands that the server carries out, in one table: in which states each may come, how long
// its line may be, whether it must be the last of a pipelined group, and the function for it.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"

#define IN(state) (1u << PM_SMTP_SERVER_##state)
#define IN_ANY (IN (FRESH) | IN (READY) | IN (MAIL) | IN (RCPT) | IN (CHUNKS))
#define LEAST_OVER 1000 // recipients beyond the limit that are told so one by one

// RFC 5321 4.5.3.1.4 asks for 512 bytes; extensions add to MAIL and RCPT (4.1.2).
#define LINE 1000
#define LINE_WITH_PARAMETERS 2000

typedef struct
{
  void (*run) (PmSmtpServer *server, const char *argument);
  guint states;
  guint max_line;
  gboolean last;     /* RFC 2920 3.1: may only be the last command of a group */
  gboolean idle;     /* does not bring mail further */
  gboolean bare;     /* takes no argument */
  gboolean extended; /* only after EHLO */
  gboolean octets;   /* what follows the line belongs to the command */
  const char *shown; /* (nullable): what the trace has instead of the line */
} Verb;

/**
 * pm_smtp_server_is_host_name:
 *
 * Returns: whether it may be a client's name, or a literal.
 */
gboolean
pm_smtp_server_is_host_name (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > 255)
    return FALSE;
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && strchr (".-_:[]", *name) == NULL)
      return FALSE;
  return TRUE;
}

static void
run_hello (PmSmtpServer *server, const char *name, gboolean extended)
{
  if (!pm_smtp_server_is_host_name (name))
    {
      pm_smtp_server_say (server, 501, "5.5.4", "Say your host name, as EHLO mail.example.com");
      return;
    }

  pm_smtp_server_drop (server); // RFC 5321 4.1.4: it has the effect of RSET
  g_free (server->hello);
  server->hello = g_strdup (name);
  server->extended = extended;
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_HELLO);
  if (server->handler->hello == NULL)
    pm_smtp_server_continue (server, NULL);
  else
    server->handler->hello (server, server->hello, extended, server->user_data);
}

static void
run_ehlo (PmSmtpServer *server, const char *argument)
{
  run_hello (server, argument, TRUE);
}

static void
run_helo (PmSmtpServer *server, const char *argument)
{
  run_hello (server, argument, FALSE);
}

// Reads `FROM:<path> parameters` or `TO:<path> parameters`; NULL when it has said what is wrong.
static PmSmtpPath *
read_path (PmSmtpServer *server, const char *argument, const char *prefix, PmSmtpPathKind kind)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  PmSmtpPath *path;

  if (g_ascii_strncasecmp (argument, prefix, strlen (prefix)) != 0)
    {
      text = g_strdup_printf ("Write %s<name@example.com>", prefix);
      pm_smtp_server_say (server, 501, "5.5.4", text);
      return NULL;
    }
  if (!g_utf8_validate (argument, -1, NULL))
    {
      pm_smtp_server_say (server, 553, "5.6.7", "The address is neither ASCII nor UTF-8");
      return NULL;
    }

  path = pm_smtp_path_parse (argument + strlen (prefix), kind, &error);
  if (path == NULL)
    pm_smtp_server_say (server, 501, kind == PM_SMTP_PATH_REVERSE ? "5.1.7" : "5.1.3",
                        error->message);
  return path;
}

// RFC 6531 3.4, 3.5: UTF-8 only in a transaction that asked for it.
static gboolean
is_readable (PmSmtpServer *server, const char *argument, gboolean utf8)
{
  if (utf8 || g_str_is_ascii (argument))
    return TRUE;
  pm_smtp_server_say (server, 553, "5.6.7", "The address must be in ASCII; or use SMTPUTF8");
  return FALSE;
}

static void
run_mail (PmSmtpServer *server, const char *argument)
{
  g_autoptr (PmSmtpPath) path = NULL;
  PmSmtpMail mail = { 0 };

  if (server->max_messages != 0 && server->n_messages >= server->max_messages)
    {
      pm_smtp_server_say (server, 421, "4.7.0",
                          "Too many messages in one connection; connect again");
      return;
    }
  path = read_path (server, argument, "FROM:", PM_SMTP_PATH_REVERSE);
  if (path == NULL || !pm_smtp_server_read_mail (server, path, &mail) ||
      !is_readable (server, argument, mail.utf8))
    return;

  server->utf8 = mail.utf8;
  server->n_recipients = server->n_over = 0;
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_MAIL);
  server->handler->mail (server, &mail, server->user_data);
}

// RFC 5321 4.5.3.1.10. They are no errors, for lists that try with many in one group: a session
// that ends would end for them each time, and those that are accepted would never get their mail.
static void
refuse_recipient (PmSmtpServer *server)
{
  if (++server->n_over > MAX (server->max_recipients, LEAST_OVER))
    pm_smtp_server_say (server, 421, "4.7.0", "Far too many recipients");
  else
    pm_smtp_server_say (server, 452, "4.5.3", "Too many recipients; send the others separately");
}

static void
run_rcpt (PmSmtpServer *server, const char *argument)
{
  g_autoptr (PmSmtpPath) path = read_path (server, argument, "TO:", PM_SMTP_PATH_FORWARD);
  PmSmtpRcpt rcpt = { 0 };

  if (path == NULL || !is_readable (server, argument, server->utf8) ||
      !pm_smtp_server_read_rcpt (server, path, &rcpt))
    return;
  if (server->n_recipients >= server->max_recipients)
    {
      refuse_recipient (server);
      return;
    }
  if (path->postmaster) // RFC 5321 4.5.1
    {
      g_autofree char *text = g_strdup_printf ("postmaster@%s", server->host);

      rcpt.recipient = path->address = pm_mail_address_parse (text, NULL);
    }
  if (rcpt.recipient == NULL)
    {
      pm_smtp_server_say (server, 550, "5.1.1", "Write postmaster with a domain");
      return;
    }

  pm_smtp_server_ask (server, PM_SMTP_QUESTION_RCPT);
  server->handler->rcpt (server, &rcpt, server->user_data);
}

static void
run_data (PmSmtpServer *server, const char *argument)
{
  if (server->state != PM_SMTP_SERVER_RCPT) // RFC 5321 3.3: all recipients were refused
    {
      pm_smtp_server_say (server, 554, "5.5.1", "No valid recipients");
      return;
    }
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_DATA);
  if (server->handler->data == NULL)
    pm_smtp_server_continue (server, NULL);
  else
    server->handler->data (server, server->user_data);
}

static void
run_rset (PmSmtpServer *server, const char *argument)
{
  pm_smtp_server_drop (server);
  pm_smtp_server_say (server, 250, "2.0.0", "Reset");
}

static void
run_noop (PmSmtpServer *server, const char *argument)
{
  pm_smtp_server_say (server, 250, "2.0.0", "OK");
}

static void
run_quit (PmSmtpServer *server, const char *argument)
{
  pm_smtp_server_say (server, 221, "2.0.0", "Goodbye");
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_CLOSED);
}

// RFC 5321 7.3: who has which mailbox is nobody's business; 252 is the polite way to say so.
static void
run_vrfy (PmSmtpServer *server, const char *argument)
{
  if (*argument == '\0')
    {
      pm_smtp_server_say (server, 501, "5.5.4", "Say whom you mean, as VRFY anna@example.com");
      return;
    }
  pm_smtp_server_say (server, 252, "2.5.0", "Send a message and it will be tried");
}

static void
run_expn (PmSmtpServer *server, const char *argument)
{
  pm_smtp_server_say (server, 502, "5.5.1", "Lists are not expanded here");
}

static void
run_help (PmSmtpServer *server, const char *argument)
{
  pm_smtp_server_say (server, 214, "2.0.0", "See RFC 5321");
}

static void
run_starttls (PmSmtpServer *server, const char *argument)
{
  if (server->secured)
    {
      pm_smtp_server_say (server, 503, "5.5.1", "TLS is in use already");
      return;
    }
  if (!server->starttls)
    {
      pm_smtp_server_say (server, 502, "5.5.1", "There is no TLS here");
      return;
    }
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_STARTTLS);
  server->handler->starttls (server, server->user_data);
}

// RFC 1985 5.2: a node's name, with "@" for the domains below it too, or "#" and a queue's name.
static void
run_etrn (PmSmtpServer *server, const char *argument)
{
  const char *name = argument + (*argument == '@' || *argument == '#' ? 1 : 0);

  if (!server->etrn)
    {
      pm_smtp_server_say (server, 502, "5.5.1", "ETRN is not offered to you");
      return;
    }
  if (!pm_smtp_server_is_host_name (name))
    {
      pm_smtp_server_say (server, 501, "5.5.4", "Say whose mail, as ETRN example.com");
      return;
    }
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_ETRN);
  server->handler->etrn (server, argument, server->user_data);
}

static const Verb verbs[PM_SMTP_N_VERBS] = {
  [PM_SMTP_VERB_AUTH] = { pm_smtp_server_run_auth, IN (READY), PM_SMTP_SERVER_LONGEST_LINE,
                          .last = TRUE, .extended = TRUE, .shown = "AUTH (a log-in)" },
  [PM_SMTP_VERB_BDAT] = { pm_smtp_server_run_bdat, IN_ANY, LINE, .octets = TRUE },
  [PM_SMTP_VERB_DATA] = { run_data, IN (MAIL) | IN (RCPT), LINE, .last = TRUE, .bare = TRUE },
  [PM_SMTP_VERB_EHLO] = { run_ehlo, IN_ANY, LINE, .last = TRUE, .idle = TRUE },
  [PM_SMTP_VERB_ETRN] = { run_etrn, IN (READY), LINE, .last = TRUE, .idle = TRUE,
                          .extended = TRUE },
  [PM_SMTP_VERB_EXPN] = { run_expn, IN_ANY, LINE, .last = TRUE, .idle = TRUE },
  [PM_SMTP_VERB_HELO] = { run_helo, IN_ANY, LINE, .last = TRUE, .idle = TRUE },
  [PM_SMTP_VERB_HELP] = { run_help, IN_ANY, LINE, .idle = TRUE },
  [PM_SMTP_VERB_MAIL] = { run_mail, IN (READY), LINE_WITH_PARAMETERS },
  [PM_SMTP_VERB_NOOP] = { run_noop, IN_ANY, LINE, .last = TRUE, .idle = TRUE },
  [PM_SMTP_VERB_QUIT] = { run_quit, IN_ANY, LINE, .bare = TRUE },
  [PM_SMTP_VERB_RCPT] = { run_rcpt, IN (MAIL) | IN (RCPT), LINE_WITH_PARAMETERS },
  [PM_SMTP_VERB_RSET] = { run_rset, IN_ANY, LINE, .idle = TRUE, .bare = TRUE },
  [PM_SMTP_VERB_STARTTLS] = { run_starttls, IN (READY), LINE, .last = TRUE, .idle = TRUE,
                              .bare = TRUE, .extended = TRUE },
  [PM_SMTP_VERB_VRFY] = { run_vrfy, IN_ANY, LINE, .last = TRUE, .idle = TRUE },
  [PM_SMTP_VERB_XCLIENT] = { pm_smtp_server_run_xclient, IN (READY), LINE_WITH_PARAMETERS,
                             .last = TRUE, .idle = TRUE, .extended = TRUE },
};

static void
refuse_order (PmSmtpServer *server)
{
  const char *text = "Say MAIL first";

  if (server->state == PM_SMTP_SERVER_FRESH)
    text = "Say EHLO first";
  else if (server->state == PM_SMTP_SERVER_MAIL || server->state == PM_SMTP_SERVER_RCPT)
    text = "A transaction is under way already";
  else if (server->state == PM_SMTP_SERVER_CHUNKS)
    text = "The message is under way: send its next BDAT, or RSET";
  pm_smtp_server_say (server, 503, "5.5.1", text);
}

static gboolean
has_controls (const char *line)
{
  for (; *line != '\0'; line++)
    if (((guchar) *line < 0x20 && *line != '\t') || *line == 0x7f)
      return TRUE;
  return FALSE;
}

// RFC 2920 3.1: pipelining wants to be offered first, and some commands end a group. Bytes that are
// there too early are an attack (or a program that does not listen): the session ends.
static gboolean
is_too_early (PmSmtpServer *server, const Verb *verb)
{
  server->alone =
      verb->run != run_quit && !verb->octets && (verb->last || !server->extended);
  return server->alone && pm_buffer_size (&server->input) > 0;
}

// Octets that follow a command nobody could read would be taken for commands: then it is over.
static void
refuse_line (PmSmtpServer *server, const Verb *verb, const char *why)
{
  if (verb->octets)
    pm_smtp_server_violate (server, 501, "5.5.4", why);
  else
    pm_smtp_server_say (server, 500, "5.5.2", why);
}

static const char *
shown (PmSmtpVerb name, const Verb *verb, const char *line)
{
  if (name == PM_SMTP_VERB_UNKNOWN)
    return "(no command that is known here)";
  return verb->shown == NULL ? line : verb->shown;
}

/**
 * pm_smtp_server_command:
 * @line: without CRLF, without CR, LF and NUL in it
 * @size: its length on the wire
 *
 * The line is not in the server's input any more.
 */
void
pm_smtp_server_command (PmSmtpServer *server, const char *line, gsize size)
{
  const char *argument;
  PmSmtpVerb name = pm_smtp_verb_parse (line, &argument);
  const Verb *verb = &verbs[name];

  pm_smtp_server_trace (server, FALSE, shown (name, verb, line));
  if (name != PM_SMTP_VERB_UNKNOWN && is_too_early (server, verb))
    pm_smtp_server_violate (server, 554, "5.5.1", "You sent more before it was your turn");
  else if (size > (verb->max_line == 0 ? LINE : verb->max_line))
    refuse_line (server, verb, "The line is too long");
  else if (has_controls (line))
    refuse_line (server, verb, "There are control characters in the line");
  else if (name == PM_SMTP_VERB_UNKNOWN)
    pm_smtp_server_say (server, 500, "5.5.2", "This command is not known here");
  else if ((verb->states & (1u << server->state)) == 0)
    refuse_order (server);
  else if (verb->extended && !server->extended)
    pm_smtp_server_say (server, 503, "5.5.1", "Say EHLO first");
  else if (verb->bare && *argument != '\0')
    pm_smtp_server_say (server, 501, "5.5.4", "This command takes no argument");
  else if (verb->idle && ++server->n_idle > server->max_idle_commands)
    pm_smtp_server_say (server, 421, "4.7.0", "Too many commands without a message");
  else
    verb->run (server, argument);
}
