// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's transaction up to DATA: what stands against the message before anything of it is
// said, MAIL and RCPT with what the peer's extensions allow, and the one result that each recipient
// gets.

#include "smtp/pm-smtp-client-private.h"

#include <string.h>

#define MAX_ENVID 100 /* encoded; RFC 3461 4.4 */
#define MAX_ORCPT 500 /* encoded; RFC 3461 4.2 */

static gboolean
is_ascii (const PmMailAddress *address)
{
  // A domain is in A-labels.
  return address == NULL || g_str_is_ascii (address->local);
}

static const char *
non_empty (const char *text)
{
  return text == NULL || *text == '\0' ? NULL : text;
}

/* A copy of `message`. */
PmSmtpClientTransaction *
pm_smtp_client_transaction_new (const PmSmtpClientMessage *message)
{
  PmSmtpClientTransaction *copy = g_new0 (PmSmtpClientTransaction, 1);

  copy->sender = message->sender == NULL ? NULL : pm_mail_address_ref (message->sender);
  copy->n_targets = message->n_recipients;
  copy->targets = g_new0 (PmSmtpClientTarget, message->n_recipients);
  for (guint i = 0; i < message->n_recipients; i++)
    {
      const PmSmtpClientRecipient *recipient = &message->recipients[i];

      copy->targets[i].address = pm_mail_address_ref (recipient->address);
      copy->targets[i].notify = recipient->notify;
      copy->targets[i].orcpt = g_strdup (non_empty (recipient->orcpt));
    }
  copy->active = g_new (guint, message->n_recipients);
  copy->accepted = g_new (guint, message->n_recipients);
  copy->size = message->size;
  copy->eight_bit = message->eight_bit;
  copy->utf8 = message->utf8;
  copy->require_tls = message->require_tls;
  copy->priority = message->priority;
  copy->ret = message->ret;
  copy->envid = g_strdup (non_empty (message->envid));
  return copy;
}

void
pm_smtp_client_transaction_free (PmSmtpClientTransaction *transaction)
{
  pm_mail_address_unref (transaction->sender);
  for (guint i = 0; i < transaction->n_targets; i++)
    {
      pm_mail_address_unref (transaction->targets[i].address);
      g_free (transaction->targets[i].orcpt);
    }
  g_free (transaction->targets);
  g_free (transaction->active);
  g_free (transaction->accepted);
  g_free (transaction->envid);
  g_free (transaction);
}

static void
tell (PmSmtpClient *client, PmSmtpClientResult result)
{
  PmSmtpClientTarget *target = &client->message->targets[result.index];

  if (target->done)
    return;
  target->done = TRUE;
  result.relayed = result.phase == PM_SMTP_PHASE_DOT && pm_smtp_reply_is_positive (result.reply) &&
                   client->config.protocol == PM_SMTP_PROTOCOL_SMTP &&
                   !pm_smtp_client_offers (client, PM_SMTP_EXTENSION_DSN);
  client->handler->result (client, &result, client->user_data);
}

/* A recipient has one result, the first. */
void
pm_smtp_client_tell_result (PmSmtpClient *client,
                            guint index,
                            PmSmtpPhase phase,
                            const PmSmtpReply *reply)
{
  tell (client, (PmSmtpClientResult){ .index = index, .phase = phase, .reply = reply });
}

void
pm_smtp_client_tell_others (PmSmtpClient *client, PmSmtpPhase phase, const PmSmtpReply *reply)
{
  for (guint i = 0; i < client->message->n_targets; i++)
    pm_smtp_client_tell_result (client, i, phase, reply);
}

void
pm_smtp_client_finish_message (PmSmtpClient *client, gboolean reusable)
{
  if (client->max_mails > 0 && client->n_mails >= client->max_mails) // RFC 9422 4.1
    {
      client->quitting = TRUE;
      reusable = FALSE;
    }
  g_clear_pointer (&client->message, pm_smtp_client_transaction_free);
  client->handler->finished (client, reusable, client->user_data);
}

static gboolean
has_ascii_envelope (const PmSmtpClientTransaction *message)
{
  for (guint i = 0; i < message->n_targets; i++)
    if (!is_ascii (message->targets[i].address))
      return FALSE;
  return is_ascii (message->sender);
}

