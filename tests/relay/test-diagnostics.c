// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Diagnostics Logging: each category obeys its own level, what is not wanted is not even worked
// out, and no password is shown.

#include "relay/pm-diagnostics.h"

#include <string.h>

#include "relay/pm-protocol-log.h"

static PmRelaySettings *
make_settings (const char *categories)
{
  g_autofree char *text = g_strdup_printf (
      "<site xmlns=\"urn:pointsman:site:1\" name=\"T\" organization=\"T\"><configuration>"
      "<servers><server name=\"MAIL1\" host=\"mail1.example.com\"/></servers><connections>"
      "<internet-mail-service server=\"MAIL1\"><connections/><diagnostics>%s</diagnostics>"
      "</internet-mail-service></connections></configuration></site>",
      categories);
  g_autoptr (GBytes) xml = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = pm_site_parse (xml, "site.xml", NULL, &error);
  PmRelaySettings *settings;

  g_assert_no_error (error);
  settings = pm_relay_settings_new (site, NULL, "0", "/nonexistent", &error);
  g_assert_no_error (error);
  return settings;
}

static void
test_levels (void)
{
  static const char *const levels[] = { "none", "minimum", "medium", "maximum" };

  for (guint topic = 0; topic < PM_N_TOPICS; topic++)
    for (guint level = 0; level < G_N_ELEMENTS (levels); level++)
      {
        g_autofree char *category =
            g_strdup_printf ("<category name=\"%s\" level=\"%s\"/>",
                             pm_topic_to_string ((PmTopic) topic), levels[level]);
        g_autoptr (PmRelaySettings) settings = make_settings (category);

        pm_diagnostics_apply (settings->service);
        for (guint other = 0; other < PM_N_TOPICS; other++)
          for (guint asked = PM_DIAGNOSTICS_MINIMUM; asked <= PM_DIAGNOSTICS_MAXIMUM; asked++)
            g_assert_cmpint (pm_diagnostics_wants ((PmTopic) other, (PmDiagnosticsLevel) asked),
                             ==, other == topic && asked <= level);
      }
}

static const char *
count (guint *n)
{
  (*n)++;
  return "x";
}

static void
test_not_worked_out (void)
{
  g_autoptr (PmRelaySettings) off = make_settings ("");
  guint n = 0;

  pm_diagnostics_apply (off->service);
  pm_diagnose (PM_TOPIC_ROUTING, PM_DIAGNOSTICS_MINIMUM, "key", count (&n), NULL);
  g_assert_cmpuint (n, ==, 0);
}

static void
test_secrets (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (PmRelaySettings) settings =
          make_settings ("<category name=\"smtp-protocol\" level=\"medium\"/>");
      PmProtocolLog log = { 0 };

      pm_log_init ("prog", FALSE);
      pm_diagnostics_apply (settings->service);
      pm_protocol_log_init (&log, settings, TRUE, "192.0.2.1");
      pm_protocol_log_say (&log, PM_DIAGNOSTICS_MEDIUM, "received", "auth PLAIN c2VjcmV0");
      pm_protocol_log_say (&log, PM_DIAGNOSTICS_MEDIUM, "received", "AUTH LOGIN");
      pm_protocol_log_say (&log, PM_DIAGNOSTICS_MAXIMUM, "message", "unseen");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("prog: smtp-protocol session=1 direction=in peer=192.0.2.1 "
                             "what=received text=\"AUTH PLAIN ***\"\n"
                             "prog: smtp-protocol session=1 direction=in peer=192.0.2.1 "
                             "what=received text=\"AUTH LOGIN\"\n");
  g_test_trap_assert_stderr_unmatched ("*c2VjcmV0*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/diagnostics/levels", test_levels);
  g_test_add_func ("/diagnostics/not-worked-out", test_not_worked_out);
  g_test_add_func ("/diagnostics/secrets", test_secrets);
  return g_test_run ();
}
