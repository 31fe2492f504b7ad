// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is in force, as the bus tells it: the policy, where a recipient would go, and how other
// hosts would be talked to. All of it by the very values that the engine acts on.

#include "relay/pm-relay-bus-call.h"

#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "net/pm-tls-certificate.h"
#include "relay/pm-diagnostics.h"
#include "relay/pm-relay-private.h"
#include "relay/pm-relay-statistics.h"

#define MAX_HOSTS 10

static void
add_limit (GVariantBuilder *builder, const char *key, guint64 number)
{
  g_variant_builder_add (builder, "{st}", key, number);
}

static GVariant *
describe_limits (const PmRelaySettings *settings)
{
  const PmMailService *service = settings->service;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("a{st}"));
  add_limit (&out, "inbound", settings->max_inbound);
  add_limit (&out, "inbound-wanted", service->max_inbound);
  add_limit (&out, "outbound", service->max_outbound);
  add_limit (&out, "per-host", service->max_per_host);
  add_limit (&out, "per-client", service->max_per_client);
  add_limit (&out, "messages-per-connection", service->max_messages_per_connection);
  add_limit (&out, "recipients", service->max_recipients);
  add_limit (&out, "client-connections-per-minute", service->client_connections_per_minute);
  add_limit (&out, "client-messages-per-minute", service->client_messages_per_minute);
  add_limit (&out, "client-recipients-per-minute", service->client_recipients_per_minute);
  add_limit (&out, "inbound-message", service->inbound_limit);
  add_limit (&out, "outbound-message", service->outbound_limit);
  return g_variant_builder_end (&out);
}

static GVariant *
describe_listeners (const PmRelaySettings *settings)
{
  GPtrArray *listeners = settings->service->listeners;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < listeners->len; i++)
    {
      const PmListen *listen = g_ptr_array_index (listeners, i);
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      pm_relay_bus_add_string (&row, "address", listen->address);
      pm_relay_bus_add (&row, "port", g_variant_new_uint16 (listen->port));
      pm_relay_bus_add_string (&row, "role",
                               listen->role == PM_LISTEN_SUBMISSION ? "submission" : "relay");
      pm_relay_bus_add_string (&row, "tls",
                               listen->implicit_tls    ? "implicit"
                               : settings->tls != NULL ? "starttls"
                                                       : "none");
      pm_relay_bus_add (&row, "proxy", g_variant_new_boolean (listen->proxy));
      g_variant_builder_add_value (&out, g_variant_builder_end (&row));
    }
  return g_variant_builder_end (&out);
}

static GVariant *
describe_certificates (const PmRelaySettings *settings)
{
  static const char *const none[] = { NULL };
  GPtrArray *certificates = settings->service->certificates;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < certificates->len; i++)
    {
      const PmCertificate *certificate = g_ptr_array_index (certificates, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (PmTlsCertificate) found = pm_tls_certificate_read (certificate->chain, &error);
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      pm_relay_bus_add_string (&row, "chain", certificate->chain);
      pm_relay_bus_add_string (&row, "problem", error != NULL ? error->message : "");
      pm_relay_bus_add (&row, "names",
                        g_variant_new_strv (found != NULL ? (const char *const *) found->names
                                                          : none,
                                            -1));
      pm_relay_bus_add (&row, "expires",
                        g_variant_new_int64 (
                            found != NULL ? found->expires * G_USEC_PER_SEC : 0));
      g_variant_builder_add_value (&out, g_variant_builder_end (&row));
    }
  return g_variant_builder_end (&out);
}

static GVariant *
describe_mailboxes (const PmRelaySettings *settings)
{
  static const char *const accepts[] = { "listed", "any", "ask" };
  const PmMailService *service = settings->service;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add_string (&out, "accept", accepts[service->mailbox_accept]);
  if (service->lmtp != NULL)
    pm_relay_bus_add_string (&out, "lmtp", service->lmtp);
  else
    pm_relay_bus_add_string (&out, "maildir", settings->maildir);
  pm_relay_bus_add (&out, "quota", g_variant_new_uint64 (service->mailbox_quota));
  return g_variant_builder_end (&out);
}

