// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Asks a next hop about one recipient, in an SMTP or LMTP session of its own that ends before any
// message (RFC 5321 3.3, RFC 2033). What it promises: one answer, within a bounded time, and that
// only a plain refusal of the recipient counts as No.

#include "relay/pm-callout.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "net/pm-connector.h"
#include "net/pm-stream.h"
#include "net/pm-tls.h"
#include "relay/pm-mx-walk.h"

#define PATIENCE (20 * G_USEC_PER_SEC)
#define INPUT_LIMIT (16 * 1024)
#define OUTPUT_LIMIT (4 * 1024)
#define LINGER (2 * G_USEC_PER_SEC)
#define MAX_TARGETS 3

typedef enum
{
  STEP_GREETING,
  STEP_HELLO,
  STEP_TLS,
  STEP_SECURED_HELLO,
  STEP_MAIL,
  STEP_RCPT,
} Step;

struct _PmCallout
{
  guint references; /* one until it has answered, one for a look-up under way */
  PmReactor *reactor;
  PmResolver *resolver; /* (owned) */
  char *host;
  guint16 port;
  gboolean lmtp;
  PmTls tls;
  char *hello;
  PmMailAddress *recipient; /* (owned) */
  PmCalloutFunc func;
  gpointer data;

  gboolean over;
  GCancellable *cancellable; /* (owned) */
  PmTimer timer;             /* its beginning, then its end */
  gint64 end;
  GPtrArray *targets; /* (owned) (nullable) (element-type PmMxTarget) */
  guint next_target;
  PmConnector *connector; /* (owned) (nullable) */
  PmStream *stream;       /* (owned) (nullable) */
  PmSmtpReplyReader reader;
  Step step;
  gboolean secured;
};

static void
unref (PmCallout *self)
{
  if (--self->references > 0)
    return;
  g_clear_pointer (&self->targets, g_ptr_array_unref);
  g_object_unref (self->cancellable);
  g_object_unref (self->resolver);
  pm_mail_address_unref (self->recipient);
  pm_smtp_reply_reader_clear (&self->reader);
  g_free (self->host);
  g_free (self->hello);
  g_free (self);
}

static void
answer (PmCallout *self, PmCalloutAnswer answer, const PmSmtpReply *reply)
{
  if (self->over)
    return;
  self->over = TRUE;
  pm_timer_clear (&self->timer);
  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->connector, pm_connector_free);
  if (self->stream != NULL)
    pm_stream_finish (g_steal_pointer (&self->stream), LINGER);
  self->func (self, answer, reply, self->data);
  unref (self);
}

static gboolean
needs_utf8 (const PmCallout *self)
{
  return !g_str_is_ascii (self->recipient->local);
}

/* What went wrong once the recipient was named says nothing about the host: the client chose it. */
static PmCalloutAnswer
get_failure (const PmCallout *self)
{
  return self->step == STEP_RCPT || (self->step == STEP_MAIL && needs_utf8 (self))
             ? PM_CALLOUT_LATER
             : PM_CALLOUT_UNKNOWN;
}

static void
answer_unknown (PmCallout *self, const char *why)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 450, "4.4.1", why);

  answer (self, get_failure (self), reply);
}

static void
say (PmCallout *self, Step step, const char *command)
{
  self->step = step;
  if (!pm_buffer_append (pm_stream_get_output (self->stream), command, strlen (command)))
    answer_unknown (self, "The question is too long");
  else
    pm_stream_update (self->stream);
}

static void
say_hello (PmCallout *self, Step step)
{
  g_autofree char *command =
      g_strdup_printf ("%s %s\r\n", self->lmtp ? "LHLO" : "EHLO", self->hello);

  say (self, step, command);
}

static void
begin_tls (PmCallout *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  PmTlsClientConfig config = {
    .server_name = self->host,
    .verify = self->tls == PM_TLS_VERIFY ? PM_TLS_VERIFY_NAMES : PM_TLS_VERIFY_OPAQUE,
    .names = names,
  };

  g_ptr_array_add (names, self->host);
  if (!pm_stream_start_tls_client (self->stream, &config))
    answer_unknown (self, "The host sent bytes in clear after STARTTLS");
}

/* RFC 6531 3.4: without the parameter a host refuses whom it knows. */
static void
begin_mail (PmCallout *self)
{
  say (self, STEP_MAIL, needs_utf8 (self) ? "MAIL FROM:<> SMTPUTF8\r\n" : "MAIL FROM:<>\r\n");
}

static void
ask (PmCallout *self)
{
  g_autofree char *address = pm_mail_address_to_string (self->recipient);
  g_autofree char *command = g_strdup_printf ("RCPT TO:<%s>\r\n", address);

  say (self, STEP_RCPT, command);
}

/* Whatever it is that they refuse before the recipient, it says nothing about the recipient. */
static void
take_reply (PmCallout *self, const PmSmtpReply *reply)
{
  if (self->step == STEP_RCPT)
    {
      say (self, STEP_RCPT, "QUIT\r\n");
      answer (self,
              pm_smtp_reply_is_positive (reply)    ? PM_CALLOUT_YES
              : pm_smtp_reply_is_permanent (reply) ? PM_CALLOUT_NO
                                                   : PM_CALLOUT_LATER,
              reply);
      return;
    }
  // RFC 3207 4: a host that wants TLS first, where it may have it.
  if (self->step == STEP_MAIL && reply->code == 530 && !self->secured &&
      self->tls == PM_TLS_OPPORTUNISTIC)
    {
      say (self, STEP_TLS, "STARTTLS\r\n");
      return;
    }
  if (!pm_smtp_reply_is_positive (reply))
    {
      say (self, self->step, "QUIT\r\n");
      answer (self, get_failure (self), reply);
      return;
    }
  switch (self->step)
    {
    case STEP_GREETING:
      say_hello (self, STEP_HELLO);
      break;
    case STEP_HELLO:
      if (self->tls >= PM_TLS_REQUIRED)
        say (self, STEP_TLS, "STARTTLS\r\n");
      else
        begin_mail (self);
      break;
    case STEP_TLS:
      begin_tls (self);
      break;
    case STEP_SECURED_HELLO:
      begin_mail (self);
      break;
    case STEP_MAIL:
      ask (self);
      break;
    case STEP_RCPT:
    default:
      g_return_if_reached ();
    }
}