// What stands in the way of the whole message before anything of it is said.
static PmSmtpReply *
check_message (PmSmtpClient *client)
{
  const PmSmtpClientTransaction *message = client->message;

  if (message->eight_bit && !pm_smtp_client_offers (client, PM_SMTP_EXTENSION_8BITMIME))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 554, "5.6.3", // RFC 6152 3
                              "The message has 8-bit text and the server takes 7-bit text only");
  if (!pm_smtp_client_offers (client, PM_SMTP_EXTENSION_SMTPUTF8)) // RFC 6531 3.2
    {
      if (!is_ascii (message->sender))
        return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 553, "5.6.7",
                                  "The sender's address is not in ASCII and the server takes no "
                                  "other");
      // With nothing over 127 in it, there is nothing about it that an older server cannot take.
      if (message->utf8 && message->eight_bit)
        return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 553, "5.6.7",
                                  "The message needs SMTPUTF8, which the server does not offer");
    }
  if (message->require_tls && // RFC 8689 4.2.1
      !(client->secured && pm_smtp_client_offers (client, PM_SMTP_EXTENSION_REQUIRETLS)))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 550, "5.7.30",
                              "The sender requires encryption on the whole way (REQUIRETLS), "
                              "which the server does not offer");
  if (client->max_size != 0 && message->size > client->max_size) // RFC 1870 5
    return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 552, "5.3.4",
                                     "The server takes %" G_GUINT64_FORMAT " bytes at most",
                                     client->max_size);
  return NULL;
}

static void
refuse_address (PmSmtpClient *client, guint index)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 553, "5.6.7",
                         "The address is not in ASCII and the server takes no other");

  pm_smtp_client_tell_result (client, index, PM_SMTP_PHASE_MAIL, reply);
}

static void
put_off (PmSmtpClient *client, guint index)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 452, "4.5.3",
                         "The server takes no more recipients at once");

  tell (client, (PmSmtpClientResult){
                    .index = index, .phase = PM_SMTP_PHASE_RCPT, .reply = reply, .again = TRUE });
}

/* RFC 9422 4.2, 4.3: who goes in this transaction. */
static void
choose_active (PmSmtpClient *client)
{
  PmSmtpClientTransaction *message = client->message;
  gboolean utf8 = pm_smtp_client_offers (client, PM_SMTP_EXTENSION_SMTPUTF8);
  g_autoptr (GHashTable) domains =
      client->max_domains > 0 ? g_hash_table_new (g_str_hash, g_str_equal) : NULL;

  for (guint i = 0; i < message->n_targets; i++)
    {
      const PmMailAddress *address = message->targets[i].address;

      if (!utf8 && !is_ascii (address))
        {
          refuse_address (client, i);
          continue;
        }
      if ((client->max_recipients > 0 && message->n_active >= client->max_recipients) ||
          (domains != NULL && g_hash_table_size (domains) >= client->max_domains &&
           !g_hash_table_contains (domains, address->domain)))
        {
          put_off (client, i);
          continue;
        }
      if (domains != NULL)
        g_hash_table_add (domains, address->domain);
      message->active[message->n_active++] = i;
    }
}

/* In READY with a message: begins it, or is done with it at once. */
void
pm_smtp_client_begin_message (PmSmtpClient *client)
{
  PmSmtpClientTransaction *message = client->message;
  g_autoptr (PmSmtpReply) refusal = check_message (client);

  if (refusal != NULL)
    pm_smtp_client_tell_others (client, PM_SMTP_PHASE_MAIL, refusal);
  else
    choose_active (client);
  if (message->n_active == 0)
    {
      pm_smtp_client_finish_message (client, TRUE);
      return;
    }
  message->says_utf8 = pm_smtp_client_offers (client, PM_SMTP_EXTENSION_SMTPUTF8) &&
                       (message->utf8 || !has_ascii_envelope (message));
  client->n_said = client->n_answered = 0;
  client->refused = client->opened = FALSE;
  client->writer = (PmSmtpDataWriter){ 0 };
  client->n_mails++;
  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_ENVELOPE);
}

/* RFC 3461 4: xtext, which is printable ASCII without "+", "=" and space. */
static void
append_xtext (GString *line, const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (*c > 0x20 && *c < 0x7f && *c != '+' && *c != '=')
      g_string_append_c (line, *c);
    else
      g_string_append_printf (line, "+%02X", (guchar) *c);
}

