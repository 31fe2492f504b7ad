// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-log.h"
#include "site/pm-site.h"

G_BEGIN_DECLS

/* The categories of `<diagnostics>`. */
typedef enum
{
  PM_TOPIC_SMTP_PROTOCOL,
  PM_TOPIC_INBOUND,
  PM_TOPIC_OUTBOUND,
  PM_TOPIC_QUEUE,
  PM_TOPIC_DNS,
  PM_TOPIC_TLS,
  PM_TOPIC_AUTHENTICATION,
  PM_TOPIC_ROUTING,
  PM_N_TOPICS,
} PmTopic;

/* The level of each topic; atomic. Read by pm_diagnostics_wants() alone. */
extern int pm_diagnostics_levels[PM_N_TOPICS];

/*
 * Puts what the site asks for in force, for the whole process and at once; the transcript of
 * commands and replies begins with the next session.
 */
void pm_diagnostics_apply (const PmMailService *service);
const char *pm_topic_to_string (PmTopic topic);

/* Whether anybody wants to know: one load, so that it may stand anywhere. Any thread. */
static inline gboolean
pm_diagnostics_wants (PmTopic topic, PmDiagnosticsLevel level)
{
  return __atomic_load_n (&pm_diagnostics_levels[topic], __ATOMIC_RELAXED) >= (int) level;
}

/*
 * Says it, where it is wanted, as a line that begins with the topic: pairs of key and value, then
 * %NULL, as pm_log_event() takes them. They are not even evaluated where it is not wanted. Never
 * passwords, never what is in a message.
 */
#define pm_diagnose(topic, level, ...) \
  G_STMT_START \
  { \
    if (G_UNLIKELY (pm_diagnostics_wants ((topic), (level)))) \
      pm_log_event (G_LOG_LEVEL_MESSAGE, pm_topic_to_string (topic), __VA_ARGS__); \
  } \
  G_STMT_END

G_END_DECLS
