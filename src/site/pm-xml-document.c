// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A scanner that keeps places: every element and attribute of a text as byte spans. It trusts
// nothing and stays in bounds on any bytes, but it is not the judge of XML: where it cannot go on
// it says so, and libxml2 finds the words. It refuses, before anything else looks, what could cost
// more than it is worth: DOCTYPE (and so every entity), other encodings, depth and numbers.

#include "site/pm-xml-document.h"

#include <string.h>

#define SITE_NAMESPACE "urn:pointsman:site:1"
#define XINCLUDE_NAMESPACE "http://www.w3.org/2001/XInclude"

typedef struct
{
  guint32 prefix; /* offset; length 0 for the default namespace */
  guint32 prefix_length;
  guint depth;
  PmXmlSpace space; /* of an element with this prefix */
} Binding;

typedef struct
{
  PmXmlDocument *document;
  const char *text;
  gsize size;
  gsize at;
  guint current; /* the open element, PM_XML_NONE outside the root */
  guint depth;
  GArray *bindings;
  const char *reason;
  gsize refused_at;
} Scanner;

/**
 * pm_xml_is_blank:
 *
 * Returns: whether @c is white space of XML 1.0 2.3 (S)
 */
gboolean
pm_xml_is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/**
 * pm_xml_document_new:
 * @bytes: UTF-8, at most 4 GiB
 *
 * Returns: (transfer full): a document without elements, to be scanned
 */
PmXmlDocument *
pm_xml_document_new (GBytes *bytes)
{
  PmXmlDocument *self = g_new0 (PmXmlDocument, 1);
  guint expected;

  self->bytes = g_bytes_ref (bytes);
  self->text = g_bytes_get_data (bytes, &self->size);
  expected = (guint) (self->size / 48) + 16;
  self->elements = g_array_sized_new (FALSE, FALSE, sizeof (PmXmlElement), expected);
  self->attributes = g_array_sized_new (FALSE, FALSE, sizeof (PmXmlAttribute), expected);
  return self;
}

/**
 * pm_xml_document_free:
 * @document: (nullable) (transfer full): a document
 */
void
pm_xml_document_free (PmXmlDocument *document)
{
  if (document == NULL)
    return;
  g_bytes_unref (document->bytes);
  g_array_unref (document->elements);
  g_array_unref (document->attributes);
  g_clear_pointer (&document->lines, g_array_unref);
  g_free (document);
}

static PmXmlResult
refuse (Scanner *s, gsize at, const char *reason)
{
  s->refused_at = at;
  s->reason = reason;
  return PM_XML_REFUSED;
}

static gboolean
looking_at (const Scanner *s, const char *what)
{
  gsize length = strlen (what);

  return s->size - s->at >= length && memcmp (s->text + s->at, what, length) == 0;
}

// Moves past the next `what`; FALSE when there is none.
static gboolean
skip_past (Scanner *s, const char *what)
{
  const char *found = memmem (s->text + s->at, s->size - s->at, what, strlen (what));

  if (found == NULL)
    return FALSE;
  s->at = (gsize) (found - s->text) + strlen (what);
  return TRUE;
}

static void
skip_blanks (Scanner *s)
{
  while (s->at < s->size && pm_xml_is_blank (s->text[s->at]))
    s->at++;
}

// A reference to a blank, as &#32;, is a blank.
static gsize
blank_reference (const char *text, gsize size)
{
  static const char *const blanks[] = { "&#32;", "&#x20;", "&#9;", "&#x9;", "&#10;", "&#xA;",
                                        "&#xa;", "&#13;", "&#xD;", "&#xd;" };

  for (guint i = 0; i < G_N_ELEMENTS (blanks); i++)
    if (size >= strlen (blanks[i]) && memcmp (text, blanks[i], strlen (blanks[i])) == 0)
      return strlen (blanks[i]);
  return 0;
}

