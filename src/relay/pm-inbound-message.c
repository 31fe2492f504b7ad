// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A client's transaction: sender, recipients, message, commit. What it promises: 250 for a message
// is said only after the queue has it on stable storage.

#include <string.h>

#include "base/pm-log.h"
#include "relay/pm-header.h"
#include "relay/pm-inbound-private.h"
#include "relay/pm-message-filter.h"
#include "relay/pm-received.h"
#include "relay/pm-recipient-check.h"
#include "relay/pm-relay-event.h"
#include "relay/pm-submission.h"

#define MAX_WITHOUT_MESSAGE (2 * 3600 * (gint64) G_USEC_PER_SEC)
#define FILTERED "message filtering names its sender"
#define LARGEST (G_GUINT64_CONSTANT (1) << 50) /* that anybody may announce */
#define ROOM_STEP (1024 * 1024)                /* of a message that is larger than announced */

static PmSmtpReply *
no_room_reply (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 452, "4.3.1",
                            "There is not enough disk space here, try again later");
}

static gboolean
reserve (PmInbound *self, guint64 bytes)
{
  PmQueue *queue = pm_relay_get_queue (self->worker->relay);
  g_autoptr (GError) error = NULL;

  if (pm_disk_watch_reserve (pm_queue_get_disk_watch (queue), bytes, &error))
    return TRUE;
  pm_log_event (G_LOG_LEVEL_WARNING, "disk-full", "client", self->peer_text, "reason",
                error->message, NULL);
  return FALSE;
}

/* Gives back what was reserved for the message, piece by piece as it was. */
static void
release_room (PmInbound *self, const PmInboundRoom *room)
{
  PmQueue *queue = pm_relay_get_queue (self->worker->relay);
  PmDiskWatch *watch = pm_queue_get_disk_watch (queue);

  pm_disk_watch_release (watch, room->announced);
  for (guint i = 0; i < room->n_steps; i++)
    pm_disk_watch_release (watch, ROOM_STEP);
}

/* Forgets the transaction and gives back what it has taken. */
void
pm_inbound_drop (PmInbound *self)
{
  PmInboundTransaction *transaction = &self->transaction;

  if (transaction->message != NULL)
    release_room (self, &transaction->room);
  g_clear_pointer (&transaction->message, pm_queue_message_free);
  pm_header_section_clear (&transaction->header);
  *transaction = (PmInboundTransaction){ 0 };
}

void
pm_inbound_reset (PmSmtpServer *server, gpointer data)
{
  pm_inbound_drop (data);
}

static gboolean
is_in_time (PmInbound *self, PmClientEvent event, guint per_minute)
{
  return self->standing.exempt || per_minute == 0 ||
         pm_client_census_count (pm_relay_get_census (self->worker->relay), self->peer, event,
                                 per_minute, g_get_monotonic_time ());
}

static gboolean
may_relay (const PmInbound *self)
{
  PmRoutingClient client = pm_inbound_get_client (self);

  return pm_router_may_relay (self->settings->router, &client, NULL);
}

/* Returns: (transfer full) (nullable): why the transaction may not begin */
static PmSmtpReply *
judge_sender (PmInbound *self, const PmSmtpMail *mail, gboolean relays)
{
  const PmMailService *service = self->settings->service;
  PmSenderFacts facts = {
    .role = self->listen->role,
    .account = self->account,
    .may_relay = relays,
    .standing = &self->standing,
    .sender = mail->sender,
  };
  PmSmtpReply *reply = pm_admission_judge_sender (self->settings, &facts);

  if (reply != NULL)
    return reply;
  if (service->filter_action == PM_FILTER_REJECT &&
      pm_message_filter_names (self->settings->filter, mail->sender))
    return pm_message_filter_refuse ();
  if (!is_in_time (self, PM_CLIENT_SENDS, service->client_messages_per_minute))
    return pm_admission_over_rate ("messages");
  if (!reserve (self, MIN (mail->size, LARGEST)))
    return no_room_reply ();
  return NULL;
}

