// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// From hops to a connection. What it promises: an address that did not answer lately is not asked
// again, of a host with several addresses one that is silent does not hold up the others, and no
// host is connected to before it is known how well that must be secured.

#include "relay/pm-reach.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/pm-connector-race.h"
#include "relay/pm-dead-hosts.h"
#include "relay/pm-diagnostics.h"
#include "relay/pm-mx-walk.h"

#define CONNECT_TIMEOUT (30 * G_USEC_PER_SEC)
#define MAX_TARGETS 10
#define UNIX_PREFIX "unix:"

struct _PmReach
{
  PmReachJob job; /* hops and settings owned */
  const PmReachHandler *handler;
  gpointer data;
  GCancellable *cancellable;
  PmTimer step;

  guint next_hop;       /* index into the hops */
  const PmNextHop *hop; /* (nullable): at hand */
  GPtrArray *targets;   /* (owned) (nullable) (element-type PmMxTarget): of the hop at hand */
  guint next_target;
  guint n_tried;
  PmTlsPolicy *policy; /* (owned) (nullable): for the host at hand */
  char *judged;        /* (owned) (nullable): the host that @policy is for */
  gint64 until;        /* when the first of those that were left out may be tried; 0: none was */

  PmConnectorRace *race;  /* (owned) (nullable) */
  GPtrArray *racing;      /* (element-type PmMxTarget): who runs; borrowed from targets */
  const PmMxTarget *last; /* (nullable): who was connected last */
};

static gint64
get_now (const PmReach *self)
{
  return pm_clock_now (pm_relay_get_clock (self->job.worker->relay));
}

static guint16
get_port (const PmReach *self)
{
  return self->hop->mx ? pm_relay_get_mx_port (self->job.worker->relay) : self->hop->port;
}

static gboolean
is_unix (const PmReach *self)
{
  return g_str_has_prefix (self->hop->host, UNIX_PREFIX);
}

static char *
describe (const PmReach *self, const PmMxTarget *target)
{
  g_autofree char *text = NULL;

  if (target == NULL)
    return g_strdup (self->hop->host);
  text = g_inet_address_to_string (target->address);
  if (strcmp (text, target->host) == 0)
    return g_strdup_printf ("[%s]:%u", text, get_port (self));
  return g_strdup_printf ("%s [%s]:%u", target->host, text, get_port (self));
}

/* A site that retries sooner than a minute means it. */
static void
note_failure (PmReach *self, const PmMxTarget *target)
{
  const GArray *intervals = self->job.settings->service->retry_intervals;
  gint64 longest = intervals->len == 0
                       ? PM_DEAD_HOSTS_LONGEST
                       : (gint64) g_array_index (intervals, guint, 0) * G_USEC_PER_SEC;

  if (target != NULL)
    pm_dead_hosts_note_failure (pm_relay_get_dead_hosts (self->job.worker->relay),
                                target->address, get_port (self), get_now (self), longest);
}

/* (nullable): of the host itself, where the site names it and has one; else of the domain. */
static const PmDomainSecurity *
get_login (const PmReach *self)
{
  const PmDomainSecurity *login =
      self->hop->mx ? NULL : pm_relay_settings_get_login (self->job.settings, self->hop->host);

  return login != NULL ? login
                       : pm_relay_settings_get_login (self->job.settings, self->job.domain);
}

static void
failed_cb (guint index, const GError *error, gpointer data)
{
  PmReach *self = data;
  const PmMxTarget *target = index < self->racing->len ? g_ptr_array_index (self->racing, index)
                                                       : NULL;
  g_autofree char *peer = describe (self, target);
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 421, "4.4.1", "Could not connect to %s: %s",
                                peer, error->message);

  note_failure (self, target);
  self->handler->refused (reply, peer, self->data);
}

static void
over_cb (int fd, guint index, gpointer data)
{
  PmReach *self = data;
  g_autofree char *peer = NULL;
  PmReached reached;

  g_clear_pointer (&self->race, pm_connector_race_free);
  if (fd < 0)
    {
      pm_reach_next (self);
      return;
    }
  self->last = index < self->racing->len ? g_ptr_array_index (self->racing, index) : NULL;
  peer = describe (self, self->last);
  reached = (PmReached){
    .fd = fd,
    .peer = peer,
    .host = self->last != NULL ? self->last->host : NULL,
    .domain = self->hop->mx ? self->hop->host : NULL,
    .loopback = self->last == NULL || g_inet_address_get_is_loopback (self->last->address),
    .policy = self->policy,
    .login = self->job.in_clear ? NULL : get_login (self),
  };
  self->handler->connected (&reached, self->data);
}

