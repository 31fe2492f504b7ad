// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Answers as values, and the one place where bytes from the wire become records. ldns reads the
// message and checks its lengths; what does not have the shape its type demands is left out, never
// half taken.

#include "dns/pm-dns-answer-private.h"

#include <string.h>

#include "base/pm-error.h"

typedef struct
{
  PmDnsAnswer value;
  gatomicrefcount references;
} Answer;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ldns_pkt, ldns_pkt_free)

static void
free_record (gpointer data)
{
  PmDnsRecord *record = data;

  g_free (record->name);
  g_clear_object (&record->address);
  g_free (record->text);
  g_free (record);
}

/* Takes over what ldns allocated, so that everything else can be freed with g_free(). */
static char *
take_ldns_string (char *text)
{
  char *copy = g_utf8_make_valid (text != NULL ? text : "", -1);

  free (text);
  return copy;
}

PmDnsAnswer *
pm_dns_answer_new (const char *name, PmDnsType type, const char *server)
{
  Answer *answer = g_new0 (Answer, 1);

  g_atomic_ref_count_init (&answer->references);
  answer->value.status = PM_DNS_NODATA;
  answer->value.name = g_strdup (name);
  answer->value.type = type;
  answer->value.server = g_strdup (server);
  answer->value.records = g_ptr_array_new_with_free_func (free_record);
  return &answer->value;
}

/**
 * pm_dns_answer_ref:
 * @answer: an answer
 *
 * Returns: (transfer full): @answer. Any thread.
 */
PmDnsAnswer *
pm_dns_answer_ref (const PmDnsAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);

  g_atomic_ref_count_inc (&((Answer *) answer)->references);
  return (PmDnsAnswer *) answer;
}

/**
 * pm_dns_answer_unref:
 * @answer: (transfer full) (nullable): an answer
 *
 * Any thread.
 */
void
pm_dns_answer_unref (PmDnsAnswer *answer)
{
  if (answer == NULL || !g_atomic_ref_count_dec (&((Answer *) answer)->references))
    return;

  g_free (answer->name);
  g_free (answer->canonical_name);
  g_ptr_array_unref (answer->records);
  g_free (answer->server);
  g_free (answer->detail);
  g_free (answer);
}

/**
 * pm_dns_status_to_string:
 * @status: how a question ended
 *
 * Returns: its word, as `nxdomain`.
 */
const char *
pm_dns_status_to_string (PmDnsStatus status)
{
  static const char *const words[] = {
    [PM_DNS_OK] = "ok",
    [PM_DNS_NODATA] = "nodata",
    [PM_DNS_NXDOMAIN] = "nxdomain",
    [PM_DNS_SERVFAIL] = "servfail",
    [PM_DNS_TIMEOUT] = "timeout",
    [PM_DNS_BOGUS] = "bogus",
  };

  g_return_val_if_fail ((guint) status < G_N_ELEMENTS (words), "unknown");
  return words[status];
}

/* Lower case, without the final dot; `.` for the root. Unusual bytes stay escaped as \DDD. */
char *
pm_dns_name_from_rdf (const ldns_rdf *rdf)
{
  g_autofree char *text = take_ldns_string (ldns_rdf2str (rdf));
  gsize length = strlen (text);

  if (length > 1 && text[length - 1] == '.')
    text[length - 1] = '\0';
  return g_ascii_strdown (text, -1);
}

static char *
join_strings (const ldns_rr *rr)
{
  g_autoptr (GString) joined = g_string_new (NULL);

  // Each is a length byte and that many bytes (RFC 1035 3.3.14), here already checked by ldns.
  for (size_t i = 0; i < ldns_rr_rd_count (rr); i++)
    {
      const ldns_rdf *rdf = ldns_rr_rdf (rr, i);
      size_t size = ldns_rdf_size (rdf);

      if (size > 1)
        g_string_append_len (joined, (const char *) ldns_rdf_data (rdf) + 1, (gssize) size - 1);
    }
  for (gsize i = 0; i < joined->len; i++)
    if (joined->str[i] == '\0')
      joined->str[i] = ' ';
  return g_utf8_make_valid (joined->str, (gssize) joined->len);
}