static PmQueueMessage *
describe (const PmInbound *self, const PmSmtpMail *mail, const char *sender, gboolean relays)
{
  PmQueueMessage *message = pm_queue_message_new (0, sender);

  message->eight_bit = mail->body == PM_SMTP_BODY_8BITMIME;
  message->utf8 = mail->utf8;
  message->require_tls = mail->require_tls;
  // RFC 6710 4.1: whose word counts is ours to say.
  message->priority = relays ? mail->priority : 0;
  message->ret = mail->ret;
  if (mail->envid != NULL)
    {
      g_free (message->envid);
      message->envid = g_strdup (mail->envid);
    }
  if (self->account != NULL)
    {
      g_free (message->user);
      message->user = g_strdup (self->account);
    }
  return message;
}

void
pm_inbound_mail (PmSmtpServer *server, const PmSmtpMail *mail, gpointer data)
{
  PmInbound *self = data;
  gboolean relays = may_relay (self);
  g_autofree char *sender =
      mail->sender != NULL ? pm_mail_address_to_string (mail->sender) : g_strdup ("");
  g_autoptr (PmSmtpReply) reply = judge_sender (self, mail, relays);

  if (reply != NULL)
    {
      pm_inbound_refuse (self, "sender", sender, reply);
      return;
    }
  self->transaction = (PmInboundTransaction){
    .message = describe (self, mail, sender, relays),
    .room.announced = MIN (mail->size, LARGEST),
    .outward = TRUE,
    .filtered = pm_message_filter_names (self->settings->filter, mail->sender),
  };
  pm_smtp_server_continue (server, NULL);
}

static gboolean
is_over_outbound_limit (const PmInbound *self, guint64 size)
{
  guint64 limit = self->settings->service->outbound_limit;

  return limit > 0 && size > limit;
}

static PmSmtpReply *
outbound_limit_reply (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 552, "5.3.4",
                            "The message is larger than this server sends to other hosts");
}

/* Returns: (transfer full) (nullable): why the recipient is not taken, as far as we know it */
static PmSmtpReply *
judge_recipient (PmInbound *self, const PmDecision *decision)
{
  if (!is_in_time (self, PM_CLIENT_NAMES, self->settings->service->client_recipients_per_minute))
    return pm_admission_over_rate ("recipients");
  if (decision->action == PM_ACTION_REJECT)
    {
      PmSmtpReply *reply = pm_smtp_reply_parse (decision->reply, PM_SMTP_SOURCE_POLICY, NULL);

      return reply != NULL ? reply
                           : pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.7.1",
                                                "Not accepted here");
    }
  if (decision->action != PM_ACTION_INBOUND &&
      is_over_outbound_limit (self, self->transaction.room.announced))
    return outbound_limit_reply ();
  return NULL;
}

/* @mailbox: (nullable): for a recipient with one */
static void
add_recipient (PmInbound *self,
               const PmDecision *decision,
               const char *mailbox,
               const char *address,
               PmDsnNotify notify,
               const char *orcpt)
{
  PmQueueRecipient *recipient =
      pm_queue_message_add_recipient (self->transaction.message, address);

  pm_relay_settings_describe (decision, recipient);
  if (mailbox != NULL)
    {
      g_free (recipient->destination);
      recipient->destination = g_strdup (mailbox);
    }
  recipient->notify = notify;
  if (orcpt != NULL)
    {
      g_free (recipient->orcpt);
      recipient->orcpt = g_strdup (orcpt);
    }
  self->transaction.outward &= recipient->agent == PM_QUEUE_REMOTE;
}

static void
refuse_recipient (PmInbound *self, const char *address, PmSmtpReply *reply)
{
  pm_inbound_refuse (self, "recipient", address, reply);
}

/* A recipient whose host is being asked. */
typedef struct
{
  PmInbound *session;
  PmDecision *decision;
  char *address;
  PmDsnNotify notify;
  char *orcpt;
} Asked;

/* Whom the host does not know, the domain's catch-all gets, where it has one. */
static const char *
get_mailbox (const Asked *asked, const PmSmtpReply *refusal)
{
  if (refusal == NULL)
    return asked->decision->mailbox;
  return pm_smtp_reply_is_permanent (refusal) ? asked->decision->catch_all : NULL;
}

