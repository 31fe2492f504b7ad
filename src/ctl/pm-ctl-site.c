// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The site a command works on. A server's is read and written through its manager; a file named
// with --config by way of the same store that the manager uses, with its history beside it.

#include "ctl/pm-ctl-site.h"

#include <string.h>

#include "base/pm-error.h"
#include "bus/pm-bus-error.h"

/**
 * pm_ctl_site_free:
 * @self: (transfer full) (nullable): a site
 */
void
pm_ctl_site_free (PmCtlSite *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_clear_pointer (&self->xml, g_bytes_unref);
  g_free (self->revision);
  pm_site_unref (self->site);
  g_clear_object (&self->store);
  g_free (self);
}

static gboolean
fetch_file (PmCtl *ctl, PmCtlSite *self, GError **error)
{
  g_autofree char *history = g_strconcat (ctl->config, ".history", NULL);

  self->name = g_strdup (ctl->config);
  self->store = pm_site_store_new (ctl->config, history);
  self->xml = pm_site_store_load (self->store, &self->revision, error);
  return self->xml != NULL;
}

static gboolean
fetch_server (PmCtl *ctl, PmCtlSite *self, GError **error)
{
  PmBusManager *manager = pm_ctl_get_manager (ctl, error);
  g_autoptr (GVariant) results = NULL;
  const char *path;
  char *xml;

  if (manager == NULL)
    return FALSE;
  results = pm_ctl_call (manager, "ReadSite", NULL, error);
  if (results == NULL)
    return FALSE;
  path = pm_bus_manager_get_site_path (manager);
  self->name = g_strdup (path != NULL ? path : "site.xml");
  g_variant_get (results, "(ss)", &xml, &self->revision);
  self->xml = g_bytes_new_take (xml, strlen (xml));
  return TRUE;
}

/**
 * pm_ctl_site_fetch:
 *
 * Returns: (transfer full) (nullable): the site file as it is, not read
 */
PmCtlSite *
pm_ctl_site_fetch (PmCtl *ctl, GError **error)
{
  g_autoptr (PmCtlSite) self = g_new0 (PmCtlSite, 1);
  gboolean ok = ctl->config != NULL ? fetch_file (ctl, self, error)
                                    : fetch_server (ctl, self, error);

  return ok ? g_steal_pointer (&self) : NULL;
}

static void
print_warnings (GPtrArray *problems, const char *name)
{
  for (guint i = 0; i < problems->len; i++)
    {
      const PmSiteProblem *problem = problems->pdata[i];
      g_autofree char *text = pm_site_problem_to_string (problem, name);

      if (problem->severity == PM_PROBLEM_WARNING)
        pm_ctl_warn ("%s", text);
    }
}

/**
 * pm_ctl_site_load:
 * @error: with every problem, a line each
 *
 * Returns: (transfer full) (nullable): the site, read
 */
PmCtlSite *
pm_ctl_site_load (PmCtl *ctl, GError **error)
{
  g_autoptr (PmCtlSite) self = pm_ctl_site_fetch (ctl, error);

  if (self == NULL)
    return NULL;
  self->site = pm_site_parse (self->xml, self->name, NULL, error);
  return self->site == NULL ? NULL : g_steal_pointer (&self);
}

/**
 * pm_ctl_site_get_service:
 *
 * Returns: (transfer none) (nullable): the service that is meant
 */
const PmMailService *
pm_ctl_site_get_service (PmCtl *ctl, PmCtlSite *self, GError **error)
{
  const char *server = ctl->server;
  const PmMailService *service;
  g_autoptr (GString) names = NULL;

  if (server == NULL && ctl->manager != NULL)
    server = pm_bus_manager_get_server_name (ctl->manager);
  if (server != NULL && *server == '\0')
    server = NULL;
  service = pm_site_find_service (self->site, server);
  if (service != NULL)
    return service;

  names = g_string_new (NULL);
  for (guint i = 0; i < self->site->services->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "",
                            ((const PmMailService *) self->site->services->pdata[i])->server);
  if (server != NULL)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 "No Internet Mail Service in %s is for the server %s; there is: %s.",
                 self->name, server, names->len > 0 ? names->str : "none");
  else if (self->site->services->len == 0)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND, "There is no Internet Mail Service in %s.",
                 self->name);
  else
    g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                 "There are several Internet Mail Services in %s. Say which with --server: %s.",
                 self->name, names->str);
  return NULL;
}

static char *
save_on_server (PmCtl *ctl,
                PmCtlSite *self,
                GBytes *xml,
                const char *comment,
                GError **error)
{
  gsize size;
  const char *bytes = g_bytes_get_data (xml, &size);
  g_autofree char *text = NULL;
  g_autoptr (GVariant) results = NULL;
  char *revision = NULL;

  if (!pm_bus_check_size (size, error))
    return NULL;
  text = g_strndup (bytes, size);
  results = pm_ctl_call (ctl->manager, "WriteSite",
                         g_variant_new ("(sss)", text, self->revision, comment), error);
  if (results != NULL)
    g_variant_get (results, "(s)", &revision);
  return revision;
}

/**
 * pm_ctl_site_save:
 * @xml: the new bytes
 * @comment: for the history
 * @error: what is wrong with @xml, %PM_ERROR_CONFLICT, or why it could not be written
 *
 * Returns: (transfer full) (nullable): the new revision
 */
char *
pm_ctl_site_save (PmCtl *ctl, PmCtlSite *self, GBytes *xml, const char *comment, GError **error)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (PmSite) site = pm_site_parse (xml, self->name, &problems, error);

  if (site == NULL)
    return NULL;
  print_warnings (problems, self->name);
  if (self->store == NULL)
    return save_on_server (ctl, self, xml, comment, error);
  return pm_site_store_save (self->store, xml, self->revision, g_get_user_name (), comment, error);
}

/**
 * pm_ctl_site_save_service:
 * @service: the service as it is to be
 *
 * As pm_ctl_site_save(), as the smallest edit of what was loaded.
 *
 * Returns: (transfer full) (nullable): the new revision
 */
char *
pm_ctl_site_save_service (PmCtl *ctl,
                          PmCtlSite *self,
                          const PmMailService *service,
                          const char *comment,
                          GError **error)
{
  g_autoptr (PmSite) changed = pm_site_with_service (self->site, service);
  g_autoptr (GBytes) xml = pm_site_write (changed, self->xml, error);

  return xml == NULL ? NULL : pm_ctl_site_save (ctl, self, xml, comment, error);
}

/**
 * pm_ctl_site_report_saved:
 * @revision: the new revision
 */
void
pm_ctl_site_report_saved (PmCtl *ctl, const char *revision)
{
  pm_ctl_say ("Saved as revision %.12s.", revision);
  if (ctl->config == NULL)
    pm_ctl_say ("It is in force after “pointsmanctl%s service restart”.",
                ctl->session ? " --session" : "");
}
