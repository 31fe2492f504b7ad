// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Logging in at another server, by GNU SASL, with the best mechanism that both have. The caller
// sees to it that PLAIN and LOGIN go over TLS only.

#include "auth/pm-sasl-client.h"

#include <gsasl.h>
#include <string.h>

#include "base/pm-error.h"

#define MAX_MESSAGE 4096
// The server says how often PBKDF2 is to be run, and it runs here: a hostile one must not make it
// more than a blink.
#define MAX_ITERATIONS 250000

struct _PmSaslClient
{
  Gsasl *context;
  Gsasl_session *session;
  const char *mechanism;
  char *user;
  char *password;
  gboolean begun;
  gboolean done;
  gboolean failed;
};

static int
property_cb (Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
  PmSaslClient *self = gsasl_session_hook_get (session);

  switch ((int) property)
    {
    case GSASL_AUTHID:
      gsasl_property_set (session, property, self->user);
      return GSASL_OK;
    case GSASL_PASSWORD:
      gsasl_property_set (session, property, self->password);
      return GSASL_OK;
    case GSASL_AUTHZID:
      return GSASL_OK;
    default:
      return GSASL_NO_CALLBACK;
    }
}

static const char *
choose (const char *offered)
{
  static const char *const ours[] = { "SCRAM-SHA-256", "PLAIN", "LOGIN" };
  g_autofree char *upper = g_ascii_strup (offered, -1);
  g_auto (GStrv) words = g_strsplit (upper, " ", -1);

  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    if (g_strv_contains ((const char *const *) words, ours[i]))
      return ours[i];
  return NULL;
}

/**
 * pm_sasl_client_new:
 * @offered: the server's mechanisms, with blanks between
 * @error: %PM_ERROR_NOT_FOUND where none of them is known here
 *
 * Returns: (transfer full) (nullable): a log-in by SCRAM-SHA-256, PLAIN or LOGIN, in that order
 */
PmSaslClient *
pm_sasl_client_new (const char *offered, const char *user, const char *password, GError **error)
{
  const char *mechanism = choose (offered);
  PmSaslClient *self;

  if (mechanism == NULL)
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                           "The server offers neither SCRAM-SHA-256 nor PLAIN nor LOGIN");
      return NULL;
    }
  self = g_new0 (PmSaslClient, 1);
  self->mechanism = mechanism;
  self->user = g_strdup (user);
  self->password = g_strdup (password);
  if (gsasl_init (&self->context) != GSASL_OK ||
      gsasl_client_start (self->context, mechanism, &self->session) != GSASL_OK)
    {
      pm_sasl_client_free (self);
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "GNU SASL does not have %s", mechanism);
      return NULL;
    }
  gsasl_callback_set (self->context, property_cb);
  gsasl_session_hook_set (self->session, self);
  return self;
}

/**
 * pm_sasl_client_free:
 * @self: (nullable) (transfer full): a log-in; its copy of the password is overwritten
 */
void
pm_sasl_client_free (PmSaslClient *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->session, gsasl_finish);
  g_clear_pointer (&self->context, gsasl_done);
  pm_secret_free (self->password);
  g_free (self->user);
  g_free (self);
}

const char *
pm_sasl_client_get_mechanism (PmSaslClient *self)
{
  return self->mechanism;
}

/**
 * pm_sasl_client_is_satisfied:
 *
 * Returns: whether all is said, and with SCRAM the server has proved that it knows the password
 *   too: a 235 without that is no success
 */
gboolean
pm_sasl_client_is_satisfied (PmSaslClient *self)
{
  return self->done;
}

static PmSaslStatus
fail (PmSaslClient *self, GError **error, PmError code, const char *why)
{
  self->failed = TRUE;
  g_set_error_literal (error, PM_ERROR, (int) code, why);
  return PM_SASL_FAILED;
}

// RFC 5802 7: server-first-message, "r=…,s=…,i=4096".
static gboolean
asks_too_much (PmSaslClient *self, const char *bytes, gsize size)
{
  g_autofree char *text = NULL;
  const char *found;

  if (strcmp (self->mechanism, "SCRAM-SHA-256") != 0)
    return FALSE;
  text = g_strndup (bytes, size);
  found = strstr (text, ",i=");
  return found != NULL && g_ascii_strtoull (found + 3, NULL, 10) > MAX_ITERATIONS;
}

/**
 * pm_sasl_client_step:
 * @bytes: (nullable): the server's challenge, decoded; %NULL for the initial response
 * @out: (out) (nullable): what to send, not yet encoded; %NULL first where the mechanism has no
 *   initial response
 *
 * Returns: %PM_SASL_CONTINUE or %PM_SASL_DONE with what to send, or %PM_SASL_FAILED. After
 *   %PM_SASL_DONE the server's reply says how it went.
 */
PmSaslStatus
pm_sasl_client_step (PmSaslClient *self,
                     gconstpointer bytes,
                     gsize size,
                     GBytes **out,
                     GError **error)
{
  gboolean first = !self->begun;
  char *output = NULL;
  gsize length = 0;
  int code;

  *out = NULL;
  g_return_val_if_fail (!self->failed, PM_SASL_FAILED);

  self->begun = TRUE;
  if (first && bytes == NULL && strcmp (self->mechanism, "LOGIN") == 0)
    return PM_SASL_CONTINUE;
  if (self->done)
    return fail (self, error, PM_ERROR_INVALID, "The server goes on after the end of the log-in");
  if (size > MAX_MESSAGE)
    return fail (self, error, PM_ERROR_INVALID, "The server's message is longer than 4096 bytes");
  if (bytes != NULL && asks_too_much (self, bytes, size))
    return fail (self, error, PM_ERROR_INVALID,
                 "The server asks for more than 250000 iterations of SCRAM");

  code = gsasl_step (self->session, bytes, size, &output, &length);
  if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
    *out = g_bytes_new (output, length);
  if (output != NULL)
    explicit_bzero (output, length);
  gsasl_free (output);
  if (code == GSASL_NEEDS_MORE)
    return PM_SASL_CONTINUE;
  if (code != GSASL_OK)
    return fail (self, error, PM_ERROR_FAILED,
                 "The server's part of the log-in is wrong: it may not know the password");
  self->done = TRUE;
  return PM_SASL_DONE;
}
