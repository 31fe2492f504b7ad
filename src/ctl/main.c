// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// pointsmanctl: everything of Pointsman from the command line. This file knows which commands there
// are; each group's file reads its options and calls the core or the bus.

#include <locale.h>
#include <string.h>

#include "base/pm-error.h"
#include "config.h"
#include "ctl/pm-ctl.h"

static const PmCommand commands[] = {
  { "status", NULL, "", 0, 0, FALSE, "Say how the server is.", pm_ctl_status },
  { "route", "list", "", 0, 0, TRUE, "List the routing table.", pm_ctl_route_list },
  { "route", "add", "DOMAIN", 1, 1, TRUE, "Add an entry; inbound where nothing else is said.",
    pm_ctl_route_add },
  { "route", "edit", "DOMAIN", 1, 1, TRUE, "Change an entry; what is not named stays as it is.",
    pm_ctl_route_edit },
  { "route", "remove", "DOMAIN…", 1, -1, TRUE, "Remove entries.", pm_ctl_route_remove },
  { "route", "test", "ADDRESS", 1, 1, TRUE, "Say where mail to an address goes, and why.",
    pm_ctl_route_test },
  { "domain", "add", "DOMAIN", 1, 1, TRUE,
    "Accept a domain's mail, and say what remains to be done.",
    pm_ctl_domain_add },
  { "check", NULL, "DOMAIN…", 1, -1, TRUE, "Check domains' MX records.", pm_ctl_check },
  { "service", "status", "", 0, 0, FALSE, "Say whether the mail service runs.",
    pm_ctl_service_status },
  { "service", "start", "", 0, 0, FALSE, "Start the mail service.", pm_ctl_service_change },
  { "service", "stop", "", 0, 0, FALSE, "Stop the mail service.", pm_ctl_service_change },
  { "service", "restart", "", 0, 0, FALSE, "Restart the mail service.", pm_ctl_service_change },
  { "service", "reload", "", 0, 0, FALSE, "Put the saved site in force without a restart.",
    pm_ctl_service_change },
  { "site", "validate", "[FILE]", 0, 1, TRUE, "Say all that is wrong with the site file.",
    pm_ctl_site_validate },
  { "site", "diff", "[FROM [TO]]", 0, 2, TRUE,
    "Say what differs between two revisions or files.",
    pm_ctl_site_diff },
  { "site", "history", "", 0, 0, TRUE, "List the saved revisions.", pm_ctl_site_history },
  { "site", "revert", "REVISION", 1, 1, TRUE, "Bring a revision back as the newest.",
    pm_ctl_site_revert },
  { "site", "import", "FILE", 1, 1, TRUE, "Replace the site by a file; “-” is standard input.",
    pm_ctl_site_import },
  { "site", "export", "[FILE]", 0, 1, TRUE, "Write the site file to a file or standard output.",
    pm_ctl_site_export },
  { "account", "list", "", 0, 0, TRUE, "List the accounts that may authenticate.",
    pm_ctl_account_list },
  { "account", "add", "NAME", 1, 1, TRUE, "Add an account; asks for its password.",
    pm_ctl_account_add },
  { "account", "remove", "NAME", 1, 1, TRUE, "Remove an account.", pm_ctl_account_remove },
  { "account", "password", "NAME", 1, 1, TRUE, "Set an account's password.",
    pm_ctl_account_password },
  { "queue", "list", "", 0, 0, FALSE, "List the messages that wait.", pm_ctl_queue_list },
  { "queue", "show", "ID", 1, 1, FALSE, "Show a message's header and recipients.",
    pm_ctl_queue_show },
  { "queue", "summary", "", 0, 0, FALSE, "Say what waits for whom, and since when.",
    pm_ctl_queue_summary },
  { "queue", "retry", "ID… | --all", 0, -1, FALSE, "Try messages again at once.",
    pm_ctl_queue_retry },
  { "queue", "hold", "ID… | --all", 0, -1, FALSE, "Do not try messages until they are released.",
    pm_ctl_queue_hold },
  { "queue", "release", "ID… | --all", 0, -1, FALSE, "Try messages again that were held.",
    pm_ctl_queue_hold },
  { "queue", "redirect", "ID… | --all", 0, -1, FALSE, "Send messages to another host.",
    pm_ctl_queue_redirect },
  { "queue", "priority", "ID… | --all", 0, -1, FALSE, "Let messages go before or after others.",
    pm_ctl_queue_priority },
  { "queue", "delete", "ID… | --all", 0, -1, FALSE, "Remove messages for good.",
    pm_ctl_queue_delete },
  { "queue", "export", "ID [FILE]", 1, 2, FALSE, "Write a message to a file or standard output.",
    pm_ctl_queue_export },
  { "tracking", "list", "", 0, 0, FALSE, "List what happened to messages, the newest first.",
    pm_ctl_tracking_list },
  { "tracking", "show", "ID", 1, 1, FALSE, "Say what happened to one message.",
    pm_ctl_tracking_show },
  { "statistics", NULL, "", 0, 0, FALSE, "Say how the mail service does, in numbers.",
    pm_ctl_statistics },
  { "policy", NULL, "", 0, 0, FALSE, "Say what the mail service acts by.", pm_ctl_policy },
};

