// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Which recipients go together, and where. What it promises: the site as it is now decides, and
// those that share a destination have asked the same of its connections.

#include "relay/pm-attempt-private.h"

#include <string.h>

#include "relay/pm-header.h"

static PmAttemptGroup *
get_group (PmAttempt *self, const char *key)
{
  PmAttemptGroup *group = g_hash_table_lookup (self->groups, key);

  if (group != NULL)
    return group;
  group = g_new0 (PmAttemptGroup, 1);
  group->attempt = self;
  group->destination = g_strdup (key);
  group->recipients = g_ptr_array_new ();
  group->addresses = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_mail_address_unref);
  g_hash_table_insert (self->groups, g_strdup (key), group);
  return group;
}

/*
 * What has the same key goes by the same connections: so whatever a message or a domain asks of
 * them is part of it, lest a session that was made with less be used for more.
 */
static char *
make_hops_key (PmAttempt *self, GPtrArray *hops, const char *domain)
{
  const PmDomainSecurity *login = pm_relay_settings_get_login (self->settings, domain);
  GString *key = g_string_new ("smtp");

  if (self->message->require_tls)
    g_string_append (key, "+requiretls");
  else if (self->message->tls_optional)
    g_string_append (key, "+optional");
  if (login != NULL)
    g_string_append_printf (key, " %s/%s@", login->user, login->secret);
  for (guint i = 0; i < hops->len; i++)
    {
      const PmNextHop *hop = g_ptr_array_index (hops, i);

      g_string_append_printf (key, " %s%s:%u/%d", hop->mx ? "mx " : "", hop->host, hop->port,
                              hop->tls);
    }
  return g_string_free (key, FALSE);
}

/* The one next hop that @name names, as `unix:PATH` or `HOST:PORT`. (transfer full) */
static GPtrArray *
make_host_hops (const char *name, PmTls tls)
{
  GPtrArray *hops = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_next_hop_free);
  const char *colon = strrchr (name, ':');
  g_autofree char *host = NULL;

  if (g_str_has_prefix (name, "unix:") || colon == NULL)
    {
      g_ptr_array_add (hops, pm_next_hop_new (name, 0, FALSE, tls));
      return hops;
    }
  host = name[0] == '[' && colon > name + 2 && colon[-1] == ']'
             ? g_strndup (name + 1, (gsize) (colon - name) - 2)
             : g_strndup (name, (gsize) (colon - name));
  g_ptr_array_add (hops, pm_next_hop_new (host, (guint16) g_ascii_strtoull (colon + 1, NULL, 10),
                                          FALSE, tls));
  return hops;
}

static void
plan_lmtp (PmAttempt *self, PmQueueRecipient *recipient, const char *lmtp, PmMailAddress *mailbox)
{
  g_autofree char *key = g_strdup_printf ("lmtp %s", lmtp);
  PmAttemptGroup *group = get_group (self, key);

  if (group->hops == NULL)
    group->hops = make_host_hops (lmtp, PM_TLS_NONE);
  group->protocol = PM_SMTP_PROTOCOL_LMTP;
  g_ptr_array_add (group->recipients, recipient);
  g_ptr_array_add (group->addresses, pm_mail_address_ref (mailbox));
}

static void
plan_mailbox (PmAttempt *self, PmQueueRecipient *recipient, const PmDecision *decision)
{
  g_autoptr (PmMailAddress) mailbox =
      decision->mailbox != NULL ? pm_mail_address_parse (decision->mailbox, NULL) : NULL;
  g_autofree char *name = NULL;
  g_autofree char *key = NULL;
  PmAttemptGroup *group;

  if (mailbox == NULL)
    mailbox = pm_mail_address_ref (decision->recipient);
  if (decision->lmtp != NULL)
    {
      plan_lmtp (self, recipient, decision->lmtp, mailbox);
      return;
    }
  name = pm_mail_address_key (mailbox);
  key = g_strdup_printf ("mailbox %s", name);
  group = get_group (self, key);
  if (group->mailbox == NULL)
    group->mailbox = g_steal_pointer (&mailbox);
  g_ptr_array_add (group->recipients, recipient);
}

