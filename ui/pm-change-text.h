// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

#include "site/pm-site-file.h"

G_BEGIN_DECLS

/* (transfer full): where a change is, by the names on the screen; the site file's own path where
 * there is no such name. */
char *pm_change_text_place (const PmSiteChange *change);
/* (transfer full): what one of its values says, without the site file's markup. */
char *pm_change_text_value (const PmSiteChange *change, const char *value);
/* (transfer full): the change as one sentence. */
char *pm_change_text (const PmSiteChange *change);

G_END_DECLS
