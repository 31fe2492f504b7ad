// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// DNS by libunbound, for any number of threads at once. One thread of its own starts the questions,
// watches libunbound's descriptor, and keeps every question's deadline, so that a name server that
// says nothing costs nobody more than the time allowed. Callers get their answer in their own main
// context.

#include "dns/pm-unbound-resolver.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/stat.h>
#include <unbound.h>

#include "base/pm-error.h"
#include "dns/pm-dns-answer-private.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
#define CLASS_IN 1

// What the thread owns. It outlives the resolver where the last reference goes in the thread
// itself.
typedef struct
{
  char *server; /* (nullable): `ADDRESS[@PORT]` */
  char *label;  /* who is asked, for a person */
  char *anchor; /* (nullable): a file of DNSKEY or DS records to trust */
  guint timeout;
  GMainContext *context;
  gboolean quit;

  struct _Session *session; /* the one new questions go to */
  struct timespec stamp;    /* of resolv.conf, when @session was made */
} Worker;

// A libunbound context with its cache. One that is retired gets no new questions and is deleted
// after its last.
typedef struct _Session
{
  struct ub_ctx *context;
  GSource *source;
  guint pending;
  gboolean retired;
} Session;

typedef struct
{
  Worker *worker;
  Session *session; /* (nullable): not before it is started */
  GTask *task;      /* (owned) */
  PmDnsAnswer *answer;
  int id;
  gint64 started;
  GSource *deadline;
  GSource *cancel;
} Lookup;

struct _PmUnboundResolver
{
  GObject parent_instance;

  Worker *worker; /* (owned) */
  GThread *thread;
};

static void pm_unbound_resolver_iface_init (PmResolverInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmUnboundResolver, pm_unbound_resolver, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_RESOLVER,
                                                      pm_unbound_resolver_iface_init))

static void
clear_worker (gpointer data)
{
  Worker *worker = data;

  g_free (worker->server);
  g_free (worker->label);
  g_free (worker->anchor);
  g_main_context_unref (worker->context);
}

static void
unref_worker (Worker *worker)
{
  g_atomic_rc_box_release_full (worker, clear_worker);
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
free_session (Session *session)
{
  clear_source (&session->source);
  ub_ctx_delete (session->context);
  g_free (session);
}

/* Not from within libunbound's callback: its context may go. */
static void
reap_session (Session *session)
{
  if (session->retired && session->pending == 0)
    free_session (session);
}

static gboolean
process_cb (int fd, GIOCondition condition, gpointer data)
{
  Session *session = data;

  ub_process (session->context);
  reap_session (session);
  return G_SOURCE_CONTINUE;
}

static gboolean
check_result (int status, const char *what, GError **error)
{
  if (status == UB_NOERROR)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "The DNS resolver cannot be set up (%s): %s", what,
               ub_strerror (status));
  return FALSE;
}

static void
add_host (struct ub_ctx *context, char **words)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (words[0]);

  if (address == NULL)
    return;
  for (guint i = 1; words[i] != NULL; i++)
    {
      g_autofree char *data = NULL;

      if (words[i][0] == '\0' || strchr (words[i], '.') != NULL ||
          strcmp (words[i], "localhost") == 0)
        continue;
      data = g_strdup_printf ("%s. IN %s %s", words[i],
                              g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4 ? "A"
                                                                                          : "AAAA",
                              words[0]);
      ub_ctx_data_add (context, data);
    }
}

// /etc/hosts speaks for names of one label, which have no place in the DNS. For all others what
// counts is what the rest of the world sees: this host's own name is often there as 127.0.1.1.
static void
add_hosts (struct ub_ctx *context)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (HOSTS, &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = NULL;

      lines[i][strcspn (lines[i], "#")] = '\0';
      words = g_strsplit_set (g_strstrip (lines[i]), " \t", -1);
      if (words[0] != NULL && words[0][0] != '\0')
        add_host (context, words);
    }
}

static gboolean
set_server (Worker *worker, struct ub_ctx *context, GError **error)
{
  struct stat status;

  if (worker->server != NULL)
    return check_result (ub_ctx_set_fwd (context, worker->server), worker->server, error);

  memset (&worker->stamp, 0, sizeof worker->stamp);
  if (stat (RESOLV_CONF, &status) == 0)
    worker->stamp = status.st_mtim;
  // Without a resolv.conf libunbound asks the root servers itself, which is as good.
  ub_ctx_resolvconf (context, RESOLV_CONF);
  return TRUE;
}

