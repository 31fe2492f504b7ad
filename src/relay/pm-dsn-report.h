// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-dsn.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/* What a report is about: one thing, for all its recipients. */
typedef enum
{
  PM_REPORT_FAILED,  /* given up */
  PM_REPORT_DELAYED, /* still being tried */
  PM_REPORT_SUCCESS, /* delivered, or relayed to a host that reports no deliveries */
} PmReportKind;

/**
 * PmReportRecipient:
 * @address: where it went
 * @original: the address that the client gave
 * @orcpt: (nullable): the sender's original recipient, `type;address` decoded
 * @reply: what was said
 * @host: (nullable): who said it, `name [address]:port`; %NULL is this host
 * @relayed: of %PM_REPORT_SUCCESS: it was handed to a host that does not report (RFC 3461 5.2.2)
 *
 * One recipient of a report; all borrowed.
 */
typedef struct
{
  const char *address;
  const char *original;
  const char *orcpt;
  const PmSmtpReply *reply;
  const char *host;
  gboolean relayed;
} PmReportRecipient;

/**
 * PmReport:
 * @kind: what it is about
 * @host: our name
 * @to: who gets it
 * @sender: the sender of the message, "" where that was the null sender: the report on a report
 * @id: the report's own number
 * @message: the message's number
 * @utf8: the message came by SMTPUTF8 (RFC 6531)
 * @headers_only: not more than the message's header section may stand in it (RFC 8689 5)
 * @ret: what the sender wants back
 * @envid: (nullable): the sender's name for the message, decoded
 * @now: microseconds since 1970
 * @received: when the message was accepted
 * @expires: when a delayed message is given up
 * @body: (array length=body_size): the message, lines ending in CRLF
 * @recipients: (array length=n_recipients): at least one
 *
 * A delivery status notification (RFC 3464 in RFC 6522's multipart/report) before it is written.
 * All borrowed.
 */
typedef struct
{
  PmReportKind kind;
  const char *host;
  const char *to;
  const char *sender;
  guint64 id;
  guint64 message;
  gboolean utf8;
  gboolean headers_only;
  PmDsnRet ret;
  const char *envid;
  gint64 now;
  gint64 received;
  gint64 expires;
  const guint8 *body;
  gsize body_size;
  const PmReportRecipient *recipients;
  guint n_recipients;
} PmReport;

/**
 * PmReportNeeds:
 * @eight_bit: bytes that are not ASCII (RFC 6152)
 * @utf8: header fields that are not ASCII, or message/global parts (RFC 6531)
 *
 * What the way of a report must be able to carry.
 */
typedef struct
{
  gboolean eight_bit;
  gboolean utf8;
} PmReportNeeds;

/* A message larger than this comes back as its header section alone, whatever RET= asked. */
#define PM_REPORT_MAX_RETURNED (50 * 1024)

GByteArray *pm_report_format (const PmReport *report, PmReportNeeds *needs);

gboolean pm_report_is_wanted (PmReportKind kind, PmDsnNotify notify);

G_END_DECLS
