// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What a sender may ask about delivery status notifications (RFC 3461). The protocol reads and says
 * it, the queue keeps it, the reports obey it.
 */

/* NOTIFY= of RCPT (RFC 3461 4.1); DEFAULT when it was not given: of failures, and of delays. */
typedef enum
{
  PM_DSN_NOTIFY_DEFAULT = 0,
  PM_DSN_NOTIFY_NEVER = 1 << 0,
  PM_DSN_NOTIFY_SUCCESS = 1 << 1,
  PM_DSN_NOTIFY_FAILURE = 1 << 2,
  PM_DSN_NOTIFY_DELAY = 1 << 3,
} PmDsnNotify;

/* RET= of MAIL (RFC 3461 4.3): how much of the message a report on a failure returns. */
typedef enum
{
  PM_DSN_RET_DEFAULT,
  PM_DSN_RET_FULL,
  PM_DSN_RET_HEADERS,
} PmDsnRet;

G_END_DECLS