static const PmConnectorRaceHandler race_handler = { .failed = failed_cb, .over = over_cb };

static void
start_race (PmReach *self, GPtrArray *addresses)
{
  self->race = pm_connector_race_new (pm_worker_get_reactor (self->job.worker->worker), addresses,
                                      CONNECT_TIMEOUT, &race_handler, self);
}

/* RFC 2033 is mostly spoken over a Unix socket: its path is all there is to it. */
static void
connect_to_socket (PmReach *self)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  const char *path = self->hop->host + strlen (UNIX_PREFIX);
  struct sockaddr_un native = { .sun_family = AF_UNIX };

  g_strlcpy (native.sun_path, path, sizeof native.sun_path);
  g_ptr_array_set_size (self->racing, 0);
  g_ptr_array_add (addresses, g_socket_address_new_from_native (&native, sizeof native));
  start_race (self, addresses);
}

/* Whether it is left alone, which is then remembered. */
static gboolean
is_dead (PmReach *self, const PmMxTarget *target)
{
  gint64 until = pm_dead_hosts_get (pm_relay_get_dead_hosts (self->job.worker->relay),
                                    target->address, get_port (self), get_now (self));

  if (until != 0)
    self->until = self->until == 0 ? until : MIN (self->until, until);
  return until != 0;
}

static gboolean
is_own_address (const PmReach *self, GInetAddress *address)
{
  GPtrArray *own = self->job.settings->self;

  for (guint i = 0; i < own->len; i++)
    if (g_inet_address_equal (g_ptr_array_index (own, i), address))
      return TRUE;
  return g_inet_address_get_is_loopback (address);
}

/* Whether who connects there comes to @listen; connecting to 0.0.0.0 leads to the loopback. */
static gboolean
answers_at (const PmReach *self, const PmListen *listen, GInetAddress *address)
{
  g_autoptr (GInetAddress) bound = g_inet_address_new_from_string (listen->address);

  if (bound == NULL || listen->port != get_port (self))
    return FALSE;
  if (g_inet_address_get_is_any (bound))
    return g_inet_address_get_is_any (address) || is_own_address (self, address);
  if (g_inet_address_get_is_any (address))
    return g_inet_address_get_is_loopback (bound);
  return g_inet_address_equal (bound, address);
}

/*
 * A host that the site names is this service itself: the mail would go round until its Received
 * fields stop it. The site is at fault and can be mended, so the mail waits.
 */
static gboolean
leads_back (PmReach *self, const PmMxTarget *target)
{
  const GPtrArray *listeners = self->job.settings->service->listeners;
  g_autoptr (PmSmtpReply) reply = NULL;
  g_autofree char *peer = NULL;
  gboolean found = FALSE;

  for (guint i = 0; i < listeners->len && !self->hop->mx && !found; i++)
    found = answers_at (self, g_ptr_array_index (listeners, i), target->address);
  if (!found)
    return FALSE;
  peer = describe (self, target);
  reply = pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 451, "4.4.6",
                                    "The host %s is this mail service itself: the mail would go "
                                    "round; correct the route that names it",
                                    peer);
  self->handler->refused (reply, peer, self->data);
  return TRUE;
}

/* What is to be known of the host, before anybody connects to it. */
static PmTlsPolicyQuery
make_query (const PmReach *self, const PmMxTarget *target)
{
  const PmMailService *service = self->job.settings->service;
  gboolean named = !g_hostname_is_ip_address (self->hop->host);

  return (PmTlsPolicyQuery){
    .domain = self->hop->mx ? self->hop->host : self->job.domain,
    .mx_host = target->host,
    .by_mx = self->hop->mx,
    .mx_secure = target->secure,
    .port = get_port (self),
    // The router has put together what the site says of the host and of the domain.
    .hop_tls = self->hop->mx ? PM_TLS_OPPORTUNISTIC : self->hop->tls,
    .domain_tls = self->hop->mx ? self->hop->tls : PM_TLS_OPPORTUNISTIC,
    .login = get_login (self) != NULL && !g_inet_address_get_is_loopback (target->address),
    .require_tls = self->job.require_tls,
    .tls_optional = self->job.tls_optional,
    .use_dane = service->dane && named && pm_relay_is_dane_in_force (self->job.worker->relay),
    .use_mta_sts = service->mta_sts && named,
  };
}

