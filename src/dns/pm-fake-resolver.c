// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A resolver for tests of what is built on resolvers: its answers stand in a zone text, none comes
// from a network, and it counts what it was asked.

#include "dns/pm-fake-resolver.h"

#include <string.h>

#include "dns/pm-dns-answer-private.h"

#define MAX_ALIASES 12

struct _PmFakeResolver
{
  GObject parent_instance;

  GHashTable *names; /* (element-type utf8 Node) (owned) */

  GMutex lock;
  GHashTable *questions; /* (element-type utf8 guint) (owned): "name type" */
};

typedef struct
{
  GPtrArray *records; /* (element-type ldns_rr) (owned) */
  gboolean silent;
  gboolean secure;
  PmDnsStatus forced; /* %PM_DNS_OK: as the records say */
} Node;

static void pm_fake_resolver_iface_init (PmResolverInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmFakeResolver, pm_fake_resolver, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_RESOLVER,
                                                      pm_fake_resolver_iface_init))

static void
free_rr (gpointer data)
{
  ldns_rr_free (data);
}

static void
free_node (gpointer data)
{
  Node *node = data;

  g_ptr_array_unref (node->records);
  g_free (node);
}

static char *
fold_name (const char *name)
{
  char *folded = g_ascii_strdown (name, -1);
  gsize length = strlen (folded);

  if (length > 1 && folded[length - 1] == '.')
    folded[length - 1] = '\0';
  return folded;
}

static Node *
ensure_node (PmFakeResolver *self, const char *name)
{
  g_autofree char *key = fold_name (name);
  Node *node = g_hash_table_lookup (self->names, key);

  if (node != NULL)
    return node;
  node = g_new0 (Node, 1);
  node->records = g_ptr_array_new_with_free_func (free_rr);
  g_hash_table_insert (self->names, g_steal_pointer (&key), node);
  return node;
}

static void
force_status (Node *node, const char *word)
{
  if (strcmp (word, "secure") == 0)
    {
      node->secure = TRUE;
      return;
    }
  node->silent = strcmp (word, "silent") == 0;
  if (node->silent)
    return;
  for (PmDnsStatus status = PM_DNS_NODATA; status <= PM_DNS_BOGUS; status++)
    if (strcmp (word, pm_dns_status_to_string (status)) == 0)
      {
        node->forced = status;
        return;
      }
  g_error ("“%s” is no status a name can be made to answer", word);
}

static void
read_line (PmFakeResolver *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit_set (line, " \t", 2);
  ldns_rr *rr = NULL;
  char *rest;

  if (g_strv_length (words) < 2)
    g_error ("“%s” is not a line of a zone text", line);
  rest = g_strstrip (words[1]);
  if (rest[0] == '!')
    {
      force_status (ensure_node (self, words[0]), g_strstrip (rest + 1));
      return;
    }
  if (ldns_rr_new_frm_str (&rr, line, 3600, NULL, NULL) != LDNS_STATUS_OK)
    g_error ("“%s” is not a line of a zone text", line);
  g_ptr_array_add (ensure_node (self, words[0])->records, rr);
}

static void
read_zone (PmFakeResolver *self, const char *zone)
{
  g_auto (GStrv) lines = g_strsplit (zone, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = g_strstrip (lines[i]);

      if (*line != '\0' && *line != ';')
        read_line (self, line);
    }
}

static gboolean
has_name_below (PmFakeResolver *self, const char *name)
{
  GHashTableIter iter;
  gpointer key;
  g_autofree char *suffix = g_strconcat (".", name, NULL);

  g_hash_table_iter_init (&iter, self->names);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (g_str_has_suffix (key, suffix))
      return TRUE;
  return FALSE;
}

/* (nullable): the name's own node, else the wildcard's at its closest encloser (RFC 4592 3.3.1). */
static Node *
find_node (PmFakeResolver *self, const char *name, gboolean *exists)
{
  Node *node = g_hash_table_lookup (self->names, name);

  *exists = node != NULL || has_name_below (self, name);
  if (*exists)
    return node;
  for (const char *parent = strchr (name, '.'); parent != NULL; parent = strchr (parent, '.'))
    {
      g_autofree char *wildcard = g_strconcat ("*", parent, NULL);

      parent++;
      node = g_hash_table_lookup (self->names, wildcard);
      *exists = node != NULL;
      if (node != NULL || g_hash_table_contains (self->names, parent) ||
          has_name_below (self, parent))
        return node;
    }
  return NULL;
}

static const ldns_rr *
find_alias (Node *node, PmDnsType type)
{
  if (type == PM_DNS_CNAME)
    return NULL;
  for (guint i = 0; i < node->records->len; i++)
    {
      const ldns_rr *rr = g_ptr_array_index (node->records, i);

      if (ldns_rr_get_type (rr) == LDNS_RR_TYPE_CNAME)
        return rr;
    }
  return NULL;
}

