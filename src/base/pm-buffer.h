// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmBuffer:
 *
 * Bytes that come in at the end and go out at the front, never more than a ceiling stated when it
 * is made. A plain struct: init, use, clear. Not for two threads at once.
 */
typedef struct {
  guint8 *bytes;    /* (owned) */
  gsize start;      /* first byte not yet consumed */
  gsize end;        /* one past the last byte */
  gsize allocated;
  gsize limit;      /* the ceiling for end - start */
} PmBuffer;

void pm_buffer_init (PmBuffer *buffer, gsize limit);
void pm_buffer_clear (PmBuffer *buffer);
gsize pm_buffer_size (const PmBuffer *buffer);
gsize pm_buffer_room (const PmBuffer *buffer);
const guint8 *pm_buffer_peek (const PmBuffer *buffer);
void pm_buffer_consume (PmBuffer *buffer, gsize size);
gboolean pm_buffer_append (PmBuffer *buffer,
                           gconstpointer bytes,
                           gsize size) G_GNUC_WARN_UNUSED_RESULT;
gsize pm_buffer_move (PmBuffer *to, PmBuffer *from);
guint8 *pm_buffer_reserve (PmBuffer *buffer, gsize size) G_GNUC_WARN_UNUSED_RESULT;
void pm_buffer_commit (PmBuffer *buffer, gsize size);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmBuffer, pm_buffer_clear)

G_END_DECLS
