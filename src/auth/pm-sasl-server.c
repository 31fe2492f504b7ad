// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One peer's authentication, by GNU SASL: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 (RFC 7677). The
// mechanisms run here; a password that came through one is checked by the accounts, elsewhere.

#include "auth/pm-sasl-server.h"

#include <gsasl.h>
#include <string.h>

#include "base/pm-error.h"

// SCRAM's messages are the longest; RFC 4616 2 has three times 255 characters in PLAIN.
#define MAX_MESSAGE 4096
#define MAX_STEPS 8

struct _PmSaslServer
{
  PmAccounts *accounts;
  Gsasl *context;
  Gsasl_session *session;
  char *mechanism;
  PmSaslServerHandler handler;
  gpointer user_data;

  char *user;
  char *password; /* (nullable): what is to be checked */
  GCancellable *cancellable;
  guint steps;
  gboolean finishing; /* the last message is out, and the peer is to answer nothing */
  PmSaslStatus status;
};

static void
set_base64 (Gsasl_session *session, Gsasl_property property, const guint8 *bytes, gsize size)
{
  char *text = g_base64_encode (bytes, size);

  gsasl_property_set (session, property, text);
  pm_secret_free (text);
}

static int
give_scram_keys (PmSaslServer *self, Gsasl_session *session)
{
  const char *name = gsasl_property_fast (session, GSASL_AUTHID);
  PmScramKeys keys;
  char iterations[16];

  if (name == NULL || !g_utf8_validate (name, -1, NULL))
    return GSASL_AUTHENTICATION_ERROR;
  pm_accounts_get_scram (self->accounts, name, &keys);
  g_snprintf (iterations, sizeof iterations, "%u", keys.iterations);
  gsasl_property_set (session, GSASL_SCRAM_ITER, iterations);
  set_base64 (session, GSASL_SCRAM_SALT, keys.salt, keys.salt_size);
  set_base64 (session, GSASL_SCRAM_STOREDKEY, keys.stored_key, PM_SCRAM_KEY_SIZE);
  set_base64 (session, GSASL_SCRAM_SERVERKEY, keys.server_key, PM_SCRAM_KEY_SIZE);
  explicit_bzero (&keys, sizeof keys);
  return GSASL_OK;
}

// The name and password are kept, and nobody is let in yet.
static int
take_password (PmSaslServer *self, Gsasl_session *session)
{
  const char *name = gsasl_property_fast (session, GSASL_AUTHID);
  const char *password = gsasl_property_fast (session, GSASL_PASSWORD);

  if (name == NULL || password == NULL)
    return GSASL_AUTHENTICATION_ERROR;
  pm_secret_free (self->password);
  self->password = g_strdup (password);
  return GSASL_OK;
}

static int
property_cb (Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
  PmSaslServer *self = gsasl_session_hook_get (session);

  switch ((int) property)
    {
    case GSASL_VALIDATE_SIMPLE:
      return take_password (self, session);
    case GSASL_SCRAM_ITER:
    case GSASL_SCRAM_SALT:
    case GSASL_SCRAM_STOREDKEY:
    case GSASL_SCRAM_SERVERKEY:
      return give_scram_keys (self, session);
    default:
      return GSASL_NO_CALLBACK;
    }
}

/**
 * pm_sasl_server_new:
 * @mechanism: as the peer named it, in any case
 * @handler: called when a password has been checked, in the thread that is stepping
 * @error: %PM_ERROR_NOT_FOUND for a mechanism that @accounts do not offer
 *
 * Returns: (transfer full) (nullable): an authentication, at its beginning
 */
PmSaslServer *
pm_sasl_server_new (PmAccounts *accounts,
                    const char *mechanism,
                    PmSaslServerHandler handler,
                    gpointer user_data,
                    GError **error)
{
  g_auto (GStrv) offered = g_strsplit (pm_accounts_mechanisms (accounts), " ", -1);
  g_autofree char *name = g_ascii_strup (mechanism, -1);
  PmSaslServer *self;

  if (!g_strv_contains ((const char *const *) offered, name))
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                           "The authentication mechanism is not offered");
      return NULL;
    }
  self = g_new0 (PmSaslServer, 1);
  self->accounts = pm_accounts_ref (accounts);
  self->mechanism = g_steal_pointer (&name);
  self->handler = handler;
  self->user_data = user_data;
  self->status = PM_SASL_CONTINUE;
  if (gsasl_init (&self->context) != GSASL_OK ||
      gsasl_server_start (self->context, self->mechanism, &self->session) != GSASL_OK)
    {
      pm_sasl_server_free (self);
      g_set_error_literal (error, PM_ERROR, PM_ERROR_FAILED,
                           "GNU SASL does not have the authentication mechanism");
      return NULL;
    }
  gsasl_callback_set (self->context, property_cb);
  gsasl_session_hook_set (self->session, self);
  return self;
}

/**
 * pm_sasl_server_free:
 * @self: (nullable) (transfer full): an authentication; the handler is not called any more
 */
void
pm_sasl_server_free (PmSaslServer *self)
{
  if (self == NULL)
    return;
  // The request in the pool outlives this, and finds that nobody waits for it.
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->session, gsasl_finish);
  g_clear_pointer (&self->context, gsasl_done);
  pm_accounts_unref (self->accounts);
  pm_secret_free (self->password);
  g_free (self->mechanism);
  g_free (self->user);
  g_free (self);
}

/**
 * pm_sasl_server_get_user:
 *
 * Returns: (nullable): who has authenticated, once that is done; before, who says so
 */
const char *
pm_sasl_server_get_user (PmSaslServer *self)
{
  return self->user;
}

