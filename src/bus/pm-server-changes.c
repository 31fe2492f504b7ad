// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The changes that a person makes to a server: write, apply, the service's switch. Every call may
// ask for a password and therefore has no time-out of its own; the cancellable ends the waiting.
// The site's text is made in a worker thread.

#include "bus/pm-server-connection.h"

#include "base/pm-task-thread.h"
#include "bus/pm-bus-error.h"
#include "bus/pm-server-connection-private.h"

typedef struct
{
  PmSite *site;
  GBytes *base; /* (nullable) */
  char *base_revision;
  char *comment;
  const char *how; /* (nullable): "restart" or "reload" for Apply */
  GBytes *xml;
  char *revision; /* of `xml` */
} Change;

static void
free_change (Change *change)
{
  pm_site_unref (change->site);
  g_clear_pointer (&change->base, g_bytes_unref);
  g_free (change->base_revision);
  g_free (change->comment);
  g_clear_pointer (&change->xml, g_bytes_unref);
  g_free (change->revision);
  g_free (change);
}

void
pm_apply_result_free (PmApplyResult *result)
{
  if (result == NULL)
    return;
  g_free (result->revision);
  g_free (result->report);
  g_strfreev (result->log);
  g_free (result);
}

/* Ends a change: the connection is no longer busy when the caller's callback runs. */
static void
fail (GTask *task, const GError *error)
{
  PmServerConnection *self = g_task_get_source_object (task);
  GError *translated = pm_bus_error_translate (error);

  pm_server_connection_end_change (self);
  // The file has moved on and nobody has told us: look at what is there now.
  if (g_error_matches (translated, PM_ERROR, PM_ERROR_CONFLICT))
    pm_server_connection_read_again (self);
  g_task_return_error (task, translated);
}

static gboolean
get_manager (PmServerConnection *self, GTask *task, PmBusManager **manager)
{
  *manager = pm_server_connection_get_manager (self);
  if (*manager != NULL)
    return TRUE;
  g_task_return_new_error (task, PM_ERROR, PM_ERROR_UNREACHABLE,
                           "There is no connection to the server: nothing was changed.");
  return FALSE;
}

static void
call (GTask *task, const char *method, GVariant *parameters, GAsyncReadyCallback callback)
{
  PmServerConnection *self = g_task_get_source_object (task);
  PmBusManager *manager;

  g_variant_ref_sink (parameters);
  if (get_manager (self, task, &manager))
    {
      g_dbus_proxy_call (G_DBUS_PROXY (manager), method, parameters,
                         G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT,
                         g_task_get_cancellable (task), callback, g_object_ref (task));
    }
  else
    {
      pm_server_connection_end_change (self);
    }
  g_variant_unref (parameters);
}

/* --- Write and apply -------------------------------------------------------------------------- */

static void
take_over (PmServerConnection *self, const Change *change, const char *revision)
{
  if (g_str_equal (revision, change->revision))
    {
      pm_server_connection_adopt_site (self, change->site, change->xml, revision);
      if (!g_str_equal (revision, change->base_revision))
        pm_server_connection_tell_changed_here (self, change->comment);
    }
  else if (!g_str_equal (revision, pm_server_connection_get_revision (self)))
    pm_server_connection_read_again (self);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmServerConnection *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  const char *revision;

  if (reply == NULL)
    {
      fail (task, error);
      return;
    }
  g_variant_get (reply, "(&s)", &revision);
  take_over (self, g_task_get_task_data (task), revision);
  pm_server_connection_end_change (self);
  g_task_return_boolean (task, TRUE);
}

static void
applied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmServerConnection *self = g_task_get_source_object (task);
  g_autoptr (PmApplyResult) outcome = g_new0 (PmApplyResult, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);

  if (reply == NULL)
    {
      fail (task, error);
      return;
    }
  g_variant_get (reply, "(bss^as)", &outcome->in_force, &outcome->revision, &outcome->report,
                 &outcome->log);
  take_over (self, g_task_get_task_data (task), outcome->revision);
  pm_server_connection_end_change (self);
  g_task_return_pointer (task, g_steal_pointer (&outcome), (GDestroyNotify) pm_apply_result_free);
}

static void
text_made_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) text = NULL;
  GVariant *parameters;

  if (!g_task_propagate_pointer (G_TASK (result), &error))
    {
      fail (task, error);
      return;
    }
  text = g_variant_ref_sink (
      g_variant_new_take_string (g_strndup (g_bytes_get_data (change->xml, NULL),
                                            g_bytes_get_size (change->xml))));
  if (change->how == NULL)
    {
      parameters = g_variant_new ("(@sss)", text, change->base_revision, change->comment);
      call (task, "WriteSite", parameters, written_cb);
    }
  else
    {
      parameters = g_variant_new ("(@ssssu)", text, change->base_revision, change->comment,
                                  change->how, 0);
      call (task, "Apply", parameters, applied_cb);
    }
}

static gpointer
make_text_in_thread (gpointer data, GError **error)
{
  Change *change = data;

  change->xml = pm_site_write (change->site, change->base, error);
  if (change->xml == NULL || !pm_bus_check_size (g_bytes_get_size (change->xml), error))
    return NULL;
  change->revision = pm_site_revision (change->xml);
  return change;
}

