// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The TLSA records of a mail host (RFC 7672). The host's addresses are asked for first: where they
// are not secure there is nothing to protect, and a zone without DNSSEC is not bothered with a
// question that old name servers answer badly (RFC 7672 2.2.2). Where the host's name is an alias,
// and every step is secure, the records may stand under the name it leads to.

#include "relay/pm-dane.h"

#include <string.h>

#define MAX_RECORDS 32

typedef struct
{
  char *host;
  char *canonical; /* (nullable): where the host's name leads */
  char *asked;     /* whose TLSA records are asked for */
  guint16 port;
  gboolean ipv6;
} Lookup;

static void
free_lookup (gpointer data)
{
  Lookup *lookup = data;

  g_free (lookup->host);
  g_free (lookup->canonical);
  g_free (lookup->asked);
  g_free (lookup);
}

/**
 * pm_dane_free:
 * @dane: (transfer full) (nullable): what was found
 */
void
pm_dane_free (PmDane *dane)
{
  if (dane == NULL)
    return;
  g_ptr_array_unref (dane->tlsa);
  g_free (dane->base);
  g_free (dane->detail);
  g_free (dane);
}

static void
return_dane (GTask *task, PmDaneStatus status, GPtrArray *tlsa, const char *base, char *detail)
{
  PmDane *dane = g_new0 (PmDane, 1);

  dane->status = status;
  dane->tlsa = tlsa != NULL ? tlsa
                            : g_ptr_array_new_with_free_func ((GDestroyNotify) pm_tlsa_unref);
  dane->base = g_strdup (base);
  dane->detail = detail;
  g_task_return_pointer (task, dane, (GDestroyNotify) pm_dane_free);
}

static gboolean
parse_number (const char *word, guint8 *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (word, 10, 0, G_MAXUINT8, &value, NULL))
    return FALSE;
  *number = (guint8) value;
  return TRUE;
}

static GBytes *
parse_hex (char **words)
{
  g_autofree char *text = g_strjoinv ("", words);
  gsize length = strlen (text);
  g_autoptr (GByteArray) bytes = g_byte_array_sized_new ((guint) (length / 2));

  if (length == 0 || length % 2 != 0)
    return NULL;
  for (gsize i = 0; i < length; i += 2)
    {
      int high = g_ascii_xdigit_value (text[i]);
      int low = g_ascii_xdigit_value (text[i + 1]);
      guint8 byte = (guint8) (high << 4 | low);

      if (high < 0 || low < 0)
        return NULL;
      g_byte_array_append (bytes, &byte, 1);
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

/**
 * pm_dane_parse_tlsa:
 * @text: usage, selector and matching type in digits, the data in hexadecimal (RFC 6698 2.2)
 *
 * Returns: (transfer full) (nullable): the record; %NULL for what is none.
 */
PmTlsa *
pm_dane_parse_tlsa (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", 0);
  guint8 numbers[3];
  g_autoptr (GBytes) data = NULL;

  if (g_strv_length (words) < 4)
    return NULL;
  for (guint i = 0; i < 3; i++)
    if (!parse_number (words[i], &numbers[i]))
      return NULL;
  data = parse_hex (words + 3);
  return data != NULL ? pm_tlsa_new (numbers[0], numbers[1], numbers[2], data) : NULL;
}

static gboolean
is_failure (const PmDnsAnswer *answer)
{
  return answer->status != PM_DNS_OK && answer->status != PM_DNS_NODATA &&
         answer->status != PM_DNS_NXDOMAIN;
}

static void
return_failure (GTask *task, const PmDnsAnswer *answer, const char *what)
{
  return_dane (task, PM_DANE_FAILED, NULL, NULL,
               g_strdup_printf ("%s of %s cannot be had from DNS: %s%s%s", what, answer->name,
                                pm_dns_status_to_string (answer->status),
                                answer->detail != NULL ? ", " : "",
                                answer->detail != NULL ? answer->detail : ""));
}

static void
return_records (GTask *task, const PmDnsAnswer *answer)
{
  Lookup *lookup = g_task_get_task_data (task);
  GPtrArray *tlsa = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_tlsa_unref);

  for (guint i = 0; i < MIN (answer->records->len, MAX_RECORDS); i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (answer->records, i);
      g_autoptr (PmTlsa) one = pm_dane_parse_tlsa (record->text);

      if (one != NULL && pm_tlsa_is_usable (one))
        g_ptr_array_add (tlsa, g_steal_pointer (&one));
    }
  return_dane (task, tlsa->len > 0 ? PM_DANE_USABLE : PM_DANE_UNUSABLE, tlsa, lookup->asked, NULL);
}

static void ask_tlsa (GTask *task);

static void
tlsa_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Lookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PmDnsAnswer) answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);

  if (answer == NULL)
    g_task_return_error (task, error);
  else if (is_failure (answer))
    return_failure (task, answer, "The TLSA records");
  else if (answer->status == PM_DNS_OK && answer->secure)
    return_records (task, answer);
  else if (strcmp (lookup->asked, lookup->host) != 0)
    {
      // Nothing where the alias leads: then under the name itself (RFC 7672 2.2.2).
      g_free (lookup->asked);
      lookup->asked = g_strdup (lookup->host);
      ask_tlsa (g_steal_pointer (&task));
    }
  else
    return_dane (task, PM_DANE_NONE, NULL, NULL, NULL);
}

