// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Writes a site as the smallest edit of the file that it came from. The file's elements and the
// values that they were read into are walked beside the new values along the table; only what says
// something else is touched, and what the table does not know is never looked at.

#include <string.h>

#include "base/pm-error.h"
#include "site/pm-site-reading.h"
#include "site/pm-site-tree.h"
#include "site/pm-xml-edit.h"

typedef struct
{
  const PmXmlDocument *document;
  char *unit;
  const char *newline;
} Writer;

/* The children of one element while they are brought up to date. */
typedef struct
{
  Writer *writer;
  guint index; /* the element */
  PmXmlEdit *edit;
  GString *content; /* what comes into an element that has no content yet */
  gboolean empty;
  guint last_kept; /* of the kinds that are done: the child that stands last */
} Parent;

static void reconcile (Writer *writer,
                       PmXmlEdit *edit,
                       guint index,
                       gconstpointer former,
                       gconstpointer value);

static PmXmlElement *
element_at (const Writer *writer, guint index)
{
  return pm_xml_document_element (writer->document, index);
}

// Strings are looked at through the place where their pointer lies, as in a list.
static gconstpointer
former_value (const Writer *writer, guint index, const PmSiteChild *child)
{
  PmXmlElement *element = element_at (writer, index);

  return child->place == PM_SITE_STRINGS ? (gconstpointer) &element->value : element->value;
}

/* Attributes */

static const PmXmlAttribute *
find_attribute (const PmXmlDocument *document, const PmXmlElement *element, const char *name)
{
  for (guint i = 0; i < element->n_attributes; i++)
    {
      const PmXmlAttribute *found = pm_xml_document_attribute (document, element, i);

      if (found->space == PM_XML_OURS && found->name_end - found->name == strlen (name) &&
          memcmp (document->text + found->name, name, strlen (name)) == 0)
        return found;
    }
  return NULL;
}

static gsize
blanks_before (const PmXmlDocument *document, gsize offset)
{
  while (offset > 0 && pm_xml_is_blank (document->text[offset - 1]))
    offset--;
  return offset;
}

static void
add_attribute (const Writer *writer,
               PmXmlEdit *edit,
               const PmXmlElement *element,
               const char *name,
               const char *text)
{
  const PmXmlDocument *document = writer->document;
  g_autoptr (GString) out = g_string_new (NULL);
  gsize at = element->name_end;
  char quote = '"';

  if (element->n_attributes == 0)
    g_string_append_c (out, ' ');
  else
    {
      const PmXmlAttribute *last = pm_xml_document_attribute (document, element,
                                                              element->n_attributes - 1u);
      gsize blank = blanks_before (document, last->name);

      at = last->value_end + 1;
      quote = document->text[last->value_end];
      g_string_append_len (out, document->text + blank, (gssize) (last->name - blank));
    }
  g_string_append_printf (out, "%s=%c", name, quote);
  pm_site_tree_append_value (out, text, quote);
  g_string_append_c (out, quote);
  pm_xml_edit_replace (edit, at, at, out->str);
}

// `#domain` says that the route matches exactly: the hash stays while that is so, and goes with it.
static void
add_hashes (const Writer *writer,
            const PmXmlAttribute *found,
            const PmRoute *route,
            char **former,
            char **text)
{
  g_autofree char *written = g_strstrip (pm_xml_document_value (writer->document, found));
  char *hashed;

  if (*written != '#')
    return;
  hashed = g_strconcat ("#", *former, NULL);
  g_free (*former);
  *former = hashed;
  if (route->subdomains)
    return;
  hashed = g_strconcat ("#", *text, NULL);
  g_free (*text);
  *text = hashed;
}

static void
reconcile_attribute (const Writer *writer,
                     PmXmlEdit *edit,
                     const PmXmlElement *element,
                     const PmSiteAttribute *attribute,
                     gconstpointer former,
                     gconstpointer value)
{
  const PmXmlDocument *document = writer->document;
  const PmXmlAttribute *found = find_attribute (document, element, attribute->name);
  g_autofree char *former_text = attribute->type->write (attribute, former);
  g_autofree char *text = attribute->type->write (attribute, value);

  if (found != NULL && attribute->type == &pm_site_type_route)
    add_hashes (writer, found, value, &former_text, &text);
  if (g_strcmp0 (text, former_text) == 0)
    return;

  if (text == NULL && found != NULL)
    pm_xml_edit_replace (edit, blanks_before (document, found->name), found->value_end + 1, "");
  else if (text != NULL && found != NULL)
    {
      g_autoptr (GString) out = g_string_new (NULL);

      pm_site_tree_append_value (out, text, document->text[found->value_end]);
      pm_xml_edit_replace (edit, found->value, found->value_end, out->str);
    }
  else if (text != NULL && g_strcmp0 (text, attribute->fallback) != 0)
    add_attribute (writer, edit, element, attribute->name, text);
}

