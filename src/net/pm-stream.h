// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-buffer.h"
#include "net/pm-reactor.h"

G_BEGIN_DECLS

/**
 * PmStream:
 *
 * A non-blocking byte stream on a connected socket, with a bounded buffer each way. It reads while
 * the input has room and writes while the output has bytes. All in the reactor's thread; it may be
 * freed anywhere there, its own callbacks included.
 */
typedef struct _PmStream PmStream;

/**
 * PmStreamHandler:
 * @received: bytes came into the input; consume what you can. Not called again for the same bytes:
 *   whoever leaves some goes on by pm_stream_resume()
 * @ended: (nullable): the peer will send no more (half-close); the output still works
 * @sent: (nullable): the output was emptied into the socket
 * @secured: (nullable): the layer has shaken hands (TLS); bytes may follow at once
 * @failed: the connection is broken, or the deadline passed (%G_IO_ERROR_TIMED_OUT); nothing else
 *   is called after it. Free the stream
 */
typedef struct
{
  void (*received) (PmStream *stream, gpointer user_data);
  void (*ended) (PmStream *stream, gpointer user_data);
  void (*sent) (PmStream *stream, gpointer user_data);
  void (*secured) (PmStream *stream, gpointer user_data);
  void (*failed) (PmStream *stream, const GError *error, gpointer user_data);
} PmStreamHandler;

/**
 * PmStreamLayer:
 * @read: like recv(): bytes, 0 at the end, -1 with an error (%G_IO_ERROR_WOULD_BLOCK to wait)
 * @write: like send()
 * @shutdown: says that no more will be written
 * @pending: (nullable): whether bytes were read from the socket that @read has not given yet
 * @handshake: (nullable): goes on with what must happen before the first byte: %TRUE when done,
 *   else an error (%G_IO_ERROR_WOULD_BLOCK to wait)
 * @interest: (nullable): what to wait for on the socket in order to do `wanted`
 * @free: frees @self
 *
 * What stands between the stream and the socket. The default is the bare socket; TLS is another
 * one.
 */
typedef struct
{
  gssize (*read) (gpointer self, int fd, guint8 *bytes, gsize size, GError **error);
  gssize (*write) (gpointer self, int fd, const guint8 *bytes, gsize size, GError **error);
  gboolean (*shutdown) (gpointer self, int fd, GError **error);
  gboolean (*pending) (gpointer self);
  gboolean (*handshake) (gpointer self, int fd, GError **error);
  PmReady (*interest) (gpointer self, PmReady wanted);
  void (*free) (gpointer self);
} PmStreamLayer;

/* `fd` is non-blocking and now belongs to the stream. Nothing is called from in here. */
PmStream *pm_stream_new (PmReactor *reactor,
                         int fd,
                         gsize input_limit,
                         gsize output_limit,
                         const PmStreamHandler *handler,
                         gpointer user_data);
/* Closes the socket. What was not sent is lost: see pm_stream_finish(). */
void pm_stream_free (PmStream *stream);

PmBuffer *pm_stream_get_input (PmStream *stream);
PmBuffer *pm_stream_get_output (PmStream *stream);

/* To be called after bytes were put into the output, or taken from a full input. Calls nothing
 * back. */
void pm_stream_update (PmStream *stream);
/*
 * Writes what is in the output now, where the socket takes it, and calls nothing back, @sent
 * included. TRUE when that emptied the output. What fails is told when the reactor comes to it.
 * Saves a turn of the reactor for output that is made outside of the stream's callbacks;
 * pm_stream_update() is to follow.
 */
gboolean pm_stream_flush (PmStream *stream);
/* Has @received called again soon, though nothing new came. */
void pm_stream_resume (PmStream *stream);
/* A stream that does not read leaves bytes in the kernel: back-pressure. TRUE at first. */
void pm_stream_set_reading (PmStream *stream, gboolean reading);

/* When @failed is to come with a time-out, by g_get_monotonic_time(); 0 for never. */
void pm_stream_set_deadline (PmStream *stream, gint64 when);

/* Half-close: after the output is empty, the peer sees the end. @received and @ended still come. */
void pm_stream_shut_down_output (PmStream *stream);

/*
 * Frees the stream, in the background: sends what is in the output, then the end, and reads and
 * drops until the peer has closed too or `microseconds` are over, so that the last reply is not
 * lost to a reset. No callbacks any more.
 */
void pm_stream_finish (PmStream *stream, gint64 microseconds);

/* From now on through this layer; the buffers must be empty (else %FALSE: see RFC 3207 4.2). */
gboolean pm_stream_set_layer (PmStream *stream,
                              const PmStreamLayer *layer,
                              gpointer self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmStream, pm_stream_free)

G_END_DECLS