static gboolean
set_options (Worker *worker, struct ub_ctx *context, GError **error)
{
  static const char *const options[][2] = {
    { "do-not-query-localhost:", "no" }, // systemd-resolved, dnsmasq, a test's server
    { "unblock-lan-zones:", "yes" },     // the server asked may well know private names
    { "insecure-lan-zones:", "yes" },
    { "infra-host-ttl:", "60" }, // a server that was silent is tried again soon
    { "infra-keep-probing:", "yes" },
    { "cache-max-negative-ttl:", "60" }, // a record just added must not stay unseen for long
    { "module-config:", "validator iterator" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (!check_result (ub_ctx_set_option (context, options[i][0], options[i][1]), options[i][0],
                       error))
      return FALSE;
  if (worker->anchor != NULL &&
      !check_result (ub_ctx_add_ta_file (context, worker->anchor), worker->anchor, error))
    return FALSE;
  if (!set_server (worker, context, error) ||
      !check_result (ub_ctx_async (context, TRUE), "thread", error))
    return FALSE;

  // libunbound would answer for these itself; a private network may use them.
  ub_ctx_zone_remove (context, "test.");
  ub_ctx_zone_remove (context, "home.arpa.");
  if (worker->server == NULL)
    add_hosts (context);
  return TRUE;
}

static Session *
make_session (Worker *worker, GError **error)
{
  Session *session;
  struct ub_ctx *context = ub_ctx_create ();

  if (context == NULL)
    {
      check_result (UB_NOMEM, "context", error);
      return NULL;
    }
  if (!set_options (worker, context, error))
    {
      ub_ctx_delete (context);
      return NULL;
    }

  session = g_new0 (Session, 1);
  session->context = context;
  session->source = g_unix_fd_source_new (ub_fd (context), G_IO_IN);
  g_source_set_callback (session->source, G_SOURCE_FUNC (process_cb), session, NULL);
  g_source_attach (session->source, worker->context);
  return session;
}

static void
replace_session (Worker *worker)
{
  Session *old = worker->session;
  g_autoptr (GError) error = NULL;
  Session *session = make_session (worker, &error);

  if (session == NULL)
    {
      g_debug ("%s", error->message);
      return;
    }
  worker->session = session;
  old->retired = TRUE;
  reap_session (old);
}

static gboolean
is_stale (Worker *worker)
{
  struct stat status;

  return worker->server == NULL && stat (RESOLV_CONF, &status) == 0 &&
         memcmp (&status.st_mtim, &worker->stamp, sizeof worker->stamp) != 0;
}

static void
free_lookup (Lookup *lookup)
{
  clear_source (&lookup->deadline);
  clear_source (&lookup->cancel);
  g_clear_pointer (&lookup->answer, pm_dns_answer_unref);
  g_clear_object (&lookup->task);
  g_free (lookup);
}

static void
return_answer (Lookup *lookup)
{
  lookup->answer->elapsed = g_get_monotonic_time () - lookup->started;
  g_task_return_pointer (lookup->task, g_steal_pointer (&lookup->answer),
                         (GDestroyNotify) pm_dns_answer_unref);
  free_lookup (lookup);
}

static void
read_result (PmDnsAnswer *answer, const struct ub_result *result)
{
  g_autoptr (GError) error = NULL;

  if (result->bogus)
    {
      answer->status = PM_DNS_BOGUS;
      answer->detail = g_strdup (result->why_bogus);
      return;
    }
  if (result->rcode != LDNS_RCODE_NOERROR && result->rcode != LDNS_RCODE_NXDOMAIN)
    {
      char *rcode = ldns_pkt_rcode2str ((ldns_pkt_rcode) result->rcode);

      answer->status = PM_DNS_SERVFAIL;
      answer->detail = g_strdup_printf ("No usable answer (%s)", rcode != NULL ? rcode : "?");
      free (rcode);
      return;
    }
  if (result->answer_len <= 0 ||
      !pm_dns_answer_read_packet (answer, result->answer_packet, (gsize) result->answer_len,
                                  &error))
    {
      answer->status = PM_DNS_SERVFAIL;
      answer->detail = g_strdup (error != NULL ? error->message : "The answer is empty");
      return;
    }
  answer->secure = result->secure != 0;
}

static void
resolved_cb (void *data, int status, struct ub_result *result)
{
  Lookup *lookup = data;

  lookup->session->pending--;
  if (status == UB_NOERROR && result != NULL)
    read_result (lookup->answer, result);
  else
    {
      lookup->answer->status = PM_DNS_SERVFAIL;
      lookup->answer->detail = g_strdup (ub_strerror (status));
    }
  ub_resolve_free (result);
  return_answer (lookup);
}

static void
abandon (Lookup *lookup)
{
  Session *session = lookup->session;

  // No callback comes for a question that was cancelled.
  ub_cancel (session->context, lookup->id);
  session->pending--;
  reap_session (session);
}

static gboolean
deadline_cb (gpointer data)
{
  Lookup *lookup = data;

  abandon (lookup);
  lookup->answer->status = PM_DNS_TIMEOUT;
  lookup->answer->detail = g_strdup_printf ("No answer within %u ms", lookup->worker->timeout);
  return_answer (lookup);
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  Lookup *lookup = data;

  abandon (lookup);
  g_task_return_error_if_cancelled (lookup->task);
  free_lookup (lookup);
  return G_SOURCE_REMOVE;
}

static gboolean
is_askable (const char *name)
{
  ldns_rdf *rdf = *name != '\0' ? ldns_dname_new_frm_str (name) : NULL;

  if (rdf == NULL)
    return FALSE;
  ldns_rdf_deep_free (rdf);
  return TRUE;
}

static void
watch (Lookup *lookup)
{
  GCancellable *cancellable = g_task_get_cancellable (lookup->task);

  lookup->deadline = g_timeout_source_new (lookup->worker->timeout);
  g_source_set_callback (lookup->deadline, deadline_cb, lookup, NULL);
  g_source_attach (lookup->deadline, lookup->worker->context);
  if (cancellable == NULL)
    return;
  lookup->cancel = g_cancellable_source_new (cancellable);
  g_source_set_callback (lookup->cancel, G_SOURCE_FUNC (cancelled_cb), lookup, NULL);
  g_source_attach (lookup->cancel, lookup->worker->context);
}

static gboolean
start_cb (gpointer data)
{
  Lookup *lookup = data;
  Worker *worker = lookup->worker;
  int status;

  if (is_stale (worker))
    replace_session (worker);

  lookup->session = worker->session;
  status = ub_resolve_async (lookup->session->context, lookup->answer->name,
                             (int) lookup->answer->type, CLASS_IN, lookup, resolved_cb,
                             &lookup->id);
  if (status != UB_NOERROR)
    {
      lookup->answer->status = PM_DNS_SERVFAIL;
      lookup->answer->detail = g_strdup (ub_strerror (status));
      return_answer (lookup);
      return G_SOURCE_REMOVE;
    }
  lookup->session->pending++;
  watch (lookup);
  return G_SOURCE_REMOVE;
}

/* In the thread, even before its loop runs: g_main_context_invoke() might take the caller's. */
static void
post (Worker *worker, GSourceFunc function, gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, data, NULL);
  g_source_attach (source, worker->context);
}

static void
pm_unbound_resolver_lookup_async (PmResolver *resolver,
                                  const char *name,
                                  PmDnsType type,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data)
{
  PmUnboundResolver *self = PM_UNBOUND_RESOLVER (resolver);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  Lookup *lookup;

  g_task_set_source_tag (task, pm_unbound_resolver_lookup_async);
  if (g_task_return_error_if_cancelled (task))
    return;

  lookup = g_new0 (Lookup, 1);
  lookup->worker = self->worker;
  lookup->task = g_steal_pointer (&task);
  lookup->started = g_get_monotonic_time ();
  lookup->answer = pm_dns_answer_new (name, type, self->worker->label);
  if (is_askable (name))
    {
      post (self->worker, start_cb, lookup);
      return;
    }

  // What cannot be asked for (RFC 1035 2.3.4: labels of 1 to 63, names up to 255) is not there.
  lookup->answer->status = PM_DNS_NXDOMAIN;
  lookup->answer->detail = g_strdup_printf ("“%s” cannot be a name in the DNS", name);
  return_answer (lookup);
}

static PmDnsAnswer *
pm_unbound_resolver_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, resolver), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
forget_cb (gpointer data)
{
  replace_session (data);
  return G_SOURCE_REMOVE;
}