static GVariant *
describe_accounts (const PmRelaySettings *settings)
{
  const PmMailService *service = settings->service;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add_string (&out, "source",
                           service->accounts_source == PM_ACCOUNTS_PAM ? "pam" : "file");
  pm_relay_bus_add_string (&out, "path",
                           service->accounts_path != NULL ? service->accounts_path : "");
  pm_relay_bus_add (&out, "in-use", g_variant_new_boolean (settings->accounts != NULL));
  return g_variant_builder_end (&out);
}

static GVariant *
describe_diagnostics (void)
{
  static const char *const levels[] = { "none", "minimum", "medium", "maximum" };
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("a{ss}"));
  for (guint i = 0; i < PM_N_TOPICS; i++)
    {
      int level = __atomic_load_n (&pm_diagnostics_levels[i], __ATOMIC_RELAXED);

      g_variant_builder_add (&out, "{ss}", pm_topic_to_string (i), levels[CLAMP (level, 0, 3)]);
    }
  return g_variant_builder_end (&out);
}

static void
describe_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (source);
  const PmMailService *service = settings->service;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add_string (&out, "revision", settings->revision);
  pm_relay_bus_add_string (&out, "server", service->server);
  pm_relay_bus_add_string (&out, "host", settings->host);
  pm_relay_bus_add_string (&out, "transfer", pm_transfer_mode_to_string (service->transfer));
  pm_relay_bus_add (&out, "limits", describe_limits (settings));
  pm_relay_bus_add (&out, "listeners", describe_listeners (settings));
  pm_relay_bus_add (&out, "certificates", describe_certificates (settings));
  pm_relay_bus_add (&out, "mailboxes", describe_mailboxes (settings));
  pm_relay_bus_add (&out, "accounts", describe_accounts (settings));
  pm_relay_bus_add (&out, "diagnostics", describe_diagnostics ());
  pm_relay_bus_add (&out, "mta-sts", g_variant_new_boolean (service->mta_sts));
  pm_relay_bus_add (&out, "dane", g_variant_new_boolean (service->dane));
  pm_relay_bus_add (&out, "tracking-keep", g_variant_new_uint32 (service->tracking_keep));
  pm_relay_bus_add (&out, "statistics-port", g_variant_new_uint16 (service->statistics_port));
  g_task_return_pointer (task, g_variant_ref_sink (g_variant_new ("(a{sv})", &out)),
                         (GDestroyNotify) g_variant_unref);
}

static void
described_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  g_task_return_pointer (task, g_task_propagate_pointer (G_TASK (result), NULL),
                         (GDestroyNotify) g_variant_unref);
}

void
pm_relay_bus_effective_policy (PmRelayBusCall *call, GTask *task)
{
  // Certificates are files.
  pm_relay_bus_run_in_thread (task, describe_in_thread, described_cb);
}

/* (transfer full) (nullable): of a key that may not be there: %TRUE then */
static gboolean
read_ip (GVariant *client, const char *key, GInetAddress **address, GError **error)
{
  const char *text;

  if (!g_variant_lookup (client, key, "&s", &text))
    return TRUE;
  *address = g_inet_address_new_from_string (text);
  if (*address != NULL)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               "The %s “%.100s” is not an IP address, as 192.0.2.1 or 2001:db8::1", key, text);
  return FALSE;
}

static GVariant *
describe_hops (GPtrArray *hops)
{
  static const char *const words[] = { "none", "opportunistic", "required", "verify" };
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("a(sqbs)"));
  for (guint i = 0; i < hops->len; i++)
    {
      const PmNextHop *hop = g_ptr_array_index (hops, i);

      g_variant_builder_add (&out, "(sqbs)", hop->host, hop->port, hop->mx, words[hop->tls]);
    }
  return g_variant_builder_end (&out);
}

