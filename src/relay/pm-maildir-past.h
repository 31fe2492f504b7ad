// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-maildir.h"

G_BEGIN_DECLS

/*
 * What may have been delivered without a record of it: before a crash, or before the queue failed
 * to write one down. Internal to the Maildir writer; all but pm_maildir_past_doubt() in its thread.
 */
typedef struct _PmMaildirPast PmMaildirPast;

PmMaildirPast *pm_maildir_past_new (void);
void pm_maildir_past_free (PmMaildirPast *past);
void pm_maildir_past_doubt (PmMaildirPast *past);
gboolean pm_maildir_past_has (PmMaildirPast *past,
                              const char *maildir,
                              const PmMaildirDelivery *delivery);

G_END_DECLS
