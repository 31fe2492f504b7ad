// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How many connections clients may have, as far as file descriptors go. What is accepted must be
// written and delivered: the queue, the log, DNS and deliveries have theirs set aside first.

#include "relay/pm-descriptors.h"

#include <sys/resource.h>

#define RESERVED 100 /* queue, log, D-Bus, DNS, listeners, workers */
#define PER_DELIVERY 2
#define SESSIONS 4 /* of so many sessions, */
#define FILES 1    /* so many have a file for a large message */

/**
 * pm_descriptors_share_of:
 * @wanted: how many connections the site allows
 * @outbound: how many it allows to other hosts
 *
 * Returns: how many there may be, at least one
 */
guint
pm_descriptors_share_of (guint64 descriptors, guint wanted, guint outbound)
{
  guint64 kept = RESERVED + PER_DELIVERY * (guint64) outbound;
  guint64 left = descriptors > kept ? descriptors - kept : descriptors / 4;

  return (guint) CLAMP (left * SESSIONS / (SESSIONS + FILES), 1, wanted);
}

/**
 * pm_descriptors_share:
 *
 * Returns: the same, of the descriptors that this process may have
 */
guint
pm_descriptors_share (guint wanted, guint outbound)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return wanted;
  return pm_descriptors_share_of (limit.rlim_cur, wanted, outbound);
}
