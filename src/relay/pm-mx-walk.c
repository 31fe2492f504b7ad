// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// From a domain to addresses (RFC 5321 5.1). What it promises: DNS that does not answer never makes
// mail fail, and mail is never sent to this host itself or to a host that is no nearer than it.

#include "relay/pm-mx-walk.h"

#include <string.h>

#include "base/pm-network.h"

#define MAX_HOSTS 20
#define MAX_TARGETS 40

typedef struct
{
  char *name;
  guint16 preference;
  guint32 shuffle;      /* the order among equals */
  GPtrArray *addresses; /* (element-type GInetAddress) */
} Host;

typedef struct
{
  char *name;
  char *own_name;
  GPtrArray *own_addresses;
  gboolean own_loopback;
  gboolean mx;
  gboolean secure;   /* DNSSEC vouches for the names of the hosts */
  gboolean implicit; /* no MX records: the domain is its own MX */
  GPtrArray *hosts;  /* (element-type Host) */
  guint outstanding; /* address look-ups */
  gboolean unknown;  /* one of them brought no answer */
  PmSmtpReply *refusal;
} Walk;

static void
free_host (Host *host)
{
  g_free (host->name);
  g_ptr_array_unref (host->addresses);
  g_free (host);
}

static void
free_walk (Walk *walk)
{
  g_free (walk->name);
  g_free (walk->own_name);
  g_clear_pointer (&walk->own_addresses, g_ptr_array_unref);
  g_ptr_array_unref (walk->hosts);
  g_clear_pointer (&walk->refusal, pm_smtp_reply_unref);
  g_free (walk);
}

void
pm_mx_target_free (PmMxTarget *target)
{
  if (target == NULL)
    return;
  g_free (target->host);
  g_object_unref (target->address);
  g_free (target);
}

static void
add_host (Walk *walk, const char *name, guint16 preference)
{
  Host *host = g_new0 (Host, 1);

  host->name = g_strdup (name);
  host->preference = preference;
  host->shuffle = g_random_int ();
  host->addresses = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (walk->hosts, host);
}

static int
compare_hosts (gconstpointer a, gconstpointer b)
{
  const Host *x = *(Host *const *) a;
  const Host *y = *(Host *const *) b;

  if (x->preference != y->preference)
    return x->preference < y->preference ? -1 : 1;
  return x->shuffle < y->shuffle ? -1 : x->shuffle > y->shuffle;
}

static gboolean
is_own_address (const Walk *walk, GInetAddress *address)
{
  if (g_inet_address_get_is_any (address))
    return TRUE;
  if (walk->own_loopback && g_inet_address_get_is_loopback (address))
    return TRUE;
  for (guint i = 0; walk->own_addresses != NULL && i < walk->own_addresses->len; i++)
    {
      GInetAddress *own = g_ptr_array_index (walk->own_addresses, i);

      if (g_inet_address_equal (own, address))
        return walk->own_loopback || !g_inet_address_get_is_loopback (address);
    }
  return FALSE;
}

static gboolean
is_ourselves (const Walk *walk, const Host *host)
{
  if (walk->own_name != NULL && g_ascii_strcasecmp (host->name, walk->own_name) == 0)
    return TRUE;
  for (guint i = 0; i < host->addresses->len; i++)
    if (is_own_address (walk, g_ptr_array_index (host->addresses, i)))
      return TRUE;
  return FALSE;
}

/* RFC 5321 5.1: where we are one of the MX, those that are no better than us must not be used. */
static gboolean
drop_ourselves (Walk *walk)
{
  for (guint i = 0; i < walk->hosts->len; i++)
    {
      const Host *host = g_ptr_array_index (walk->hosts, i);

      if (!is_ourselves (walk, host))
        continue;
      while (i > 0 && ((Host *) g_ptr_array_index (walk->hosts, i - 1))->preference ==
                          host->preference)
        i--;
      g_ptr_array_set_size (walk->hosts, (int) i);
      return TRUE;
    }
  return FALSE;
}

/*
 * RFC 8305 4: IPv6 first, and then in turn, so that a family that does not work here costs one
 * address's time. (transfer container)
 */
static GPtrArray *
interleave (const GPtrArray *addresses)
{
  GPtrArray *ordered = g_ptr_array_sized_new (addresses->len);
  guint next[2] = { 0, 0 };

  for (guint turn = 0; ordered->len < addresses->len; turn ^= 1)
    for (guint i = next[turn]; (next[turn] = i) < addresses->len; i++)
      {
        GInetAddress *address = g_ptr_array_index (addresses, i);

        if ((g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6) != (turn == 0))
          continue;
        g_ptr_array_add (ordered, address);
        next[turn] = i + 1;
        break;
      }
  return ordered;
}

