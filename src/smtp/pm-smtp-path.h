// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-mail-address.h"

G_BEGIN_DECLS

#define PM_SMTP_MAX_PARAMETERS 20

/**
 * PmSmtpParameter:
 * @keyword: upper case
 * @value: (nullable): as it came; %NULL for a keyword without `=`
 */
typedef struct
{
  char *keyword;
  char *value;
} PmSmtpParameter;

/**
 * PmSmtpPath:
 * @address: (nullable): the mailbox; %NULL for `<>` and for `<postmaster>`
 * @postmaster: whether it was `<postmaster>` without a domain (RFC 5321 4.5.1), in any case
 * @parameters: (element-type PmSmtpParameter): in their order, no keyword twice
 *
 * The argument of MAIL or RCPT. A source route (`<@a,@b:user@c>`) is read and dropped, never used.
 */
typedef struct
{
  PmMailAddress *address;
  gboolean postmaster;
  GPtrArray *parameters;
} PmSmtpPath;

typedef enum
{
  PM_SMTP_PATH_REVERSE, /* MAIL: `<>` may stand, `<postmaster>` may not */
  PM_SMTP_PATH_FORWARD, /* RCPT: `<postmaster>` may stand, `<>` may not */
} PmSmtpPathKind;

/*
 * `text` is what follows `FROM:` or `TO:`, valid UTF-8. %PM_ERROR_INVALID for what is not a path,
 * %PM_ERROR_TOO_LARGE over a bound.
 */
PmSmtpPath *pm_smtp_path_parse (const char *text,
                                PmSmtpPathKind kind,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_smtp_path_free (PmSmtpPath *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSmtpPath, pm_smtp_path_free)

G_END_DECLS