static PmSaslStatus
fail (PmSaslServer *self, GError **error, PmError code, const char *why)
{
  self->status = PM_SASL_FAILED;
  g_set_error_literal (error, PM_ERROR, (int) code, why);
  return PM_SASL_FAILED;
}

typedef struct
{
  PmSaslServer *server;
  GCancellable *cancellable;
} Check;

static void
verified_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Check *check = data;
  gboolean gone = g_cancellable_is_cancelled (check->cancellable);
  PmSaslServer *self = gone ? NULL : check->server;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = pm_accounts_verify_finish (NULL, result, &error);

  g_object_unref (check->cancellable);
  g_free (check);
  if (gone)
    return;
  if (name != NULL)
    {
      g_free (self->user);
      self->user = g_steal_pointer (&name);
    }
  self->status = error == NULL ? PM_SASL_DONE : PM_SASL_FAILED;
  self->handler (self, self->status, error, self->user_data);
}

static PmSaslStatus
check_password (PmSaslServer *self)
{
  Check *check = g_new0 (Check, 1);

  self->cancellable = g_cancellable_new ();
  check->server = self;
  check->cancellable = g_object_ref (self->cancellable);
  pm_accounts_verify_async (self->accounts, self->user, self->password, self->cancellable,
                            verified_cb, check);
  g_clear_pointer (&self->password, pm_secret_free);
  self->status = PM_SASL_PENDING;
  return PM_SASL_PENDING;
}

// Nobody speaks for somebody else here: RFC 4422 3.4.1, the identity to act as.
static gboolean
acts_as_another (PmSaslServer *self)
{
  const char *actor = gsasl_property_fast (self->session, GSASL_AUTHZID);
  const char *name = gsasl_property_fast (self->session, GSASL_AUTHID);

  return actor != NULL && *actor != '\0' && g_strcmp0 (actor, name) != 0;
}

static PmSaslStatus
succeed (PmSaslServer *self, GBytes **out, GError **error)
{
  const char *name = gsasl_property_fast (self->session, GSASL_AUTHID);

  if (name == NULL || *name == '\0' || !g_utf8_validate (name, -1, NULL))
    return fail (self, error, PM_ERROR_DENIED, "The name or the password is wrong");
  g_free (self->user);
  self->user = pm_accounts_canonical_name (self->accounts, name);
  if (acts_as_another (self))
    return fail (self, error, PM_ERROR_DENIED, "Nobody may act as somebody else here");
  if (self->password != NULL)
    {
      g_clear_pointer (out, g_bytes_unref);
      return check_password (self);
    }
  // RFC 4954 4: SMTP has no place for data with its success, so the last message is a challenge.
  if (g_bytes_get_size (*out) > 0)
    {
      self->finishing = TRUE;
      return PM_SASL_CONTINUE;
    }
  g_clear_pointer (out, g_bytes_unref);
  self->status = PM_SASL_DONE;
  return PM_SASL_DONE;
}

static PmSaslStatus
run (PmSaslServer *self, const char *bytes, gsize size, GBytes **out, GError **error)
{
  char *output = NULL;
  gsize length = 0;
  int code = gsasl_step (self->session, bytes, size, &output, &length);

  if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
    *out = g_bytes_new (output, length);
  gsasl_free (output);
  if (code == GSASL_NEEDS_MORE)
    return PM_SASL_CONTINUE;
  if (code == GSASL_OK)
    return succeed (self, out, error);
  if (code == GSASL_MECHANISM_PARSE_ERROR)
    return fail (self, error, PM_ERROR_INVALID, "The message is not one of this mechanism");
  if (code == GSASL_MALLOC_ERROR || code == GSASL_CRYPTO_ERROR)
    return fail (self, error, PM_ERROR_FAILED, "The authentication could not be carried out");
  return fail (self, error, PM_ERROR_DENIED, "The name or the password is wrong");
}

/**
 * pm_sasl_server_step:
 * @bytes: (nullable): what the peer sent, decoded; %NULL first, where it sent no initial response
 * @out: (out) (nullable): with %PM_SASL_CONTINUE what to send, not yet encoded; may be empty
 * @error: with %PM_SASL_FAILED: %PM_ERROR_DENIED (535 5.7.8), %PM_ERROR_INVALID (501 5.5.2), else
 *   454 4.7.0
 *
 * Never blocks, but for a stat() of the accounts file.
 */
PmSaslStatus
pm_sasl_server_step (PmSaslServer *self,
                     gconstpointer bytes,
                     gsize size,
                     GBytes **out,
                     GError **error)
{
  gboolean first = self->steps == 0;

  *out = NULL;
  g_return_val_if_fail (self->status == PM_SASL_CONTINUE, PM_SASL_FAILED);

  // PLAIN asks again and again where it gets nothing.
  if (++self->steps > MAX_STEPS)
    return fail (self, error, PM_ERROR_INVALID, "The exchange does not come to its end");
  if (size > MAX_MESSAGE)
    return fail (self, error, PM_ERROR_INVALID, "The message is longer than 4096 bytes");
  if (self->finishing)
    {
      if (size > 0)
        return fail (self, error, PM_ERROR_INVALID, "An empty answer was expected");
      self->status = PM_SASL_DONE;
      return PM_SASL_DONE;
    }
  // LOGIN asks for the name before it reads anything; some clients send it at once.
  if (first && bytes != NULL && strcmp (self->mechanism, "LOGIN") == 0)
    {
      PmSaslStatus status = run (self, NULL, 0, out, error);

      if (status != PM_SASL_CONTINUE)
        return status;
      g_clear_pointer (out, g_bytes_unref);
    }
  return run (self, bytes, size, out, error);
}