static void
note_text (Scanner *s, gsize from, gsize to, gboolean references)
{
  PmXmlElement *element;
  gsize skip;

  if (s->current == PM_XML_NONE)
    return;
  element = pm_xml_document_element (s->document, s->current);
  if (element->text != PM_XML_NONE)
    return;

  for (gsize i = from; i < to; i += skip)
    {
      skip = 1;
      if (references && s->text[i] == '&')
        skip = blank_reference (s->text + i, to - i);
      else if (pm_xml_is_blank (s->text[i]))
        continue;
      else
        skip = 0;
      if (skip == 0)
        {
          element->text = (guint32) i;
          return;
        }
    }
}

static PmXmlSpace
resolve (const Scanner *s, guint32 prefix, gsize length)
{
  for (guint i = s->bindings->len; i > 0; i--)
    {
      const Binding *binding = &g_array_index (s->bindings, Binding, i - 1);

      if (binding->prefix_length == length &&
          memcmp (s->text + binding->prefix, s->text + prefix, length) == 0)
        return binding->space;
    }
  // Only `xml` is bound without being declared; an element without any namespace is a mistake.
  return length == 0 ? PM_XML_MISTAKEN : PM_XML_FOREIGN;
}

static void
bind (Scanner *s, const PmXmlAttribute *attribute)
{
  g_autofree char *name = pm_xml_document_value (s->document, attribute);
  gboolean prefixed = attribute->name_end - attribute->name > strlen ("xmlns:");
  Binding binding = { .depth = s->depth, .space = PM_XML_FOREIGN };

  binding.prefix = prefixed ? attribute->name + (guint32) strlen ("xmlns:") : attribute->name_end;
  binding.prefix_length = attribute->name_end - binding.prefix;
  if (strcmp (name, SITE_NAMESPACE) == 0)
    binding.space = PM_XML_OURS;
  else if (*name == '\0' || strcmp (name, XINCLUDE_NAMESPACE) == 0)
    binding.space = PM_XML_MISTAKEN;
  g_array_append_val (s->bindings, binding);
}

static gboolean
is_binding (const Scanner *s, const PmXmlAttribute *attribute)
{
  gsize length = attribute->name_end - attribute->name;
  const char *name = s->text + attribute->name;

  return (length == 5 && memcmp (name, "xmlns", 5) == 0) ||
         (length > 6 && memcmp (name, "xmlns:", 6) == 0);
}

static gboolean
scan_attribute (Scanner *s, PmXmlAttribute *attribute)
{
  const char *end;
  char quote;

  attribute->name = (guint32) s->at;
  while (s->at < s->size && !pm_xml_is_blank (s->text[s->at]) &&
         strchr ("=<>/\"'", s->text[s->at]) == NULL)
    s->at++;
  attribute->name_end = (guint32) s->at;
  skip_blanks (s);
  if (attribute->name_end == attribute->name || s->at == s->size || s->text[s->at] != '=')
    return FALSE;
  s->at++;
  skip_blanks (s);
  if (s->at == s->size || (s->text[s->at] != '"' && s->text[s->at] != '\''))
    return FALSE;
  quote = s->text[s->at++];
  end = memchr (s->text + s->at, quote, s->size - s->at);
  if (end == NULL)
    return FALSE;
  attribute->value = (guint32) s->at;
  attribute->value_end = (guint32) (end - s->text);
  s->at = attribute->value_end + 1;
  attribute->space = PM_XML_OURS;
  return TRUE;
}

