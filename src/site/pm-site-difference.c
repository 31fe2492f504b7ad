// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What differs in two sites, in the words of the site file: found by walking both along the table.

#include <string.h>

#include "site/pm-site-file.h"
#include "site/pm-site-tree.h"

static void compare (GPtrArray *changes,
                     const PmSiteElement *element,
                     gconstpointer from,
                     gconstpointer to,
                     const char *path);

/**
 * pm_site_change_free:
 * @change: (nullable) (transfer full): a change
 */
void
pm_site_change_free (PmSiteChange *change)
{
  if (change == NULL)
    return;
  g_free (change->where);
  g_free (change->from);
  g_free (change->to);
  g_free (change);
}

static void
add_change (GPtrArray *changes, const char *where, char *from, char *to)
{
  PmSiteChange *change = g_new0 (PmSiteChange, 1);

  change->kind = from == NULL ? PM_CHANGE_ADDED : to == NULL ? PM_CHANGE_REMOVED
                                                             : PM_CHANGE_MODIFIED;
  change->where = g_strdup (where);
  change->from = from;
  change->to = to;
  g_ptr_array_add (changes, change);
}

static char *
join_path (const char *path, const PmSiteElement *element, gconstpointer value)
{
  g_autofree char *step = pm_site_element_path_step (element, value);

  return *path == '\0' ? g_steal_pointer (&step) : g_strconcat (path, "/", step, NULL);
}

static char *
to_text (const PmSiteElement *element, gconstpointer value)
{
  const PmSiteStyle style = { "", "", "" };
  GString *out = g_string_new (NULL);

  pm_site_tree_append (out, &style, element, value, "", TRUE);
  return g_string_free (out, FALSE);
}

static void
compare_attributes (GPtrArray *changes,
                    const PmSiteElement *element,
                    gconstpointer from,
                    gconstpointer to,
                    const char *path)
{
  for (const PmSiteAttribute *a = element->attributes; a != NULL && a->name != NULL; a++)
    {
      g_autofree char *from_text = a->type->write (a, from);
      g_autofree char *to_text_ = a->type->write (a, to);
      g_autofree char *where = NULL;

      if (g_strcmp0 (from_text, to_text_) == 0)
        continue;
      where = *path == '\0' ? g_strconcat ("@", a->name, NULL)
                            : g_strconcat (path, "/@", a->name, NULL);
      add_change (changes, where, g_steal_pointer (&from_text), g_steal_pointer (&to_text_));
    }
}

static void
compare_single (GPtrArray *changes,
                const PmSiteChild *child,
                gconstpointer from,
                gconstpointer to,
                const char *path)
{
  gboolean member = child->place == PM_SITE_MEMBER;
  gboolean before = child->present == NULL || child->present (from);
  gboolean after = child->present == NULL || child->present (to);
  gconstpointer from_value = member ? PM_SITE_MEMBER_AT (gpointer, from, child->offset) : from;
  gconstpointer to_value = member ? PM_SITE_MEMBER_AT (gpointer, to, child->offset) : to;
  g_autofree char *where = join_path (path, child->element, NULL);

  if (before && after)
    compare (changes, child->element, from_value, to_value, where);
  else if (before)
    add_change (changes, where, to_text (child->element, from_value), NULL);
  else if (after)
    add_change (changes, where, NULL, to_text (child->element, to_value));
}

// A route that does another thing now has changed; nothing came or went.
static void
compare_choice (GPtrArray *changes,
                const PmSiteElement *element,
                gconstpointer from,
                gconstpointer to,
                const char *path)
{
  const PmSiteElement *before = NULL;
  const PmSiteElement *after = NULL;

  for (const PmSiteChild *c = element->children; c->element != NULL; c++)
    {
      if (!(c->flags & PM_SITE_CHOICE))
        continue;
      if (c->present (from))
        before = c->element;
      if (c->present (to))
        after = c->element;
      if (c->present (from) && c->present (to))
        compare_single (changes, c, from, to, path);
    }
  if (before != NULL && after != NULL && before != after)
    add_change (changes, path, to_text (before, from), to_text (after, to));
}

static char *
list_text (const PmSiteElement *element, GPtrArray *values)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < values->len; i++)
    {
      g_autofree char *text = to_text (element, values->pdata[i]);

      g_string_append_printf (out, "%s%s", i == 0 ? "" : " ", text);
    }
  return g_string_free (out, FALSE);
}

static void
compare_list (GPtrArray *changes,
              const PmSiteChild *child,
              gconstpointer from,
              gconstpointer to,
              const char *path)
{
  g_autoptr (GPtrArray) before = pm_site_tree_values (child, from);
  g_autoptr (GPtrArray) after = pm_site_tree_values (child, to);
  g_autoptr (GArray) partners = pm_site_tree_match (child->element, before, after);
  g_autofree gboolean *used = g_new0 (gboolean, before->len + 1);
  gboolean moved = FALSE;
  guint last = 0;

  for (guint i = 0; i < after->len; i++)
    {
      guint partner = g_array_index (partners, guint, i);

      if (partner == G_MAXUINT)
        continue;
      used[partner] = TRUE;
      moved = moved || partner < last;
      last = partner;
    }
  for (guint i = 0; i < before->len; i++)
    if (!used[i])
      {
        g_autofree char *where = join_path (path, child->element, before->pdata[i]);

        add_change (changes, where, to_text (child->element, before->pdata[i]), NULL);
      }
  for (guint i = 0; i < after->len; i++)
    {
      guint partner = g_array_index (partners, guint, i);
      g_autofree char *where = NULL;

      // The same value, shared by both sites: the usual case, and the cheap one.
      if (partner != G_MAXUINT && before->pdata[partner] == after->pdata[i])
        continue;
      where = join_path (path, child->element, after->pdata[i]);
      if (partner == G_MAXUINT)
        add_change (changes, where, NULL, to_text (child->element, after->pdata[i]));
      else
        compare (changes, child->element, before->pdata[partner], after->pdata[i], where);
    }
  if (moved && (child->flags & PM_SITE_ORDERED))
    add_change (changes, path, list_text (child->element, before),
                list_text (child->element, after));
}

static void
compare (GPtrArray *changes,
         const PmSiteElement *element,
         gconstpointer from,
         gconstpointer to,
         const char *path)
{
  gboolean choice = FALSE;

  compare_attributes (changes, element, from, to, path);
  for (const PmSiteChild *c = element->children; c != NULL && c->element != NULL; c++)
    {
      if (c->flags & PM_SITE_CHOICE)
        choice = TRUE;
      else if (c->place == PM_SITE_SAME || c->place == PM_SITE_MEMBER)
        compare_single (changes, c, from, to, path);
      else
        compare_list (changes, c, from, to, path);
    }
  if (choice)
    compare_choice (changes, element, from, to, path);
}

/**
 * pm_site_difference:
 * @from: a site
 * @to: another
 *
 * Any thread.
 *
 * Returns: (transfer container) (element-type PmSiteChange): what must change in @from to make it
 *   @to, in document order; of a list, what is removed first. An element that comes or goes is
 *   given as XML on one line, an attribute as its value. A changed order of hosts or listeners is
 *   one change of their parent.
 */
GPtrArray *
pm_site_difference (const PmSite *from, const PmSite *to)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_change_free);

  g_return_val_if_fail (from != NULL && to != NULL, changes);

  compare (changes, &pm_site_schema, from, to, "");
  return changes;
}