static void
received_cb (PmStream *stream, gpointer data)
{
  PmCallout *self = data;
  PmBuffer *input = pm_stream_get_input (stream);

  self->references++;
  while (!self->over && pm_buffer_size (input) > 0)
    {
      g_autoptr (PmSmtpReply) reply = NULL;
      g_autoptr (GError) error = NULL;
      gsize used = 0;
      PmSmtpRead read = pm_smtp_reply_reader_feed (&self->reader, pm_buffer_peek (input),
                                                   pm_buffer_size (input), &used, &reply, &error);

      pm_buffer_consume (input, used);
      if (read == PM_SMTP_READ_RUBBISH)
        answer_unknown (self, error->message);
      else if (read == PM_SMTP_READ_REPLY)
        take_reply (self, reply);
    }
  unref (self);
}

static void connect_next (PmCallout *self, const char *why);

static void
secured_cb (PmStream *stream, gpointer data)
{
  PmCallout *self = data;

  self->secured = TRUE;
  say_hello (self, STEP_SECURED_HELLO);
}

static void
ended_cb (PmStream *stream, gpointer data)
{
  PmCallout *self = data;

  g_clear_pointer (&self->stream, pm_stream_free);
  connect_next (self, "The host has closed the connection");
}

static void
failed_cb (PmStream *stream, const GError *error, gpointer data)
{
  PmCallout *self = data;

  g_clear_pointer (&self->stream, pm_stream_free);
  connect_next (self, error->message);
}

static const PmStreamHandler stream_handler = {
  .received = received_cb,
  .ended = ended_cb,
  .secured = secured_cb,
  .failed = failed_cb,
};

static void
connected_cb (int fd, const GError *error, gpointer data)
{
  PmCallout *self = data;

  g_clear_pointer (&self->connector, pm_connector_free);
  if (fd < 0)
    {
      connect_next (self, error->message);
      return;
    }
  self->step = STEP_GREETING;
  self->secured = FALSE;
  pm_smtp_reply_reader_clear (&self->reader);
  pm_smtp_reply_reader_init (&self->reader);
  self->stream =
      pm_stream_new (self->reactor, fd, INPUT_LIMIT, OUTPUT_LIMIT, &stream_handler, self);
}

static void
connect_to (PmCallout *self, GSocketAddress *address)
{
  gint64 left = MAX (self->end - g_get_monotonic_time (), 1);

  self->connector =
      pm_connector_new (self->reactor, address, NULL, left, connected_cb, self);
}

/* @why: the last one did not answer */
static void
connect_next (PmCallout *self, const char *why)
{
  const PmMxTarget *target;
  g_autoptr (GSocketAddress) address = NULL;

  if (self->targets == NULL || self->next_target >= MIN (self->targets->len, MAX_TARGETS))
    {
      answer_unknown (self, why);
      return;
    }
  target = g_ptr_array_index (self->targets, self->next_target++);
  address = g_inet_socket_address_new (target->address, self->port);
  connect_to (self, address);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCallout *self = data;
  g_autoptr (PmSmtpReply) refusal = NULL;
  g_autoptr (GError) error = NULL;

  self->targets = pm_mx_walk_finish (self->resolver, result, &refusal, &error);
  if (!self->over && self->targets == NULL && refusal != NULL)
    answer (self, PM_CALLOUT_UNKNOWN, refusal);
  else if (!self->over)
    connect_next (self, error != NULL ? error->message : "The host has no address");
  unref (self);
}

static void
timer_cb (gpointer data)
{
  PmCallout *self = data;
  PmMxQuestion question = { .name = self->host };

  if (self->end != 0)
    {
      answer_unknown (self, "The host took too long to answer");
      return;
    }
  self->end = g_get_monotonic_time () + PATIENCE;
  pm_timer_set (&self->timer, self->end);
  if (self->port == 0)
    {
      g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->host);

      connect_to (self, address);
      return;
    }
  self->references++;
  pm_mx_walk_async (self->resolver, &question, self->cancellable, found_cb, self);
}

PmCallout *
pm_callout_new (PmReactor *reactor,
                PmResolver *resolver,
                const PmCalloutQuestion *question,
                PmCalloutFunc func,
                gpointer data)
{
  PmCallout *self = g_new0 (PmCallout, 1);

  self->references = 1;
  self->reactor = reactor;
  self->resolver = g_object_ref (resolver);
  self->host = g_strdup (question->host);
  self->port = question->port;
  self->lmtp = question->lmtp;
  self->tls = question->tls;
  self->hello = g_strdup (question->hello);
  self->recipient = pm_mail_address_ref (question->recipient);
  self->func = func;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  pm_smtp_reply_reader_init (&self->reader);
  pm_timer_init (&self->timer, reactor, timer_cb, self);
  pm_timer_set_after (&self->timer, 0);
  return self;
}

void
pm_callout_abandon (PmCallout *self)
{
  answer_unknown (self, "This service is closing down");
}