/* RFC 6533 3: utf-8-addr-xtext, for what is not ASCII. */
static void
append_unicode_xtext (GString *line, const char *text)
{
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (*c > 0x20 && *c < 0x7f && *c != '+' && *c != '=' && *c != '\\')
      g_string_append_c (line, *c);
    else
      g_string_append_printf (line, "\\x{%X}", g_utf8_get_char (c));
}

/* Leaves out what would be too long: both parameters help only the reader of a report. */
static void
keep_within (GString *line, gsize begin, gsize name, gsize limit)
{
  if (line->len - begin - name > limit)
    g_string_truncate (line, begin);
}

static void
append_orcpt (GString *line, const char *orcpt)
{
  gsize begin = line->len;
  const char *address = strchr (orcpt, ';');

  if (address == NULL || !g_utf8_validate (orcpt, -1, NULL))
    return;
  g_string_append (line, " ORCPT=");
  if (g_ascii_strncasecmp (orcpt, "utf-8;", 6) == 0)
    {
      g_string_append (line, "utf-8;");
      append_unicode_xtext (line, address + 1);
    }
  else if (g_str_is_ascii (orcpt))
    {
      // The type is an atom (RFC 3461 4.2); in xtext nothing else gets through either.
      g_autofree char *type = g_strndup (orcpt, (gsize) (address - orcpt));

      append_xtext (line, type);
      g_string_append_c (line, ';');
      append_xtext (line, address + 1);
    }
  else
    {
      g_string_truncate (line, begin);
      return;
    }
  keep_within (line, begin, strlen (" ORCPT="), MAX_ORCPT);
}