static PmXmlResult
scan_attributes (Scanner *s, PmXmlElement *element)
{
  element->first_attribute = s->document->attributes->len;
  for (;;)
    {
      PmXmlAttribute attribute;

      skip_blanks (s);
      if (s->at == s->size)
        return PM_XML_MALFORMED;
      if (s->text[s->at] == '>' || s->text[s->at] == '/')
        return PM_XML_SCANNED;
      if (element->n_attributes == PM_XML_MAX_ATTRIBUTES)
        return refuse (s, s->at, "an element may have 256 attributes at most");
      if (!scan_attribute (s, &attribute))
        return PM_XML_MALFORMED;
      if (is_binding (s, &attribute))
        {
          attribute.space = PM_XML_BINDING;
          bind (s, &attribute);
        }
      g_array_append_val (s->document->attributes, attribute);
      element->n_attributes++;
    }
}

// Prefixes mean what the whole start tag says, so names are resolved once it is read.
static void
resolve_names (Scanner *s, PmXmlElement *element)
{
  guint32 name = element->start + 1;
  const char *colon = memchr (s->text + name, ':', element->name_end - name);
  gsize length = colon == NULL ? 0 : (gsize) (colon - (s->text + name));

  element->local = colon == NULL ? name : name + (guint32) length + 1;
  element->space = (guint8) resolve (s, name, length);

  for (guint i = 0; i < element->n_attributes; i++)
    {
      PmXmlAttribute *attribute = pm_xml_document_attribute (s->document, element, i);

      if (attribute->space == PM_XML_BINDING)
        continue;
      colon = memchr (s->text + attribute->name, ':', attribute->name_end - attribute->name);
      if (colon == NULL)
        continue;
      length = (gsize) (colon - (s->text + attribute->name));
      attribute->space = resolve (s, attribute->name, length) == PM_XML_OURS ? PM_XML_MISTAKEN
                                                                             : PM_XML_FOREIGN;
    }
}

static void
link_element (Scanner *s, guint index)
{
  PmXmlElement *parent;

  if (s->current == PM_XML_NONE)
    return;
  parent = pm_xml_document_element (s->document, s->current);
  if (parent->last_child == PM_XML_NONE)
    parent->first_child = index;
  else
    pm_xml_document_element (s->document, parent->last_child)->next = index;
  parent->last_child = index;
}

static void
leave (Scanner *s)
{
  guint n = s->bindings->len;

  while (n > 0 && g_array_index (s->bindings, Binding, n - 1).depth == s->depth)
    n--;
  g_array_set_size (s->bindings, n);
  s->depth--;
}

static PmXmlResult
scan_start_tag (Scanner *s)
{
  PmXmlElement element = { .start = (guint32) s->at, .text = PM_XML_NONE,
                           .parent = s->current, .first_child = PM_XML_NONE,
                           .last_child = PM_XML_NONE, .next = PM_XML_NONE };
  guint index = s->document->elements->len;
  PmXmlResult result;

  if (s->depth == PM_XML_MAX_DEPTH)
    return refuse (s, s->at, "elements may be nested 64 deep at most");
  if (index == PM_XML_MAX_ELEMENTS)
    return refuse (s, s->at, "there may be 4000000 elements at most");
  // A second root: libxml2 has the words for it.
  if (s->current == PM_XML_NONE && index > 0)
    return PM_XML_MALFORMED;

  s->at++;
  while (s->at < s->size && !pm_xml_is_blank (s->text[s->at]) &&
         strchr ("=<>/\"'", s->text[s->at]) == NULL)
    s->at++;
  element.name_end = (guint32) s->at;
  if (element.name_end == element.start + 1)
    return PM_XML_MALFORMED;

  s->depth++;
  result = scan_attributes (s, &element);
  if (result != PM_XML_SCANNED)
    return result;
  resolve_names (s, &element);
  link_element (s, index);

  if (s->text[s->at] == '>')
    {
      element.open_end = element.close = element.end = (guint32) ++s->at;
      s->current = index;
    }
  else
    {
      if (!looking_at (s, "/>"))
        return PM_XML_MALFORMED;
      s->at += 2;
      element.open_end = element.close = element.end = (guint32) s->at;
      leave (s);
    }
  g_array_append_val (s->document->elements, element);
  return PM_XML_SCANNED;
}