/* New children */

static char *
prefix_of (const Writer *writer, guint index)
{
  const PmXmlElement *element = element_at (writer, index);

  return g_strndup (writer->document->text + element->start + 1,
                    element->local - element->start - 1);
}

// The indentation of an element's line, and whether it begins that line.
static gboolean
line_of (const Writer *writer, guint index, char **indent)
{
  gsize start = element_at (writer, index)->start;

  *indent = pm_xml_indentation (writer->document, start);
  return pm_xml_is_first_on_line (writer->document, start, NULL);
}

static void
append_new (const Parent *parent,
            GString *out,
            const PmSiteElement *spec,
            gconstpointer value,
            const char *indent,
            gboolean inline_only)
{
  g_autofree char *prefix = prefix_of (parent->writer, parent->index);
  PmSiteStyle style = { prefix, parent->writer->unit, parent->writer->newline };

  pm_site_tree_append (out, &style, spec, value, indent, inline_only);
}

// Into an element without content: on lines of their own, or side by side where that is its way.
static void
add_to_content (Parent *parent, const PmSiteElement *spec, gconstpointer value)
{
  const PmXmlElement *element = element_at (parent->writer, parent->index);
  g_autofree char *indent = pm_xml_indentation (parent->writer->document, element->start);
  g_autofree char *deeper = g_strconcat (indent, parent->writer->unit, NULL);

  if (((const PmSiteElement *) element->spec)->compact)
    {
      append_new (parent, parent->content, spec, value, deeper, TRUE);
      return;
    }
  g_string_append_printf (parent->content, "%s%s", parent->writer->newline, deeper);
  append_new (parent, parent->content, spec, value, deeper, FALSE);
}

// Behind the start tag, where there is no brother to stand behind.
static gsize
place_first (const Parent *parent, char **indent, gboolean *own_line)
{
  const PmXmlDocument *document = parent->writer->document;
  const PmXmlElement *element = element_at (parent->writer, parent->index);
  g_autofree char *outer = NULL;

  *own_line = memchr (document->text + element->open_end, '\n',
                      element->close - element->open_end) != NULL;
  if (element->first_child == PM_XML_NONE ||
      !line_of (parent->writer, element->first_child, indent))
    {
      if (element->first_child != PM_XML_NONE)
        g_free (*indent);
      outer = pm_xml_indentation (document, element->start);
      *indent = g_strconcat (outer, parent->writer->unit, NULL);
    }
  return *own_line ? pm_xml_after_remarks (document, element->open_end) : element->open_end;
}

// Adds an element behind the child `after` (PM_XML_NONE: as the first); `text` is what is moved
// there, if it is not new.
static void
insert_child (Parent *parent,
              guint after,
              const PmSiteElement *spec,
              gconstpointer value,
              const char *text)
{
  const PmXmlDocument *document = parent->writer->document;
  g_autofree char *indent = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean own_line;
  gsize at;

  if (parent->empty)
    {
      add_to_content (parent, spec, value);
      return;
    }
  if (after == PM_XML_NONE)
    at = place_first (parent, &indent, &own_line);
  else
    {
      own_line = line_of (parent->writer, after, &indent);
      at = element_at (parent->writer, after)->end;
      if (own_line)
        at = pm_xml_after_remarks (document, at);
      else if (pm_xml_is_blank (document->text[element_at (parent->writer, after)->start - 1]))
        g_string_append_c (out, ' ');
    }

  if (own_line)
    g_string_append_printf (out, "%s%s", parent->writer->newline, indent);
  if (text != NULL)
    g_string_append (out, text);
  else
    append_new (parent, out, spec, value, indent, !own_line);
  pm_xml_edit_replace (parent->edit, at, at, out->str);
}

static void
keep (Parent *parent, guint index)
{
  if (parent->last_kept == PM_XML_NONE ||
      element_at (parent->writer, index)->start >
          element_at (parent->writer, parent->last_kept)->start)
    parent->last_kept = index;
}

