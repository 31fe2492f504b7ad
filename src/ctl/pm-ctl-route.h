// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ctl/pm-ctl-site.h"

G_BEGIN_DECLS

char *pm_ctl_route_describe (const PmRoute *route);
void pm_ctl_route_add_json (JsonBuilder *builder, const PmRoute *route);

G_END_DECLS
