// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Validates where it can. Whether it can is found out by asking for the root's own keys, with
// nothing remembered: at the start, now and then, and as soon as an answer is bogus. What it
// promises: a name server that strips signatures never makes an answer fail that would be there
// without validation.

#include "dns/pm-dnssec-resolver.h"

#include "dns/pm-unbound-resolver.h"

#define PROBE_EVERY 600                   // seconds
#define PROBE_TIMEOUT 5000                // milliseconds
#define MIN_INTERVAL (5 * G_USEC_PER_SEC) // between two that bogus answers ask for

struct _PmDnssecResolver
{
  GObject parent_instance;

  char *server; /* (nullable) */
  char *root_keys;
  PmResolver *plain;      /* (owned) */
  PmResolver *validating; /* (owned) (nullable) */
  GMainContext *context;  /* (owned): the main thread's */
  GSource *timer;         /* (owned) (nullable) */

  GMutex lock;
  gboolean in_force;  /* atomic */
  gboolean probing;   /* guarded by lock */
  gint64 probed_at;   /* guarded by lock; monotonic */
  char *reason;       /* guarded by lock */
  GPtrArray *waiting; /* (element-type GTask): look-ups with a bogus answer; guarded by lock */
};

/* A look-up: what was asked, and what the validator said. */
typedef struct
{
  char *name;
  PmDnsType type;
  PmDnsAnswer *answer; /* (owned) (nullable) */
} Question;

enum
{
  CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void pm_dnssec_resolver_iface_init (PmResolverInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmDnssecResolver, pm_dnssec_resolver, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_RESOLVER,
                                                      pm_dnssec_resolver_iface_init))

static void
free_question (gpointer data)
{
  Question *question = data;

  g_free (question->name);
  g_clear_pointer (&question->answer, pm_dns_answer_unref);
  g_free (question);
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  PmDnsAnswer *answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);

  if (answer == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, answer, (GDestroyNotify) pm_dns_answer_unref);
}

/* In the task's context: what became of the bogus answer once it is known whose fault it was. */
static gboolean
settle_cb (gpointer data)
{
  GTask *task = data;
  PmDnssecResolver *self = g_task_get_source_object (task);
  Question *question = g_task_get_task_data (task);

  if (pm_dnssec_resolver_is_in_force (self))
    g_task_return_pointer (task, g_steal_pointer (&question->answer),
                           (GDestroyNotify) pm_dns_answer_unref);
  else
    pm_resolver_lookup_async (self->plain, question->name, question->type,
                              g_task_get_cancellable (task), answered_cb, g_object_ref (task));
  return G_SOURCE_REMOVE;
}

static void
settle (GTask *task)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, settle_cb, g_object_ref (task), g_object_unref);
  g_source_attach (source, g_task_get_context (task));
}

static char *
explain (const PmDnssecResolver *self, const PmDnsAnswer *answer)
{
  if (answer->secure)
    return g_strdup_printf ("%s passes on what DNSSEC needs", answer->server);
  return g_strdup_printf ("%s does not pass on what DNSSEC needs (the keys of the root: %s%s%s)",
                          answer->server, pm_dns_status_to_string (answer->status),
                          answer->detail != NULL ? ", " : "",
                          answer->detail != NULL ? answer->detail : "");
}

static void
probed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmDnssecResolver) self = data;
  g_autoptr (PmDnsAnswer) answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, NULL);
  gboolean in_force = answer != NULL && answer->secure;
  g_autoptr (GPtrArray) waiting = NULL;
  g_autofree char *former = NULL;
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed = self->in_force != in_force || self->probed_at == 0;
  __atomic_store_n (&self->in_force, in_force, __ATOMIC_RELAXED);
  self->probing = FALSE;
  self->probed_at = g_get_monotonic_time ();
  former = self->reason;
  self->reason = answer != NULL ? explain (self, answer) : g_strdup ("it was not found out");
  waiting = self->waiting;
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < waiting->len; i++)
    settle (g_ptr_array_index (waiting, i));
  if (changed)
    g_signal_emit (self, signals[CHANGED], 0);
}

/* With a validator of its own, that has no keys in its memory yet. In the main thread. */
static gboolean
probe_cb (gpointer data)
{
  PmDnssecResolver *self = data;
  g_autoptr (PmResolver) fresh = pm_unbound_resolver_new_validating (
      self->server, PROBE_TIMEOUT, self->root_keys, NULL);

  if (fresh != NULL)
    pm_resolver_lookup_async (fresh, ".", PM_DNS_DNSKEY, NULL, probed_cb, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

/* Locked. From any thread. */
static void
ask_for_probe (PmDnssecResolver *self)
{
  g_autoptr (GSource) source = NULL;

  if (self->probing)
    return;
  self->probing = TRUE;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, probe_cb, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
}

static gboolean
timer_cb (gpointer data)
{
  PmDnssecResolver *self = data;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  ask_for_probe (self);
  return G_SOURCE_CONTINUE;
}

/* Whether the answer waits for a probe. */
static gboolean
doubt (PmDnssecResolver *self, GTask *task)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!self->probing && g_get_monotonic_time () < self->probed_at + MIN_INTERVAL)
    return FALSE;
  g_ptr_array_add (self->waiting, g_object_ref (task));
  ask_for_probe (self);
  return TRUE;
}