/* Children that stand once */

static guint
find_choice (const Parent *parent)
{
  const PmSiteElement *spec = element_at (parent->writer, parent->index)->spec;

  for (guint at = element_at (parent->writer, parent->index)->first_child; at != PM_XML_NONE;
       at = element_at (parent->writer, at)->next)
    {
      const PmSiteElement *found = element_at (parent->writer, at)->spec;
      const PmSiteChild *child = found == NULL ? NULL
                                               : pm_site_element_find_child (
                                                     spec, found->name, strlen (found->name));

      if (child != NULL && (child->flags & PM_SITE_CHOICE))
        return at;
    }
  return PM_XML_NONE;
}

static void
replace_choice (Parent *parent, const PmSiteChild *child, gconstpointer value)
{
  guint at = find_choice (parent);
  const PmXmlElement *element = element_at (parent->writer, at);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *indent = NULL;
  gboolean own_line = line_of (parent->writer, at, &indent);

  append_new (parent, out, child->element, value, indent, !own_line);
  pm_xml_edit_replace (parent->edit, element->start, element->end, out->str);
}

static void
reconcile_single (Parent *parent, const PmSiteChild *child, GArray *found, gconstpointer value)
{
  gboolean member = child->place == PM_SITE_MEMBER;
  gconstpointer child_value = member ? PM_SITE_MEMBER_AT (gpointer, value, child->offset) : value;
  gboolean wanted = pm_site_tree_is_present (child, value);
  guint at = found->len > 0 ? g_array_index (found, guint, 0) : PM_XML_NONE;

  if (at == PM_XML_NONE && wanted && (child->flags & PM_SITE_CHOICE))
    replace_choice (parent, child, child_value);
  else if (at == PM_XML_NONE && wanted)
    insert_child (parent, parent->last_kept, child->element, child_value, NULL);
  else if (at != PM_XML_NONE && child->present != NULL && !wanted)
    {
      if (!(child->flags & PM_SITE_CHOICE))
        pm_xml_edit_remove_element (parent->edit, element_at (parent->writer, at));
    }
  else if (at != PM_XML_NONE)
    {
      reconcile (parent->writer, parent->edit, at, former_value (parent->writer, at, child),
                 child_value);
      keep (parent, at);
    }
}

/* Lists */

// An item without a partner right behind one with a partner is that one's neighbour, changed: so an
// edit of a key stays where it is.
static void
pair_neighbours (GArray *partners, guint n_former, gboolean *used)
{
  for (guint i = 0; i < partners->len; i++)
    if (g_array_index (partners, guint, i) != G_MAXUINT)
      used[g_array_index (partners, guint, i)] = TRUE;

  for (guint i = 0; i < partners->len; i++)
    {
      guint candidate = i == 0 ? 0 : g_array_index (partners, guint, i - 1) + 1;

      if (g_array_index (partners, guint, i) != G_MAXUINT || candidate >= n_former ||
          (i > 0 && candidate == 0) || used[candidate])
        continue;
      g_array_index (partners, guint, i) = candidate;
      used[candidate] = TRUE;
    }
}

// The most items that can stay where they are: a longest increasing run of partners.
static gboolean *
find_staying (GArray *partners, gboolean ordered)
{
  guint n = partners->len;
  gboolean *staying = g_new0 (gboolean, n + 1);
  g_autofree guint *tails = g_new0 (guint, n + 1);
  g_autofree guint *before = g_new0 (guint, n + 1);
  guint length = 0;

  for (guint i = 0; i < n; i++)
    {
      guint partner = g_array_index (partners, guint, i);
      guint low = 0;
      guint high = length;

      if (partner == G_MAXUINT)
        continue;
      if (!ordered)
        {
          staying[i] = TRUE;
          continue;
        }
      while (low < high)
        {
          guint middle = (low + high) / 2;

          if (g_array_index (partners, guint, tails[middle]) < partner)
            low = middle + 1;
          else
            high = middle;
        }
      before[i] = low == 0 ? G_MAXUINT : tails[low - 1];
      tails[low] = i;
      length = MAX (length, low + 1);
    }
  for (guint i = length == 0 ? G_MAXUINT : tails[length - 1]; i != G_MAXUINT; i = before[i])
    staying[i] = TRUE;
  return staying;
}

