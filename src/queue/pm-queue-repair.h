// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmQueueRepair:
 * @kept_as: where the damaged file is now
 * @saved: messages that are in the new one
 * @lost: messages that could not be read, or whose body is gone
 * @set_aside: bodies without an envelope, in `lost+found`
 *
 * What a repair has come to.
 */
typedef struct
{
  char *kept_as;
  guint64 saved;
  guint64 lost;
  guint64 set_aside;
} PmQueueRepair;

gboolean pm_queue_repair_is_pending (const char *folder);
gboolean pm_queue_repair (const char *folder, PmQueueRepair *repair, GError **error);
void pm_queue_repair_clear (PmQueueRepair *repair);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmQueueRepair, pm_queue_repair_clear)

G_END_DECLS
