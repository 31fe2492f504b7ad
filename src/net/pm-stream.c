// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Byte streams over non-blocking sockets. The reactor says when the socket is ready, the stream
// moves bytes between it and two bounded buffers, and the owner sees buffers only. A full input
// stops the reading, so a peer that sends faster than it is answered waits in its own kernel.

#include "net/pm-stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/pm-reactor-private.h"
#include "net/pm-stream-private.h"

#define READ_SIZE (16 * 1024)
#define READS_PER_ROUND 4 // others in the reactor want their turn

struct _PmStream
{
  guint hold; /* callbacks under way; the memory stays while there are any */
  PmReactor *reactor;
  int fd; /* (owned) or -1 when it was freed */
  PmWatch *watch;
  PmBuffer input;
  PmBuffer output;
  const PmStreamHandler *handler; /* (nullable): %NULL while it only finishes */
  gpointer user_data;
  const PmStreamLayer *layer;
  gpointer layer_self;
  PmTimer deadline;
  gint64 deadline_asked; /* by the owner; 0 for none */
  gint64 handshake_end;  /* when it must be over */
  PmTimer again;         /* runs the stream though the socket has no news */
  gboolean reading;
  gboolean shaking; /* the layer's handshake is under way; no bytes go either way */
  gboolean resume;
  gboolean ended; /* the peer sends no more */
  gboolean end_told;
  gboolean shutting; /* shut down the output when it is empty */
  gboolean shut;
  gboolean failed;
};

static gssize
check (gssize result, const char *what, GError **error)
{
  int saved = errno;

  if (result < 0 && error != NULL)
    g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "%s: %s", what,
                 g_strerror (saved));
  return result;
}

static gssize
socket_read (gpointer self, int fd, guint8 *bytes, gsize size, GError **error)
{
  return check (recv (fd, bytes, size, 0), "Cannot read from the connection", error);
}

static gssize
socket_write (gpointer self, int fd, const guint8 *bytes, gsize size, GError **error)
{
  return check (send (fd, bytes, size, MSG_NOSIGNAL), "Cannot write to the connection", error);
}

static gboolean
socket_shutdown (gpointer self, int fd, GError **error)
{
  return check (shutdown (fd, SHUT_WR), "Cannot end the connection", error) == 0;
}

static const PmStreamLayer socket_layer = {
  .read = socket_read,
  .write = socket_write,
  .shutdown = socket_shutdown,
};

static void
free_layer (PmStream *stream)
{
  if (stream->layer->free != NULL)
    stream->layer->free (stream->layer_self);
  stream->layer = &socket_layer;
  stream->layer_self = NULL;
}

static void
release (PmStream *stream)
{
  if (--stream->hold > 0 || stream->fd >= 0)
    return;
  g_free (stream);
}

static gboolean
wants_read (PmStream *stream)
{
  return stream->reading && !stream->shaking && !stream->ended &&
         pm_buffer_room (&stream->input) > 0;
}

static gboolean
has_pending (PmStream *stream)
{
  return stream->layer->pending != NULL && stream->layer->pending (stream->layer_self);
}

static void
update_deadline (PmStream *stream)
{
  gint64 when = stream->deadline_asked;

  if (stream->shaking && (when == 0 || stream->handshake_end < when))
    when = stream->handshake_end;
  if (when == 0 || stream->fd < 0 || stream->failed)
    pm_timer_clear (&stream->deadline);
  else
    pm_timer_set (&stream->deadline, when);
}

static void ready_cb (PmReady ready, gpointer user_data);

static void
update_interest (PmStream *stream)
{
  PmReady interest = PM_READY_NONE;

  if (stream->fd < 0)
    return;
  if (stream->failed)
    {
      g_clear_pointer (&stream->watch, pm_watch_free);
      return;
    }
  if (wants_read (stream))
    interest |= PM_READY_READ;
  if (pm_buffer_size (&stream->output) > 0 && !stream->shut && !stream->shaking)
    interest |= PM_READY_WRITE;
  if (stream->layer->interest != NULL)
    interest = stream->layer->interest (stream->layer_self, interest);
  // The socket will not tell of what the layer has taken out of it already.
  if (wants_read (stream) && has_pending (stream))
    pm_timer_set_after (&stream->again, 0);
  if (stream->watch != NULL)
    pm_watch_set_interest (stream->watch, interest);
  else if (interest != PM_READY_NONE)
    stream->watch = pm_watch_new (stream->reactor, stream->fd, interest, FALSE, ready_cb, stream);
}

