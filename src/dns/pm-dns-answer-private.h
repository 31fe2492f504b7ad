// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <ldns/ldns.h>

#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/* For resolvers: an answer is made, filled by whoever made it, and immutable once handed out. */
PmDnsAnswer *pm_dns_answer_new (const char *name, PmDnsType type, const char *server);
char *pm_dns_name_from_rdf (const ldns_rdf *rdf);
PmDnsRecord *pm_dns_record_from_rr (const ldns_rr *rr);
gboolean pm_dns_answer_read_packet (PmDnsAnswer *answer,
                                    const guint8 *bytes,
                                    gsize size,
                                    GError **error);

G_END_DECLS
