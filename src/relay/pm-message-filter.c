// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message filtering: whether a message's originator, in the envelope or in From:, is one that the
// site has named. A look-up costs the same however many are named.

#include "relay/pm-message-filter.h"

#include <string.h>

#include "base/pm-domain-name.h"

#define MAX_AUTHORS 100

struct _PmMessageFilter
{
  GHashTable *senders; /* (element-type utf8): keys of addresses, @domains, "" */
};

static char *
read_entry (const char *text)
{
  g_autoptr (PmMailAddress) address = NULL;
  char *domain;

  if (*text == '\0')
    return g_strdup ("");
  if (*text == '@')
    {
      g_autofree char *normalized = pm_domain_name_normalize (text + 1, NULL);

      domain = normalized != NULL ? g_strconcat ("@", normalized, NULL) : NULL;
      return domain;
    }
  address = pm_mail_address_parse (text, NULL);
  return address != NULL ? pm_mail_address_key (address) : NULL;
}

/**
 * pm_message_filter_new:
 * @senders: (element-type utf8): as in the site; what is no address names nobody
 */
PmMessageFilter *
pm_message_filter_new (GPtrArray *senders)
{
  PmMessageFilter *self = g_new0 (PmMessageFilter, 1);

  self->senders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < senders->len; i++)
    {
      char *key = read_entry (g_ptr_array_index (senders, i));

      if (key != NULL)
        g_hash_table_add (self->senders, key);
    }
  return self;
}

/**
 * pm_message_filter_free:
 * @filter: (transfer full) (nullable): a filter
 */
void
pm_message_filter_free (PmMessageFilter *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->senders);
  g_free (self);
}

/**
 * pm_message_filter_names:
 * @sender: (nullable): %NULL is the null sender
 */
gboolean
pm_message_filter_names (const PmMessageFilter *self, const PmMailAddress *sender)
{
  g_autofree char *key = NULL;
  g_autofree char *domain = NULL;

  if (g_hash_table_size (self->senders) == 0)
    return FALSE;
  if (sender == NULL)
    return g_hash_table_contains (self->senders, "");
  key = pm_mail_address_key (sender);
  domain = g_strconcat ("@", sender->domain, NULL);
  return g_hash_table_contains (self->senders, key) ||
         g_hash_table_contains (self->senders, domain);
}

/* Reads a list of mailboxes (RFC 5322 3.4) for their addresses alone. */
typedef struct
{
  GPtrArray *authors;
  GString *text;   /* of the address at hand */
  gboolean angled; /* the address stood in brackets; what follows is not of it */
  gboolean quoted;
  guint comment; /* how deep */
} Reading;

static void
end_mailbox (Reading *reading)
{
  const char *text = reading->text->str;
  const char *route = *text == '@' ? strrchr (text, ':') : NULL; /* RFC 5322 4.4 */
  PmMailAddress *address = NULL;

  if (*text != '\0' && reading->authors->len < MAX_AUTHORS)
    address = pm_mail_address_parse (route != NULL ? route + 1 : text, NULL);
  if (address != NULL)
    g_ptr_array_add (reading->authors, address);
  g_string_truncate (reading->text, 0);
}

/* Returns: whether @byte was part of a comment or of a quoted string, where it means itself */
static gboolean
read_shielded (Reading *reading, const char *from)
{
  if (reading->comment > 0)
    {
      reading->comment += *from == '(' ? 1 : 0;
      reading->comment -= *from == ')' ? 1 : 0;
      return TRUE;
    }
  if (reading->quoted)
    {
      reading->quoted = *from != '"';
      if (!reading->angled)
        g_string_append_c (reading->text, *from);
      return TRUE;
    }
  return FALSE;
}

static void
read_byte (Reading *reading, char byte)
{
  switch (byte)
    {
    case '(':
      reading->comment = 1;
      return;
    case '<': // also a second one in a mailbox: some programs show that one
      g_string_truncate (reading->text, 0);
      reading->angled = FALSE;
      return;
    case '>':
      end_mailbox (reading);
      reading->angled = TRUE;
      return;
    case ',':
    case ';':
      if (!reading->angled && *reading->text->str != '@')
        end_mailbox (reading);
      reading->angled = FALSE;
      return;
    case ':': // a group's name stood before it; but a route has one too
      if (*reading->text->str == '@')
        g_string_append_c (reading->text, byte);
      else
        g_string_truncate (reading->text, 0);
      return;
    case ' ':
    case '\t':
      return;
    case '"':
      reading->quoted = TRUE;
      break;
    default:
      break;
    }
  if (!reading->angled)
    g_string_append_c (reading->text, byte);
}

GPtrArray *
pm_message_filter_read_authors (const char *value)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Reading reading = {
    .authors = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_mail_address_unref),
    .text = text,
  };

  for (const char *from = value; *from != '\0'; from++)
    {
      gboolean shielded = reading.comment > 0 || reading.quoted;

      if (shielded && *from == '\\' && from[1] != '\0')
        {
          if (reading.quoted && !reading.angled)
            g_string_append_len (text, from, 2);
          from++;
        }
      else if (!read_shielded (&reading, from))
        read_byte (&reading, *from);
    }
  if (!reading.angled)
    end_mailbox (&reading);
  return reading.authors;
}

/**
 * pm_message_filter_names_author:
 *
 * Returns: whether an address in a From: field of @section is named
 */
gboolean
pm_message_filter_names_author (const PmMessageFilter *self, const PmHeaderSection *section)
{
  g_autofree char *value = NULL;

  if (g_hash_table_size (self->senders) == 0)
    return FALSE;
  for (guint i = 0; i < MAX_AUTHORS && (value = pm_header_section_get (section, "From", i)) != NULL;
       i++)
    {
      g_autoptr (GPtrArray) authors = pm_message_filter_read_authors (value);

      for (guint j = 0; j < authors->len; j++)
        if (pm_message_filter_names (self, g_ptr_array_index (authors, j)))
          return TRUE;
      g_clear_pointer (&value, g_free);
    }
  return FALSE;
}

/**
 * pm_message_filter_refuse:
 *
 * Returns: (transfer full): what the client of a named sender gets where such mail is rejected
 */
PmSmtpReply *
pm_message_filter_refuse (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.7.1",
                            "Mail of this sender is not accepted here");
}