static void
take_policy (PmReach *self, const PmMxTarget *target, PmTlsPolicy *policy)
{
  g_clear_pointer (&self->policy, pm_tls_policy_unref);
  g_free (self->judged);
  self->policy = policy;
  self->judged = g_strdup (target->host);
}

static void
policy_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmReach *self = data;
  PmTlsPolicyStore *store;
  PmTlsPolicy *policy;

  // Cancelled: we are gone.
  if (g_cancellable_is_cancelled (g_task_get_cancellable (G_TASK (result))))
    return;
  store = pm_relay_get_outbound_tls (self->job.worker->relay)->policies;
  policy = pm_tls_policy_lookup_finish (store, result, NULL);
  g_return_if_fail (policy != NULL);
  take_policy (self, g_ptr_array_index (self->targets, self->next_target), policy);
  pm_reach_next (self);
}

/* FALSE where somebody is asked first. */
static gboolean
judge (PmReach *self, const PmMxTarget *target)
{
  const PmOutboundTls *tls = pm_relay_get_outbound_tls (self->job.worker->relay);
  PmTlsPolicyQuery query;
  PmTlsPolicy *policy;

  if (self->job.in_clear || g_strcmp0 (self->judged, target->host) == 0)
    return TRUE;
  query = make_query (self, target);
  policy = pm_tls_policy_decide_locally (&query);
  if (policy == NULL)
    {
      pm_tls_policy_lookup_async (tls->policies, &query, self->cancellable, policy_cb, self);
      return FALSE;
    }
  take_policy (self, target, policy);
  return TRUE;
}

static void
count_refusal (PmReach *self, const PmMxTarget *target)
{
  const PmOutboundTls *tls = pm_relay_get_outbound_tls (self->job.worker->relay);

  if (!self->hop->mx || self->policy->source < PM_TLS_SOURCE_DANE)
    return;
  pm_tls_report_note_failure (tls->report, self->hop->host, self->policy->source,
                              self->policy->source == PM_TLS_SOURCE_DANE
                                  ? PM_TLS_RESULT_DNSSEC_INVALID
                                  : PM_TLS_RESULT_VALIDATION_FAILURE,
                              target->host);
}

/* The host is not to be used: neither is any of its addresses. */
static void
pass_over (PmReach *self, const PmMxTarget *target)
{
  gboolean permanent = self->policy->permanent;
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new (
      PM_SMTP_SOURCE_POLICY, permanent ? 550 : 451,
      permanent                                    ? "5.7.30"
      : self->policy->source == PM_TLS_SOURCE_DANE ? "4.7.5"
                                                   : "4.7.10",
      self->policy->reason);

  count_refusal (self, target);
  pm_diagnose (PM_TOPIC_TLS, PM_DIAGNOSTICS_MINIMUM, "what", "host-not-used", "host", target->host,
               "domain", self->job.domain, "reason", self->policy->reason, NULL);
  while (self->next_target < self->targets->len &&
         strcmp (((PmMxTarget *) g_ptr_array_index (self->targets, self->next_target))->host,
                 self->judged) == 0)
    self->next_target++;
  self->handler->refused (reply, self->judged, self->data);
  pm_reach_next (self);
}

/* The next host that is not known to be dead. (nullable) */
static const PmMxTarget *
find_target (PmReach *self)
{
  for (; self->targets != NULL && self->next_target < self->targets->len; self->next_target++)
    {
      const PmMxTarget *target = g_ptr_array_index (self->targets, self->next_target);

      if (self->n_tried < MAX_TARGETS && !is_dead (self, target) && !leads_back (self, target))
        return target;
    }
  return NULL;
}

/*
 * Runs to all addresses of @host, and of no other: the policy at hand is this one's, even where
 * another worker has just found its last address dead.
 */
static void
run_to_host (PmReach *self, const char *host)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_set_size (self->racing, 0);
  for (; self->next_target < self->targets->len; self->next_target++)
    {
      PmMxTarget *target = g_ptr_array_index (self->targets, self->next_target);

      if (strcmp (host, target->host) != 0)
        break;
      if (self->n_tried >= MAX_TARGETS || leads_back (self, target) || is_dead (self, target))
        continue;
      self->n_tried++;
      g_ptr_array_add (self->racing, target);
      g_ptr_array_add (addresses, g_inet_socket_address_new (target->address, get_port (self)));
    }
  if (addresses->len > 0)
    start_race (self, addresses);
  else
    pm_reach_next (self);
}

