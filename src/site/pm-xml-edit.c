// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Edits of a text by spans, and what a person would do with the blank space around them: an element
// that stands alone on its lines goes with them, one that shares a line leaves the others in place.

#include "site/pm-xml-edit.h"

#include <string.h>

typedef struct
{
  gsize start;
  gsize end;
  char *text;
  guint order;
} Splice;

static void
clear_splice (gpointer data)
{
  g_free (((Splice *) data)->text);
}

/**
 * pm_xml_edit_new:
 *
 * Returns: (transfer full): no changes yet
 */
PmXmlEdit *
pm_xml_edit_new (const PmXmlDocument *document)
{
  PmXmlEdit *self = g_new0 (PmXmlEdit, 1);

  self->document = document;
  self->splices = g_array_new (FALSE, FALSE, sizeof (Splice));
  g_array_set_clear_func (self->splices, clear_splice);
  return self;
}

/**
 * pm_xml_edit_free:
 * @edit: (nullable) (transfer full): an edit
 */
void
pm_xml_edit_free (PmXmlEdit *edit)
{
  if (edit == NULL)
    return;
  g_array_unref (edit->splices);
  g_free (edit);
}

/**
 * pm_xml_edit_replace:
 *
 * Puts @text in place of the bytes from @start to @end.
 */
void
pm_xml_edit_replace (PmXmlEdit *edit, gsize start, gsize end, const char *text)
{
  Splice splice = { start, end, g_strdup (text), edit->splices->len };

  g_array_append_val (edit->splices, splice);
}

static gboolean
is_space (char c)
{
  return c == ' ' || c == '\t';
}

/**
 * pm_xml_is_first_on_line:
 * @line: (out) (optional): where the line begins
 *
 * Returns: whether only blanks stand before @offset in its line
 */
gboolean
pm_xml_is_first_on_line (const PmXmlDocument *document, gsize offset, gsize *line)
{
  gsize start = offset;

  while (start > 0 && is_space (document->text[start - 1]))
    start--;
  if (line != NULL)
    *line = start;
  return start == 0 || document->text[start - 1] == '\n' || document->text[start - 1] == '\r';
}

/**
 * pm_xml_indentation:
 *
 * Returns: (transfer full): the blanks that the line of @offset begins with
 */
char *
pm_xml_indentation (const PmXmlDocument *document, gsize offset)
{
  gsize start = offset;
  gsize end;

  while (start > 0 && document->text[start - 1] != '\n' && document->text[start - 1] != '\r')
    start--;
  for (end = start; end < offset && is_space (document->text[end]);)
    end++;
  return g_strndup (document->text + start, end - start);
}

static gsize
skip_spaces (const PmXmlDocument *document, gsize offset)
{
  while (offset < document->size && is_space (document->text[offset]))
    offset++;
  return offset;
}

/**
 * pm_xml_after_remarks:
 * @offset: where a tag ends
 *
 * Returns: the end of the comments that stand behind it on the same line and fill the rest of it;
 *   @offset where there is anything else
 */
gsize
pm_xml_after_remarks (const PmXmlDocument *document, gsize offset)
{
  const char *text = document->text;
  gsize at = skip_spaces (document, offset);
  gsize end = offset;

  while (document->size - at >= 7 && memcmp (text + at, "<!--", 4) == 0)
    {
      const char *close = memmem (text + at + 4, document->size - at - 4, "-->", 3);

      if (close == NULL || memchr (text + at, '\n', (gsize) (close - (text + at))) != NULL)
        return offset;
      end = (gsize) (close - text) + 3;
      at = skip_spaces (document, end);
    }
  return at == document->size || text[at] == '\n' || text[at] == '\r' ? end : offset;
}

/**
 * pm_xml_edit_remove_element:
 *
 * Removes an element, with its line where nothing else stands there.
 */
void
pm_xml_edit_remove_element (PmXmlEdit *edit, const PmXmlElement *element)
{
  const PmXmlDocument *document = edit->document;
  gsize start;
  gsize after = skip_spaces (document, element->end);
  gboolean first = pm_xml_is_first_on_line (document, element->start, &start);

  if (!first)
    {
      // `start` is behind what stands before it.
      pm_xml_edit_replace (edit, start, element->end, "");
      return;
    }
  if (after < document->size && document->text[after] == '\r')
    after++;
  if (after < document->size && document->text[after] == '\n')
    pm_xml_edit_replace (edit, start, after + 1, "");
  else
    pm_xml_edit_replace (edit, element->start, after, "");
}

static gint
compare_splices (gconstpointer a, gconstpointer b)
{
  const Splice *first = a;
  const Splice *second = b;
  gboolean first_inserts = first->start == first->end;
  gboolean second_inserts = second->start == second->end;

  if (first->start != second->start)
    return first->start < second->start ? -1 : 1;
  if (first_inserts != second_inserts)
    return first_inserts ? -1 : 1;
  return first->order < second->order ? -1 : first->order > second->order;
}

/**
 * pm_xml_edit_apply:
 * @start: from where
 * @end: to where
 *
 * Returns: (transfer full): that part of the text with all changes, which must lie in it
 */
GString *
pm_xml_edit_apply (PmXmlEdit *edit, gsize start, gsize end)
{
  GString *out = g_string_sized_new (end - start + 256);
  const char *text = edit->document->text;

  g_array_sort (edit->splices, compare_splices);
  for (guint i = 0; i < edit->splices->len; i++)
    {
      const Splice *splice = &g_array_index (edit->splices, Splice, i);

      if (splice->start > start)
        g_string_append_len (out, text + start, (gssize) (splice->start - start));
      g_string_append (out, splice->text);
      start = MAX (start, splice->end);
    }
  if (end > start)
    g_string_append_len (out, text + start, (gssize) (end - start));
  return out;
}
