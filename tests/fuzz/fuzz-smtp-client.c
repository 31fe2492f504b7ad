// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: a whole client session, replies as input. The first byte says how the client is
// configured, the second how large the pieces are. What must hold for any peer: nothing crashes,
// each recipient has exactly one result, nobody is delivered before the whole message has left,
// what leaves is lines without bare CR, LF or NUL, and no password leaves in clear.

#include <string.h>

#include "fuzz.h"

#include "smtp/pm-smtp-client.h"

#define MESSAGE "Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n"
#define STUFFED "Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n"
#define PASSWORD "c2VjcmV0" // "secret"

typedef struct
{
  PmSmtpClient *client;
  GString *wire;
  gsize pulled;
  guint results[2];
  guint n_messages;
  guint n_finished;
  guint n_closed;
  gboolean clear; /* TLS is not on */
  gboolean handshake;
} Owner;

static void
send (Owner *owner)
{
  g_autoptr (PmMailAddress) a = pm_mail_address_parse ("a@example.com", NULL);
  g_autoptr (PmMailAddress) b = pm_mail_address_parse ("é@example.com", NULL);
  PmSmtpClientRecipient recipients[] = { { a, PM_DSN_NOTIFY_SUCCESS, "rfc822;x+y@example.com" },
                                         { b, PM_DSN_NOTIFY_NEVER, "utf-8;é@example.com" } };
  PmSmtpClientMessage message = { .sender = a,
                                  .recipients = recipients,
                                  .n_recipients = G_N_ELEMENTS (recipients),
                                  .size = strlen (MESSAGE),
                                  .priority = 3,
                                  .envid = "id =+",
                                  .ret = PM_DSN_RET_FULL };

  owner->pulled = 0;
  memset (owner->results, 0, sizeof owner->results);
  if (pm_smtp_client_send (owner->client, &message))
    owner->n_messages++;
}

static gssize
pull_cb (PmSmtpClient *client, guint8 *bytes, gsize size, gpointer user_data)
{
  Owner *owner = user_data;
  gsize n = MIN (size, strlen (MESSAGE) - owner->pulled);

  memcpy (bytes, &MESSAGE[owner->pulled], n);
  owner->pulled += n;
  return (gssize) n;
}

static void
result_cb (PmSmtpClient *client, const PmSmtpClientResult *result, gpointer user_data)
{
  Owner *owner = user_data;

  g_assert_cmpuint (++owner->results[result->index], ==, 1);
  if (pm_smtp_outcome (result->phase, result->reply) == PM_SMTP_OUTCOME_DELIVERED)
    {
      g_assert_cmpuint (owner->pulled, ==, strlen (MESSAGE));
      g_assert_true (g_str_has_suffix (owner->wire->str, STUFFED));
    }
}

static void
finished_cb (PmSmtpClient *client, gboolean reusable, gpointer user_data)
{
  Owner *owner = user_data;

  g_assert_cmpuint (owner->results[0] + owner->results[1], ==, 2);
  g_assert_cmpuint (++owner->n_finished, ==, owner->n_messages);
  if (reusable && owner->n_messages < 3)
    send (owner);
  else if (reusable)
    pm_smtp_client_quit (client);
}

static void
closed_cb (PmSmtpClient *client, const PmSmtpReply *reply, gpointer user_data)
{
  g_assert_cmpuint (++((Owner *) user_data)->n_closed, ==, 1);
}

static void
starttls_cb (PmSmtpClient *client, gpointer user_data)
{
  ((Owner *) user_data)->handshake = TRUE;
}

static char *
auth_choose_cb (PmSmtpClient *client, const char *mechanisms, GBytes **initial, gpointer user_data)
{
  *initial = strstr (mechanisms, "PLAIN") == NULL ? NULL : g_bytes_new_static ("secret", 6);
  return strstr (mechanisms, "NONE") != NULL ? NULL : g_strdup ("PLAIN");
}

static GBytes *
auth_step_cb (PmSmtpClient *client, const guint8 *challenge, gsize size, gpointer user_data)
{
  return size > 0 && challenge[0] == 'x' ? NULL : g_bytes_new_static ("secret", 6);
}

static const PmSmtpClientHandler handler = {
  .pull = pull_cb,
  .result = result_cb,
  .finished = finished_cb,
  .closed = closed_cb,
  .starttls = starttls_cb,
  .auth_choose = auth_choose_cb,
  .auth_step = auth_step_cb,
};

static void
collect (Owner *owner)
{
  PmBuffer *out = pm_smtp_client_get_output (owner->client);
  gsize size;

  while ((size = pm_buffer_size (out)) > 0)
    {
      const char *bytes = (const char *) pm_buffer_peek (out);

      g_assert_null (memchr (bytes, '\0', size));
      for (gsize i = 0; i < size; i++)
        g_assert_true ((bytes[i] == '\n') == (i > 0 && bytes[i - 1] == '\r'));
      g_assert_cmpint (bytes[size - 1], ==, '\n');
      g_assert_true (!owner->clear || g_strstr_len (bytes, (gssize) size, PASSWORD) == NULL);
      g_string_append_len (owner->wire, bytes, (gssize) size);
      pm_buffer_consume (out, size);
      pm_smtp_client_advance (owner->client);
    }
  if (owner->handshake && owner->client != NULL &&
      pm_smtp_client_get_state (owner->client) == PM_SMTP_CLIENT_TLS)
    {
      owner->handshake = owner->clear = FALSE;
      pm_smtp_client_secured (owner->client);
      collect (owner);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  guint flags = size > 0 ? bytes[0] : 0;
  gsize piece = size > 1 ? bytes[1] + 1 : 1;
  PmSmtpClientConfig config = {
    .hello = "c.example.com",
    .protocol = (flags & 1) != 0 ? PM_SMTP_PROTOCOL_LMTP : PM_SMTP_PROTOCOL_SMTP,
    .want_tls = (PmSmtpClientTls) ((flags >> 1) % 3),
    .login = (flags & 8) != 0,
    .secured = (flags & 16) != 0,
  };
  Owner owner = { .wire = g_string_new (NULL), .clear = !config.secured };

  owner.client = pm_smtp_client_new (&config, &handler, &owner);
  send (&owner);
  // A piece ends with a reply, as a peer's would, or where its length says.
  for (gsize done = MIN (size, 2); done < size;)
    {
      gsize some = MIN (piece, size - done);
      const guint8 *feed = memchr (bytes + done, '\n', some);

      if (feed != NULL)
        some = (gsize) (feed - bytes) + 1 - done;
      pm_smtp_client_feed (owner.client, bytes + done, some);
      collect (&owner);
      done += some;
    }
  pm_smtp_client_lost (owner.client, NULL);
  g_assert_cmpint (pm_smtp_client_get_state (owner.client), ==, PM_SMTP_CLIENT_CLOSED);
  g_assert_cmpuint (owner.n_finished, ==, owner.n_messages);
  g_assert_cmpuint (owner.n_closed, ==, 1);
  pm_smtp_client_free (owner.client);
  g_string_free (owner.wire, TRUE);
  return 0;
}
