// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who may do what: everybody (session bus), or whom polkit lets. A password is asked for only when
// the call itself allowed that. Where polkit cannot be asked nobody may, except root, who could do
// it without us.

#include "manager/pm-authority.h"

#include <polkit/polkit.h>

#include "base/pm-error.h"

G_DEFINE_TYPE (PmAuthority, pm_authority, G_TYPE_OBJECT)

static void
allow_async (PmAuthority *self,
             GDBusMethodInvocation *invocation,
             const char *action,
             GAsyncReadyCallback callback,
             gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, data);

  g_task_return_boolean (task, TRUE);
}

static void
pm_authority_class_init (PmAuthorityClass *klass)
{
  klass->check_async = allow_async;
}

static void
pm_authority_init (PmAuthority *self)
{
}

PmAuthority *
pm_authority_new_open (void)
{
  return g_object_new (PM_TYPE_AUTHORITY, NULL);
}

void
pm_authority_check_async (PmAuthority *self,
                          GDBusMethodInvocation *invocation,
                          const char *action,
                          GAsyncReadyCallback callback,
                          gpointer data)
{
  PM_AUTHORITY_GET_CLASS (self)->check_async (self, invocation, action, callback, data);
}

/**
 * pm_authority_check_finish:
 * @error: %PM_ERROR_DENIED with the reason
 */
gboolean
pm_authority_check_finish (PmAuthority *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- polkit ----------------------------------------------------------------------------------- */

struct _PmPolkitAuthority
{
  PmAuthority parent;
};

G_DEFINE_FINAL_TYPE (PmPolkitAuthority, pm_polkit_authority, PM_TYPE_AUTHORITY)

typedef struct
{
  GDBusMethodInvocation *invocation; /* (owned) */
  const char *action;
  char *reason; /* (owned) (nullable): why polkit could not be asked */
} Question;

static void
free_question (Question *question)
{
  g_object_unref (question->invocation);
  g_free (question->reason);
  g_free (question);
}

static void
deny_unasked (GTask *task, const char *reason)
{
  g_task_return_new_error (task, PM_ERROR, PM_ERROR_DENIED,
                           "polkit could not be asked whether this is allowed: %s", reason);
}

static void
uid_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Question *question = g_task_get_task_data (task);
  g_autoptr (GVariant) reply = NULL;
  guint uid;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  if (reply != NULL)
    {
      g_variant_get (reply, "(u)", &uid);
      if (uid == 0)
        {
          g_task_return_boolean (task, TRUE);
          return;
        }
    }
  deny_unasked (task, question->reason);
}

/* Without the name that the error has on the bus. */
static char *
strip (const GError *error)
{
  g_autoptr (GError) copy = g_error_copy (error);

  g_dbus_error_strip_remote_error (copy);
  return g_strdup (copy->message);
}

static void
allow_root (GTask *task, const GError *error)
{
  Question *question = g_task_get_task_data (task);
  GDBusConnection *bus = g_dbus_method_invocation_get_connection (question->invocation);
  const char *sender = g_dbus_method_invocation_get_sender (question->invocation);

  question->reason = strip (error);
  g_dbus_connection_call (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetConnectionUnixUser",
                          g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, uid_cb, g_object_ref (task));
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Question *question = g_task_get_task_data (task);
  g_autoptr (PolkitAuthorizationResult) answer = NULL;
  g_autoptr (GError) error = NULL;

  answer = polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (source), result, &error);
  if (answer == NULL)
    allow_root (task, error);
  else if (polkit_authorization_result_get_is_authorized (answer))
    g_task_return_boolean (task, TRUE);
  else if (polkit_authorization_result_get_dismissed (answer))
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_DENIED,
                             "The password dialog was closed, so nothing was done.");
  else if (polkit_authorization_result_get_is_challenge (answer))
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_DENIED,
                             "This needs an administrator's password, and nobody could be asked "
                             "for it (polkit action %s).",
                             question->action);
  else
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_DENIED,
                             "This user may not do that (polkit action %s).", question->action);
}

static void
authority_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Question *question = g_task_get_task_data (task);
  const char *sender = g_dbus_method_invocation_get_sender (question->invocation);
  GDBusMessage *message = g_dbus_method_invocation_get_message (question->invocation);
  PolkitCheckAuthorizationFlags flags = POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE;
  g_autoptr (PolkitAuthority) authority = NULL;
  g_autoptr (PolkitSubject) subject = NULL;
  g_autoptr (GError) error = NULL;

  authority = polkit_authority_get_finish (result, &error);
  if (authority == NULL)
    {
      allow_root (task, error);
      return;
    }
  if (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION)
    flags = POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION;
  subject = polkit_system_bus_name_new (sender);
  polkit_authority_check_authorization (authority, subject, question->action, NULL, flags, NULL,
                                        checked_cb, g_steal_pointer (&task));
}

static void
ask_async (PmAuthority *self,
           GDBusMethodInvocation *invocation,
           const char *action,
           GAsyncReadyCallback callback,
           gpointer data)
{
  GTask *task = g_task_new (self, NULL, callback, data);
  Question *question = g_new0 (Question, 1);

  question->invocation = g_object_ref (invocation);
  question->action = action;
  g_task_set_source_tag (task, ask_async);
  g_task_set_task_data (task, question, (GDestroyNotify) free_question);
  polkit_authority_get_async (NULL, authority_cb, task);
}

static void
pm_polkit_authority_class_init (PmPolkitAuthorityClass *klass)
{
  PM_AUTHORITY_CLASS (klass)->check_async = ask_async;
}

static void
pm_polkit_authority_init (PmPolkitAuthority *self)
{
}

PmAuthority *
pm_polkit_authority_new (void)
{
  return g_object_new (PM_TYPE_POLKIT_AUTHORITY, NULL);
}