static void
checked_cb (const PmSmtpReply *refusal, gpointer data)
{
  g_autofree Asked *asked = data;
  PmInbound *self = asked->session;
  const char *mailbox = get_mailbox (asked, refusal);

  // The transaction may be gone by now, and with it whoever wanted to know.
  if (self->transaction.message != NULL && (refusal == NULL || mailbox != NULL))
    add_recipient (self, asked->decision, mailbox, asked->address, asked->notify, asked->orcpt);
  if (refusal != NULL && mailbox == NULL)
    refuse_recipient (self, asked->address, (PmSmtpReply *) refusal);
  else
    pm_smtp_server_continue (self->server, NULL);
  pm_decision_unref (asked->decision);
  g_free (asked->address);
  g_free (asked->orcpt);
  pm_inbound_pump (self);
  pm_inbound_unref (self);
}

static void
ask_host (PmInbound *self, PmDecision *decision, const char *address, const PmSmtpRcpt *rcpt)
{
  Asked *asked = g_new0 (Asked, 1);

  asked->session = self;
  asked->decision = pm_decision_ref (decision);
  asked->address = g_strdup (address);
  asked->notify = rcpt->notify;
  asked->orcpt = g_strdup (rcpt->orcpt);
  pm_inbound_ref (self);
  pm_recipient_check_ask (pm_relay_get_recipient_check (self->worker->relay), self->worker,
                          self->settings, decision, checked_cb, asked);
}

void
pm_inbound_rcpt (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer data)
{
  PmInbound *self = data;
  PmRoutingClient client = pm_inbound_get_client (self);
  g_autoptr (PmDecision) decision =
      pm_relay_settings_route (self->settings, rcpt->recipient, &client);
  g_autofree char *address = pm_mail_address_to_string (rcpt->recipient);
  g_autoptr (PmSmtpReply) reply = judge_recipient (self, decision);

  if (reply != NULL)
    {
      refuse_recipient (self, address, reply);
      return;
    }
  if (decision->ask)
    {
      ask_host (self, decision, address, rcpt);
      return;
    }
  add_recipient (self, decision, decision->mailbox, address, rcpt->notify, rcpt->orcpt);
  pm_smtp_server_continue (server, NULL);
}

void
pm_inbound_data (PmSmtpServer *server, gpointer data)
{
  PmInbound *self = data;
  PmQueue *queue = pm_relay_get_queue (self->worker->relay);
  PmQueueMessage *message = self->transaction.message;
  const char *hello = self->hello != NULL ? self->hello : pm_smtp_server_get_hello (server);

  message->id = pm_queue_new_id (queue);
  message->received = pm_clock_now (pm_relay_get_clock (self->worker->relay));
  g_free (message->client);
  message->client = g_strdup_printf ("%s [%s]", hello, self->peer_text);
  for (guint i = 0; i < message->recipients->len; i++)
    ((PmQueueRecipient *) g_ptr_array_index (message->recipients, i))->next_try =
        message->received;
  message->body = pm_queue_body_new (pm_queue_get_body_folder (queue));
  pm_smtp_server_continue (server, NULL);
}

static char *
make_received (const PmInbound *self)
{
  const PmQueueMessage *message = self->transaction.message;
  const PmQueueRecipient *first = g_ptr_array_index (message->recipients, 0);
  PmReceived trace = {
    .hello = self->hello != NULL ? self->hello : pm_smtp_server_get_hello (self->server),
    .extended = pm_smtp_server_is_extended (self->server),
    .utf8 = message->utf8,
    .authenticated = self->account != NULL,
    .tls = pm_stream_get_tls (self->stream),
    .client = self->peer,
    .host = self->settings->host,
    .id = message->id,
    .recipient = message->recipients->len == 1 ? first->original : NULL,
    .time = message->received,
  };

  return pm_received_to_string (&trace);
}

static PmSmtpReply *
append (PmInbound *self, gconstpointer bytes, gsize size)
{
  g_autoptr (GError) error = NULL;

  if (pm_queue_body_append (self->transaction.message->body, bytes, size, &error))
    return NULL;
  pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "client", self->peer_text, "reason",
                error->message, NULL);
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 452, "4.3.1",
                            "The message cannot be stored now, try again later");
}

/*
 * Whether the message has been in every one of its mailboxes before. Refused, the client's side
 * reports it; taken, we would send a report to a sender who may be forged. Where others are to get
 * it, delivery tells the mailbox in question from them.
 */
