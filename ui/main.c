// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The Administrator's start: language, then the application.

#include "config.h"

#include <locale.h>

#include <glib/gi18n.h>

#include "ui/pm-application.h"

int
main (int argc, char **argv)
{
  g_autoptr (PmApplication) application = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, PM_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  application = pm_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
