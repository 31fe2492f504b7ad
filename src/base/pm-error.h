// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmError:
 * @PM_ERROR_INVALID: text from a person, peer or file is not in the form it must have
 * @PM_ERROR_TOO_LARGE: something is well formed but over a stated limit
 * @PM_ERROR_CONFLICT: what was to be changed has changed meanwhile; nothing was written
 * @PM_ERROR_NOT_FOUND: what was named does not exist
 * @PM_ERROR_BUSY: another operation of the kind is under way
 * @PM_ERROR_UNREACHABLE: a service or peer could not be reached
 * @PM_ERROR_DENIED: the caller may not do this
 * @PM_ERROR_FAILED: it was tried and did not succeed; the message says what and why
 *
 * What the core's functions report, each something a caller does differently. On D-Bus they are
 * named `org.pointsman.Error.Invalid` and so on (registered by pm_error_quark()). I/O errors keep
 * their #G_IO_ERROR domain. Messages are plain untranslated English sentences that say what was
 * found, where, and what was expected.
 */
typedef enum {
  PM_ERROR_INVALID,
  PM_ERROR_TOO_LARGE,
  PM_ERROR_CONFLICT,
  PM_ERROR_NOT_FOUND,
  PM_ERROR_BUSY,
  PM_ERROR_UNREACHABLE,
  PM_ERROR_DENIED,
  PM_ERROR_FAILED,
} PmError;

#define PM_ERROR (pm_error_quark ())
GQuark pm_error_quark (void);

G_END_DECLS
