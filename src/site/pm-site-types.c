// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The types of the site file's attributes: each reads the ways in which people write a thing and
// writes one canonical form of it, which reads back to the same.

#include "site/pm-site-schema.h"

#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "base/pm-mail-address.h"

#define MAX_NAME 64
#define MAX_TEXT 1024
#define MAX_COUNT 1000000
#define MAX_SIZE (G_GUINT64_CONSTANT (1) << 40)
#define MAX_DURATION (366u * 86400)
#define MAX_PAUSE 60u
#define MAX_DURATIONS 32

#define STRING(value) PM_SITE_MEMBER_AT (char *, value, attribute->offset)

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, why);
  return FALSE;
}

static void
set_string (const PmSiteAttribute *attribute, gpointer value, char *text)
{
  g_free (STRING (value));
  STRING (value) = text;
}

static char *
write_string (const PmSiteAttribute *attribute, gconstpointer value)
{
  return g_strdup (STRING (value));
}

static gboolean
read_text (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  if (strlen (text) > MAX_TEXT)
    return fail (error, "it is longer than 1024 bytes");
  set_string (attribute, value, g_strdup (text));
  return TRUE;
}

static gboolean
read_name (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  if (*text == '\0')
    return fail (error, "it is empty");
  if (strlen (text) > MAX_NAME)
    return fail (error, "it is longer than 64 bytes");
  for (const char *c = text; *c != '\0'; c++)
    if ((guchar) *c < 0x20 || *c == 0x7f)
      return fail (error, "there is a control character in it");
  set_string (attribute, value, g_strdup (text));
  return TRUE;
}

static gboolean
read_domain (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  char *domain = pm_domain_name_normalize (text, error);

  if (domain == NULL)
    return FALSE;
  set_string (attribute, value, domain);
  return TRUE;
}

// `#domain` is how the original says that an entry matches exactly.
static gboolean
read_route (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  PmRoute *route = value;

  if (!read_domain (attribute, *text == '#' ? text + 1 : text, value, error))
    return FALSE;
  if (*text == '#')
    route->subdomains = FALSE;
  return TRUE;
}

static char *
read_address_text (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return address == NULL ? NULL : g_inet_address_to_string (address);
}

static gboolean
read_address (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  char *address = read_address_text (text);

  if (address == NULL)
    return fail (error, "it is not an IP address");
  set_string (attribute, value, address);
  return TRUE;
}

static gboolean
read_host (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  gsize length = strlen (text);
  gboolean bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
  g_autofree char *bare = bracketed ? g_strndup (text + 1, length - 2) : g_strdup (text);
  char *address = read_address_text (bare);

  if (address == NULL && bracketed)
    return fail (error, "what stands in brackets is not an IP address");
  if (address == NULL)
    return read_domain (attribute, text, value, error);
  set_string (attribute, value, address);
  return TRUE;
}

static gboolean
read_network (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  return pm_network_parse (text, &PM_SITE_MEMBER_AT (PmNetwork, value, attribute->offset), error);
}

static char *
write_network (const PmSiteAttribute *attribute, gconstpointer value)
{
  return pm_network_to_string (&PM_SITE_MEMBER_AT (PmNetwork, value, attribute->offset));
}

static gboolean
read_mail (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, error);

  if (address == NULL)
    return FALSE;
  set_string (attribute, value, g_strdup (text));
  return TRUE;
}

// RFC 5321 4.5.5: the empty one is the null reverse-path, as reports have it.
static gboolean
read_sender (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  g_autofree char *domain = NULL;

  if (*text == '\0')
    {
      set_string (attribute, value, g_strdup (""));
      return TRUE;
    }
  if (*text != '@')
    return read_mail (attribute, text, value, error);
  domain = pm_domain_name_normalize (text + 1, error);
  if (domain == NULL)
    return FALSE;
  set_string (attribute, value, g_strconcat ("@", domain, NULL));
  return TRUE;
}

static gboolean
read_number (const char *text, guint64 min, guint64 max, guint64 *number, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (g_ascii_string_to_unsigned (text, 10, min, max, number, &local_error))
    return TRUE;
  if (g_error_matches (local_error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS))
    return fail (error, "the number is out of its bounds");
  return fail (error, "it is not a whole number");
}

static gboolean
read_port (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  guint64 port;
  guint64 min = attribute->type == &pm_site_type_any_port ? 0 : 1;

  if (!read_number (text, min, G_MAXUINT16, &port, error))
    return FALSE;
  PM_SITE_MEMBER_AT (guint16, value, attribute->offset) = (guint16) port;
  return TRUE;
}