static void
ask_tlsa (GTask *task)
{
  Lookup *lookup = g_task_get_task_data (task);
  g_autofree char *name = g_strdup_printf ("_%u._tcp.%s", lookup->port, lookup->asked);

  pm_resolver_lookup_async (g_task_get_source_object (task), name, PM_DNS_TLSA,
                            g_task_get_cancellable (task), tlsa_cb, task);
}

static void ask_address (GTask *task);

static void
address_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Lookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PmDnsAnswer) answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error);

  if (answer == NULL)
    g_task_return_error (task, error);
  else if (is_failure (answer))
    return_failure (task, answer, "The addresses");
  else if (answer->status == PM_DNS_NODATA && !lookup->ipv6)
    {
      lookup->ipv6 = TRUE;
      ask_address (g_steal_pointer (&task));
    }
  else if (!answer->secure)
    return_dane (task, PM_DANE_NONE, NULL, NULL, NULL);
  else
    {
      lookup->asked = g_strdup (answer->canonical_name != NULL ? answer->canonical_name
                                                               : lookup->host);
      ask_tlsa (g_steal_pointer (&task));
    }
}

static void
ask_address (GTask *task)
{
  Lookup *lookup = g_task_get_task_data (task);

  pm_resolver_lookup_async (g_task_get_source_object (task), lookup->host,
                            lookup->ipv6 ? PM_DNS_AAAA : PM_DNS_A, g_task_get_cancellable (task),
                            address_cb, task);
}

/**
 * pm_dane_lookup_async:
 * @host: a host name, normalized; an address has no records
 * @port: where mail is brought to
 *
 * Looks for the host's TLSA records.
 */
void
pm_dane_lookup_async (PmResolver *resolver,
                      const char *host,
                      guint16 port,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  GTask *task = g_task_new (resolver, cancellable, callback, data);
  Lookup *lookup = g_new0 (Lookup, 1);

  g_task_set_source_tag (task, pm_dane_lookup_async);
  g_task_set_task_data (task, lookup, free_lookup);
  lookup->host = g_strdup (host);
  lookup->port = port;
  if (!g_hostname_is_ip_address (host))
    {
      ask_address (task);
      return;
    }
  return_dane (task, PM_DANE_NONE, NULL, NULL, NULL);
  g_object_unref (task);
}

/**
 * pm_dane_lookup_finish:
 * @error: %G_IO_ERROR_CANCELLED, and nothing else
 *
 * Returns: (transfer full) (nullable): what was found.
 */
PmDane *
pm_dane_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, resolver), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
