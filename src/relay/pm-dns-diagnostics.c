// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What DNS was asked and what it said, told as it comes, where somebody wants to know.

#include "relay/pm-dns-diagnostics.h"

#include "relay/pm-diagnostics.h"

#define MAX_SHOWN 20 /* records */

struct _PmDnsDiagnostics
{
  GObject parent_instance;

  PmResolver *resolver; /* (owned) */
};

static void pm_dns_diagnostics_iface_init (PmResolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmDnsDiagnostics,
                               pm_dns_diagnostics,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_RESOLVER,
                                                      pm_dns_diagnostics_iface_init))

static const char *
type_to_string (PmDnsType type, char buffer[16])
{
  switch (type)
    {
    case PM_DNS_A:
      return "A";
    case PM_DNS_AAAA:
      return "AAAA";
    case PM_DNS_MX:
      return "MX";
    case PM_DNS_TXT:
      return "TXT";
    case PM_DNS_CNAME:
      return "CNAME";
    case PM_DNS_PTR:
      return "PTR";
    case PM_DNS_TLSA:
      return "TLSA";
    case PM_DNS_NS:
    case PM_DNS_SOA:
    case PM_DNS_DS:
    case PM_DNS_CAA:
    default:
      g_snprintf (buffer, 16, "TYPE%d", (int) type);
      return buffer;
    }
}

/* (transfer full) (nullable) */
static char *
list_records (const PmDnsAnswer *answer)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < MIN (answer->records->len, MAX_SHOWN); i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (answer->records, i);
      g_autofree char *address =
          record->address != NULL ? g_inet_address_to_string (record->address) : NULL;

      g_string_append (text, i > 0 ? ", " : "");
      if (record->type == PM_DNS_MX)
        g_string_append_printf (text, "%u ", record->preference);
      g_string_append (text, record->name != NULL   ? record->name
                             : address != NULL      ? address
                             : record->text != NULL ? record->text
                                                    : "?");
    }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static void
tell (const PmDnsAnswer *answer)
{
  gboolean known = answer->status == PM_DNS_OK || answer->status == PM_DNS_NODATA ||
                   answer->status == PM_DNS_NXDOMAIN;
  g_autofree char *records = NULL;
  char number[16];
  char count[16];
  char elapsed[32];

  if (!pm_diagnostics_wants (PM_TOPIC_DNS,
                             known ? PM_DIAGNOSTICS_MEDIUM : PM_DIAGNOSTICS_MINIMUM))
    return;
  if (pm_diagnostics_wants (PM_TOPIC_DNS, PM_DIAGNOSTICS_MAXIMUM))
    records = list_records (answer);
  g_snprintf (count, sizeof count, "%u", answer->records->len);
  g_snprintf (elapsed, sizeof elapsed, "%" G_GINT64_FORMAT, answer->elapsed / 1000);
  pm_log_event (G_LOG_LEVEL_MESSAGE, pm_topic_to_string (PM_TOPIC_DNS), "name", answer->name,
                "type", type_to_string (answer->type, number), "status",
                pm_dns_status_to_string (answer->status), "count", count, "records", records,
                "secure", answer->secure ? "yes" : NULL, "server", answer->server,
                "milliseconds", elapsed, "reason", answer->detail, NULL);
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  PmDnsAnswer *answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);

  if (answer == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  tell (answer);
  g_task_return_pointer (task, answer, (GDestroyNotify) pm_dns_answer_unref);
}

static void
lookup_async (PmResolver *resolver,
              const char *name,
              PmDnsType type,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer data)
{
  PmDnsDiagnostics *self = PM_DNS_DIAGNOSTICS (resolver);
  GTask *task;

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, lookup_async);
  // The answer itself says whether it was cancelled.
  g_task_set_check_cancellable (task, FALSE);
  pm_resolver_lookup_async (self->resolver, name, type, cancellable, answered_cb, task);
}

static PmDnsAnswer *
lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
forget (PmResolver *resolver)
{
  pm_resolver_forget (PM_DNS_DIAGNOSTICS (resolver)->resolver);
}

static void
pm_dns_diagnostics_iface_init (PmResolverInterface *iface)
{
  iface->lookup_async = lookup_async;
  iface->lookup_finish = lookup_finish;
  iface->forget = forget;
}

static void
pm_dns_diagnostics_finalize (GObject *object)
{
  g_clear_object (&PM_DNS_DIAGNOSTICS (object)->resolver);
  G_OBJECT_CLASS (pm_dns_diagnostics_parent_class)->finalize (object);
}

static void
pm_dns_diagnostics_class_init (PmDnsDiagnosticsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = pm_dns_diagnostics_finalize;
}

static void
pm_dns_diagnostics_init (PmDnsDiagnostics *self)
{
}

/**
 * pm_dns_diagnostics_new:
 * @resolver: who is asked
 *
 * Returns: (transfer full): a resolver that tells of its answers
 */
PmResolver *
pm_dns_diagnostics_new (PmResolver *resolver)
{
  PmDnsDiagnostics *self = g_object_new (PM_TYPE_DNS_DIAGNOSTICS, NULL);

  self->resolver = g_object_ref (resolver);
  return PM_RESOLVER (self);
}
