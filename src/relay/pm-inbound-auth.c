// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A client proves who it is. What it promises: nobody waits while a password is checked but the
// client whose it is, an address that guesses is slowed down, and no password gets into a log.

#include "relay/pm-inbound-auth.h"

#include "auth/pm-sasl-server.h"
#include "relay/pm-diagnostics.h"
#include "base/pm-error.h"
#include "relay/pm-relay-event.h"

#define FAILURES_PER_MINUTE 10

void
pm_inbound_auth_clear (PmInbound *self)
{
  pm_sasl_server_free (g_steal_pointer (&self->login));
}

static void
succeed (PmInbound *self)
{
  const PmTlsInfo *tls = pm_stream_get_tls (self->stream);

  g_free (self->account);
  self->account = g_strdup (pm_sasl_server_get_user (self->login));
  pm_inbound_auth_clear (self);
  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_AUTHENTICATED,
                                                        .client = self->peer_text,
                                                        .user = self->account,
                                                        .tls = tls->protocol });
  pm_smtp_server_continue (self->server, NULL);
}

/* RFC 4954 4.1.1, 6: who is wrong is told so; who cannot be checked comes again. */
static PmSmtpReply *
make_reply (const GError *error)
{
  if (g_error_matches (error, PM_ERROR, PM_ERROR_DENIED))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 535, "5.7.8",
                              "Authentication credentials invalid");
  if (g_error_matches (error, PM_ERROR, PM_ERROR_INVALID))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 501, "5.5.2", error->message);
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 454, "4.7.0",
                            "Temporary authentication failure");
}

static void
fail (PmInbound *self, const GError *error)
{
  g_autoptr (PmSmtpReply) reply = make_reply (error);

  pm_inbound_auth_clear (self);
  if (pm_smtp_reply_is_permanent (reply))
    pm_client_census_count (pm_relay_get_census (self->worker->relay), self->peer,
                            PM_CLIENT_MISTAKES, FAILURES_PER_MINUTE, g_get_monotonic_time ());
  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_AUTH_FAILED,
                                                        .client = self->peer_text,
                                                        .reply = error->message });
  pm_smtp_server_continue (self->server, reply);
}

/* The password has been checked. */
static void
checked_cb (PmSaslServer *sasl, PmSaslStatus status, const GError *error, gpointer data)
{
  PmInbound *self = data;

  if (self->stream == NULL)
    return;
  if (status == PM_SASL_DONE)
    succeed (self);
  else
    fail (self, error);
  pm_inbound_pump (self);
}

static void
step (PmInbound *self, const guint8 *bytes, gsize size)
{
  g_autoptr (GBytes) out = NULL;
  g_autoptr (GError) error = NULL;
  gsize out_size = 0;
  gconstpointer challenge;

  switch (pm_sasl_server_step (self->login, bytes, size, &out, &error))
    {
    case PM_SASL_DONE:
      succeed (self);
      return;
    case PM_SASL_CONTINUE:
      break;
    case PM_SASL_PENDING:
      return;
    case PM_SASL_FAILED:
    default:
      fail (self, error);
      return;
    }
  challenge = out != NULL ? g_bytes_get_data (out, &out_size) : NULL;
  pm_smtp_server_challenge (self->server, challenge, out_size);
}

void
pm_inbound_auth (PmSmtpServer *server,
                 const char *mechanism,
                 const guint8 *bytes,
                 gsize size,
                 gpointer data)
{
  PmInbound *self = data;
  g_autoptr (GError) error = NULL;

  pm_diagnose (PM_TOPIC_AUTHENTICATION, PM_DIAGNOSTICS_MINIMUM, "what", "log-in-begins", "client",
               self->peer_text, "mechanism", mechanism, NULL);
  // A log-in that the client gave up may still be here.
  pm_inbound_auth_clear (self);
  if (!pm_client_census_may (pm_relay_get_census (self->worker->relay), self->peer,
                             PM_CLIENT_MISTAKES, FAILURES_PER_MINUTE, g_get_monotonic_time ()))
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 454, "4.7.0",
                             "Too many failed log-ins from your address, try again in a minute");

      pm_inbound_refuse (self, "command", NULL, reply);
      return;
    }
  self->login = pm_sasl_server_new (self->settings->accounts, mechanism, checked_cb, self, &error);
  if (self->login != NULL)
    step (self, bytes, size);
  else
    fail (self, error);
}

void
pm_inbound_auth_again (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer data)
{
  pm_diagnose (PM_TOPIC_AUTHENTICATION, PM_DIAGNOSTICS_MEDIUM, "what", "challenge-answered",
               "client", ((const PmInbound *) data)->peer_text, NULL);
  step (data, bytes, size);
}
