// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Recipients that only the next hop knows. What it promises: a recipient is refused for good only
// where its host has refused it; a host that cannot be asked makes the client come again, and
// nothing is accepted that would have to be returned to a sender who may be forged.

#include "relay/pm-recipient-check.h"

#include <string.h>

#include "relay/pm-callout.h"

#define YES_LASTS (2 * 3600 * (gint64) G_USEC_PER_SEC)
#define NO_LASTS (10 * 60 * (gint64) G_USEC_PER_SEC)
#define DEAD_LASTS (10 * G_USEC_PER_SEC) /* a host that cannot be asked is left alone for so long */
#define MAX_UNDER_WAY 200
#define MAX_PER_HOST 50 /* of them: one host is neither flooded nor fills all */
#define LMTP_PORT 24
#define UNIX_PREFIX "unix:"

/* What is known of a recipient; of those that are full of years the oldest goes first. */
typedef struct
{
  char *key;
  PmSmtpReply *refusal; /* (owned) (nullable): %NULL is yes */
  gint64 until;
  GList place;
} Known;

/* Somebody who wants to know, in the thread of @worker. */
typedef struct
{
  PmRelayWorker *worker;
  PmRecipientCheckFunc func;
  gpointer data;
  PmSmtpReply *refusal; /* (owned) (nullable): the answer */
} Waiter;

/* A question that is being asked. */
typedef struct
{
  PmRecipientCheck *check;
  char *key;
  char *host;     /* whom it is asked, as in the key */
  gboolean heard; /* one of its hosts could be asked */
  PmRelayWorker *worker;
  PmRelaySettings *settings; /* (owned) */
  PmDecision *decision;      /* (owned) */
  guint next_hop;
  GPtrArray *waiters; /* (element-type Waiter): guarded by the check's lock */
} Question;

struct _PmRecipientCheck
{
  GMutex lock;
  GHashTable *known;     /* (element-type utf8 Known): all guarded by lock */
  GQueue order;          /* (element-type Known): the oldest in front */
  GHashTable *questions; /* (element-type utf8 Question) */
  GHashTable *hosts;     /* (element-type utf8 guint): questions under way */
};

static void ask_next (Question *question, const PmSmtpReply *last);

static void
free_known (Known *known)
{
  g_clear_pointer (&known->refusal, pm_smtp_reply_unref);
  g_free (known->key);
  g_free (known);
}

PmRecipientCheck *
pm_recipient_check_new (void)
{
  PmRecipientCheck *self = g_new0 (PmRecipientCheck, 1);

  g_mutex_init (&self->lock);
  g_queue_init (&self->order);
  self->known =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) free_known);
  self->questions = g_hash_table_new (g_str_hash, g_str_equal);
  self->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
pm_recipient_check_free (PmRecipientCheck *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->known);
  g_hash_table_unref (self->questions);
  g_hash_table_unref (self->hosts);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Under the lock. */
static void
forget (PmRecipientCheck *self, Known *known)
{
  g_queue_unlink (&self->order, &known->place);
  g_hash_table_remove (self->known, known->key);
}

static void
remember (PmRecipientCheck *self, const char *key, PmSmtpReply *refusal, gint64 lasts)
{
  Known *known = g_hash_table_lookup (self->known, key);

  if (known != NULL)
    forget (self, known);
  if (g_hash_table_size (self->known) >= PM_RECIPIENT_CHECK_MAX)
    forget (self, self->order.head->data);
  known = g_new0 (Known, 1);
  known->key = g_strdup (key);
  known->refusal = refusal != NULL ? pm_smtp_reply_ref (refusal) : NULL;
  known->until = g_get_monotonic_time () + lasts;
  known->place.data = known;
  g_queue_push_tail_link (&self->order, &known->place);
  g_hash_table_insert (self->known, known->key, known);
}

/**
 * pm_recipient_check_forget:
 *
 * The site has changed: what was learnt may be of other hosts.
 */
void
pm_recipient_check_forget (PmRecipientCheck *self)
{
  g_mutex_lock (&self->lock);
  g_queue_init (&self->order);
  g_hash_table_remove_all (self->known);
  g_mutex_unlock (&self->lock);
}

static void
tell_cb (gpointer data)
{
  g_autofree Waiter *waiter = data;
  g_autoptr (PmSmtpReply) refusal = waiter->refusal;

  waiter->func (refusal, waiter->data);
}

/* In the thread of whoever asked, and after the call in which it asked. */
static void
tell (Waiter *waiter, PmSmtpReply *refusal)
{
  waiter->refusal = refusal != NULL ? pm_smtp_reply_ref (refusal) : NULL;
  pm_worker_invoke (waiter->worker->worker, tell_cb, waiter);
}