static void
move_child (Parent *parent,
            const PmSiteChild *child,
            guint at,
            guint after,
            gconstpointer value)
{
  const PmXmlElement *element = element_at (parent->writer, at);
  g_autoptr (PmXmlEdit) inner = pm_xml_edit_new (parent->writer->document);
  g_autoptr (GString) text = NULL;

  reconcile (parent->writer, inner, at, former_value (parent->writer, at, child), value);
  text = pm_xml_edit_apply (inner, element->start, element->end);
  pm_xml_edit_remove_element (parent->edit, element);
  insert_child (parent, after, child->element, value, text->str);
}

static void
reconcile_list (Parent *parent, const PmSiteChild *child, GArray *found, gconstpointer value)
{
  g_autoptr (GPtrArray) values = pm_site_tree_values (child, value);
  g_autoptr (GPtrArray) former = g_ptr_array_sized_new (found->len);
  g_autofree gboolean *used = g_new0 (gboolean, found->len + 1);
  g_autofree gboolean *staying = NULL;
  g_autoptr (GArray) partners = NULL;
  guint after = parent->last_kept;

  for (guint i = 0; i < found->len; i++)
    g_ptr_array_add (former, (gpointer) former_value (parent->writer,
                                                      g_array_index (found, guint, i), child));
  partners = pm_site_tree_match (child->element, former, values);
  pair_neighbours (partners, found->len, used);
  staying = find_staying (partners, (child->flags & PM_SITE_ORDERED) != 0);

  for (guint i = 0; i < found->len; i++)
    if (!used[i])
      pm_xml_edit_remove_element (parent->edit,
                                  element_at (parent->writer, g_array_index (found, guint, i)));

  for (guint i = 0; i < values->len; i++)
    {
      guint partner = g_array_index (partners, guint, i);
      guint at = partner == G_MAXUINT ? PM_XML_NONE : g_array_index (found, guint, partner);

      if (at == PM_XML_NONE)
        insert_child (parent, after, child->element, values->pdata[i], NULL);
      else if (!staying[i])
        move_child (parent, child, at, after, values->pdata[i]);
      else
        {
          reconcile (parent->writer, parent->edit, at, former->pdata[partner], values->pdata[i]);
          keep (parent, at);
          after = at;
        }
    }
}

/* One element */

static GArray *
find_children (const Writer *writer, guint index, const PmSiteElement *spec)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint at = element_at (writer, index)->first_child; at != PM_XML_NONE;
       at = element_at (writer, at)->next)
    if (element_at (writer, at)->spec == spec)
      g_array_append_val (found, at);
  return found;
}

static gboolean
has_no_content (const Writer *writer, const PmXmlElement *element)
{
  for (gsize i = element->open_end; i < element->close; i++)
    if (!pm_xml_is_blank (writer->document->text[i]))
      return FALSE;
  return TRUE;
}

static void
fill_content (Parent *parent)
{
  const PmXmlDocument *document = parent->writer->document;
  const PmXmlElement *element = element_at (parent->writer, parent->index);
  g_autofree char *indent = pm_xml_indentation (document, element->start);

  if (memchr (parent->content->str, '\n', parent->content->len) != NULL)
    g_string_append_printf (parent->content, "%s%s", parent->writer->newline, indent);
  if (element->open_end == element->end)
    {
      gsize slash = element->end - strlen ("/>");

      g_string_prepend_c (parent->content, '>');
      g_string_append_printf (parent->content, "</%.*s>",
                              (int) (element->name_end - element->start - 1),
                              document->text + element->start + 1);
      pm_xml_edit_replace (parent->edit, blanks_before (document, slash), element->end,
                           parent->content->str);
    }
  else
    pm_xml_edit_replace (parent->edit, element->open_end, element->close, parent->content->str);
}

static void
reconcile_children (Writer *writer,
                    PmXmlEdit *edit,
                    guint index,
                    gconstpointer value)
{
  const PmXmlElement *element = element_at (writer, index);
  const PmSiteElement *spec = element->spec;
  g_autoptr (GString) content = g_string_new (NULL);
  Parent parent = { writer, index, edit, content, has_no_content (writer, element), PM_XML_NONE };

  for (const PmSiteChild *c = spec->children; c->element != NULL; c++)
    {
      g_autoptr (GArray) found = find_children (writer, index, c->element);

      if (c->place == PM_SITE_SAME || c->place == PM_SITE_MEMBER)
        reconcile_single (&parent, c, found, value);
      else
        reconcile_list (&parent, c, found, value);
    }
  if (content->len > 0)
    fill_content (&parent);
}

