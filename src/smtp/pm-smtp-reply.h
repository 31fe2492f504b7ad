// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

#include "base/pm-buffer.h"

G_BEGIN_DECLS

#define PM_SMTP_REPLY_MAX_LINE \
  1000 /* bytes of one line with its CRLF; RFC 5321 4.5.3.1.5 says 512 */
#define PM_SMTP_REPLY_MAX_LINES 100

/**
 * PmSmtpSource:
 * @PM_SMTP_SOURCE_PEER: the other side said it
 * @PM_SMTP_SOURCE_LOCAL: it stands for something that happened here: a time-out, a lost connection,
 *   rubbish from the peer
 * @PM_SMTP_SOURCE_POLICY: this service decided it
 */
typedef enum
{
  PM_SMTP_SOURCE_PEER,
  PM_SMTP_SOURCE_LOCAL,
  PM_SMTP_SOURCE_POLICY,
} PmSmtpSource;

/**
 * PmSmtpStatus:
 * @klass: 2, 4 or 5; 0 when there is no enhanced code
 * @subject: up to three digits
 * @detail: up to three digits
 *
 * An enhanced status code (RFC 3463).
 */
typedef struct
{
  guint16 klass;
  guint16 subject;
  guint16 detail;
} PmSmtpStatus;

/**
 * PmSmtpReply:
 * @code: 200 to 599
 * @status: the enhanced code, all zero where there is none; its class agrees with @code
 * @lines: (array zero-terminated=1): the text without the codes; at least one line, valid UTF-8
 *   without control characters, whatever the peer sent
 * @source: who said it
 *
 * An SMTP reply, the one currency of success and failure, as an immutable, reference-counted value.
 * Local causes are replies too. Any thread.
 */
typedef struct
{
  guint code;
  PmSmtpStatus status;
  GStrv lines;
  PmSmtpSource source;
} PmSmtpReply;

/* `status` is "5.1.1" or %NULL, both checked against the code; `text` may hold several lines, "\n".
 */
PmSmtpReply *pm_smtp_reply_new (PmSmtpSource source,
                                guint code,
                                const char *status,
                                const char *text);
PmSmtpReply *pm_smtp_reply_new_printf (PmSmtpSource source,
                                       guint code,
                                       const char *status,
                                       const char *format,
                                       ...) G_GNUC_PRINTF (4, 5);
PmSmtpReply *pm_smtp_reply_ref (const PmSmtpReply *reply);
void pm_smtp_reply_unref (PmSmtpReply *reply);

/*
 * Reads what pm_smtp_reply_to_string() wrote, or one line without CRLF as `550 5.7.1 …` (as the
 * router's decision has it). %PM_ERROR_INVALID.
 */
PmSmtpReply *pm_smtp_reply_parse (const char *text,
                                  PmSmtpSource source,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* On one line, `550 5.1.1 first line / second line`: for logs, the queue and bounces. */
char *pm_smtp_reply_to_string (const PmSmtpReply *reply);
char *pm_smtp_clean_text (const char *text, gsize size);

/* The wire form; %FALSE with nothing appended when `out` has no room. */
gboolean pm_smtp_reply_append (const PmSmtpReply *reply,
                               PmBuffer *out) G_GNUC_WARN_UNUSED_RESULT;

gboolean pm_smtp_reply_is_positive (const PmSmtpReply *reply);     /* 2yz */
gboolean pm_smtp_reply_is_intermediate (const PmSmtpReply *reply); /* 3yz */
gboolean pm_smtp_reply_is_transient (const PmSmtpReply *reply);    /* 4yz */
gboolean pm_smtp_reply_is_permanent (const PmSmtpReply *reply);    /* 5yz */

/* `5.1.1`; where the peer gave none, the class of the code with `.0.0` (RFC 3464 2.3.4). */
char *pm_smtp_reply_status_to_string (const PmSmtpReply *reply);

/**
 * PmSmtpReplyReader:
 *
 * Reads replies from a byte stream, strictly: every line begins with the same three digits, lines
 * end in CRLF alone, lines and their number are bounded. A plain struct: init, use, clear.
 */
typedef struct
{
  PmBuffer line;
  GPtrArray *lines;
  guint code;
  PmSmtpStatus status;
  gboolean failed;
} PmSmtpReplyReader;

typedef enum
{
  PM_SMTP_READ_MORE,    /* everything was taken and the reply is not whole yet */
  PM_SMTP_READ_REPLY,   /* `reply` was set; the bytes after `used` belong to the next one */
  PM_SMTP_READ_RUBBISH, /* this is not SMTP, or over a bound; `error` says what; nothing more is
                           read */
} PmSmtpRead;

void pm_smtp_reply_reader_init (PmSmtpReplyReader *reader);
void pm_smtp_reply_reader_clear (PmSmtpReplyReader *reader);
PmSmtpRead pm_smtp_reply_reader_feed (PmSmtpReplyReader *reader,
                                      gconstpointer bytes,
                                      gsize size,
                                      gsize *used,
                                      PmSmtpReply **reply,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSmtpReply, pm_smtp_reply_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmSmtpReplyReader, pm_smtp_reply_reader_clear)

G_END_DECLS