static void
append_notify (GString *line, PmDsnNotify notify)
{
  static const struct
  {
    PmDsnNotify flag;
    const char *word;
  } words[] = {
    { PM_DSN_NOTIFY_SUCCESS, "SUCCESS" },
    { PM_DSN_NOTIFY_FAILURE, "FAILURE" },
    { PM_DSN_NOTIFY_DELAY, "DELAY" },
  };
  const char *before = " NOTIFY=";

  if ((notify & PM_DSN_NOTIFY_NEVER) != 0) // RFC 3461 4.1: never together with another
    {
      g_string_append (line, " NOTIFY=NEVER");
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if ((notify & words[i].flag) != 0)
      {
        g_string_append_printf (line, "%s%s", before, words[i].word);
        before = ",";
      }
}

static void
append_address (GString *line, const PmMailAddress *address)
{
  g_autofree char *text = address == NULL ? NULL : pm_mail_address_to_string (address);

  g_string_append_printf (line, "<%s>", text == NULL ? "" : text);
}

static void
make_mail (PmSmtpClient *client)
{
  const PmSmtpClientTransaction *message = client->message;
  GString *line = client->line;

  g_string_assign (line, "MAIL FROM:");
  append_address (line, message->sender);
  if (pm_smtp_client_offers (client, PM_SMTP_EXTENSION_SIZE) && message->size > 0)
    g_string_append_printf (line, " SIZE=%" G_GUINT64_FORMAT, message->size);
  if (message->eight_bit)
    g_string_append (line, " BODY=8BITMIME");
  if (message->says_utf8)
    g_string_append (line, " SMTPUTF8");
  if (message->require_tls)
    g_string_append (line, " REQUIRETLS");
  if (message->priority != 0 && pm_smtp_client_offers (client, PM_SMTP_EXTENSION_MT_PRIORITY))
    g_string_append_printf (line, " MT-PRIORITY=%d", CLAMP (message->priority, -9, 9));
  if (!pm_smtp_client_offers (client, PM_SMTP_EXTENSION_DSN))
    return;
  if (message->ret != PM_DSN_RET_DEFAULT)
    g_string_append (line, message->ret == PM_DSN_RET_FULL ? " RET=FULL" : " RET=HDRS");
  if (message->envid != NULL)
    {
      gsize begin = line->len;

      g_string_append (line, " ENVID=");
      append_xtext (line, message->envid);
      keep_within (line, begin, strlen (" ENVID="), MAX_ENVID);
    }
}

static void
make_rcpt (PmSmtpClient *client, guint index)
{
  const PmSmtpClientTarget *target = &client->message->targets[index];

  g_string_assign (client->line, "RCPT TO:");
  append_address (client->line, target->address);
  if (!pm_smtp_client_offers (client, PM_SMTP_EXTENSION_DSN))
    return;
  append_notify (client->line, target->notify);
  if (target->orcpt != NULL)
    append_orcpt (client->line, target->orcpt);
}

static gboolean
may_say (PmSmtpClient *client)
{
  return !client->refused && pm_smtp_client_has_room (client) &&
         (client->n_expected == 0 ||
          pm_smtp_client_offers (client, PM_SMTP_EXTENSION_PIPELINING));
}

/*
 * RFC 2920 3.1: RSET, MAIL, RCPT and DATA in one group where the peer can; else one command, then
 * its reply. RSET only where the last transaction was left open.
 */
void
pm_smtp_client_say_envelope (PmSmtpClient *client)
{
  guint last = client->message->n_active;

  if (client->reset_due && may_say (client))
    {
      client->reset_due = FALSE;
      client->reset_said = TRUE;
      pm_smtp_client_say (client, "RSET", "RSET");
    }
  while (!client->reset_due && client->n_said <= last && may_say (client))
    {
      if (client->n_said == 0)
        make_mail (client);
      else
        make_rcpt (client, client->message->active[client->n_said - 1]);
      pm_smtp_client_say (client, client->line->str, client->line->str);
      client->n_said++;
    }
  // Alone it waits until somebody was accepted.
  if (client->n_said == last + 1 && may_say (client) &&
      (client->state == PM_SMTP_CLIENT_DATA ||
       pm_smtp_client_offers (client, PM_SMTP_EXTENSION_PIPELINING)))
    {
      pm_smtp_client_say (client, "DATA", "DATA");
      client->n_said++;
    }
}

/* 452, and the 552 of old servers: the rest goes in another transaction (RFC 5321 4.5.3.1.10). */
static gboolean
is_too_many (const PmSmtpReply *reply)
{
  if (reply->code != 452 && reply->code != 552)
    return FALSE;
  return (reply->status.subject == 5 && reply->status.detail == 3) || reply->status.klass == 0;
}

static void
take_recipient (PmSmtpClient *client, guint index, const PmSmtpReply *reply)
{
  PmSmtpClientTransaction *message = client->message;

  if (pm_smtp_reply_is_positive (reply))
    message->accepted[message->n_accepted++] = index;
  else
    tell (client, (PmSmtpClientResult){ .index = index,
                                        .phase = PM_SMTP_PHASE_RCPT,
                                        .reply = reply,
                                        // With nobody accepted it would only say so again.
                                        .again = message->n_accepted > 0 &&
                                                 is_too_many (reply) });
}

/* The next reply to RSET, MAIL or RCPT. */
void
pm_smtp_client_take_envelope (PmSmtpClient *client, const PmSmtpReply *reply)
{
  guint last = client->message->n_active;
  gboolean positive = pm_smtp_reply_is_positive (reply);
  guint command;

  if (pm_smtp_reply_is_intermediate (reply))
    {
      pm_smtp_client_refuse_answer (client, reply);
      return;
    }
  if (client->reset_said)
    {
      if (!positive)
        pm_smtp_client_break_off (client, PM_SMTP_PHASE_HELLO, reply);
      client->reset_said = FALSE;
      return;
    }
  command = client->n_answered++;
  client->opened = client->opened || positive;
  if (command == 0)
    {
      client->refused = !positive;
      if (client->refused)
        pm_smtp_client_tell_others (client, PM_SMTP_PHASE_MAIL, reply);
    }
  else if (!client->refused)
    {
      take_recipient (client, client->message->active[command - 1], reply);
    }

  // The replies to what was said in one group come all the same, whatever became of its first
  // commands.
  if (client->n_answered == last + 1 &&
      (client->n_said > client->n_answered || client->message->n_accepted > 0))
    {
      pm_smtp_client_set_state (client, PM_SMTP_CLIENT_DATA);
    }
  else if (client->n_answered == client->n_said &&
           (client->refused || client->n_answered == last + 1))
    {
      client->reset_due = client->opened;
      pm_smtp_client_set_state (client, PM_SMTP_CLIENT_READY);
      pm_smtp_client_finish_message (client, TRUE);
    }
}

/* Whose reply is next. */
PmSmtpPhase
pm_smtp_client_get_envelope_phase (const PmSmtpClient *client)
{
  if (client->reset_said || client->reset_due)
    return PM_SMTP_PHASE_HELLO;
  if (client->n_answered == 0)
    return PM_SMTP_PHASE_MAIL;
  return client->n_answered <= client->message->n_active ? PM_SMTP_PHASE_RCPT : PM_SMTP_PHASE_DATA;
}