/* Under the lock. */
static guint
count_host (PmRecipientCheck *self, const char *host, int by)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->hosts, host)) + (guint) by;

  if (count == 0)
    g_hash_table_remove (self->hosts, host);
  else if (by != 0)
    g_hash_table_replace (self->hosts, g_strdup (host), GUINT_TO_POINTER (count));
  return count;
}

/*
 * @refusal: (nullable): the answer
 * @key: (nullable): what it is remembered of
 */
static void
conclude (Question *question, PmSmtpReply *refusal, const char *key, gint64 lasts)
{
  PmRecipientCheck *self = question->check;

  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->questions, question->key);
  count_host (self, question->host, -1);
  if (key != NULL)
    remember (self, key, refusal, lasts);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < question->waiters->len; i++)
    tell (g_ptr_array_index (question->waiters, i), refusal);
  g_ptr_array_unref (question->waiters);
  pm_decision_unref (question->decision);
  pm_relay_settings_unref (question->settings);
  g_free (question->key);
  g_free (question->host);
  g_free (question);
}

static PmSmtpReply *
unknown_reply (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 450, "4.1.1",
                            "The recipient cannot be checked now, try again later");
}

/* What the host said, for a client that may not read UTF-8. */
static PmSmtpReply *
refusal_reply (const PmSmtpReply *said)
{
  g_autofree char *text = pm_smtp_reply_to_string (said);

  for (char *c = text; *c != '\0'; c++)
    if (!g_ascii_isprint (*c))
      *c = '?';
  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 550, "5.1.1",
                                   "The recipient's host refuses it: %.400s", text);
}

static void
answered_cb (PmCallout *callout, PmCalloutAnswer answer, const PmSmtpReply *reply, gpointer data)
{
  Question *question = data;
  g_autoptr (PmSmtpReply) refusal = NULL;

  g_hash_table_remove (question->worker->callouts, callout);
  switch (answer)
    {
    case PM_CALLOUT_YES:
      conclude (question, NULL, question->key, YES_LASTS);
      return;
    case PM_CALLOUT_NO:
      refusal = refusal_reply (reply);
      conclude (question, refusal, question->key, NO_LASTS);
      return;
    case PM_CALLOUT_LATER:
      question->heard = TRUE;
      G_GNUC_FALLTHROUGH;
    case PM_CALLOUT_UNKNOWN:
    default:
      ask_next (question, reply);
      return;
    }
}

/* Returns: whether there is such a hop; what it consists of goes to @asked and @host */
static gboolean
get_hop (const Question *question, PmCalloutQuestion *asked, char **host)
{
  const char *lmtp = question->decision->lmtp;
  g_autoptr (GSocketConnectable) parsed = NULL;

  if (question->decision->action != PM_ACTION_INBOUND)
    {
      const PmNextHop *hop;

      if (question->next_hop >= question->decision->next_hops->len)
        return FALSE;
      hop = g_ptr_array_index (question->decision->next_hops, question->next_hop);
      *host = g_strdup (hop->host);
      asked->port = hop->port;
      asked->tls = hop->tls;
      return TRUE;
    }
  if (lmtp == NULL || question->next_hop > 0)
    return FALSE;
  asked->lmtp = TRUE;
  if (g_str_has_prefix (lmtp, UNIX_PREFIX))
    {
      *host = g_strdup (lmtp + strlen (UNIX_PREFIX));
      return TRUE;
    }
  parsed = g_network_address_parse (lmtp, LMTP_PORT, NULL);
  if (parsed == NULL)
    return FALSE;
  *host = g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed)));
  asked->port = g_network_address_get_port (G_NETWORK_ADDRESS (parsed));
  return TRUE;
}

/* Returns: (transfer full): whom to ask about: an LMTP server knows mailboxes */
static PmMailAddress *
get_recipient (const PmDecision *decision)
{
  PmMailAddress *mailbox = decision->lmtp != NULL && decision->mailbox != NULL
                               ? pm_mail_address_parse (decision->mailbox, NULL)
                               : NULL;

  return mailbox != NULL ? mailbox : pm_mail_address_ref (decision->recipient);
}

static void
ask_next (Question *question, const PmSmtpReply *last)
{
  PmRelay *relay = question->worker->relay;
  PmCalloutQuestion asked = {
    .hello = question->settings->host,
  };
  g_autoptr (PmMailAddress) recipient = get_recipient (question->decision);
  g_autofree char *host = NULL;

  if (pm_relay_is_stopping (relay) || !get_hop (question, &asked, &host))
    {
      g_autoptr (PmSmtpReply) refusal = unknown_reply ();

      if (last != NULL)
        {
          g_autofree char *why = pm_smtp_reply_to_string (last);
          g_autofree char *address = pm_mail_address_to_string (recipient);

          g_debug ("<%s> cannot be checked: %s", address, why);
        }
      conclude (question, refusal, question->heard ? NULL : question->host, DEAD_LASTS);
      return;
    }
  asked.host = host;
  asked.recipient = recipient;
  question->next_hop++;
  g_hash_table_add (question->worker->callouts,
                    pm_callout_new (pm_worker_get_reactor (question->worker->worker),
                                    pm_relay_get_resolver (relay), &asked, answered_cb, question));
}

