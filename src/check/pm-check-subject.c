// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is checked, and what counts as this server.

#include "check/pm-check-subject.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "base/pm-domain-name.h"

static gpointer
copy_string (gconstpointer string, gpointer data)
{
  return g_strdup (string);
}

static gpointer
copy_object (gconstpointer object, gpointer data)
{
  return g_object_ref ((gpointer) object);
}

/**
 * pm_check_subject_new:
 * @text: a domain as a person writes it
 *
 * Returns: (transfer full): a subject about which nothing else is known yet. Text that is no domain
 *   name is a finding of the report, not an error here.
 */
PmCheckSubject *
pm_check_subject_new (const char *text)
{
  PmCheckSubject *subject = g_new0 (PmCheckSubject, 1);
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  subject->text = g_utf8_make_valid (text, -1);
  subject->domain = pm_domain_name_normalize (subject->text, &error);
  if (error != NULL)
    subject->problem = g_strdup (error->message);
  subject->own_names = g_ptr_array_new_with_free_func (g_free);
  subject->own_addresses = g_ptr_array_new_with_free_func (g_object_unref);
  return subject;
}

PmCheckSubject *
pm_check_subject_copy (const PmCheckSubject *subject)
{
  PmCheckSubject *copy = g_memdup2 (subject, sizeof *subject);

  copy->text = g_strdup (subject->text);
  copy->domain = g_strdup (subject->domain);
  copy->problem = g_strdup (subject->problem);
  copy->own_names = g_ptr_array_copy (subject->own_names, copy_string, NULL);
  copy->own_addresses = g_ptr_array_copy (subject->own_addresses, copy_object, NULL);
  g_ptr_array_set_free_func (copy->own_names, g_free);
  g_ptr_array_set_free_func (copy->own_addresses, g_object_unref);
  return copy;
}

void
pm_check_subject_free (PmCheckSubject *subject)
{
  if (subject == NULL)
    return;
  g_free (subject->text);
  g_free (subject->domain);
  g_free (subject->problem);
  g_ptr_array_unref (subject->own_names);
  g_ptr_array_unref (subject->own_addresses);
  g_free (subject);
}

/**
 * pm_check_subject_add_name:
 * @subject: a subject
 * @name: a DNS name of this server; what is no name is left out
 */
void
pm_check_subject_add_name (PmCheckSubject *subject, const char *name)
{
  char *normalized = pm_domain_name_normalize (name, NULL);

  if (normalized != NULL)
    g_ptr_array_add (subject->own_names, normalized);
}

/**
 * pm_check_subject_add_declared:
 * @subject: a subject
 * @address: an IP address under which the world reaches this server
 *
 * Returns: whether @address is one.
 */
gboolean
pm_check_subject_add_declared (PmCheckSubject *subject, const char *address)
{
  GInetAddress *parsed = g_inet_address_new_from_string (address);

  if (parsed == NULL)
    return FALSE;
  g_ptr_array_add (subject->own_addresses, parsed);
  subject->declared = TRUE;
  return TRUE;
}

static GInetAddress *
read_sockaddr (struct sockaddr *address)
{
  gsize size = address->sa_family == AF_INET ? sizeof (struct sockaddr_in)
                                             : sizeof (struct sockaddr_in6);
  g_autoptr (GSocketAddress) socket = NULL;

  if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
    return NULL;
  socket = g_socket_address_new_from_native (address, size);
  return g_object_ref (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (socket)));
}

/**
 * pm_check_subject_add_interfaces:
 * @subject: a subject
 *
 * Takes this machine's own addresses, except those of the loopback and of a single link, as the
 * server's. For a server that has none declared, and only where the server is this machine.
 */
void
pm_check_subject_add_interfaces (PmCheckSubject *subject)
{
  struct ifaddrs *list = NULL;

  if (getifaddrs (&list) != 0)
    return;
  for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
    {
      g_autoptr (GInetAddress) address = i->ifa_addr != NULL ? read_sockaddr (i->ifa_addr) : NULL;

      if (address != NULL && !g_inet_address_get_is_loopback (address) &&
          !g_inet_address_get_is_link_local (address))
        g_ptr_array_add (subject->own_addresses, g_steal_pointer (&address));
    }
  freeifaddrs (list);
}