static void
fail (PmStream *stream, const GError *error)
{
  if (stream->failed || stream->fd < 0)
    return;

  stream->failed = TRUE;
  pm_timer_clear (&stream->deadline);
  pm_timer_clear (&stream->again);
  if (stream->handler == NULL)
    pm_stream_free (stream);
  else
    stream->handler->failed (stream, error, stream->user_data);
}

static gboolean
is_over (PmStream *stream)
{
  return stream->fd < 0 || stream->failed;
}

// Reads what is there, within the bounds of a round. TRUE when something came; an error may have
// come after it.
static gboolean
fill (PmStream *stream, GError **broken)
{
  gboolean came = FALSE;

  for (int i = 0; i < READS_PER_ROUND && wants_read (stream); i++)
    {
      g_autoptr (GError) error = NULL;
      gsize size = MIN (pm_buffer_room (&stream->input), READ_SIZE);
      guint8 *to = pm_buffer_reserve (&stream->input, size);
      gssize count = stream->layer->read (stream->layer_self, stream->fd, to, size, &error);

      if (count < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;
      if (count < 0)
        {
          g_propagate_error (broken, g_steal_pointer (&error));
          break;
        }
      if (count == 0)
        stream->ended = TRUE;
      pm_buffer_commit (&stream->input, (gsize) count);
      came = came || count > 0;
      if ((gsize) count < size && !has_pending (stream))
        break;
    }
  // Room that was reserved for nothing is not kept: most connections wait most of the time.
  pm_buffer_consume (&stream->input, 0);
  return came;
}

// Writes what can be written. TRUE when that emptied the output.
static gboolean
drain (PmStream *stream)
{
  gboolean some = pm_buffer_size (&stream->output) > 0;

  while (!is_over (stream) && !stream->shut && !stream->shaking &&
         pm_buffer_size (&stream->output) > 0)
    {
      g_autoptr (GError) error = NULL;
      gssize count = stream->layer->write (stream->layer_self, stream->fd,
                                           pm_buffer_peek (&stream->output),
                                           pm_buffer_size (&stream->output), &error);

      if (count < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return FALSE;
      if (count < 0)
        {
          fail (stream, error);
          return FALSE;
        }
      pm_buffer_consume (&stream->output, (gsize) count);
    }
  if (!is_over (stream) && stream->shutting && !stream->shut && !stream->shaking)
    {
      stream->shut = TRUE;
      stream->layer->shutdown (stream->layer_self, stream->fd, NULL);
    }
  return some && !is_over (stream);
}

static void
tell_received (PmStream *stream)
{
  stream->resume = FALSE;
  if (stream->handler == NULL)
    pm_buffer_consume (&stream->input, pm_buffer_size (&stream->input));
  else
    stream->handler->received (stream, stream->user_data);
}

static void
tell_ended (PmStream *stream)
{
  stream->end_told = TRUE;
  if (stream->handler == NULL)
    {
      if (stream->shut)
        pm_stream_free (stream);
    }
  else if (stream->handler->ended != NULL)
    stream->handler->ended (stream, stream->user_data);
}

// Goes on with the handshake. Whether bytes may flow.
static gboolean
shake (PmStream *stream)
{
  g_autoptr (GError) error = NULL;

  if (is_over (stream) || !stream->shaking)
    return !is_over (stream);
  if (!stream->layer->handshake (stream->layer_self, stream->fd, &error))
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        fail (stream, error);
      return FALSE;
    }
  stream->shaking = FALSE;
  update_deadline (stream);
  if (stream->handler != NULL && stream->handler->secured != NULL)
    stream->handler->secured (stream, stream->user_data);
  return !is_over (stream);
}

static void
move (PmStream *stream)
{
  g_autoptr (GError) broken = NULL;
  gboolean came;

  came = fill (stream, &broken);
  if (!is_over (stream) && (came || stream->resume))
    tell_received (stream);
  if (broken != NULL)
    fail (stream, broken);
  if (!is_over (stream) && stream->ended && !stream->end_told)
    tell_ended (stream);
  if (!is_over (stream) && drain (stream) && stream->handler != NULL &&
      stream->handler->sent != NULL)
    stream->handler->sent (stream, stream->user_data);
  // What sent() put into the output goes out on the next writable event. One that finishes and was
  // ended by the peer before its own end went out is done now.
  if (!is_over (stream) && stream->handler == NULL && stream->ended && stream->shut)
    pm_stream_free (stream);
}

static void
run (PmStream *stream)
{
  stream->hold++;
  if (shake (stream))
    move (stream);
  update_interest (stream);
  release (stream);
}

static void
ready_cb (PmReady ready, gpointer user_data)
{
  PmStream *stream = user_data;

  // A hang-up while nothing is to be read or written: told again and again, so look away until
  // something is.
  if (ready == PM_READY_HANGUP && !wants_read (stream) && !stream->shaking)
    {
      int reason = 0;
      socklen_t size = sizeof reason;
      g_autoptr (GError) error = NULL;

      g_clear_pointer (&stream->watch, pm_watch_free);
      getsockopt (stream->fd, SOL_SOCKET, SO_ERROR, &reason, &size);
      if (reason == 0)
        return;
      errno = reason;
      check (-1, "The connection is broken", &error);
      stream->hold++;
      fail (stream, error);
      release (stream);
      return;
    }
  run (stream);
}

static void
again_cb (gpointer user_data)
{
  run (user_data);
}

static void
deadline_cb (gpointer user_data)
{
  PmStream *stream = user_data;
  g_autoptr (GError) error = g_error_new_literal (
      G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
      stream->shaking ? "The other side took too long over the TLS handshake"
                      : "The other side took too long");

  stream->hold++;
  fail (stream, error);
  update_interest (stream);
  release (stream);
}

/**
 * pm_stream_new:
 * @fd: (transfer full): a connected, non-blocking socket
 *
 * Returns: (transfer full): a stream on it.
 */
PmStream *
pm_stream_new (PmReactor *reactor,
               int fd,
               gsize input_limit,
               gsize output_limit,
               const PmStreamHandler *handler,
               gpointer user_data)
{
  PmStream *stream = g_new0 (PmStream, 1);

  stream->reactor = reactor;
  stream->fd = fd;
  stream->handler = handler;
  stream->user_data = user_data;
  stream->layer = &socket_layer;
  stream->reading = TRUE;
  pm_buffer_init (&stream->input, input_limit);
  pm_buffer_init (&stream->output, output_limit);
  pm_timer_init (&stream->deadline, reactor, deadline_cb, stream);
  pm_timer_init (&stream->again, reactor, again_cb, stream);
  stream->watch = pm_watch_new (reactor, fd, PM_READY_READ, FALSE, ready_cb, stream);
  return stream;
}

/**
 * pm_stream_free:
 * @stream: (transfer full) (nullable): a stream
 */
void
pm_stream_free (PmStream *stream)
{
  if (stream == NULL)
    return;

  if (stream->handler == NULL)
    pm_reactor_disown (stream->reactor, stream);
  stream->hold++;
  pm_timer_clear (&stream->deadline);
  pm_timer_clear (&stream->again);
  g_clear_pointer (&stream->watch, pm_watch_free);
  free_layer (stream);
  close (stream->fd);
  stream->fd = -1;
  pm_buffer_clear (&stream->input);
  pm_buffer_clear (&stream->output);
  release (stream);
}

/**
 * pm_stream_get_input:
 *
 * Returns: (transfer none): what came.
 */
PmBuffer *
pm_stream_get_input (PmStream *stream)
{
  return &stream->input;
}

/**
 * pm_stream_get_output:
 *
 * Returns: (transfer none): what is to go.
 */
PmBuffer *
pm_stream_get_output (PmStream *stream)
{
  return &stream->output;
}

/**
 * pm_stream_update:
 *
 * Looks at both buffers anew.
 */
void
pm_stream_update (PmStream *stream)
{
  update_interest (stream);
}

/**
 * pm_stream_flush:
 *
 * Returns: whether there was output and all of it is in the socket now.
 */
gboolean
pm_stream_flush (PmStream *stream)
{
  gboolean some = pm_buffer_size (&stream->output) > 0;

  while (!is_over (stream) && !stream->shut && !stream->shaking &&
         pm_buffer_size (&stream->output) > 0)
    {
      gssize count = stream->layer->write (stream->layer_self, stream->fd,
                                           pm_buffer_peek (&stream->output),
                                           pm_buffer_size (&stream->output), NULL);

      if (count < 0)
        return FALSE;
      pm_buffer_consume (&stream->output, (gsize) count);
    }
  return some && pm_buffer_size (&stream->output) == 0;
}

/**
 * pm_stream_resume:
 *
 * Has what is left in the input told again, from the reactor.
 */
void
pm_stream_resume (PmStream *stream)
{
  stream->resume = TRUE;
  if (!is_over (stream))
    pm_timer_set_after (&stream->again, 0);
}

/**
 * pm_stream_set_reading:
 *
 * Stops or starts the reading.
 */
void
pm_stream_set_reading (PmStream *stream, gboolean reading)
{
  stream->reading = reading;
  update_interest (stream);
}

/**
 * pm_stream_set_deadline:
 *
 * Sets, moves or (with 0) takes away the deadline.
 */
void
pm_stream_set_deadline (PmStream *stream, gint64 when)
{
  stream->deadline_asked = when;
  update_deadline (stream);
}

/**
 * pm_stream_shut_down_output:
 *
 * Ends our direction after what is in the output.
 */
void
pm_stream_shut_down_output (PmStream *stream)
{
  stream->shutting = TRUE;
  if (!is_over (stream))
    pm_timer_set_after (&stream->again, 0);
}

/**
 * pm_stream_finish:
 * @stream: (transfer full): a stream
 * @microseconds: how long the peer has to read the rest and close
 *
 * Frees the stream once the peer has seen everything.
 */
void
pm_stream_finish (PmStream *stream, gint64 microseconds)
{
  // Who has not shaken hands could not read a last word.
  if (stream->failed || stream->shaking)
    {
      pm_stream_free (stream);
      return;
    }
  stream->handler = NULL;
  stream->reading = TRUE;
  pm_buffer_consume (&stream->input, pm_buffer_size (&stream->input));
  pm_reactor_adopt (stream->reactor, stream, (GDestroyNotify) pm_stream_free);
  pm_stream_set_deadline (stream, g_get_monotonic_time () + microseconds);
  pm_stream_shut_down_output (stream);
  update_interest (stream);
}

/**
 * pm_stream_set_layer:
 * @layer: how to read and write from now on; must outlive the stream
 * @self: (transfer full): for its functions
 *
 * Returns: %FALSE, with nothing changed and @self still the caller's, when there are bytes in the
 *   buffers: they came or were meant for the old layer.
 */
gboolean
pm_stream_set_layer (PmStream *stream, const PmStreamLayer *layer, gpointer self)
{
  if (pm_buffer_size (&stream->input) > 0 || pm_buffer_size (&stream->output) > 0)
    return FALSE;
  free_layer (stream);
  stream->layer = layer;
  stream->layer_self = self;
  return TRUE;
}

gboolean
pm_stream_begin_layer (PmStream *stream,
                       const PmStreamLayer *layer,
                       gpointer self,
                       gint64 microseconds)
{
  if (!pm_stream_set_layer (stream, layer, self))
    return FALSE;
  stream->shaking = TRUE;
  stream->handshake_end = g_get_monotonic_time () + microseconds;
  update_deadline (stream);
  if (!is_over (stream))
    pm_timer_set_after (&stream->again, 0);
  return TRUE;
}

gpointer
pm_stream_get_layer (PmStream *stream, const PmStreamLayer *layer)
{
  return stream->layer == layer && !stream->shaking ? stream->layer_self : NULL;
}

gboolean
pm_stream_has_layer (PmStream *stream, const PmStreamLayer *layer)
{
  return stream->layer == layer;
}