/* Where it goes: another route's answer is another one. No address begins with a blank. */
static char *
name_host (const PmDecision *decision)
{
  const PmNextHop *hop =
      decision->next_hops->len > 0 ? g_ptr_array_index (decision->next_hops, 0) : NULL;

  if (decision->action == PM_ACTION_INBOUND || hop == NULL)
    return g_strdup_printf (" %s", decision->lmtp);
  return g_strdup_printf (" %s:%u", hop->host, hop->port);
}

static char *
make_key (const PmDecision *decision, const char *host)
{
  g_autoptr (PmMailAddress) recipient = get_recipient (decision);
  g_autofree char *address = pm_mail_address_key (recipient);

  return g_strconcat (address, host, NULL);
}

/* Under the lock. Returns: whether it is known; @refusal is the answer then */
static gboolean
look_up (PmRecipientCheck *self, const char *key, PmSmtpReply **refusal)
{
  Known *known = g_hash_table_lookup (self->known, key);

  if (known == NULL)
    return FALSE;
  if (known->until < g_get_monotonic_time ())
    {
      forget (self, known);
      return FALSE;
    }
  *refusal = known->refusal != NULL ? pm_smtp_reply_ref (known->refusal) : NULL;
  return TRUE;
}

/* Under the lock. Returns: whether there is an answer without asking; it goes to @refusal */
static gboolean
answer_at_once (PmRecipientCheck *self, const char *key, const char *host, PmSmtpReply **refusal)
{
  if (look_up (self, key, refusal))
    return TRUE;
  if (g_hash_table_contains (self->questions, key))
    return FALSE;
  if (look_up (self, host, refusal))
    return TRUE;
  if (g_hash_table_size (self->questions) < MAX_UNDER_WAY &&
      count_host (self, host, 0) < MAX_PER_HOST)
    return FALSE;
  *refusal = unknown_reply ();
  return TRUE;
}

/* Under the lock. */
static Question *
new_question (PmRecipientCheck *self,
              PmRelayWorker *worker,
              const PmRelaySettings *settings,
              const PmDecision *decision,
              const char *host)
{
  Question *question = g_new0 (Question, 1);

  question->check = self;
  question->key = make_key (decision, host);
  question->host = g_strdup (host);
  question->worker = worker;
  question->settings = pm_relay_settings_ref (settings);
  question->decision = pm_decision_ref (decision);
  question->waiters = g_ptr_array_new ();
  g_hash_table_insert (self->questions, question->key, question);
  count_host (self, host, 1);
  return question;
}

/**
 * pm_recipient_check_ask:
 * @worker: in whose thread this is, and @func is called
 * @decision: what routing says of the recipient
 */
void
pm_recipient_check_ask (PmRecipientCheck *self,
                        PmRelayWorker *worker,
                        const PmRelaySettings *settings,
                        const PmDecision *decision,
                        PmRecipientCheckFunc func,
                        gpointer data)
{
  g_autofree char *host = name_host (decision);
  g_autofree char *key = make_key (decision, host);
  g_autoptr (PmSmtpReply) refusal = NULL;
  Waiter *waiter = g_new0 (Waiter, 1);
  Question *question = NULL;
  gboolean answered;
  gboolean fresh = FALSE;

  waiter->worker = worker;
  waiter->func = func;
  waiter->data = data;

  g_mutex_lock (&self->lock);
  answered = answer_at_once (self, key, host, &refusal);
  if (!answered)
    {
      question = g_hash_table_lookup (self->questions, key);
      fresh = question == NULL;
      if (fresh)
        question = new_question (self, worker, settings, decision, host);
      g_ptr_array_add (question->waiters, waiter);
    }
  g_mutex_unlock (&self->lock);

  if (answered)
    tell (waiter, refusal);
  else if (fresh)
    ask_next (question, NULL);
}

/**
 * pm_recipient_check_stop:
 *
 * The service is closing down: what @worker is asking is given up.
 */
void
pm_recipient_check_stop (PmRelayWorker *worker)
{
  g_autoptr (GList) callouts = g_hash_table_get_keys (worker->callouts);

  for (GList *l = callouts; l != NULL; l = l->next)
    pm_callout_abandon (l->data);
}