static void
take_records (PmDnsAnswer *answer, Node *node)
{
  for (guint i = 0; i < node->records->len; i++)
    {
      const ldns_rr *rr = g_ptr_array_index (node->records, i);

      if ((PmDnsType) ldns_rr_get_type (rr) == answer->type)
        g_ptr_array_add (answer->records, pm_dns_record_from_rr (rr));
    }
  answer->status = answer->records->len > 0 ? PM_DNS_OK : PM_DNS_NODATA;
}

/* Whether the answer is to be given at all. */
static gboolean
fill_answer (PmFakeResolver *self, PmDnsAnswer *answer)
{
  g_autofree char *name = fold_name (answer->name);
  gboolean secure = TRUE;

  for (guint i = 0; i < MAX_ALIASES; i++)
    {
      gboolean exists;
      Node *node = find_node (self, name, &exists);
      const ldns_rr *alias;

      if (node == NULL)
        {
          answer->status = exists ? PM_DNS_NODATA : PM_DNS_NXDOMAIN;
          return TRUE;
        }
      if (node->silent)
        return FALSE;
      if (node->forced != PM_DNS_OK)
        {
          answer->status = node->forced;
          // What the zone does not say itself nobody vouches for.
          answer->unfounded = node->forced == PM_DNS_NODATA;
          answer->detail = g_strdup (pm_dns_status_to_string (node->forced));
          return TRUE;
        }
      secure = secure && node->secure; // every step must be
      answer->secure = secure;
      alias = find_alias (node, answer->type);
      if (alias == NULL)
        {
          take_records (answer, node);
          return TRUE;
        }
      g_free (name);
      name = pm_dns_name_from_rdf (ldns_rr_rdf (alias, 0));
      g_free (answer->canonical_name);
      answer->canonical_name = g_strdup (name);
    }
  answer->status = PM_DNS_SERVFAIL;
  answer->detail = g_strdup ("the aliases go round in a circle");
  return TRUE;
}

static void
count_question (PmFakeResolver *self, const char *name, PmDnsType type)
{
  g_autofree char *folded = fold_name (name);
  char *key = g_strdup_printf ("%s %d", folded, (int) type);
  guint count;

  g_mutex_lock (&self->lock);
  count = GPOINTER_TO_UINT (g_hash_table_lookup (self->questions, key));
  g_hash_table_insert (self->questions, key, GUINT_TO_POINTER (count + 1));
  g_mutex_unlock (&self->lock);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;

  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

static void
pm_fake_resolver_lookup_async (PmResolver *resolver,
                               const char *name,
                               PmDnsType type,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data)
{
  PmFakeResolver *self = PM_FAKE_RESOLVER (resolver);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new (name, type, "zone text");

  g_task_set_source_tag (task, pm_fake_resolver_lookup_async);
  count_question (self, name, type);
  if (fill_answer (self, answer))
    g_task_return_pointer (task, g_steal_pointer (&answer), (GDestroyNotify) pm_dns_answer_unref);
  else if (cancellable != NULL)
    {
      g_autoptr (GSource) source = g_cancellable_source_new (cancellable);

      g_task_attach_source (task, source, G_SOURCE_FUNC (cancelled_cb));
    }
  else
    g_error ("“%s” never answers and the look-up cannot be cancelled", name);
}

static PmDnsAnswer *
pm_fake_resolver_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, resolver), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
pm_fake_resolver_finalize (GObject *object)
{
  PmFakeResolver *self = PM_FAKE_RESOLVER (object);

  g_hash_table_unref (self->names);
  g_hash_table_unref (self->questions);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (pm_fake_resolver_parent_class)->finalize (object);
}

static void
pm_fake_resolver_iface_init (PmResolverInterface *interface)
{
  interface->lookup_async = pm_fake_resolver_lookup_async;
  interface->lookup_finish = pm_fake_resolver_lookup_finish;
}

static void
pm_fake_resolver_class_init (PmFakeResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = pm_fake_resolver_finalize;
}

static void
pm_fake_resolver_init (PmFakeResolver *self)
{
  g_mutex_init (&self->lock);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_node);
  self->questions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/**
 * pm_fake_resolver_new:
 * @zone: what it knows, see #PmFakeResolver
 *
 * Returns: (transfer full): a resolver.
 */
PmResolver *
pm_fake_resolver_new (const char *zone)
{
  PmFakeResolver *self = g_object_new (PM_TYPE_FAKE_RESOLVER, NULL);

  read_zone (self, zone);
  return PM_RESOLVER (self);
}

/**
 * pm_fake_resolver_count_questions:
 * @resolver: the resolver
 * @name: a name
 * @type: a type
 *
 * Returns: how often it was asked for them. Any thread.
 */
guint
pm_fake_resolver_count_questions (PmFakeResolver *resolver, const char *name, PmDnsType type)
{
  g_autofree char *folded = fold_name (name);
  g_autofree char *key = g_strdup_printf ("%s %d", folded, (int) type);
  guint count;

  g_return_val_if_fail (PM_IS_FAKE_RESOLVER (resolver), 0);

  g_mutex_lock (&resolver->lock);
  count = GPOINTER_TO_UINT (g_hash_table_lookup (resolver->questions, key));
  g_mutex_unlock (&resolver->lock);
  return count;
}
