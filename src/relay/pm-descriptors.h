// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint pm_descriptors_share (guint wanted, guint outbound);

/* The same, of so many descriptors. */
guint pm_descriptors_share_of (guint64 descriptors, guint wanted, guint outbound);

G_END_DECLS