static void
pm_unbound_resolver_forget (PmResolver *resolver)
{
  post (PM_UNBOUND_RESOLVER (resolver)->worker, forget_cb,
        PM_UNBOUND_RESOLVER (resolver)->worker);
}

static gpointer
run_worker (gpointer data)
{
  Worker *worker = data;

  g_main_context_push_thread_default (worker->context);
  while (!worker->quit)
    g_main_context_iteration (worker->context, TRUE);
  g_main_context_pop_thread_default (worker->context);

  // Every look-up under way keeps the resolver alive, so that there is none now.
  free_session (worker->session);
  unref_worker (worker);
  return NULL;
}

static gboolean
quit_cb (gpointer data)
{
  ((Worker *) data)->quit = TRUE;
  return G_SOURCE_REMOVE;
}

static void
pm_unbound_resolver_finalize (GObject *object)
{
  PmUnboundResolver *self = PM_UNBOUND_RESOLVER (object);

  if (self->thread != NULL)
    {
      post (self->worker, quit_cb, self->worker);
      // The last reference may have been that of a look-up, let go in the thread.
      if (self->thread == g_thread_self ())
        g_thread_unref (self->thread);
      else
        g_thread_join (self->thread);
    }
  unref_worker (self->worker);
  G_OBJECT_CLASS (pm_unbound_resolver_parent_class)->finalize (object);
}