static gboolean
check_base (PmServerConnection *self, GTask *task, const char *base_revision)
{
  const char *problem = pm_server_connection_get_site_problem (self);

  if (!g_str_equal (base_revision, pm_server_connection_get_revision (self)))
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_CONFLICT,
                             "The site has been changed elsewhere since it was read here. Nothing "
                             "was written; look at the new site and make the change again.");
  else if (problem != NULL && *base_revision != '\0')
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_INVALID,
                             "The site file there does not load, so this change cannot be put "
                             "into it: %s",
                             problem);
  else
    return TRUE;
  return FALSE;
}

static void
change_site (GTask *task,
             const PmSite *site,
             const char *base_revision,
             const char *comment,
             const char *how)
{
  PmServerConnection *self = g_task_get_source_object (task);
  GBytes *base = pm_server_connection_get_xml (self);
  PmBusManager *manager;
  g_autoptr (GTask) making = NULL;
  Change *change;

  if (!get_manager (self, task, &manager) || !check_base (self, task, base_revision))
    return;
  change = g_new0 (Change, 1);
  change->site = pm_site_ref (site);
  change->base = base != NULL ? g_bytes_ref (base) : NULL;
  change->base_revision = g_strdup (base_revision);
  change->comment = g_strdup (comment != NULL ? comment : "");
  change->how = how;
  g_task_set_task_data (task, change, (GDestroyNotify) free_change);

  pm_server_connection_begin_change (self);
  /* The making borrows the change from the task, which it keeps alive as its callback's data. */
  making = g_task_new (self, g_task_get_cancellable (task), text_made_cb, g_object_ref (task));
  g_task_set_source_tag (making, change_site);
  g_task_set_task_data (making, change, NULL);
  pm_task_thread_run (making, make_text_in_thread, NULL);
}

/**
 * pm_server_connection_write_from_async:
 * @self: a connection
 * @site: what the site is to be
 * @base_revision: `revision` as it was when @site was made from `site`
 * @comment: (nullable): for the history
 */
void
pm_server_connection_write_from_async (PmServerConnection *self,
                                       const PmSite *site,
                                       const char *base_revision,
                                       const char *comment,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));
  g_return_if_fail (site != NULL && base_revision != NULL);

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, pm_server_connection_write_async);
  change_site (task, site, base_revision, comment, NULL);
}

void
pm_server_connection_write_async (PmServerConnection *self,
                                  const PmSite *site,
                                  const char *comment,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data)
{
  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));

  pm_server_connection_write_from_async (self, site, pm_server_connection_get_revision (self),
                                         comment, cancellable, callback, data);
}

/**
 * pm_server_connection_write_finish:
 * @error: %PM_ERROR_CONFLICT, %PM_ERROR_INVALID with every problem, %PM_ERROR_DENIED,
 *   %PM_ERROR_UNREACHABLE, …; its message is for a person
 *
 * Returns: %TRUE when the site is written and in the history
 */
gboolean
pm_server_connection_write_finish (PmServerConnection *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * pm_server_connection_apply_from_async:
 * @self: a connection
 * @site: what the site is to be
 * @base_revision: `revision` as it was when @site was made from `site`
 * @comment: (nullable): for the history
 * @restart: put it in force by a restart, else by a reload
 */
void
pm_server_connection_apply_from_async (PmServerConnection *self,
                                       const PmSite *site,
                                       const char *base_revision,
                                       const char *comment,
                                       gboolean restart,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));
  g_return_if_fail (site != NULL && base_revision != NULL);

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, pm_server_connection_apply_async);
  change_site (task, site, base_revision, comment, restart ? "restart" : "reload");
}

void
pm_server_connection_apply_async (PmServerConnection *self,
                                  const PmSite *site,
                                  const char *comment,
                                  gboolean restart,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data)
{
  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));

  pm_server_connection_apply_from_async (self, site, pm_server_connection_get_revision (self),
                                         comment, restart, cancellable, callback, data);
}

/**
 * pm_server_connection_apply_finish:
 *
 * Returns: (transfer full): what it came to, also where the new site is not in force; %NULL when
 *   nothing was done
 */
PmApplyResult *
pm_server_connection_apply_finish (PmServerConnection *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- The service's switch --------------------------------------------------------------------- */

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);

  if (reply == NULL)
    {
      fail (task, error);
      return;
    }
  pm_server_connection_end_change (g_task_get_source_object (task));
  g_task_return_boolean (task, TRUE);
}

void
pm_server_connection_service_async (PmServerConnection *self,
                                    PmServiceVerb verb,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data)
{
  static const char *const methods[] = {
    [PM_SERVICE_START] = "StartService",
    [PM_SERVICE_STOP] = "StopService",
    [PM_SERVICE_RESTART] = "RestartService",
    [PM_SERVICE_RELOAD] = "ReloadService",
  };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));
  g_return_if_fail ((gsize) verb < G_N_ELEMENTS (methods));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, pm_server_connection_service_async);
  pm_server_connection_begin_change (self);
  call (task, methods[verb], g_variant_new ("()"), switched_cb);
}

gboolean
pm_server_connection_service_finish (PmServerConnection *self,
                                     GAsyncResult *result,
                                     GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
pm_server_connection_set_enabled_async (PmServerConnection *self,
                                        gboolean enabled,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, pm_server_connection_set_enabled_async);
  pm_server_connection_begin_change (self);
  call (task, "SetServiceEnabled", g_variant_new ("(b)", enabled), switched_cb);
}

gboolean
pm_server_connection_set_enabled_finish (PmServerConnection *self,
                                         GAsyncResult *result,
                                         GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
