// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The core's one error domain, with the names its codes have on D-Bus.

#include "base/pm-error.h"

static const GDBusErrorEntry entries[] = {
  { PM_ERROR_INVALID, "org.pointsman.Error.Invalid" },
  { PM_ERROR_TOO_LARGE, "org.pointsman.Error.TooLarge" },
  { PM_ERROR_CONFLICT, "org.pointsman.Error.Conflict" },
  { PM_ERROR_NOT_FOUND, "org.pointsman.Error.NotFound" },
  { PM_ERROR_BUSY, "org.pointsman.Error.Busy" },
  { PM_ERROR_UNREACHABLE, "org.pointsman.Error.Unreachable" },
  { PM_ERROR_DENIED, "org.pointsman.Error.Denied" },
  { PM_ERROR_FAILED, "org.pointsman.Error.Failed" },
};

/**
 * pm_error_quark:
 *
 * Returns: the domain of #PmError, its codes registered with GDBus. Any thread.
 */
GQuark
pm_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("pm-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark) quark;
}