static void
print_help (void)
{
  g_print ("Usage: pointsmanctl [--session | --config FILE] [--json] [--server NAME] COMMAND…\n\n"
           "Without --session or --config it speaks to the services of this computer; --session\n"
           "to those of the session; with --config the route, domain, site, check and account\n"
           "commands work on a site file alone.\n\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *words = g_strjoin (" ", commands[i].group,
                                          commands[i].verb != NULL ? commands[i].verb
                                                                   : commands[i].arguments,
                                          commands[i].verb != NULL ? commands[i].arguments : NULL,
                                          NULL);
      g_autofree char *space = g_strnfill (MAX (28 - (gsize) g_utf8_strlen (words, -1), 1), ' ');

      g_print ("  %s%s %s\n", words, space, commands[i].summary);
    }
  g_print ("\n“pointsmanctl COMMAND --help” says more. It ends with 0 when it is done, 1 when it\n"
           "was refused or failed, 2 when the command is wrong, 3 when the service cannot be\n"
           "reached.\n");
}

static const PmCommand *
find_command (const char *group, const char *verb)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].group, group) == 0 &&
        (commands[i].verb == NULL || g_strcmp0 (commands[i].verb, verb) == 0))
      return &commands[i];
  return NULL;
}

static gboolean
is_group (const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].group, word) == 0)
      return TRUE;
  return FALSE;
}

static char *
list_verbs (const char *group)
{
  g_autoptr (GPtrArray) verbs = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].group, group) == 0)
      g_ptr_array_add (verbs, (gpointer) commands[i].verb);
  g_ptr_array_add (verbs, NULL);
  return g_strjoinv (", ", (char **) verbs->pdata);
}

/* What stands before the command: the shared options, and those that are for here only. */
static gboolean
parse_leading (PmCtl *ctl, int *argc, char ***argv, gboolean *help, gboolean *version)
{
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &ctl->session, NULL, NULL },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &ctl->config, NULL, NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, NULL, NULL },
    { "server", 0, 0, G_OPTION_ARG_STRING, &ctl->server, NULL, NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, help, NULL, NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, version, NULL, NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &error))
    return TRUE;
  pm_ctl_usage (ctl, "%s", error->message);
  return FALSE;
}

static PmExit
run (PmCtl *ctl, int argc, char **argv)
{
  gboolean help = FALSE;
  gboolean version = FALSE;

  if (!parse_leading (ctl, &argc, &argv, &help, &version))
    return PM_EXIT_USAGE;
  if (version)
    {
      pm_ctl_say ("pointsmanctl %s", PM_VERSION);
      return PM_EXIT_DONE;
    }
  if (help || (argc > 1 && strcmp (argv[1], "help") == 0))
    {
      print_help ();
      return PM_EXIT_DONE;
    }
  if (argc < 2)
    return pm_ctl_usage (ctl, "Say what to do.");
  if (!is_group (argv[1]))
    return pm_ctl_usage (ctl, "“%s” is not a command.", argv[1]);

  ctl->command = find_command (argv[1], argc > 2 ? argv[2] : NULL);
  if (ctl->command == NULL)
    {
      g_autofree char *verbs = list_verbs (argv[1]);

      return pm_ctl_usage (ctl, "After “%s” comes one of: %s.", argv[1], verbs);
    }
  if (ctl->command->verb == NULL)
    return ctl->command->run (ctl, argc - 1, argv + 1);
  return ctl->command->run (ctl, argc - 2, argv + 2);
}

int
main (int argc, char *argv[])
{
  PmCtl ctl = { 0 };
  g_autofree char **copy = NULL;
  PmExit exit;

  setlocale (LC_ALL, "");
  // Registered before any answer comes, so that the services' errors are told as what they are.
  pm_error_quark ();

  // Parsing takes options out of the list; what is left is still freed by its owner, the system.
  copy = g_new0 (char *, (gsize) argc + 1);
  memcpy (copy, argv, sizeof (char *) * (gsize) argc);
  exit = run (&ctl, argc, copy);

  g_clear_object (&ctl.manager);
  g_clear_object (&ctl.relay);
  g_free (ctl.config);
  g_free (ctl.server);
  return exit;
}