static gboolean
goes_round (const PmInbound *self)
{
  const PmInboundTransaction *transaction = &self->transaction;
  GPtrArray *recipients = transaction->message->recipients;

  for (guint i = 0; i < recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (recipients, i);

      if (recipient->agent != PM_QUEUE_MAILBOX ||
          !pm_header_has (transaction->header.bytes->data, transaction->header.size,
                          "Delivered-To", recipient->address))
        return FALSE;
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable): why a message with this header section is not taken */
static PmSmtpReply *
judge_header (PmInbound *self)
{
  PmInboundTransaction *transaction = &self->transaction;
  g_autofree char *tls_required = NULL;

  // RFC 5321 6.3
  if (pm_header_section_count (&transaction->header, "Received") >= PM_HEADER_MAX_RECEIVED)
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.4.6",
                              "Too many Received: fields, the message goes round in a loop");
  if (goes_round (self))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.4.6",
                              "The message has been delivered to this mailbox before: a loop");

  transaction->filtered = transaction->filtered || pm_message_filter_names_author (
                                                       self->settings->filter,
                                                       &transaction->header);
  if (transaction->filtered && self->settings->service->filter_action == PM_FILTER_REJECT)
    return pm_message_filter_refuse ();

  // RFC 8689 4.1: REQUIRETLS beats the field; 5: the field counts for each hop.
  tls_required = pm_header_section_get (&transaction->header, "TLS-Required", 0);
  transaction->message->tls_optional = !transaction->message->require_tls &&
                                       tls_required != NULL &&
                                       g_ascii_strcasecmp (tls_required, "No") == 0;
  return NULL;
}

/* The header section is whole: judges it, and writes it with what we add. */
static PmSmtpReply *
write_header (PmInbound *self)
{
  PmInboundTransaction *transaction = &self->transaction;
  g_autofree char *received = make_received (self);
  g_autofree char *added = NULL;
  PmSmtpReply *reply = judge_header (self);

  if (self->listen->role == PM_LISTEN_SUBMISSION)
    added = pm_submission_add_fields (&transaction->header, transaction->message->received,
                                      transaction->message->id, self->settings->host);
  if (reply == NULL)
    reply = append (self, received, strlen (received));
  if (reply == NULL && added != NULL)
    reply = append (self, added, strlen (added));
  if (reply == NULL)
    reply = append (self, transaction->header.bytes->data, transaction->header.bytes->len);
  transaction->written = TRUE;
  pm_header_section_clear (&transaction->header);
  return reply;
}

static PmSmtpReply *
take_header (PmInbound *self, const guint8 *bytes, gsize size)
{
  switch (pm_header_section_feed (&self->transaction.header, bytes, size))
    {
    case PM_HEADER_SECTION_WHOLE:
      return write_header (self);
    case PM_HEADER_SECTION_TOO_LARGE:
      return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 552, "5.3.4",
                                "The message's header section is too large");
    case PM_HEADER_SECTION_TOO_MANY:
      return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.6.0",
                                "The message's header section has too many fields");
    case PM_HEADER_SECTION_MORE:
    default:
      return NULL;
    }
}

/* What is more than the message announced is set aside as it comes. */
static gboolean
take_room (PmInbound *self)
{
  PmInboundTransaction *transaction = &self->transaction;
  PmInboundRoom *room = &transaction->room;

  if (transaction->size <= room->announced + room->n_steps * (guint64) ROOM_STEP)
    return TRUE;
  if (!reserve (self, ROOM_STEP))
    return FALSE;
  room->n_steps++;
  return TRUE;
}

PmSmtpReply *
pm_inbound_chunk (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer data)
{
  PmInbound *self = data;
  PmInboundTransaction *transaction = &self->transaction;
  PmSmtpReply *reply = NULL;

  transaction->size += size;
  if (transaction->outward && is_over_outbound_limit (self, transaction->size))
    reply = outbound_limit_reply ();
  else if (!take_room (self))
    reply = no_room_reply ();
  else if (transaction->written)
    return append (self, bytes, size);
  else
    reply = take_header (self, bytes, size);
  return reply == NULL
             ? NULL
             : pm_inbound_log_refused (self, "message", transaction->message->sender, reply);
}

/* What is needed of a message after it has gone to the queue. */
typedef struct
{
  PmInbound *session;
  guint64 id;
  guint64 size;
  PmInboundRoom room;
  gint64 next_try;
  guint n_recipients;
  gboolean held;
  char *sender;
} Commit;