static PmXmlResult
scan_end_tag (Scanner *s)
{
  PmXmlElement *element;

  if (s->current == PM_XML_NONE)
    return PM_XML_MALFORMED;
  element = pm_xml_document_element (s->document, s->current);
  element->close = (guint32) s->at;
  if (!skip_past (s, ">"))
    return PM_XML_MALFORMED;
  element->end = (guint32) s->at;
  s->current = element->parent;
  leave (s);
  return PM_XML_SCANNED;
}

// The XML declaration may name an encoding; a site file is UTF-8.
static PmXmlResult
check_declaration (Scanner *s, gsize from, gsize to)
{
  g_autofree char *declaration = g_ascii_strdown (s->text + from, (gssize) (to - from));
  const char *encoding = strstr (declaration, "encoding");

  if (encoding == NULL)
    return PM_XML_SCANNED;
  encoding += strlen ("encoding");
  encoding += strspn (encoding, " \t\r\n=");
  if (g_str_has_prefix (encoding, "\"utf-8\"") || g_str_has_prefix (encoding, "'utf-8'"))
    return PM_XML_SCANNED;
  return refuse (s, from + (gsize) (encoding - declaration),
                 "the encoding must be UTF-8; save the file as UTF-8 and say so here");
}

static PmXmlResult
scan_instruction (Scanner *s)
{
  gsize from = s->at;
  gboolean declaration = looking_at (s, "<?xml") && s->size - s->at > 5 &&
                         pm_xml_is_blank (s->text[s->at + 5]);

  if (!skip_past (s, "?>"))
    return PM_XML_MALFORMED;
  return declaration ? check_declaration (s, from, s->at) : PM_XML_SCANNED;
}

static PmXmlResult
scan_markup (Scanner *s)
{
  gsize from = s->at;

  if (looking_at (s, "</"))
    return scan_end_tag (s);
  if (looking_at (s, "<?"))
    return scan_instruction (s);
  if (looking_at (s, "<!--"))
    {
      s->at += strlen ("<!--");
      return skip_past (s, "-->") ? PM_XML_SCANNED : PM_XML_MALFORMED;
    }
  if (looking_at (s, "<![CDATA["))
    {
      if (!skip_past (s, "]]>"))
        return PM_XML_MALFORMED;
      note_text (s, from + strlen ("<![CDATA["), s->at - strlen ("]]>"), FALSE);
      return PM_XML_SCANNED;
    }
  if (looking_at (s, "<!"))
    return refuse (s, s->at,
                   "a site file has no DOCTYPE and no entities; remove it, and write the text "
                   "itself");
  return scan_start_tag (s);
}

static PmXmlResult
scan (Scanner *s)
{
  while (s->at < s->size)
    {
      const char *next = memchr (s->text + s->at, '<', s->size - s->at);
      gsize end = next == NULL ? s->size : (gsize) (next - s->text);
      PmXmlResult result;

      note_text (s, s->at, end, TRUE);
      s->at = end;
      if (s->at == s->size)
        break;
      result = scan_markup (s);
      if (result != PM_XML_SCANNED)
        return result;
    }
  return s->current == PM_XML_NONE && s->document->elements->len > 0 ? PM_XML_SCANNED
                                                                     : PM_XML_MALFORMED;
}

/**
 * pm_xml_document_scan:
 * @document: a document that has not been scanned
 * @reason: (out) (transfer none): for %PM_XML_REFUSED, why, without a full stop
 * @at: (out): for %PM_XML_REFUSED, where
 *
 * Finds the elements and attributes.
 *
 * Returns: whether the spans can be used, once libxml2 has found the text well formed
 */
