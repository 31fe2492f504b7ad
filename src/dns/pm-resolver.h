// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How a DNS question ended. Only the first three are answers; the others mean: not known. */
typedef enum
{
  PM_DNS_OK,       /* there are records */
  PM_DNS_NODATA,   /* the name exists, without records of the type */
  PM_DNS_NXDOMAIN, /* the name does not exist */
  PM_DNS_SERVFAIL, /* a server said it failed or refused */
  PM_DNS_TIMEOUT,  /* nobody answered in time */
  PM_DNS_BOGUS,    /* DNSSEC validation failed */
} PmDnsStatus;

typedef enum
{
  PM_DNS_A = 1,
  PM_DNS_NS = 2,
  PM_DNS_CNAME = 5,
  PM_DNS_SOA = 6,
  PM_DNS_PTR = 12,
  PM_DNS_MX = 15,
  PM_DNS_TXT = 16,
  PM_DNS_AAAA = 28,
  PM_DNS_DS = 43,
  PM_DNS_DNSKEY = 48,
  PM_DNS_TLSA = 52,
  PM_DNS_CAA = 257,
} PmDnsType;

/**
 * PmDnsRecord:
 * @type: its type
 * @ttl: seconds it may be kept
 * @preference: of an MX
 * @name: (nullable): target of MX, CNAME, NS, PTR: lower case, no trailing dot, `.` for the root
 * @address: (nullable): of A and AAAA
 * @text: (nullable): of TXT (strings joined), or any other type in presentation form
 */
typedef struct
{
  PmDnsType type;
  guint32 ttl;
  guint16 preference;
  char *name;
  GInetAddress *address;
  char *text;
} PmDnsRecord;

/**
 * PmDnsAnswer:
 * @status: how it ended
 * @name: the name asked for
 * @type: the type asked for
 * @canonical_name: (nullable): the name at the end of the CNAME chain, where there was one
 * @records: (element-type PmDnsRecord): of the type asked for only
 * @secure: validated by DNSSEC
 * @unfounded: with %PM_DNS_NODATA: nothing in the answer says who knows it (RFC 2308 2.2). That is
 *   how some servers put it, and also how one answers that does not recurse and knows nothing
 * @server: who was asked, for a person to read ("system resolver", "127.0.0.1:5353")
 * @elapsed: microseconds
 * @detail: (nullable): what went wrong, where it did
 *
 * Immutable, reference counted.
 */
typedef struct
{
  PmDnsStatus status;
  char *name;
  PmDnsType type;
  char *canonical_name;
  GPtrArray *records;
  gboolean secure;
  gboolean unfounded;
  char *server;
  gint64 elapsed;
  char *detail;
} PmDnsAnswer;

PmDnsAnswer *pm_dns_answer_ref (const PmDnsAnswer *answer);
void pm_dns_answer_unref (PmDnsAnswer *answer);
const char *pm_dns_status_to_string (PmDnsStatus status);

/**
 * PmResolver:
 *
 * Where DNS answers come from. A look-up always ends in an answer, whose status may be “not known”;
 * the only error is cancellation (%G_IO_ERROR_CANCELLED). May be called from any thread; the
 * callback runs in the caller's thread-default main context.
 */
#define PM_TYPE_RESOLVER (pm_resolver_get_type ())
G_DECLARE_INTERFACE (PmResolver, pm_resolver, PM, RESOLVER, GObject)

struct _PmResolverInterface
{
  GTypeInterface parent_interface;

  void (*lookup_async) (PmResolver *resolver, const char *name, PmDnsType type,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  PmDnsAnswer *(*lookup_finish) (PmResolver *resolver, GAsyncResult *result, GError **error);
  void (*forget) (PmResolver *resolver); /* (nullable): nothing is remembered */
};

void pm_resolver_lookup_async (PmResolver *resolver,
                               const char *name,
                               PmDnsType type,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data);
PmDnsAnswer *pm_resolver_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error);
void pm_resolver_forget (PmResolver *resolver);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDnsAnswer, pm_dns_answer_unref)

G_END_DECLS
