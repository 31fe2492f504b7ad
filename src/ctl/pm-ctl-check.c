// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// check: the MX records of domains, as the checker judges them. Several domains are asked about at
// once, and reported in the order in which they were named.

#include <string.h>

#include "base/pm-error.h"
#include "check/pm-mx-report.h"
#include "ctl/pm-ctl-site.h"
#include "dns/pm-unbound-resolver.h"
#include "routing/pm-router.h"

#define AT_ONCE 16
#define TIMEOUT 10000

typedef struct
{
  PmResolver *resolver;
  GPtrArray *reports; /* (element-type PmMxReport) */
  guint started;
  guint finished;
  GMainLoop *loop;
} Run;

static void start_next (Run *run);

static void
report_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;

  // Nothing cancels it, so that there is no error.
  pm_mx_report_run_finish (PM_MX_REPORT (source), result, NULL);
  run->finished++;
  start_next (run);
  if (run->finished == run->reports->len)
    g_main_loop_quit (run->loop);
}

static void
start_next (Run *run)
{
  if (run->started < run->reports->len)
    pm_mx_report_run_async (run->reports->pdata[run->started++], NULL, report_done_cb, run);
}

static void
set_route (PmCheckSubject *subject, const PmMailService *service, PmRouter *router)
{
  const PmRoute *route;

  if (subject->domain == NULL)
    return;
  route = pm_router_match (router, subject->domain);
  if (route == NULL || (!service->reroute && route->action != PM_ROUTE_INBOUND))
    subject->route = PM_CHECK_ROUTE_NONE;
  else
    subject->route = route->action == PM_ROUTE_INBOUND ? PM_CHECK_ROUTE_INBOUND
                                                       : PM_CHECK_ROUTE_ONWARD;
  subject->route_subdomains = route != NULL && route->subdomains;
}

/* What is to be checked, and what this server is. */
static PmCheckSubject *
describe_subject (const char *text,
                  const PmSite *site,
                  const PmMailService *service,
                  PmRouter *router)
{
  PmCheckSubject *subject = pm_check_subject_new (text);
  const PmServer *server = pm_site_find_server (site, service->server);

  if (server != NULL)
    {
      pm_check_subject_add_name (subject, server->host);
      for (guint i = 0; i < server->addresses->len; i++)
        pm_check_subject_add_declared (subject, server->addresses->pdata[i]);
    }
  if (subject->own_addresses->len == 0)
    pm_check_subject_add_interfaces (subject);
  set_route (subject, service, router);
  return subject;
}

static void
print_json (GPtrArray *reports)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < reports->len; i++)
    {
      g_autofree char *text = pm_mx_report_to_json (reports->pdata[i]);

      json_builder_add_value (builder, json_from_string (text, NULL));
    }
  json_builder_end_array (builder);
  pm_ctl_print_json (builder);
}

/* Prints the reports; %PM_EXIT_FAILED, with a sentence on standard error, where mail would fail. */
static PmExit
report_all (PmCtl *ctl, GPtrArray *reports)
{
  PmExit exit = PM_EXIT_DONE;

  if (ctl->json)
    print_json (reports);
  for (guint i = 0; i < reports->len; i++)
    {
      PmMxReport *report = reports->pdata[i];
      g_autofree char *text = pm_mx_report_to_text (report);

      if (!ctl->json)
        g_print ("%s%s%s", i > 0 ? "\n" : "", text, g_str_has_suffix (text, "\n") ? "" : "\n");
      if (pm_mx_report_get_worst (report) != PM_FINDING_ERROR)
        continue;
      pm_ctl_warn ("pointsmanctl: %s: something is wrong with its MX records.",
                   pm_mx_report_get_subject (report)->text);
      exit = PM_EXIT_FAILED;
    }
  return exit;
}

static PmExit
check_domains (PmCtl *ctl, PmResolver *resolver, int n, char **domains)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmCtlSite) site = pm_ctl_site_load (ctl, &error);
  g_autoptr (PmRouter) router = NULL;
  g_autoptr (GPtrArray) reports = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Run run = { resolver, reports, 0, 0, loop };
  const PmMailService *service;

  service = site == NULL ? NULL : pm_ctl_site_get_service (ctl, site, &error);
  if (service == NULL)
    return pm_ctl_fail (error);

  router = pm_router_new (site->site, service, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autoptr (PmCheckSubject) subject = NULL;

      subject = describe_subject (domains[i], site->site, service, router);
      g_ptr_array_add (reports, pm_mx_report_new (resolver, subject));
    }
  for (guint i = 0; i < AT_ONCE; i++)
    start_next (&run);
  g_main_loop_run (loop);
  return report_all (ctl, reports);
}

/**
 * pm_ctl_check:
 *
 * `check`
 */
PmExit
pm_ctl_check (PmCtl *ctl, int argc, char **argv)
{
  g_autofree char *server = NULL;
  g_autoptr (PmResolver) resolver = NULL;
  g_autoptr (GError) error = NULL;
  const GOptionEntry options[] = {
    { "dns", 0, 0, G_OPTION_ARG_STRING, &server,
      "Ask this name server, not the system's", "ADDRESS[@PORT]" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  resolver = pm_unbound_resolver_new (server, TIMEOUT, &error);
  if (resolver == NULL)
    return pm_ctl_fail (error);
  return check_domains (ctl, resolver, argc - 1, argv + 1);
}