static char *
write_port (const PmSiteAttribute *attribute, gconstpointer value)
{
  return g_strdup_printf ("%u", PM_SITE_MEMBER_AT (guint16, value, attribute->offset));
}

static gboolean
read_count (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  guint64 count;
  guint64 min = attribute->type == &pm_site_type_rate ? 0 : 1;

  if (!read_number (text, min, MAX_COUNT, &count, error))
    return FALSE;
  PM_SITE_MEMBER_AT (guint, value, attribute->offset) = (guint) count;
  return TRUE;
}

static char *
write_count (const PmSiteAttribute *attribute, gconstpointer value)
{
  return g_strdup_printf ("%u", PM_SITE_MEMBER_AT (guint, value, attribute->offset));
}

typedef struct
{
  const char *name;
  guint64 factor;
} Unit;

// The largest come first, those with a canonical spelling before the others; powers of ten are
// written as people write them on disks and in mail settings.
static const Unit size_units[] = {
  { "GiB", G_GUINT64_CONSTANT (1) << 30 },
  { "MiB", G_GUINT64_CONSTANT (1) << 20 },
  { "GB", 1000000000 },
  { "MB", 1000000 },
  { "KiB", G_GUINT64_CONSTANT (1) << 10 },
  { "kB", 1000 },
  { "KB", 1000 },
  { "B", 1 },
  { "", 1 },
};

static const Unit duration_units[] = {
  { "d", 86400 },
  { "h", 3600 },
  { "m", 60 },
  { "s", 1 },
};

static gboolean
read_quantity (const char *text, const Unit *units, guint n_units, guint64 max, guint64 *result)
{
  gsize digits = strspn (text, "0123456789");
  const char *name = text + digits;
  guint64 number;

  if (digits == 0 || digits > 15)
    return FALSE;
  name += strspn (name, " ");
  number = g_ascii_strtoull (text, NULL, 10);
  for (guint i = 0; i < n_units; i++)
    {
      if (strcmp (name, units[i].name) != 0)
        continue;
      if (number > max / units[i].factor)
        return FALSE;
      *result = number * units[i].factor;
      return TRUE;
    }
  return FALSE;
}

static char *
write_quantity (guint64 number, const Unit *units, guint n_units, const char *between)
{
  for (guint i = 0; i < n_units; i++)
    if (number % units[i].factor == 0 && number > 0)
      return g_strdup_printf ("%" G_GUINT64_FORMAT "%s%s", number / units[i].factor,
                              units[i].factor == 1 && *between != '\0' ? "" : between,
                              units[i].factor == 1 && *between != '\0' ? "" : units[i].name);
  return g_strdup ("0");
}

// 0 is “no limit”, as in the SIZE extension (RFC 1870 4).
static gboolean
read_size (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  guint64 size;

  if (!read_quantity (text, size_units, G_N_ELEMENTS (size_units), MAX_SIZE, &size))
    return fail (error, "it is not a size");
  PM_SITE_MEMBER_AT (guint64, value, attribute->offset) = size;
  return TRUE;
}

static char *
write_size (const PmSiteAttribute *attribute, gconstpointer value)
{
  return write_quantity (PM_SITE_MEMBER_AT (guint64, value, attribute->offset), size_units,
                         G_N_ELEMENTS (size_units), " ");
}

static char *
write_quota (const PmSiteAttribute *attribute, gconstpointer value)
{
  return PM_SITE_MEMBER_AT (guint64, value, attribute->offset) == PM_QUOTA_DEFAULT
             ? NULL
             : write_size (attribute, value);
}

static gboolean
read_seconds (const char *text, guint min, guint max, guint *seconds)
{
  guint64 number;

  if (!read_quantity (text, duration_units, G_N_ELEMENTS (duration_units), max, &number) ||
      number < min)
    return FALSE;
  *seconds = (guint) number;
  return TRUE;
}

static char *
write_seconds (guint seconds)
{
  if (seconds == 0)
    return g_strdup ("0s");
  return write_quantity (seconds, duration_units, G_N_ELEMENTS (duration_units), "");
}

static gboolean
read_duration (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  gboolean pause = attribute->type == &pm_site_type_pause;
  guint min = pause || attribute->type == &pm_site_type_period ? 0 : 1;

  return read_seconds (text, min, pause ? MAX_PAUSE : MAX_DURATION,
                       &PM_SITE_MEMBER_AT (guint, value, attribute->offset)) ||
         fail (error, "it is not such a length of time");
}

static char *
write_duration (const PmSiteAttribute *attribute, gconstpointer value)
{
  return write_seconds (PM_SITE_MEMBER_AT (guint, value, attribute->offset));
}

