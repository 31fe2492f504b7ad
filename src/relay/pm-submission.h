// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-header-section.h"

G_BEGIN_DECLS

char *pm_submission_add_fields (const PmHeaderSection *section,
                                gint64 time,
                                guint64 id,
                                const char *host);

G_END_DECLS
