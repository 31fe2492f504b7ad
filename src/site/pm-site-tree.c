// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Walks a site's values along the table: which elements they make, which of two lists' items are
// the same one, and how an element is written that is new.

#include "site/pm-site-tree.h"

#include <string.h>

#define MAX_COMPACT 96

/**
 * pm_site_tree_values:
 * @child: a kind of child elements
 * @parent: the parent's value
 *
 * Returns: (transfer container): the values of the children of that kind; of strings, where the
 *   string pointers lie
 */
GPtrArray *
pm_site_tree_values (const PmSiteChild *child, gconstpointer parent)
{
  GPtrArray *values = g_ptr_array_new ();
  GPtrArray *list;

  switch (child->place)
    {
    case PM_SITE_SAME:
      g_ptr_array_add (values, (gpointer) parent);
      break;
    case PM_SITE_MEMBER:
      g_ptr_array_add (values, PM_SITE_MEMBER_AT (gpointer, parent, child->offset));
      break;
    case PM_SITE_LIST:
      list = PM_SITE_MEMBER_AT (GPtrArray *, parent, child->offset);
      for (guint i = 0; i < list->len; i++)
        if (child->present == NULL || child->present (list->pdata[i]))
          g_ptr_array_add (values, list->pdata[i]);
      break;
    case PM_SITE_STRINGS:
      list = PM_SITE_MEMBER_AT (GPtrArray *, parent, child->offset);
      for (guint i = 0; i < list->len; i++)
        g_ptr_array_add (values, &list->pdata[i]);
      break;
    }
  return values;
}

/**
 * pm_site_tree_is_present:
 * @child: a child that stands once (%PM_SITE_SAME or %PM_SITE_MEMBER)
 *
 * Returns: whether a new file has the element
 */
gboolean
pm_site_tree_is_present (const PmSiteChild *child, gconstpointer parent)
{
  if (child->present != NULL)
    return child->present (parent);
  if (child->flags & PM_SITE_REQUIRED)
    return TRUE;
  return pm_site_tree_says_something (
      child->element, child->place == PM_SITE_MEMBER
                          ? PM_SITE_MEMBER_AT (gpointer, parent, child->offset)
                          : parent);
}

/**
 * pm_site_tree_says_something:
 *
 * Returns: whether the element says more than its absence would
 */
gboolean
pm_site_tree_says_something (const PmSiteElement *element, gconstpointer value)
{
  if (element->attributes != NULL)
    for (const PmSiteAttribute *a = element->attributes; a->name != NULL; a++)
      {
        g_autofree char *text = NULL;

        if (a->flags & PM_SITE_FIXED)
          continue;
        text = a->type->write (a, value);
        if (text != NULL && g_strcmp0 (text, a->fallback) != 0)
          return TRUE;
      }
  if (element->children == NULL)
    return FALSE;
  for (const PmSiteChild *c = element->children; c->element != NULL; c++)
    {
      g_autoptr (GPtrArray) values = NULL;

      if (c->place == PM_SITE_SAME || c->place == PM_SITE_MEMBER)
        {
          if (pm_site_tree_is_present (c, value))
            return TRUE;
          continue;
        }
      values = pm_site_tree_values (c, value);
      if (values->len > 0)
        return TRUE;
    }
  return FALSE;
}

/* Which are the same */

static char *
make_key (const PmSiteElement *element, gconstpointer value)
{
  GString *key = g_string_new (NULL);

  for (const PmSiteAttribute *a = element->attributes; a != NULL && a->name != NULL; a++)
    {
      g_autofree char *text = a->flags & PM_SITE_KEY ? a->type->write (a, value) : NULL;

      g_string_append_printf (key, "%s\n", text != NULL ? text : "");
    }
  return g_string_free (key, FALSE);
}

static GPtrArray *
make_keys (const PmSiteElement *element, GPtrArray *values)
{
  GPtrArray *keys = g_ptr_array_new_full (values->len, g_free);

  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add (keys, make_key (element, values->pdata[i]));
  return keys;
}

// The middle, where order or membership differ: by a table of the keys still free, last one first
// so that equal keys pair up in their order.
static void
match_middle (GPtrArray *from, GPtrArray *to, guint head, guint tail, GArray *partners)
{
  g_autoptr (GHashTable) free_ones = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree guint *next = g_new0 (guint, from->len + 1);

  for (guint i = from->len - tail; i > head; i--)
    {
      next[i] = GPOINTER_TO_UINT (g_hash_table_lookup (free_ones, from->pdata[i - 1]));
      g_hash_table_insert (free_ones, from->pdata[i - 1], GUINT_TO_POINTER (i));
    }
  for (guint i = head; i < to->len - tail; i++)
    {
      guint found = GPOINTER_TO_UINT (g_hash_table_lookup (free_ones, to->pdata[i]));

      if (found == 0)
        continue;
      g_array_index (partners, guint, i) = found - 1;
      g_hash_table_insert (free_ones, to->pdata[i], GUINT_TO_POINTER (next[found]));
    }
}