static gboolean
read_durations (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (text, " ,", -1);
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (guint));
  GArray **member = &PM_SITE_MEMBER_AT (GArray *, value, attribute->offset);

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint seconds;

      if (*words[i] == '\0')
        continue;
      if (!read_seconds (words[i], 1, MAX_DURATION, &seconds))
        return fail (error, "a part of it is not a length of time");
      if (list->len == MAX_DURATIONS)
        return fail (error, "there are more than 32");
      g_array_append_val (list, seconds);
    }
  if (list->len == 0)
    return fail (error, "it is empty");
  g_array_unref (*member);
  *member = g_steal_pointer (&list);
  return TRUE;
}

static char *
write_durations (const PmSiteAttribute *attribute, gconstpointer value)
{
  GArray *list = PM_SITE_MEMBER_AT (GArray *, value, attribute->offset);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      g_autofree char *text = write_seconds (g_array_index (list, guint, i));

      g_string_append_printf (out, "%s%s", i == 0 ? "" : " ", text);
    }
  return g_string_free (out, FALSE);
}

static gboolean
read_words (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  for (const PmSiteWord *word = attribute->words; word->word != NULL; word++)
    if (strcmp (word->word, text) == 0)
      {
        PM_SITE_MEMBER_AT (int, value, attribute->offset) = word->number;
        return TRUE;
      }
  return fail (error, "it is none of its words");
}

static char *
write_words (const PmSiteAttribute *attribute, gconstpointer value)
{
  for (const PmSiteWord *word = attribute->words; word->word != NULL; word++)
    if (word->number == PM_SITE_MEMBER_AT (int, value, attribute->offset))
      return g_strdup (word->word);
  return NULL;
}

// Which word it is was asked before, to find the element; it is stored by where the element lies.
static gboolean
read_fixed (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  return strcmp (attribute->words[attribute->offset].word, text) == 0 ||
         fail (error, "it is none of its words");
}

static char *
write_fixed (const PmSiteAttribute *attribute, gconstpointer value)
{
  return g_strdup (attribute->words[attribute->offset].word);
}

static gboolean
read_one_of (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  for (const PmSiteWord *word = attribute->words; word->word != NULL; word++)
    if (strcmp (word->word, text) == 0)
      {
        set_string (attribute, value, g_strdup (text));
        return TRUE;
      }
  return fail (error, "it is none of its words");
}

static gboolean
read_path (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  g_auto (GStrv) steps = g_strsplit (text, "/", -1);

  if (*text == '\0')
    return fail (error, "it is empty");
  if (g_strv_contains ((const char *const *) steps, ".."))
    return fail (error, "it leads upward with “..”");
  return read_text (attribute, text, value, error);
}

// An absolute one, so that it names the same file whoever reads it.
static gboolean
read_file (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  if (*text != '/' || text[strlen (text) - 1] == '/')
    return fail (error, "it is not the absolute path of a file");
  return read_path (attribute, text, value, error);
}

static gboolean
is_host_and_port (const char *text)
{
  g_autoptr (GSocketConnectable) connectable = NULL;
  const char *colon = strrchr (text, ':');
  guint64 port;

  if (colon == NULL || colon == text ||
      !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  connectable = g_network_address_parse (text, (guint16) port, NULL);
  return connectable != NULL;
}

static gboolean
read_lmtp (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  if (!g_str_has_prefix (text, "unix:/") && !is_host_and_port (text))
    return fail (error, "it names neither a socket nor a host and port");
  // It stands instead of the Maildir, which is there by default.
  g_clear_pointer (&((PmMailService *) value)->maildir, g_free);
  return read_text (attribute, text, value, error);
}

// The name of a file in the secrets directory: it must not lead anywhere else.
static gboolean
read_secret (const PmSiteAttribute *attribute, const char *text, gpointer value, GError **error)
{
  if (*text == '.' || *text == '\0')
    return fail (error, "it is empty or begins with a dot");
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("._-", *c) == NULL)
      return fail (error, "only letters, digits, dots, hyphens and underscores may stand in it");
  return read_name (attribute, text, value, error);
}

/* <allow> */

static gboolean
read_allow_network (const PmSiteAttribute *attribute,
                    const char *text,
                    gpointer value,
                    GError **error)
{
  PmRestriction *restriction = value;

  restriction->kind = PM_RESTRICTION_NETWORK;
  return pm_network_parse (text, &restriction->network, error);
}

static gboolean
read_allow_interface (const PmSiteAttribute *attribute,
                      const char *text,
                      gpointer value,
                      GError **error)
{
  PmRestriction *restriction = value;
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  if (address == NULL)
    return fail (error, "it is not an IP address");
  restriction->kind = PM_RESTRICTION_INTERFACE;
  pm_network_from_address (address, &restriction->network);
  return TRUE;
}