static char *
join_fields (const ldns_rr *rr)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (size_t i = 0; i < ldns_rr_rd_count (rr); i++)
    {
      g_autofree char *field = take_ldns_string (ldns_rdf2str (ldns_rr_rdf (rr, i)));

      g_string_append_printf (text, "%s%s", i == 0 ? "" : " ", field);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
read_name (PmDnsRecord *record, const ldns_rr *rr, size_t index)
{
  const ldns_rdf *rdf = ldns_rr_rdf (rr, index);

  if (rdf == NULL || ldns_rdf_get_type (rdf) != LDNS_RDF_TYPE_DNAME)
    return FALSE;
  record->name = pm_dns_name_from_rdf (rdf);
  return TRUE;
}

static gboolean
read_address (PmDnsRecord *record, const ldns_rr *rr, GSocketFamily family, size_t size)
{
  const ldns_rdf *rdf = ldns_rr_rdf (rr, 0);

  if (rdf == NULL || ldns_rdf_size (rdf) != size)
    return FALSE;
  record->address = g_inet_address_new_from_bytes (ldns_rdf_data (rdf), family);
  return TRUE;
}

static gboolean
read_mx (PmDnsRecord *record, const ldns_rr *rr)
{
  const ldns_rdf *preference = ldns_rr_rdf (rr, 0);

  if (preference == NULL || ldns_rdf_size (preference) != 2)
    return FALSE;
  record->preference = ldns_rdf2native_int16 (preference);
  return read_name (record, rr, 1);
}

static gboolean
read_data (PmDnsRecord *record, const ldns_rr *rr)
{
  switch (record->type)
    {
    case PM_DNS_A:
      return read_address (record, rr, G_SOCKET_FAMILY_IPV4, 4);
    case PM_DNS_AAAA:
      return read_address (record, rr, G_SOCKET_FAMILY_IPV6, 16);
    case PM_DNS_MX:
      return read_mx (record, rr);
    case PM_DNS_NS:
    case PM_DNS_CNAME:
    case PM_DNS_PTR:
      return read_name (record, rr, 0);
    case PM_DNS_TXT:
      record->text = join_strings (rr);
      return TRUE;
    case PM_DNS_SOA:
    case PM_DNS_DS:
    case PM_DNS_TLSA:
    case PM_DNS_CAA:
      record->text = join_fields (rr);
      return TRUE;
    default:
      return FALSE;
    }
}

/* (nullable): %NULL where the data are not what the type demands. */
PmDnsRecord *
pm_dns_record_from_rr (const ldns_rr *rr)
{
  PmDnsRecord *record = g_new0 (PmDnsRecord, 1);

  record->type = (PmDnsType) ldns_rr_get_type (rr);
  // A TTL with the top bit set counts as zero (RFC 2181 8).
  record->ttl = ldns_rr_ttl (rr) > G_MAXINT32 ? 0 : ldns_rr_ttl (rr);
  if (read_data (record, rr))
    return record;
  free_record (record);
  return NULL;
}

static const ldns_rr *
find_alias (const ldns_rr_list *list, const ldns_rdf *owner)
{
  for (size_t i = 0; i < ldns_rr_list_rr_count (list); i++)
    {
      const ldns_rr *rr = ldns_rr_list_rr (list, i);

      if (ldns_rr_get_type (rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count (rr) == 1 &&
          ldns_dname_compare (ldns_rr_owner (rr), owner) == 0)
        return rr;
    }
  return NULL;
}

/* The end of the chain that starts at the question's name; bounded, so that a loop ends too. */
static const ldns_rdf *
follow_aliases (const ldns_rr_list *list, const ldns_rdf *name)
{
  for (size_t i = 0; i < ldns_rr_list_rr_count (list); i++)
    {
      const ldns_rr *alias = find_alias (list, name);

      if (alias == NULL)
        break;
      name = ldns_rr_rdf (alias, 0);
    }
  return name;
}

static gboolean
has_type (const ldns_rr_list *list, ldns_rr_type type)
{
  for (size_t i = 0; i < ldns_rr_list_rr_count (list); i++)
    if (ldns_rr_get_type (ldns_rr_list_rr (list, i)) == type)
      return TRUE;
  return FALSE;
}

/* Nothing of the type is in it: whether somebody says that there is none (RFC 2308 2.2). */
static void
read_nothing (PmDnsAnswer *answer, const ldns_pkt *packet)
{
  if (ldns_pkt_get_rcode (packet) == LDNS_RCODE_NXDOMAIN)
    {
      answer->status = PM_DNS_NXDOMAIN;
      return;
    }
  answer->status = PM_DNS_NODATA;
  answer->unfounded = !has_type (ldns_pkt_authority (packet), LDNS_RR_TYPE_SOA);
}

/**
 * pm_dns_answer_read_packet:
 * @answer: the answer to fill: status, canonical name and records
 * @bytes: a whole DNS message
 * @size: its size
 * @error: %PM_ERROR_INVALID where the message cannot be read
 *
 * Returns: whether @bytes could be read; @answer is untouched otherwise.
 */
gboolean
pm_dns_answer_read_packet (PmDnsAnswer *answer, const guint8 *bytes, gsize size, GError **error)
{
  g_autoptr (ldns_pkt) packet = NULL;
  ldns_status status = ldns_wire2pkt (&packet, bytes, size);
  const ldns_rdf *asked;
  const ldns_rdf *name;
  ldns_rr_list *list;

  if (status != LDNS_STATUS_OK || ldns_rr_list_rr_count (ldns_pkt_question (packet)) != 1)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "The answer is malformed: %s",
                   status != LDNS_STATUS_OK ? ldns_get_errorstr_by_id (status)
                                            : "it does not repeat the question");
      return FALSE;
    }

  list = ldns_pkt_answer (packet);
  asked = ldns_rr_owner (ldns_rr_list_rr (ldns_pkt_question (packet), 0));
  name = answer->type == PM_DNS_CNAME ? asked : follow_aliases (list, asked);
  if (name != asked)
    answer->canonical_name = pm_dns_name_from_rdf (name);

  for (size_t i = 0; i < ldns_rr_list_rr_count (list); i++)
    {
      const ldns_rr *rr = ldns_rr_list_rr (list, i);
      PmDnsRecord *record;

      if ((PmDnsType) ldns_rr_get_type (rr) != answer->type ||
          ldns_dname_compare (ldns_rr_owner (rr), name) != 0)
        continue;
      record = pm_dns_record_from_rr (rr);
      if (record != NULL)
        g_ptr_array_add (answer->records, record);
    }

  if (answer->records->len > 0)
    answer->status = PM_DNS_OK;
  else
    read_nothing (answer, packet);
  return TRUE;
}