/**
 * pm_site_tree_match:
 * @element: what the values are
 * @from: values
 * @to: values
 *
 * Returns: (transfer full) (element-type guint): for each of @to the index of the one in @from with
 *   the same key attributes, %G_MAXUINT where there is none
 */
GArray *
pm_site_tree_match (const PmSiteElement *element, GPtrArray *from, GPtrArray *to)
{
  g_autoptr (GPtrArray) from_keys = make_keys (element, from);
  g_autoptr (GPtrArray) to_keys = make_keys (element, to);
  GArray *partners = g_array_sized_new (FALSE, FALSE, sizeof (guint), to->len);
  guint shorter = MIN (from->len, to->len);
  guint head = 0;
  guint tail = 0;
  guint none = G_MAXUINT;

  for (guint i = 0; i < to->len; i++)
    g_array_append_val (partners, none);
  for (; head < shorter && strcmp (from_keys->pdata[head], to_keys->pdata[head]) == 0; head++)
    g_array_index (partners, guint, head) = head;
  for (; tail < shorter - head && strcmp (from_keys->pdata[from->len - tail - 1],
                                          to_keys->pdata[to->len - tail - 1]) == 0;
       tail++)
    g_array_index (partners, guint, to->len - tail - 1) = from->len - tail - 1;
  match_middle (from_keys, to_keys, head, tail, partners);
  return partners;
}

/* New text */

/**
 * pm_site_tree_append_value:
 * @quote: the quote that stands around it
 *
 * Appends an attribute's value as XML: it reads back to the same text.
 */
void
pm_site_tree_append_value (GString *out, const char *text, char quote)
{
  for (const char *c = text; *c != '\0'; c++)
    switch (*c)
      {
      case '&':
        g_string_append (out, "&amp;");
        break;
      case '<':
        g_string_append (out, "&lt;");
        break;
      case '\t':
      case '\n':
      case '\r':
        g_string_append_printf (out, "&#%d;", *c);
        break;
      default:
        if (*c == quote)
          g_string_append (out, quote == '"' ? "&quot;" : "&apos;");
        else
          g_string_append_c (out, *c);
      }
}

static void
append_attributes (GString *out, const PmSiteElement *element, gconstpointer value)
{
  if (element->attributes == NULL)
    return;
  for (const PmSiteAttribute *a = element->attributes; a->name != NULL; a++)
    {
      g_autofree char *text = a->type->write (a, value);

      if (text == NULL || (a->fallback != NULL && strcmp (text, a->fallback) == 0))
        continue;
      g_string_append_printf (out, " %s=\"", a->name);
      pm_site_tree_append_value (out, text, '"');
      g_string_append_c (out, '"');
    }
}

static void
append_children (GString *out,
                 const PmSiteStyle *style,
                 const PmSiteElement *element,
                 gconstpointer value,
                 const char *indent,
                 gboolean inline_only)
{
  for (const PmSiteChild *c = element->children; c != NULL && c->element != NULL; c++)
    {
      gboolean once = c->place == PM_SITE_SAME || c->place == PM_SITE_MEMBER;
      g_autoptr (GPtrArray) values = NULL;

      if (once && !pm_site_tree_is_present (c, value))
        continue;
      values = pm_site_tree_values (c, value);
      for (guint i = 0; i < values->len; i++)
        {
          if (!inline_only)
            g_string_append_printf (out, "%s%s", style->newline, indent);
          pm_site_tree_append (out, style, c->element, values->pdata[i], indent, inline_only);
        }
    }
}

/**
 * pm_site_tree_append:
 * @indent: the indentation of the line that the element begins in
 * @inline_only: whether everything in it stands on one line
 *
 * Appends an element as XML. Attributes that say their default are left out.
 */
void
pm_site_tree_append (GString *out,
                     const PmSiteStyle *style,
                     const PmSiteElement *element,
                     gconstpointer value,
                     const char *indent,
                     gboolean inline_only)
{
  g_autofree char *deeper = g_strconcat (indent, style->unit, NULL);
  gsize start = out->len;
  gsize content;

  g_string_append_printf (out, "<%s%s", style->prefix, element->name);
  append_attributes (out, element, value);
  g_string_append_c (out, '>');
  content = out->len;

  if (element->compact && !inline_only)
    {
      append_children (out, style, element, value, "", TRUE);
      if (out->len - start + strlen (indent) > MAX_COMPACT)
        g_string_truncate (out, content);
    }
  if (out->len == content)
    append_children (out, style, element, value, deeper, inline_only);

  if (out->len == content)
    {
      g_string_truncate (out, content - 1);
      g_string_append (out, "/>");
      return;
    }
  if (memchr (out->str + content, '\n', out->len - content) != NULL)
    g_string_append_printf (out, "%s%s", style->newline, indent);
  g_string_append_printf (out, "</%s%s>", style->prefix, element->name);
}