static void
validated_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmDnssecResolver *self = g_task_get_source_object (task);
  Question *question = g_task_get_task_data (task);
  GError *error = NULL;

  question->answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);
  if (question->answer == NULL)
    g_task_return_error (task, error);
  else if (question->answer->status != PM_DNS_BOGUS || !doubt (self, task))
    g_task_return_pointer (task, g_steal_pointer (&question->answer),
                           (GDestroyNotify) pm_dns_answer_unref);
}

static void
pm_dnssec_resolver_lookup_async (PmResolver *resolver,
                                 const char *name,
                                 PmDnsType type,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data)
{
  PmDnssecResolver *self = PM_DNSSEC_RESOLVER (resolver);
  GTask *task = g_task_new (self, cancellable, callback, data);
  Question *question = g_new0 (Question, 1);

  g_task_set_source_tag (task, pm_dnssec_resolver_lookup_async);
  question->name = g_strdup (name);
  question->type = type;
  g_task_set_task_data (task, question, free_question);
  if (pm_dnssec_resolver_is_in_force (self))
    pm_resolver_lookup_async (self->validating, name, type, cancellable, validated_cb, task);
  else
    pm_resolver_lookup_async (self->plain, name, type, cancellable, answered_cb, task);
}

static PmDnsAnswer *
pm_dnssec_resolver_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, resolver), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
pm_dnssec_resolver_forget (PmResolver *resolver)
{
  PmDnssecResolver *self = PM_DNSSEC_RESOLVER (resolver);

  pm_resolver_forget (self->plain);
  if (self->validating != NULL)
    pm_resolver_forget (self->validating);
}

static void
pm_dnssec_resolver_iface_init (PmResolverInterface *interface)
{
  interface->lookup_async = pm_dnssec_resolver_lookup_async;
  interface->lookup_finish = pm_dnssec_resolver_lookup_finish;
  interface->forget = pm_dnssec_resolver_forget;
}

static void
pm_dnssec_resolver_finalize (GObject *object)
{
  PmDnssecResolver *self = PM_DNSSEC_RESOLVER (object);

  g_clear_object (&self->plain);
  g_clear_object (&self->validating);
  g_main_context_unref (self->context);
  g_ptr_array_unref (self->waiting);
  g_free (self->server);
  g_free (self->root_keys);
  g_free (self->reason);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (pm_dnssec_resolver_parent_class)->finalize (object);
}

static void
pm_dnssec_resolver_dispose (GObject *object)
{
  PmDnssecResolver *self = PM_DNSSEC_RESOLVER (object);

  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  G_OBJECT_CLASS (pm_dnssec_resolver_parent_class)->dispose (object);
}

static void
pm_dnssec_resolver_class_init (PmDnssecResolverClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pm_dnssec_resolver_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_dnssec_resolver_finalize;
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
pm_dnssec_resolver_init (PmDnssecResolver *self)
{
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref_thread_default ();
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

static gboolean
tell_cb (gpointer data)
{
  g_signal_emit (data, signals[CHANGED], 0);
  return G_SOURCE_REMOVE;
}

/* It will never validate: said once there is somebody to hear it. */
static void
tell_later (PmDnssecResolver *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, tell_cb, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
}

static void
start_timer (PmDnssecResolver *self)
{
  self->timer = g_timeout_source_new_seconds (PROBE_EVERY);
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, self->context);
  timer_cb (self);
}

/**
 * pm_dnssec_resolver_new:
 * @server: (nullable): as of pm_unbound_resolver_new()
 * @timeout: milliseconds that any look-up may take
 * @root_keys: (nullable): DNSKEY or DS records of the root; without, or where they cannot be used,
 *   it resolves plainly
 * @error: as of pm_unbound_resolver_new()
 *
 * Returns: (transfer full) (nullable): a resolver. It resolves plainly until it is known that
 *   validation works.
 */
PmDnssecResolver *
pm_dnssec_resolver_new (const char *server, guint timeout, const char *root_keys, GError **error)
{
  g_autoptr (PmDnssecResolver) self = g_object_new (PM_TYPE_DNSSEC_RESOLVER, NULL);
  g_autoptr (GError) problem = NULL;

  self->plain = pm_unbound_resolver_new (server, timeout, error);
  if (self->plain == NULL)
    return NULL;
  self->server = g_strdup (server);
  self->root_keys = g_strdup (root_keys);
  if (root_keys != NULL)
    self->validating =
        pm_unbound_resolver_new_validating (server, timeout, root_keys, &problem);
  if (self->validating == NULL)
    {
      self->reason = g_strdup_printf ("there are no keys of the DNS root to begin from: %s",
                                      problem != NULL ? problem->message : "no file is named");
      tell_later (self);
      return g_steal_pointer (&self);
    }
  self->reason = g_strdup ("it is being found out whether the name servers pass on what DNSSEC"
                           " needs");
  start_timer (self);
  return g_steal_pointer (&self);
}

gboolean
pm_dnssec_resolver_is_in_force (PmDnssecResolver *self)
{
  return __atomic_load_n (&self->in_force, __ATOMIC_RELAXED);
}

char *
pm_dnssec_resolver_dup_reason (PmDnssecResolver *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_strdup (self->reason);
}