PmXmlResult
pm_xml_document_scan (PmXmlDocument *document, const char **reason, gsize *at)
{
  g_autoptr (GArray) bindings = g_array_new (FALSE, FALSE, sizeof (Binding));
  Scanner s = { .document = document, .text = document->text, .size = document->size,
                .current = PM_XML_NONE, .bindings = bindings };
  PmXmlResult result;

  if (document->size == 0)
    return PM_XML_MALFORMED;
  if (looking_at (&s, "\xef\xbb\xbf"))
    s.at = 3;
  result = scan (&s);
  *reason = s.reason;
  *at = s.refused_at;
  return result;
}

static gsize
decode_reference (const char *text, gsize size, GString *out)
{
  static const struct
  {
    const char *name;
    char c;
  } names[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
              { "&quot;", '"' }, { "&apos;", '\'' } };
  const char *end = memchr (text, ';', size);
  gsize length = end == NULL ? 0 : (gsize) (end - text) + 1;
  guint64 code;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (length == strlen (names[i].name) && memcmp (text, names[i].name, length) == 0)
      {
        g_string_append_c (out, names[i].c);
        return length;
      }
  if (length > 3 && text[1] == '#')
    {
      gboolean hex = text[2] == 'x';

      code = g_ascii_strtoull (text + (hex ? 3 : 2), NULL, hex ? 16 : 10);
      if (code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff))
        {
          g_string_append_unichar (out, (gunichar) code);
          return length;
        }
    }
  g_string_append_c (out, '&');
  return 1;
}

/**
 * pm_xml_document_value:
 *
 * Returns: (transfer full): the attribute's value with references replaced and line ends and tabs
 *   made blanks (XML 1.0 2.11 and 3.3.3)
 */
char *
pm_xml_document_value (const PmXmlDocument *document, const PmXmlAttribute *attribute)
{
  const char *text = document->text + attribute->value;
  gsize size = attribute->value_end - attribute->value;
  gboolean plain = TRUE;
  GString *out;

  for (gsize i = 0; i < size && plain; i++)
    plain = text[i] != '&' && (guchar) text[i] >= 0x20;
  if (plain)
    return g_strndup (text, size);

  out = g_string_sized_new (size);
  for (gsize i = 0; i < size;)
    {
      if (text[i] == '&')
        {
          i += decode_reference (text + i, size - i, out);
          continue;
        }
      if (text[i] == '\r' && i + 1 < size && text[i + 1] == '\n')
        i++;
      g_string_append_c (out, pm_xml_is_blank (text[i]) ? ' ' : text[i]);
      i++;
    }
  return g_string_free (out, FALSE);
}

static void
index_lines (PmXmlDocument *document)
{
  const char *at = document->text;
  const char *end = document->text + document->size;
  guint32 start = 0;

  document->lines = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_array_append_val (document->lines, start);
  while ((at = memchr (at, '\n', (gsize) (end - at))) != NULL)
    {
      start = (guint32) (++at - document->text);
      g_array_append_val (document->lines, start);
    }
}

/**
 * pm_xml_document_position:
 * @offset: a place in the text
 * @line: (out): its line, from 1
 * @column: (out): its character in the line, from 1; a tab is one, a byte order mark none
 */
void
pm_xml_document_position (PmXmlDocument *document, gsize offset, guint *line, guint *column)
{
  guint low = 0;
  guint high;
  guint characters = 1;
  gsize start;

  if (document->lines == NULL)
    index_lines (document);
  offset = MIN (offset, document->size);

  high = document->lines->len;
  while (high - low > 1)
    {
      guint middle = low + (high - low) / 2;

      if (g_array_index (document->lines, guint32, middle) <= offset)
        low = middle;
      else
        high = middle;
    }
  start = g_array_index (document->lines, guint32, low);
  if (start == 0 && document->size >= 3 && memcmp (document->text, "\xef\xbb\xbf", 3) == 0)
    start = 3;
  for (gsize i = start; i < offset; i++)
    if (((guchar) document->text[i] & 0xc0) != 0x80)
      characters++;
  *line = low + 1;
  *column = characters;
}