static void
log_accepted (const Commit *commit)
{
  PmRelayEvent event = {
    .event = PM_EVENT_ACCEPTED,
    .message = commit->id,
    .from = commit->sender,
    .client = commit->session->peer_text,
    .user = commit->session->account,
    .size = commit->size,
    .recipients = commit->n_recipients,
  };

  pm_relay_event (commit->session->worker->relay, &event);
  if (!commit->held)
    return;
  event.event = PM_EVENT_QUARANTINED;
  event.reply = FILTERED;
  pm_relay_event (commit->session->worker->relay, &event);
}

static PmSmtpReply *
conclude_commit (const Commit *commit, GAsyncResult *result)
{
  PmRelay *relay = commit->session->worker->relay;
  g_autoptr (GError) error = NULL;

  if (!pm_queue_enqueue_finish (pm_relay_get_queue (relay), result, &error))
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "client", commit->session->peer_text,
                    "reason", error->message, NULL);
      return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 451, "4.3.0",
                                "The message could not be stored safely, try again later");
    }

  commit->session->ceiling = g_get_monotonic_time () + MAX_WITHOUT_MESSAGE;
  log_accepted (commit);
  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 250, "2.0.0",
                                   "OK, queued as %" G_GUINT64_FORMAT, commit->id);
}

static void
committed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Commit *commit = data;
  PmInbound *self = commit->session;
  g_autoptr (PmSmtpReply) reply = conclude_commit (commit, result);

  release_room (self, &commit->room);
  g_free (commit->sender);
  if (self->stream != NULL)
    {
      pm_smtp_server_continue (self->server, reply);
      pm_inbound_pump (self);
    }
  // After the reply has left: the client waits for it, and delivery has time.
  if (pm_smtp_reply_is_positive (reply) && !commit->held)
    pm_relay_message_fresh (self->worker, commit->id, commit->next_try);
  pm_inbound_unref (self);
}

static void
commit_message (PmInbound *self, const PmInboundRoom *room, PmQueueMessage *message)
{
  Commit *commit = g_new0 (Commit, 1);

  commit->session = self;
  commit->id = message->id;
  commit->size = pm_queue_body_get_size (message->body);
  commit->room = *room;
  commit->next_try = message->received;
  commit->n_recipients = message->recipients->len;
  commit->held = message->held;
  commit->sender = g_strdup (message->sender);
  pm_inbound_ref (self);
  pm_queue_enqueue_async (pm_relay_get_queue (self->worker->relay), message, committed_cb, commit);
}

/* What the administrator wants thrown away is, and the log says so. */
static void
throw_away (PmInbound *self)
{
  const PmQueueMessage *message = self->transaction.message;

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_DELETED,
                                                        .message = message->id,
                                                        .from = message->sender,
                                                        .client = self->peer_text,
                                                        .user = self->account,
                                                        .reply = FILTERED });
  pm_inbound_drop (self);
  pm_smtp_server_continue (self->server, NULL);
}

/* Held, with the reason where whoever looks at the queue sees it. */
static void
quarantine (PmQueueMessage *message)
{
  message->held = TRUE;
  for (guint i = 0; i < message->recipients->len; i++)
    {
      PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      g_free (recipient->reply);
      recipient->reply = g_strdup ("Quarantined: " FILTERED);
    }
}

void
pm_inbound_end_of_data (PmSmtpServer *server, gpointer data)
{
  PmInbound *self = data;
  PmInboundTransaction *transaction = &self->transaction;
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT " bytes", transaction->size);
  g_autoptr (PmSmtpReply) refusal = NULL;
  PmQueueMessage *message;
  PmInboundRoom room = transaction->room;

  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MAXIMUM, "message", size);
  if (!transaction->written)
    {
      pm_header_section_finish (&transaction->header);
      refusal = write_header (self);
    }
  if (refusal != NULL)
    {
      pm_inbound_log_refused (self, "message", transaction->message->sender, refusal);
      pm_inbound_drop (self);
      pm_smtp_server_continue (server, refusal);
      return;
    }
  if (transaction->filtered && self->settings->service->filter_action == PM_FILTER_DELETE)
    {
      throw_away (self);
      return;
    }

  message = g_steal_pointer (&transaction->message);
  if (transaction->filtered)
    quarantine (message);
  pm_inbound_drop (self);
  commit_message (self, &room, message);
}
