// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/*
 * Has the reactor free something that nobody else holds any more, at the latest when the reactor is
 * freed itself.
 */
void pm_reactor_adopt (PmReactor *reactor, gpointer orphan, GDestroyNotify destroy);
void pm_reactor_disown (PmReactor *reactor, gpointer orphan);

G_END_DECLS
