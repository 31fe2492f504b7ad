// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A name server that does what none should, byte by byte and without a DNS library, so that it can
// be wrong in any way.

#include "hostile-name-server.h"

#include <string.h>

#define HEADER 12

struct _HostileNameServer
{
  GSocket *udp;
  GSocket *tcp;
  GCancellable *stop;
  GThread *udp_thread;
  GThread *tcp_thread;
  char *address;
  gint count;
};

static gboolean
is_case (const guint8 *question, const char *label)
{
  gsize length = strlen (label);

  return question[HEADER] == length &&
         g_ascii_strncasecmp ((const char *) question + HEADER + 1, label, length) == 0;
}

static gsize
question_end (const guint8 *question, gsize size)
{
  gsize at = HEADER;

  while (at < size && question[at] != 0)
    at += question[at] + 1u;
  return at + 5;
}

static void
append (GByteArray *answer, gconstpointer bytes, guint size)
{
  g_byte_array_append (answer, bytes, size);
}

static void
append_record (GByteArray *answer, const guint8 *question)
{
  static const guint8 address[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
  static const guint8 short_address[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 2, 192, 0 };
  static const guint8 circle[] = { 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12 };

  answer->data[7] = 1;
  if (is_case (question, "shortdata"))
    append (answer, short_address, sizeof short_address);
  else if (is_case (question, "circle"))
    append (answer, circle, sizeof circle);
  else
    append (answer, address, sizeof address);
}

/* From a server that is asked to recurse and does not. */
static void
append_referral (GByteArray *answer)
{
  static const guint8 root[] = { 0, 0, 2, 0, 1, 0, 0, 0, 60, 0, 4, 2, 'n', 's', 0 };

  answer->data[3] &= 0x7f;
  answer->data[9] = 1;
  append (answer, root, sizeof root);
}

/* (nullable): %NULL for silence. */
static GByteArray *
make_answer (const guint8 *question, gsize size, gboolean tcp)
{
  g_autoptr (GByteArray) answer = NULL;
  gsize end = question_end (question, size);

  if (end > size || is_case (question, "silence"))
    return NULL;

  answer = g_byte_array_new ();
  if (is_case (question, "garbage"))
    {
      append (answer, "\xff\xff\xff\xff\xff\xff\xff garbage", 15);
      return g_steal_pointer (&answer);
    }

  append (answer, question, (guint) end);
  answer->data[2] = 0x81;
  answer->data[3] = 0x80;
  memset (answer->data + 6, 0, 6);
  if (is_case (question, "servfail"))
    answer->data[3] |= 2;
  else if (is_case (question, "refused"))
    answer->data[3] |= 5;
  else if ((is_case (question, "truncated") && !tcp) || is_case (question, "cut"))
    answer->data[2] |= 2;
  else if (is_case (question, "referral"))
    append_referral (answer);
  else if (is_case (question, "nothing"))
    answer->data[3] &= 0x7f;
  else
    append_record (answer, question);

  if (is_case (question, "wrongid"))
    answer->data[0] ^= 0x55;
  if (is_case (question, "wrongname"))
    answer->data[HEADER + 1] ^= 3;
  return g_steal_pointer (&answer);
}

static gpointer
serve_udp (gpointer data)
{
  HostileNameServer *self = data;
  guint8 question[4096];

  for (;;)
    {
      g_autoptr (GSocketAddress) from = NULL;
      g_autoptr (GByteArray) answer = NULL;
      gssize size = g_socket_receive_from (self->udp, &from, (char *) question, sizeof question,
                                           self->stop, NULL);

      if (g_cancellable_is_cancelled (self->stop))
        return NULL;
      if (size < HEADER + 5)
        continue;
      g_atomic_int_inc (&self->count);
      answer = make_answer (question, (gsize) size, FALSE);
      if (answer != NULL)
        g_socket_send_to (self->udp, from, (const char *) answer->data, answer->len, NULL, NULL);
    }
}

static void
serve_connection (HostileNameServer *self, GSocket *client)
{
  guint8 question[4098];
  gssize size = g_socket_receive (client, (char *) question, sizeof question, self->stop, NULL);
  g_autoptr (GByteArray) answer = NULL;
  guint8 length[2];

  if (size < 2 + HEADER + 5)
    return;
  answer = make_answer (question + 2, (gsize) size - 2, TRUE);
  if (answer == NULL)
    return;
  length[0] = (guint8) (answer->len >> 8);
  length[1] = (guint8) answer->len;
  g_socket_send (client, (const char *) length, 2, NULL, NULL);
  g_socket_send (client, (const char *) answer->data,
                 is_case (question + 2, "cut") ? answer->len / 2 : answer->len, NULL, NULL);
}

static gpointer
serve_tcp (gpointer data)
{
  HostileNameServer *self = data;

  for (;;)
    {
      g_autoptr (GSocket) client = g_socket_accept (self->tcp, self->stop, NULL);

      if (g_cancellable_is_cancelled (self->stop))
        return NULL;
      if (client != NULL)
        serve_connection (self, client);
    }
}

static GSocket *
bind_socket (GSocketType type, guint16 port)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, type, G_SOCKET_PROTOCOL_DEFAULT,
                                             NULL);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);

  if (!g_socket_bind (socket, address, TRUE, NULL))
    return NULL;
  return g_steal_pointer (&socket);
}

static guint16
socket_port (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

HostileNameServer *
hostile_name_server_start (void)
{
  HostileNameServer *self = g_new0 (HostileNameServer, 1);
  g_autoptr (GError) error = NULL;

  // One port free for both protocols.
  for (guint i = 0; i < 20 && self->udp == NULL; i++)
    {
      g_clear_object (&self->tcp);
      self->tcp = bind_socket (G_SOCKET_TYPE_STREAM, 0);
      self->udp = bind_socket (G_SOCKET_TYPE_DATAGRAM, socket_port (self->tcp));
    }
  g_assert_nonnull (self->udp);
  g_assert_true (g_socket_listen (self->tcp, &error));

  self->stop = g_cancellable_new ();
  self->address = g_strdup_printf ("127.0.0.1@%u", socket_port (self->udp));
  self->udp_thread = g_thread_new ("hostile-udp", serve_udp, self);
  self->tcp_thread = g_thread_new ("hostile-tcp", serve_tcp, self);
  return self;
}

void
hostile_name_server_stop (HostileNameServer *self)
{
  g_cancellable_cancel (self->stop);
  g_thread_join (self->udp_thread);
  g_thread_join (self->tcp_thread);
  g_object_unref (self->udp);
  g_object_unref (self->tcp);
  g_object_unref (self->stop);
  g_free (self->address);
  g_free (self);
}

const char *
hostile_name_server_get_address (HostileNameServer *self)
{
  return self->address;
}

guint
hostile_name_server_count (HostileNameServer *self)
{
  return (guint) g_atomic_int_get (&self->count);
}