static GPtrArray *
make_targets (const Walk *walk)
{
  GPtrArray *targets = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_mx_target_free);

  for (guint i = 0; i < walk->hosts->len; i++)
    {
      const Host *host = g_ptr_array_index (walk->hosts, i);
      g_autoptr (GPtrArray) addresses = interleave (host->addresses);

      for (guint j = 0; j < addresses->len && targets->len < MAX_TARGETS; j++)
        {
          PmMxTarget *target = g_new0 (PmMxTarget, 1);

          target->host = g_strdup (host->name);
          target->address = g_object_ref (g_ptr_array_index (addresses, j));
          target->secure = walk->secure;
          g_ptr_array_add (targets, target);
        }
    }
  return targets;
}

static void
refuse (GTask *task, guint code, const char *status, const char *format, const char *name)
{
  Walk *walk = g_task_get_task_data (task);
  g_auto (GStrv) parts = g_strsplit (format, "%s", 2);
  g_autofree char *text = g_strconcat (parts[0], name, parts[1], NULL);

  walk->refusal = pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, code, status, text);
  g_task_return_pointer (task, NULL, NULL);
}

static void
conclude (GTask *task)
{
  Walk *walk = g_task_get_task_data (task);
  g_autoptr (GPtrArray) targets = NULL;
  gboolean dropped = walk->mx && drop_ourselves (walk);

  targets = make_targets (walk);
  if (targets->len > 0)
    g_task_return_pointer (task, g_steal_pointer (&targets), (GDestroyNotify) g_ptr_array_unref);
  else if (dropped && walk->hosts->len == 0)
    // RFC 5321 5.1: no host is left that is nearer than us, and we do not take this mail.
    refuse (task, 554, "5.4.6", "Mail for %s loops back to this host by its MX records",
            walk->name);
  else if (walk->unknown)
    refuse (task, 451, "4.4.3", "The addresses of the mail hosts of %s cannot be found out now",
            walk->name);
  else if (walk->mx && !walk->implicit)
    refuse (task, 550, "5.4.4", "None of the MX hosts of %s has an address", walk->name);
  else if (walk->mx)
    refuse (task, 550, "5.4.4", "%s has neither an MX record nor an address", walk->name);
  else
    // The administrator's own entry, and maybe not published yet: not the sender's fault.
    refuse (task, 451, "4.4.4", "The host %s has no address", walk->name);
}

typedef struct
{
  GTask *task;
  Host *host;
} AddressLookup;

/* An IPv4 address written as an IPv6 one is no disguise: not for us, and not for the loopback. */
static GInetAddress *
get_plain (GInetAddress *address)
{
  PmNetwork network;

  pm_network_from_address (address, &network);
  return g_inet_address_new_from_bytes (network.bytes, network.family);
}

/* Groups, the broadcast address and what is reserved with it are nobody's address. */
static gboolean
is_of_a_host (GInetAddress *address)
{
  return !g_inet_address_get_is_multicast (address) &&
         (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV4 ||
          g_inet_address_to_bytes (address)[0] < 240);
}

static void
address_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree AddressLookup *lookup = data;
  g_autoptr (GTask) task = lookup->task;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmDnsAnswer) answer =
      pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);
  Walk *walk = g_task_get_task_data (task);

  walk->outstanding--;
  // Nobody vouches for nothing: where no address is found at all, the mail is not returned for it.
  if (answer == NULL || answer->status >= PM_DNS_SERVFAIL || answer->unfounded)
    walk->unknown = TRUE;
  for (guint i = 0; answer != NULL && i < answer->records->len; i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (answer->records, i);

      g_autoptr (GInetAddress) plain =
          record->address != NULL ? get_plain (record->address) : NULL;

      if (plain != NULL && is_of_a_host (plain))
        g_ptr_array_add (lookup->host->addresses, g_steal_pointer (&plain));
    }
  if (walk->outstanding == 0 && !g_task_return_error_if_cancelled (task))
    conclude (task);
}

static void
look_up_address (GTask *task, Host *host, PmDnsType type)
{
  AddressLookup *lookup = g_new0 (AddressLookup, 1);

  lookup->task = g_object_ref (task);
  lookup->host = host;
  pm_resolver_lookup_async (g_task_get_source_object (task), host->name, type,
                            g_task_get_cancellable (task), address_cb, lookup);
}