static GVariant *
describe_decision (const PmMailAddress *address, const PmDecision *decision)
{
  g_autofree char *asked = pm_mail_address_to_string (address);
  g_autofree char *recipient = pm_mail_address_to_string (decision->recipient);
  g_autofree char *rule = decision->rule == NULL ? NULL : pm_route_to_sent_to (decision->rule);
  g_auto (GStrv) explanation = pm_decision_explain (decision);
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add_string (&out, "address", asked);
  pm_relay_bus_add_string (&out, "action", pm_routing_action_to_string (decision->action));
  pm_relay_bus_add_string (&out, "rule", rule != NULL ? rule : "");
  pm_relay_bus_add_string (&out, "rewritten", decision->rewritten ? recipient : "");
  pm_relay_bus_add_string (&out, "reply", decision->reply != NULL ? decision->reply : "");
  pm_relay_bus_add_string (&out, "mailbox", decision->mailbox != NULL ? decision->mailbox : "");
  pm_relay_bus_add (&out, "next-hops", describe_hops (decision->next_hops));
  pm_relay_bus_add (&out, "explanation",
                    g_variant_new_strv ((const char *const *) explanation, -1));
  return g_variant_new ("(a{sv})", &out);
}

void
pm_relay_bus_test_route (PmRelayBusCall *call, GTask *task)
{
  static const PmRelayBusKey keys[] = {
    { "client", "s" },
    { "local", "s" },
    { "authenticated", "b" },
  };
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (call->relay);
  g_autoptr (GVariant) who = g_variant_get_child_value (call->parameters, 1);
  g_autoptr (GInetAddress) address = NULL;
  g_autoptr (GInetAddress) local = NULL;
  g_autoptr (PmMailAddress) recipient = NULL;
  g_autoptr (PmDecision) decision = NULL;
  PmRoutingClient client = { 0 };
  GError *error = NULL;
  const char *text;

  g_variant_get_child (call->parameters, 0, "&s", &text);
  if (!pm_relay_bus_check_keys (who, keys, G_N_ELEMENTS (keys), &error) ||
      !read_ip (who, "client", &address, &error) || !read_ip (who, "local", &local, &error) ||
      (recipient = pm_mail_address_parse (text, &error)) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_lookup (who, "authenticated", "b", &client.authenticated);
  client.address = address;
  client.local_address = local;
  client.stranger = address == NULL;
  decision = pm_relay_settings_route (settings, recipient, &client);
  pm_relay_bus_return (task, describe_decision (recipient, decision));
}

/* Asking how the hosts of a domain are to be talked to. */
typedef struct
{
  PmRelay *relay;
  char *domain;
  gboolean secure;
  GPtrArray *hosts;    /* (element-type utf8) */
  GPtrArray *policies; /* (element-type PmTlsPolicy) */
} Question;

static void
free_question (Question *question)
{
  g_free (question->domain);
  g_ptr_array_unref (question->hosts);
  g_ptr_array_unref (question->policies);
  g_free (question);
}

static void
return_policies (GTask *task, const Question *question)
{
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < question->policies->len; i++)
    {
      const PmTlsPolicy *policy = g_ptr_array_index (question->policies, i);
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      pm_relay_bus_add_string (&row, "host", g_ptr_array_index (question->hosts, i));
      pm_relay_bus_add_string (&row, "level", pm_tls_level_to_string (policy->level));
      pm_relay_bus_add_string (&row, "reason", policy->reason);
      pm_relay_bus_add (&row, "names",
                        g_variant_new_strv ((const char *const *) policy->names->pdata,
                                            (gssize) policy->names->len));
      pm_relay_bus_add (&row, "tlsa",
                        g_variant_new_uint32 (policy->tlsa != NULL ? policy->tlsa->len : 0));
      g_variant_builder_add_value (&out, g_variant_builder_end (&row));
    }
  pm_relay_bus_return (task, g_variant_new ("(aa{sv})", &out));
}

static void ask_next (GTask *task);

