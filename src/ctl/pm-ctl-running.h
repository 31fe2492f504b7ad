// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ctl/pm-ctl.h"

G_BEGIN_DECLS

GVariant *pm_ctl_read_statistics (PmBusRelay *relay, GError **error);
void pm_ctl_print_durability (GVariant *statistics);
PmExit pm_ctl_test_running (PmCtl *ctl,
                            const char *address,
                            const char *client,
                            const char *local,
                            gboolean authenticated);

G_END_DECLS
