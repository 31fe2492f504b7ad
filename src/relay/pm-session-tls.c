// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// From a policy to a handshake and its record. What it promises: what the policy asks for is what
// GnuTLS is asked for, and each connection counts once in the TLS reports (RFC 8460).

#include "relay/pm-session-tls.h"

#include "relay/pm-diagnostics.h"

void
pm_session_tls_init (PmSessionTls *self,
                     PmRelay *relay,
                     const PmTlsPolicy *policy,
                     const char *host,
                     const char *domain)
{
  self->relay = relay;
  self->policy = policy != NULL ? pm_tls_policy_ref (policy) : NULL;
  self->host = g_strdup (host);
  self->domain = g_strdup (domain);
}

void
pm_session_tls_clear (PmSessionTls *self)
{
  g_clear_pointer (&self->policy, pm_tls_policy_unref);
  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->domain, g_free);
  g_clear_pointer (&self->text, g_free);
}

/* Only what is opportunistic can be done without, whatever was tried before. */
static PmTlsLevel
get_level (const PmSessionTls *self)
{
  if (self->policy == NULL ||
      (self->in_clear && self->policy->level == PM_TLS_LEVEL_OPPORTUNISTIC))
    return PM_TLS_LEVEL_NONE;
  return self->policy->level;
}

PmSmtpClientTls
pm_session_tls_get_want (const PmSessionTls *self)
{
  switch (get_level (self))
    {
    case PM_TLS_LEVEL_NONE:
      return PM_SMTP_CLIENT_TLS_NONE;
    case PM_TLS_LEVEL_OPPORTUNISTIC:
      return PM_SMTP_CLIENT_TLS_IF_OFFERED;
    case PM_TLS_LEVEL_REQUIRED:
    case PM_TLS_LEVEL_VERIFY:
    case PM_TLS_LEVEL_DANE:
    case PM_TLS_LEVEL_REFUSED:
    default:
      return PM_SMTP_CLIENT_TLS_REQUIRED;
    }
}

gboolean
pm_session_tls_is_optional (const PmSessionTls *self)
{
  return get_level (self) == PM_TLS_LEVEL_OPPORTUNISTIC;
}

static PmTlsVerify
get_verify (const PmSessionTls *self)
{
  if (self->policy->level == PM_TLS_LEVEL_DANE)
    return PM_TLS_VERIFY_DANE;
  return self->policy->level == PM_TLS_LEVEL_VERIFY || self->policy->testing
             ? PM_TLS_VERIFY_NAMES
             : PM_TLS_VERIFY_OPAQUE;
}

gboolean
pm_session_tls_begin (PmSessionTls *self, PmStream *stream)
{
  const PmTlsPolicy *policy = self->policy;
  // RFC 7672 8.1: with DANE the name that the TLSA records stand under is asked for.
  const char *name = policy->level == PM_TLS_LEVEL_DANE && policy->names->len > 0
                         ? g_ptr_array_index (policy->names, 0)
                         : self->host;
  PmTlsClientConfig config = {
    .server_name = name,
    .verify = get_verify (self),
    .names = policy->names,
    .tlsa = policy->tlsa,
    .trust = pm_relay_get_outbound_tls (self->relay)->trust,
    .lenient = policy->testing,
  };

  return pm_stream_start_tls_client (stream, &config);
}

static void
count_failure (PmSessionTls *self, PmTlsResult result)
{
  if (self->domain == NULL || self->counted || self->in_clear)
    return;
  self->counted = TRUE;
  pm_tls_report_note_failure (pm_relay_get_outbound_tls (self->relay)->report, self->domain,
                              self->policy->source, result, self->host);
}

static void
count_secured (PmSessionTls *self, const PmTlsInfo *info)
{
  const PmTlsPolicy *policy = self->policy;

  if (policy->testing && info->verify_error != NULL)
    {
      g_autoptr (GError) error =
          g_error_new_literal (PM_TLS_ERROR, (int) info->verify_code, info->verify_error);

      count_failure (self, pm_tls_result_from_error (error));
    }
  else if (policy->unnamed)
    count_failure (self, PM_TLS_RESULT_VALIDATION_FAILURE);
  else if (self->domain != NULL && !self->counted)
    {
      self->counted = TRUE;
      pm_tls_report_note_success (pm_relay_get_outbound_tls (self->relay)->report, self->domain,
                                  policy->source);
    }
}

void
pm_session_tls_secured (PmSessionTls *self, const PmTlsInfo *info)
{
  const char *verified = info->verified ? "verified" : "unverified";

  self->text = g_strdup_printf ("%s %s %s (%s)", info->protocol, info->cipher, verified,
                                self->policy->reason);
  count_secured (self, info);
  pm_diagnose (PM_TOPIC_TLS, PM_DIAGNOSTICS_MEDIUM, "what", "secured", "relay", self->peer,
               "level", pm_tls_level_to_string (self->policy->level), "protocol", info->protocol,
               "cipher", info->cipher, "verified", info->verified ? "yes" : "no", "problem",
               info->verify_error, "certificate", info->peer_name, "reason", self->policy->reason,
               NULL);
}

void
pm_session_tls_failed (PmSessionTls *self, const GError *error, const char *why)
{
  count_failure (self, self->policy->level == PM_TLS_LEVEL_DANE &&
                               g_error_matches (error, PM_TLS_ERROR, PM_TLS_ERROR_TLSA)
                           ? PM_TLS_RESULT_VALIDATION_FAILURE
                           : pm_tls_result_from_error (error));
  pm_diagnose (PM_TOPIC_TLS, PM_DIAGNOSTICS_MINIMUM, "what", "failed", "relay", self->peer, "level",
               pm_tls_level_to_string (self->policy->level), "problem", why, "reason",
               self->policy->reason, NULL);
  // Nobody else would hear of it: the mail goes all the same.
  if (pm_session_tls_is_optional (self))
    pm_log_event (G_LOG_LEVEL_MESSAGE, "tls-fallback", "relay", self->peer, "meaning",
                  "once more in clear", "problem", why, "reason", self->policy->reason, NULL);
}

void
pm_session_tls_not_offered (PmSessionTls *self)
{
  if (get_level (self) == PM_TLS_LEVEL_NONE || self->text != NULL)
    return;
  count_failure (self, PM_TLS_RESULT_STARTTLS_NOT_SUPPORTED);
  pm_diagnose (PM_TOPIC_TLS, PM_DIAGNOSTICS_MINIMUM, "what", "not-offered", "relay", self->peer,
               "level", pm_tls_level_to_string (self->policy->level), "reason",
               self->policy->reason, NULL);
}