static void
reconcile (Writer *writer,
           PmXmlEdit *edit,
           guint index,
           gconstpointer former,
           gconstpointer value)
{
  const PmXmlElement *element = element_at (writer, index);
  const PmSiteElement *spec = element->spec;

  // Values that are shared say the same.
  if (former == value)
    return;
  for (const PmSiteAttribute *a = spec->attributes; a != NULL && a->name != NULL; a++)
    reconcile_attribute (writer, edit, element, a, former, value);
  if (spec->children != NULL)
    reconcile_children (writer, edit, index, value);
}

/* The file */

static char *
guess_unit (const PmXmlDocument *document)
{
  const PmXmlElement *root = pm_xml_document_element (document, 0);
  g_autofree char *outer = pm_xml_indentation (document, root->start);
  g_autofree char *indent = NULL;

  if (root->first_child == PM_XML_NONE)
    return g_strdup ("  ");
  indent = pm_xml_indentation (document,
                               pm_xml_document_element (document, root->first_child)->start);
  if (!g_str_has_prefix (indent, outer) || strlen (indent) == strlen (outer))
    return g_strdup ("  ");
  return g_strdup (indent + strlen (outer));
}

static const char *
guess_newline (const PmXmlDocument *document)
{
  const char *first = memchr (document->text, '\n', document->size);

  return first != NULL && first > document->text && first[-1] == '\r' ? "\r\n" : "\n";
}

// What XML cannot carry (XML 1.0 2.2, Char) is refused rather than written as something else.
static gboolean
check_text (const GString *text, GError **error)
{
  gboolean ok = g_utf8_validate (text->str, (gssize) text->len, NULL) &&
                strstr (text->str, "\xef\xbf\xbe") == NULL &&
                strstr (text->str, "\xef\xbf\xbf") == NULL;

  for (gsize i = 0; i < text->len && ok; i++)
    ok = (guchar) text->str[i] >= 0x20 || pm_xml_is_blank (text->str[i]);
  if (ok && text->len <= PM_SITE_FILE_MAX_SIZE)
    return TRUE;
  if (ok)
    g_set_error_literal (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                         "The site would be larger than 64 MiB; remove what is not needed");
  else
    g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID,
                         "A value of the site has a control character or is not UTF-8, so it "
                         "cannot be written; remove that character");
  return FALSE;
}

static GString *
write_new (const PmSite *site)
{
  const PmSiteStyle style = { "", "  ", "\n" };
  GString *out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  gsize start = out->len;

  pm_site_tree_append (out, &style, &pm_site_schema, site, "", FALSE);
  g_string_insert (out, (gssize) (start + strlen ("<site")), " xmlns=\"urn:pointsman:site:1\"");
  g_string_append_c (out, '\n');
  return out;
}

static GString *
write_edit (const PmSite *site, GBytes *base, GError **error)
{
  g_autoptr (PmSiteReading) reading = pm_site_reading_new (base);
  g_autoptr (PmXmlEdit) edit = NULL;
  g_autofree char *unit = NULL;
  Writer writer = { .document = reading->document };

  if (reading->n_errors > 0)
    {
      g_autofree char *text = pm_site_reading_error_text (reading, NULL);

      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "The file that is to be edited does not load:\n%s", text);
      return NULL;
    }
  edit = pm_xml_edit_new (reading->document);
  writer.unit = unit = guess_unit (reading->document);
  writer.newline = guess_newline (reading->document);
  reconcile (&writer, edit, 0, reading->site, site);
  return pm_xml_edit_apply (edit, 0, reading->document->size);
}

/**
 * pm_site_write:
 * @site: a site
 * @base: (nullable): the file that it came from, which must load; %NULL for a new file
 * @error: %PM_ERROR_INVALID when @base does not load or a value cannot be written in XML,
 *   %PM_ERROR_TOO_LARGE
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the site as the smallest edit of @base
 */
GBytes *
pm_site_write (const PmSite *site, GBytes *base, GError **error)
{
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (site != NULL, NULL);

  text = base == NULL ? write_new (site) : write_edit (site, base, error);
  if (text == NULL || !check_text (text, error))
    return NULL;
  return g_string_free_to_bytes (g_steal_pointer (&text));
}