static void
policy_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Question *question = g_task_get_task_data (task);
  PmTlsPolicyStore *store = pm_relay_get_outbound_tls (question->relay)->policies;
  GError *error = NULL;
  PmTlsPolicy *policy = pm_tls_policy_lookup_finish (store, result, &error);

  if (policy == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_ptr_array_add (question->policies, policy);
  ask_next (task);
}

/* What the site says of the connections to a domain's hosts: the routing knows. */
static PmTls
get_site_tls (const PmRelaySettings *settings, const char *domain)
{
  g_autofree char *text = g_strconcat ("postmaster@", domain, NULL);
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, NULL);
  g_autoptr (PmDecision) decision = NULL;
  const PmNextHop *hop;

  if (address == NULL)
    return PM_TLS_OPPORTUNISTIC;
  decision = pm_relay_settings_route (settings, address, NULL);
  hop = decision->next_hops->len > 0 ? g_ptr_array_index (decision->next_hops, 0) : NULL;
  return hop != NULL && hop->mx ? hop->tls : PM_TLS_OPPORTUNISTIC;
}

static void
ask_next (GTask *task)
{
  Question *question = g_task_get_task_data (task);
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (question->relay);
  PmTlsPolicyQuery query = { 0 };

  if (question->policies->len == question->hosts->len)
    {
      return_policies (task, question);
      return;
    }
  query.domain = question->domain;
  query.mx_host = g_ptr_array_index (question->hosts, question->policies->len);
  query.by_mx = TRUE;
  query.mx_secure = question->secure;
  query.port = pm_relay_get_mx_port (question->relay);
  query.hop_tls = PM_TLS_OPPORTUNISTIC;
  query.domain_tls = get_site_tls (settings, question->domain);
  query.use_dane = settings->service->dane;
  query.use_mta_sts = settings->service->mta_sts;
  pm_tls_policy_lookup_async (pm_relay_get_outbound_tls (question->relay)->policies, &query, NULL,
                              policy_cb, g_object_ref (task));
}

static int
compare_records (gconstpointer a, gconstpointer b)
{
  const PmDnsRecord *x = *(PmDnsRecord *const *) a;
  const PmDnsRecord *y = *(PmDnsRecord *const *) b;

  return x->preference < y->preference ? -1 : x->preference > y->preference;
}

static void
mx_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Question *question = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PmDnsAnswer) answer =
      pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);
  g_autoptr (GPtrArray) records = g_ptr_array_new ();

  if (answer == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  for (guint i = 0; i < answer->records->len; i++)
    g_ptr_array_add (records, g_ptr_array_index (answer->records, i));
  g_ptr_array_sort (records, compare_records);
  for (guint i = 0; i < MIN (records->len, MAX_HOSTS); i++)
    g_ptr_array_add (question->hosts,
                     g_strdup (((PmDnsRecord *) g_ptr_array_index (records, i))->name));
  question->secure = answer->secure;
  if (question->hosts->len == 0)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_NOT_FOUND,
                             "DNS names no MX hosts for %s: %s", question->domain,
                             pm_dns_status_to_string (answer->status));
  else
    ask_next (task);
}

void
pm_relay_bus_tls_policy (PmRelayBusCall *call, GTask *task)
{
  g_autofree char *domain = NULL;
  GError *error = NULL;
  Question *question;
  const char *text;

  g_variant_get (call->parameters, "(&s)", &text);
  domain = pm_domain_name_normalize (text, &error);
  if (domain == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  question = g_new0 (Question, 1);
  question->relay = call->relay;
  question->domain = g_steal_pointer (&domain);
  question->hosts = g_ptr_array_new_with_free_func (g_free);
  question->policies = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_tls_policy_unref);
  g_task_set_task_data (task, question, (GDestroyNotify) free_question);
  pm_resolver_lookup_async (pm_relay_get_resolver (call->relay), question->domain, PM_DNS_MX, NULL,
                            mx_cb, g_object_ref (task));
}