/* Equals take turns at being the first: one turn for a message. (transfer full) */
static GPtrArray *
rotate_hops (PmAttempt *self, GPtrArray *hops)
{
  static guint turns; /* atomic */
  GPtrArray *rotated = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_next_hop_free);

  if (self->turn == 0)
    self->turn = __atomic_add_fetch (&turns, 1, __ATOMIC_RELAXED) % 1000000 + 1;
  for (guint i = 0; i < hops->len; i++)
    {
      const PmNextHop *hop = g_ptr_array_index (hops, (i + self->turn) % hops->len);

      g_ptr_array_add (rotated, pm_next_hop_new (hop->host, hop->port, hop->mx, hop->tls));
    }
  return rotated;
}

static gboolean
is_held (const PmAttempt *self, const PmQueueRecipient *recipient)
{
  return recipient->agent == PM_QUEUE_REMOTE &&
         self->settings->service->transfer == PM_TRANSFER_INBOUND;
}

static void
plan_hops (PmAttempt *self, PmQueueRecipient *recipient, GPtrArray *hops, PmMailAddress *address)
{
  g_autofree char *key = make_hops_key (self, hops, address->domain);
  PmAttemptGroup *group = get_group (self, key);

  if (group->hops == NULL)
    {
      group->hops = g_ptr_array_ref (hops);
      group->domain = g_strdup (address->domain);
    }
  g_ptr_array_add (group->recipients, recipient);
  g_ptr_array_add (group->addresses, pm_mail_address_ref (address));
}

static void
plan_remote (PmAttempt *self, PmQueueRecipient *recipient, const PmDecision *decision)
{
  g_autoptr (GPtrArray) hops = decision->rotate && decision->next_hops->len > 1
                                   ? rotate_hops (self, decision->next_hops)
                                   : g_ptr_array_ref (decision->next_hops);

  plan_hops (self, recipient, hops, decision->recipient);
}

/* Somebody has sent it another way by hand, whatever the routing says. */
static gboolean
plan_redirect (PmAttempt *self, PmQueueRecipient *recipient, PmMailAddress *address)
{
  g_autoptr (GPtrArray) hops = NULL;

  if (recipient->redirect == NULL || *recipient->redirect == '\0')
    return FALSE;
  recipient->agent = PM_QUEUE_REMOTE;
  if (is_held (self, recipient))
    return TRUE;
  hops = make_host_hops (recipient->redirect, PM_TLS_OPPORTUNISTIC);
  plan_hops (self, recipient, hops, address);
  return TRUE;
}

/* Its Received: field, which we added ourselves, is not held against it. */
static gboolean
is_over_outbound_limit (const PmAttempt *self)
{
  guint64 limit = self->settings->service->outbound_limit;

  return limit > 0 && self->message->size > limit + PM_HEADER_RECEIVED_MAX;
}

/* Where it had recipients here as well it was accepted, and the others hear of it by a report. */
static void
record_too_large (PmAttempt *self, const PmQueueRecipient *recipient)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 552, "5.3.4",
                         "The message is larger than this server sends to other hosts");

  pm_attempt_record_failed (self, recipient, reply, NULL);
}

/* The router refuses it: a mailbox that is gone is told to the sender, a gap in the site waits. */
static void
record_refused (PmAttempt *self, const PmQueueRecipient *recipient, const PmDecision *decision)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_parse (decision->reply, PM_SMTP_SOURCE_POLICY, NULL);

  if (reply == NULL)
    reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.7.1", "Not accepted here any more");
  if (pm_smtp_reply_is_permanent (reply))
    pm_attempt_record_failed (self, recipient, reply, NULL);
  else
    pm_attempt_record_deferred (self, recipient, reply, NULL);
}

/*
 * The site may have changed since the recipient was accepted: it goes where it would go now. What
 * is no longer ours goes out as other mail does, since we have answered for it: the router lets
 * mail without a client go anywhere.
 */
void
pm_attempt_plan_recipient (PmAttempt *self, PmQueueRecipient *recipient)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (recipient->address, &error);
  g_autoptr (PmDecision) decision = NULL;

  if (address == NULL)
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 553, "5.1.3", error->message);

      pm_attempt_record_failed (self, recipient, reply, NULL);
      return;
    }
  if (plan_redirect (self, recipient, address))
    return;
  decision = pm_relay_settings_route (self->settings, address, NULL);
  if (decision->action == PM_ACTION_REJECT)
    {
      record_refused (self, recipient, decision);
      return;
    }
  pm_relay_settings_describe (decision, recipient);

  if (is_held (self, recipient))
    return;
  if (recipient->agent == PM_QUEUE_MAILBOX)
    plan_mailbox (self, recipient, decision);
  else if (is_over_outbound_limit (self))
    record_too_large (self, recipient);
  else
    plan_remote (self, recipient, decision);
}
