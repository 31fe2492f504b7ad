// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Understands what a person types as an entry's domain, and says by example what it will match. The
// interface translates the parts; pm_route_entry_explain() is their plain English.

#include "routing/pm-route-entry.h"

#include <gio/gio.h>
#include <string.h>

#include "base/pm-domain-name.h"

/**
 * pm_route_entry_free:
 * @entry: (transfer full) (nullable): an entry
 */
void
pm_route_entry_free (PmRouteEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->domain);
  g_free (entry->suggestion);
  g_free (entry->problem);
  g_free (entry);
}

static gboolean
is_ip_address (const char *text)
{
  g_autofree char *inner = g_strdup (text);
  gsize length = strlen (inner);
  const char *start = inner;

  if (inner[0] == '[' && length > 2 && inner[length - 1] == ']')
    {
      inner[length - 1] = '\0';
      start++;
    }
  if (g_ascii_strncasecmp (start, "IPv6:", 5) == 0)
    start += 5;
  return g_hostname_is_ip_address (start);
}

/* Takes the marks off the front of what was typed. */
static const char *
read_marks (PmRouteEntry *entry, const char *text)
{
  if (text[0] == '#')
    {
      entry->hint = PM_ROUTE_ENTRY_EXACT_MARK;
      entry->subdomains = FALSE;
      text++;
    }
  else if (text[0] == '@')
    {
      entry->hint = PM_ROUTE_ENTRY_AT_SIGN;
      text++;
    }
  else if (g_str_has_prefix (text, "*.") || (text[0] == '.' && text[1] != '\0'))
    {
      entry->hint = PM_ROUTE_ENTRY_WILDCARD;
      entry->subdomains = TRUE;
      text += text[0] == '*' ? 2 : 1;
    }
  while (g_ascii_isspace (*text))
    text++;
  return text;
}

static void
read_domain (PmRouteEntry *entry, const char *text)
{
  const char *at = strrchr (text, '@');
  g_autoptr (GError) error = NULL;

  if (*text == '\0')
    {
      entry->status = PM_ROUTE_ENTRY_EMPTY;
    }
  else if (strcmp (text, "*") == 0)
    {
      entry->status = PM_ROUTE_ENTRY_EVERYTHING;
    }
  else if (is_ip_address (text))
    {
      entry->status = PM_ROUTE_ENTRY_IP_ADDRESS;
    }
  else if (at != NULL)
    {
      entry->status = PM_ROUTE_ENTRY_ADDRESS;
      entry->suggestion = pm_domain_name_normalize (at + 1, NULL);
    }
  else
    {
      entry->domain = pm_domain_name_normalize (text, &error);
      if (entry->domain != NULL)
        return;
      entry->status = PM_ROUTE_ENTRY_INVALID;
      entry->problem = g_strdup (error->message);
    }
}

/**
 * pm_route_entry_parse:
 * @text: what was typed
 * @subdomains: whether “and its subdomains” is chosen; a mark in @text goes before it
 *
 * Blanks around it, a trailing dot, letter case and the spelling of international names make no
 * difference.
 *
 * Returns: (transfer full): what it means. Any thread.
 */
PmRouteEntry *
pm_route_entry_parse (const char *text, gboolean subdomains)
{
  PmRouteEntry *entry = g_new0 (PmRouteEntry, 1);
  g_autofree char *valid = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  valid = g_utf8_make_valid (text, -1);
  entry->subdomains = subdomains;
  read_domain (entry, read_marks (entry, g_strstrip (valid)));
  return entry;
}

/**
 * pm_route_entry_explain:
 *
 * Returns: (transfer full) (nullable): what is wrong with @entry, or what was understood, as plain
 *   English; %NULL where there is nothing to say
 */
char *
pm_route_entry_explain (const PmRouteEntry *entry)
{
  switch (entry->status)
    {
    case PM_ROUTE_ENTRY_EMPTY:
      return g_strdup ("Type the domain, for example example.net.");
    case PM_ROUTE_ENTRY_INVALID:
      return g_strdup (entry->problem);
    case PM_ROUTE_ENTRY_IP_ADDRESS:
      return g_strdup ("An entry is for a domain, not for an IP address. Mail to this server's own "
                       "addresses is inbound without an entry.");
    case PM_ROUTE_ENTRY_EVERYTHING:
      return g_strdup ("An entry is for one domain and what is below it. Mail that matches no "
                       "entry goes out as Connections says.");
    case PM_ROUTE_ENTRY_ADDRESS:
      if (entry->suggestion == NULL)
        return g_strdup ("An entry is for a whole domain, not for one address.");
      return g_strdup_printf ("An entry is for a whole domain, not for one address. Type %s.",
                              entry->suggestion);
    case PM_ROUTE_ENTRY_VALID:
    default:
      break;
    }

  if (entry->hint == PM_ROUTE_ENTRY_AT_SIGN)
    return g_strdup_printf ("Read as %s, without the @.", entry->domain);
  if (entry->hint == PM_ROUTE_ENTRY_WILDCARD)
    return g_strdup_printf ("Read as %s with its subdomains, which includes %s itself.",
                            entry->domain, entry->domain);
  if (entry->hint == PM_ROUTE_ENTRY_EXACT_MARK)
    return g_strdup_printf ("Read as %s without its subdomains.", entry->domain);
  return NULL;
}

/**
 * pm_route_preview_new:
 * @domain: a normalized domain
 * @subdomains: whether the entry includes what is below it
 *
 * Returns: (transfer full): examples of what such an entry matches. Any thread.
 */
PmRoutePreview *
pm_route_preview_new (const char *domain, gboolean subdomains)
{
  PmRoutePreview *preview = g_new0 (PmRoutePreview, 1);
  g_autoptr (GStrvBuilder) matches = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) misses = g_strv_builder_new ();
  g_autofree char *shown = pm_domain_name_to_display (domain);
  g_autofree char *itself = g_strconcat ("anna@", shown, NULL);
  g_autofree char *below = g_strconcat ("anna@sales.", shown, NULL);
  g_autofree char *beside = g_strconcat ("anna@my", shown, NULL);

  g_strv_builder_add (matches, itself);
  g_strv_builder_add (subdomains ? matches : misses, below);
  if (subdomains)
    g_strv_builder_add (misses, beside);
  preview->matches = g_strv_builder_end (matches);
  preview->misses = g_strv_builder_end (misses);
  return preview;
}

/**
 * pm_route_preview_free:
 * @preview: (transfer full) (nullable): examples
 */
void
pm_route_preview_free (PmRoutePreview *preview)
{
  if (preview == NULL)
    return;
  g_strfreev (preview->matches);
  g_strfreev (preview->misses);
  g_free (preview);
}

/**
 * pm_route_preview_to_string:
 *
 * Returns: (transfer full): the examples as the part of an English sentence that follows “this
 *   entry”
 */
char *
pm_route_preview_to_string (const PmRoutePreview *preview)
{
  g_autofree char *matches = g_strjoinv (" and ", preview->matches);
  g_autofree char *misses = g_strjoinv (" or ", preview->misses);

  return g_strdup_printf ("matches %s, not %s", matches, misses);
}