static void
pm_unbound_resolver_iface_init (PmResolverInterface *interface)
{
  interface->lookup_async = pm_unbound_resolver_lookup_async;
  interface->lookup_finish = pm_unbound_resolver_lookup_finish;
  interface->forget = pm_unbound_resolver_forget;
}

static void
pm_unbound_resolver_class_init (PmUnboundResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = pm_unbound_resolver_finalize;
}

static void
pm_unbound_resolver_init (PmUnboundResolver *self)
{
  self->worker = g_atomic_rc_box_new0 (Worker);
  self->worker->context = g_main_context_new ();
}

static gboolean
check_server (const char *server, GError **error)
{
  const char *at = strchr (server, '@');
  g_autofree char *host = at != NULL ? g_strndup (server, (gsize) (at - server))
                                     : g_strdup (server);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address != NULL &&
      (at == NULL || g_ascii_string_to_unsigned (at + 1, 10, 1, 65535, NULL, NULL)))
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               "“%s” is not a name server; write its IP address, with @PORT where it is not 53, as "
               "in 192.0.2.53 or 127.0.0.1@5353",
               server);
  return FALSE;
}

static char *
describe_server (const char *server)
{
  const char *at;
  g_autofree char *host = NULL;

  if (server == NULL)
    return g_strdup ("system resolver");
  at = strchr (server, '@');
  if (at == NULL)
    return g_strdup (server);
  host = g_strndup (server, (gsize) (at - server));
  return strchr (host, ':') != NULL ? g_strdup_printf ("[%s]:%s", host, at + 1)
                                    : g_strdup_printf ("%s:%s", host, at + 1);
}

/**
 * pm_unbound_resolver_new:
 * @server: (nullable): `ADDRESS` or `ADDRESS@PORT` of a recursive (or authoritative) name server;
 *   %NULL for those of /etc/resolv.conf, which is read again when it changes
 * @timeout: milliseconds that any look-up may take
 * @error: %PM_ERROR_INVALID for what is no server, %PM_ERROR_FAILED where libunbound cannot start
 *
 * Returns: (transfer full) (nullable): a resolver with a thread of its own. It may be used, and let
 *   go, by any thread.
 */
PmResolver *
pm_unbound_resolver_new (const char *server, guint timeout, GError **error)
{
  return pm_unbound_resolver_new_validating (server, timeout, NULL, error);
}

static gboolean
check_anchor (const char *path, GError **error)
{
  g_autofree char *contents = NULL;

  // libunbound would say that it cannot be read when the first question is asked, and not why.
  if (!g_file_get_contents (path, &contents, NULL, error))
    return FALSE;
  if (strstr (contents, "DNSKEY") != NULL || strstr (contents, "DS") != NULL)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               "There is no DNSKEY or DS record in %s to trust", path);
  return FALSE;
}

/**
 * pm_unbound_resolver_new_validating:
 * @server: (nullable): as of pm_unbound_resolver_new(); it must pass on what DNSSEC needs, else
 *   whatever is signed is bogus
 * @timeout: milliseconds that any look-up may take
 * @trust_anchor: (nullable): a file with the DNSKEY or DS records of the root, or of other zones
 * @error: as of pm_unbound_resolver_new(), also for @trust_anchor
 *
 * Returns: (transfer full) (nullable): a resolver.
 */
PmResolver *
pm_unbound_resolver_new_validating (const char *server,
                                    guint timeout,
                                    const char *trust_anchor,
                                    GError **error)
{
  g_autoptr (PmUnboundResolver) self = NULL;

  g_return_val_if_fail (timeout > 0, NULL);

  if (server != NULL && !check_server (server, error))
    return NULL;
  if (trust_anchor != NULL && !check_anchor (trust_anchor, error))
    return NULL;

  self = g_object_new (PM_TYPE_UNBOUND_RESOLVER, NULL);
  self->worker->server = g_strdup (server);
  self->worker->label = describe_server (server);
  self->worker->anchor = g_strdup (trust_anchor);
  self->worker->timeout = timeout;
  self->worker->session = make_session (self->worker, error);
  if (self->worker->session == NULL)
    return NULL;

  self->thread = g_thread_new ("pm-dns", run_worker, g_atomic_rc_box_acquire (self->worker));
  return PM_RESOLVER (g_steal_pointer (&self));
}
