// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmMaildirUsage:
 *
 * What is known of Maildirs between deliveries: how full they are, and when their tmp/ was cleared
 * of what others left behind. One thread.
 */
typedef struct _PmMaildirUsage PmMaildirUsage;

PmMaildirUsage *pm_maildir_usage_new (void);
void pm_maildir_usage_free (PmMaildirUsage *usage);

/*
 * Whether `size` bytes more stay within `quota`; if so they are counted as there. Blocks when it
 * has to count.
 */
gboolean pm_maildir_usage_take (PmMaildirUsage *usage,
                                const char *maildir,
                                guint64 size,
                                guint64 quota);
/* Something went wrong there: count anew next time. */
void pm_maildir_usage_forget (PmMaildirUsage *usage, const char *maildir);

/* Once a day for each: removes files from tmp/ that are older than 36 hours. Blocks. */
void pm_maildir_usage_clean (PmMaildirUsage *usage, const char *maildir);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMaildirUsage, pm_maildir_usage_free)

G_END_DECLS