static void
look_up_addresses (GTask *task)
{
  Walk *walk = g_task_get_task_data (task);

  g_ptr_array_sort (walk->hosts, compare_hosts);
  if (walk->hosts->len > MAX_HOSTS)
    g_ptr_array_set_size (walk->hosts, MAX_HOSTS);

  walk->outstanding = 2 * walk->hosts->len;
  for (guint i = 0; i < walk->hosts->len; i++)
    {
      Host *host = g_ptr_array_index (walk->hosts, i);

      look_up_address (task, host, PM_DNS_AAAA);
      look_up_address (task, host, PM_DNS_A);
    }
}

static gboolean
is_null_mx (const PmDnsAnswer *answer)
{
  const PmDnsRecord *record = g_ptr_array_index (answer->records, 0);

  return answer->records->len == 1 && (*record->name == '\0' || strcmp (record->name, ".") == 0);
}

static void
take_mx_records (GTask *task, const PmDnsAnswer *answer)
{
  Walk *walk = g_task_get_task_data (task);

  // RFC 7505 4.2
  if (is_null_mx (answer))
    {
      refuse (task, 556, "5.1.10", "The domain %s takes no mail (null MX)", walk->name);
      return;
    }
  for (guint i = 0; i < answer->records->len; i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (answer->records, i);

      if (*record->name != '\0' && strcmp (record->name, ".") != 0)
        add_host (walk, record->name, record->preference);
    }
  if (walk->hosts->len == 0)
    conclude (task);
  else
    look_up_addresses (task);
}

static void
mx_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmDnsAnswer) answer =
      pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);
  Walk *walk = g_task_get_task_data (task);

  if (answer == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  walk->secure = answer->secure;
  switch (answer->status)
    {
    case PM_DNS_OK:
      take_mx_records (task, answer);
      break;
    case PM_DNS_NODATA:
      // RFC 5321 5.1: an empty list of MX records means the domain's own address.
      walk->implicit = TRUE;
      add_host (walk, walk->name, 0);
      look_up_addresses (task);
      break;
    case PM_DNS_NXDOMAIN:
      refuse (task, 550, "5.1.2", "The domain %s does not exist", walk->name);
      break;
    case PM_DNS_SERVFAIL:
    case PM_DNS_TIMEOUT:
    case PM_DNS_BOGUS:
    default:
      refuse (task, 451, "4.4.3", "The MX records of %s cannot be found out now", walk->name);
      break;
    }
}

void
pm_mx_walk_async (PmResolver *resolver,
                  const PmMxQuestion *question,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, data);
  g_autoptr (GInetAddress) literal = g_inet_address_new_from_string (question->name);
  Walk *walk = g_new0 (Walk, 1);

  walk->name = g_strdup (question->name);
  walk->own_name = g_strdup (question->own_name);
  walk->own_addresses =
      question->own_addresses != NULL ? g_ptr_array_ref (question->own_addresses) : NULL;
  walk->own_loopback = question->own_loopback;
  walk->mx = question->mx;
  walk->secure = !question->mx;
  walk->hosts = g_ptr_array_new_with_free_func ((GDestroyNotify) free_host);
  g_task_set_source_tag (task, pm_mx_walk_async);
  g_task_set_task_data (task, walk, (GDestroyNotify) free_walk);

  if (literal != NULL)
    {
      // RFC 5321 5.1: an address literal stands for the host itself.
      add_host (walk, question->name, 0);
      g_ptr_array_add (((Host *) g_ptr_array_index (walk->hosts, 0))->addresses,
                       get_plain (literal));
      conclude (task);
    }
  else if (question->mx)
    pm_resolver_lookup_async (resolver, question->name, PM_DNS_MX, cancellable, mx_cb,
                              g_steal_pointer (&task));
  else
    {
      add_host (walk, question->name, 0);
      look_up_addresses (task);
    }
}

/**
 * pm_mx_walk_finish:
 * @refusal: (out) (transfer full): why there is nowhere to go
 *
 * Returns: (transfer full) (element-type PmMxTarget) (nullable): at least one; %NULL with @refusal,
 *   or with @error when it was cancelled
 */
GPtrArray *
pm_mx_walk_finish (PmResolver *resolver,
                   GAsyncResult *result,
                   PmSmtpReply **refusal,
                   GError **error)
{
  Walk *walk = g_task_get_task_data (G_TASK (result));
  GPtrArray *targets = g_task_propagate_pointer (G_TASK (result), error);

  *refusal = targets == NULL ? g_steal_pointer (&walk->refusal) : NULL;
  return targets;
}