/* FALSE when no target is left. */
static gboolean
connect_to_host (PmReach *self)
{
  const PmMxTarget *first = find_target (self);

  if (first == NULL)
    return FALSE;
  if (!judge (self, first))
    return TRUE;
  if (self->policy != NULL && self->policy->level == PM_TLS_LEVEL_REFUSED)
    {
      pass_over (self, first);
      return TRUE;
    }
  run_to_host (self, first->host);
  return TRUE;
}

static void
walked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmReach *self = data;
  g_autoptr (PmSmtpReply) refusal = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) targets =
      pm_mx_walk_finish (PM_RESOLVER (source), result, &refusal, &error);

  // Cancelled: we are gone.
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->targets = g_steal_pointer (&targets);
  self->next_target = 0;
  if (refusal != NULL)
    self->handler->refused (refusal, NULL, self->data);
  pm_reach_next (self);
}

static gboolean
listens_on (const PmRelaySettings *settings, guint16 port)
{
  for (guint i = 0; i < settings->service->listeners->len; i++)
    if (((PmListen *) g_ptr_array_index (settings->service->listeners, i))->port == port)
      return TRUE;
  return FALSE;
}

static void
look_up_hop (PmReach *self)
{
  PmRelay *relay = self->job.worker->relay;
  guint16 port = get_port (self);
  PmMxQuestion question = {
    .name = self->hop->host,
    .mx = self->hop->mx,
    .own_name = self->job.settings->host,
    .own_addresses = self->job.settings->self,
    .own_loopback = port == 25 || listens_on (self->job.settings, port),
  };

  pm_mx_walk_async (pm_relay_get_resolver (relay), &question, self->cancellable, walked_cb, self);
}

static void
step_cb (gpointer data)
{
  PmReach *self = data;

  self->last = NULL;
  if (connect_to_host (self))
    return;
  g_clear_pointer (&self->targets, g_ptr_array_unref);
  g_clear_pointer (&self->judged, g_free);
  g_clear_pointer (&self->policy, pm_tls_policy_unref);
  while (self->next_hop < self->job.hops->len && self->n_tried < MAX_TARGETS)
    {
      self->hop = g_ptr_array_index (self->job.hops, self->next_hop++);
      if (is_unix (self))
        connect_to_socket (self);
      else
        look_up_hop (self);
      return;
    }
  self->handler->exhausted (self->until, self->data);
}

PmReach *
pm_reach_new (const PmReachJob *job, const PmReachHandler *handler, gpointer data)
{
  PmReach *self = g_new0 (PmReach, 1);

  self->job = *job;
  g_ptr_array_ref (self->job.hops);
  self->job.domain = g_strdup (job->domain);
  pm_relay_settings_ref (self->job.settings);
  self->handler = handler;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->racing = g_ptr_array_new ();
  pm_timer_init (&self->step, pm_worker_get_reactor (job->worker->worker), step_cb, self);
  return self;
}

void
pm_reach_free (PmReach *self)
{
  if (self == NULL)
    return;
  pm_timer_clear (&self->step);
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  pm_connector_race_free (self->race);
  g_ptr_array_unref (self->racing);
  g_clear_pointer (&self->targets, g_ptr_array_unref);
  g_ptr_array_unref (self->job.hops);
  g_free ((char *) self->job.domain);
  g_free (self->judged);
  pm_tls_policy_unref (self->policy);
  pm_relay_settings_unref (self->job.settings);
  g_free (self);
}

void
pm_reach_next (PmReach *self)
{
  pm_timer_set_after (&self->step, 0);
}

void
pm_reach_again (PmReach *self)
{
  guint index;

  if (self->last != NULL && g_ptr_array_find (self->targets, self->last, &index))
    {
      self->next_target = index;
      self->n_tried--;
    }
  pm_reach_next (self);
}

void
pm_reach_note (PmReach *self, gboolean answered)
{
  if (self->last == NULL)
    return;
  if (answered)
    pm_dead_hosts_note_answer (pm_relay_get_dead_hosts (self->job.worker->relay),
                               self->last->address, get_port (self));
  else
    note_failure (self, self->last);
}