static gboolean
read_allow_authenticated (const PmSiteAttribute *attribute,
                          const char *text,
                          gpointer value,
                          GError **error)
{
  PmRestriction *restriction = value;

  if (strcmp (text, "yes") != 0)
    return fail (error, "an <allow> that allows nobody is left out");
  restriction->kind = PM_RESTRICTION_AUTHENTICATED;
  return TRUE;
}

static char *
write_allow (const PmSiteAttribute *attribute, gconstpointer value)
{
  const PmRestriction *restriction = value;
  PmRestrictionKind kind = PM_RESTRICTION_AUTHENTICATED;

  if (attribute->type == &pm_site_type_allow_network)
    kind = PM_RESTRICTION_NETWORK;
  else if (attribute->type == &pm_site_type_allow_interface)
    kind = PM_RESTRICTION_INTERFACE;

  if (restriction->kind != kind)
    return NULL;
  return kind == PM_RESTRICTION_AUTHENTICATED ? g_strdup ("yes")
                                              : pm_network_to_string (&restriction->network);
}

const PmSiteType pm_site_type_text = { "text of at most 1024 bytes", read_text, write_string };
const PmSiteType pm_site_type_name = { "a name of 1 to 64 bytes", read_name, write_string };
const PmSiteType pm_site_type_domain = { "a domain name, as example.com", read_domain,
                                         write_string };
const PmSiteType pm_site_type_route = {
  "a domain name, as example.com, or #example.com for it without its subdomains", read_route,
  write_string
};
const PmSiteType pm_site_type_host = { "a host name or an IP address", read_host, write_string };
const PmSiteType pm_site_type_address = { "an IP address, as 192.0.2.10 or 2001:db8::10",
                                          read_address, write_string };
const PmSiteType pm_site_type_network = { "an IP address or network, as 192.0.2.0/24", read_network,
                                          write_network };
const PmSiteType pm_site_type_mail = { "a mail address, as anna@example.com", read_mail,
                                       write_string };
const PmSiteType pm_site_type_sender = {
  "a mail address, @ with a domain, or nothing for the null sender", read_sender, write_string
};
const PmSiteType pm_site_type_any_port = { "a port from 1 to 65535, or 0 for none", read_port,
                                           write_port };
const PmSiteType pm_site_type_rate = { "a whole number up to 1000000, 0 for no limit", read_count,
                                       write_count };
const PmSiteType pm_site_type_quota = {
  "a size up to 1024 GiB, as 50 MiB, 10 MB or 0 for no limit", read_size, write_quota
};
const PmSiteType pm_site_type_pause = { "a time from 0s to 60s", read_duration, write_duration };
const PmSiteType pm_site_type_period = { "a time up to 366 days, as 30d, or 0s for none",
                                         read_duration, write_duration };
const PmSiteType pm_site_type_fixed = { NULL, read_fixed, write_fixed };
const PmSiteType pm_site_type_one_of = { NULL, read_one_of, write_string };
const PmSiteType pm_site_type_file = { "an absolute path, as /etc/ssl/mail.pem", read_file,
                                       write_string };
const PmSiteType pm_site_type_port = { "a port from 1 to 65535", read_port, write_port };
const PmSiteType pm_site_type_count = { "a whole number from 1 to 1000000", read_count,
                                        write_count };
const PmSiteType pm_site_type_size = {
  "a size up to 1024 GiB, as 50 MiB, 10 MB or 0 for no limit", read_size, write_size
};
const PmSiteType pm_site_type_duration = { "a time up to 366 days, as 90s, 15m, 4h or 2d",
                                           read_duration, write_duration };
const PmSiteType pm_site_type_durations = { "1 to 32 times with blanks between, as 15m 30m 1h 4h",
                                            read_durations, write_durations };
const PmSiteType pm_site_type_words = { NULL, read_words, write_words };
const PmSiteType pm_site_type_path = { "the path of a folder", read_path, write_string };
const PmSiteType pm_site_type_lmtp = { "unix:/path or host:port", read_lmtp, write_string };
const PmSiteType pm_site_type_secret = {
  "the name of a file in the secrets directory, as partner-login", read_secret, write_string
};
const PmSiteType pm_site_type_allow_network = { "an IP address or network, as 192.0.2.0/24",
                                                read_allow_network, write_allow };
const PmSiteType pm_site_type_allow_interface = {
  "an IP address of this host, as 192.0.2.10", read_allow_interface, write_allow
};
const PmSiteType pm_site_type_allow_authenticated = { "yes", read_allow_authenticated,
                                                      write_allow };
