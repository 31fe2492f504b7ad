// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-stream.h"

G_BEGIN_DECLS

/* Like pm_stream_set_layer(), for one that shakes hands first, in at most `microseconds`. */
gboolean pm_stream_begin_layer (PmStream *stream,
                                const PmStreamLayer *layer,
                                gpointer self,
                                gint64 microseconds) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): what its functions get, where it is the stream's layer and hands are shaken. */
gpointer pm_stream_get_layer (PmStream *stream, const PmStreamLayer *layer);
/* Whether this is what the stream goes through already, shaken or not. */
gboolean pm_stream_has_layer (PmStream *stream, const PmStreamLayer *layer);

G_END_DECLS
