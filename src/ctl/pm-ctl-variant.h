// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ctl/pm-ctl.h"

G_BEGIN_DECLS

void pm_ctl_add_variant (JsonBuilder *builder, GVariant *value);
void pm_ctl_print_variant_json (GVariant *value);
char *pm_ctl_variant_to_text (GVariant *value);
char *pm_ctl_lookup_text (GVariant *dictionary, const char *key);
char *pm_ctl_clean (const char *text);

/**
 * PmCtlFilter:
 *
 * The options that say which messages of the queue are meant, and the filter of the bus that they
 * make.
 */
typedef struct
{
  gboolean all;
  char *queue;
  char *state;
  char *sender;
  char *sender_domain;
  char *recipient;
  char *domain;
  char *destination;
  char *reason;
  char *older;
  char *newer;
} PmCtlFilter;

#define PM_CTL_FILTER_ENTRIES(filter)                                                             \
  { "queue", 0, 0, G_OPTION_ARG_STRING, &(filter).queue,                                          \
    "Only inbound, or only outbound messages", "QUEUE" },                                         \
      { "state", 0, 0, G_OPTION_ARG_STRING, &(filter).state,                                      \
        "Only those that are fresh, deferred or held", "STATE" },                                 \
      { "sender", 0, 0, G_OPTION_ARG_STRING, &(filter).sender,                                    \
        "Only from this sender; * and ? stand for any, <> is the null sender", "ADDRESS" },       \
      { "sender-domain", 0, 0, G_OPTION_ARG_STRING, &(filter).sender_domain,                      \
        "Only from this domain", "DOMAIN" },                                                      \
      { "recipient", 0, 0, G_OPTION_ARG_STRING, &(filter).recipient,                              \
        "Only to this recipient; * and ? stand for any", "ADDRESS" },                             \
      { "domain", 0, 0, G_OPTION_ARG_STRING, &(filter).domain, "Only to this domain", "DOMAIN" }, \
      { "destination", 0, 0, G_OPTION_ARG_STRING, &(filter).destination,                          \
        "Only what waits for this mailbox, domain or host", "NAME" },                             \
      { "reason", 0, 0, G_OPTION_ARG_STRING, &(filter).reason,                                    \
        "Only with this text in the last reply", "TEXT" },                                        \
      { "older-than", 0, 0, G_OPTION_ARG_STRING, &(filter).older,                                 \
        "Only what came in before that time, as 90s, 15m, 4h or 2d", "TIME" },                    \
  {                                                                                               \
    "newer-than", 0, 0, G_OPTION_ARG_STRING, &(filter).newer,                                     \
        "Only what came in within that time", "TIME"                                              \
  }

void pm_ctl_filter_clear (PmCtlFilter *filter);
GVariant *pm_ctl_filter_read (PmCtl *ctl,
                              const PmCtlFilter *filter,
                              gboolean change,
                              int argc,
                              char **argv);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmCtlFilter, pm_ctl_filter_clear)

G_END_DECLS
