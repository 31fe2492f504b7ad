// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define PM_XML_NONE G_MAXUINT32
#define PM_XML_MAX_DEPTH 64
#define PM_XML_MAX_ELEMENTS 4000000
#define PM_XML_MAX_ATTRIBUTES 256 /* of one element */

/* Whose vocabulary a name belongs to. */
typedef enum
{
  PM_XML_OURS,     /* element: urn:pointsman:site:1; attribute: no namespace */
  PM_XML_FOREIGN,  /* another namespace: kept and not looked into */
  PM_XML_MISTAKEN, /* element: no namespace, or XInclude; attribute: our namespace */
  PM_XML_BINDING,  /* attribute: xmlns or xmlns:… */
} PmXmlSpace;

/**
 * PmXmlAttribute:
 * @name: where its name begins
 * @name_end: one past the name
 * @value: where its value begins, inside the quotes
 * @value_end: where the closing quote stands
 *
 * One attribute as offsets into the text.
 */
typedef struct
{
  guint32 name;
  guint32 name_end;
  guint32 value;
  guint32 value_end;
  PmXmlSpace space;
} PmXmlAttribute;

/**
 * PmXmlElement:
 * @start: where `<` stands
 * @name_end: one past its name; the name begins at @start + 1
 * @local: where its name begins without the prefix
 * @open_end: one past the `>` of its start tag
 * @close: where `</` stands; @open_end for `<a/>`
 * @end: one past its end
 * @text: where the first text in it that is not blank stands, else %PM_XML_NONE
 * @spec: what the reader found it to be (a #PmSiteElement), or %NULL
 * @value: the value that it was read into, owned by the site
 *
 * One element as offsets into the text and indexes into the document's elements.
 */
typedef struct
{
  guint32 start;
  guint32 name_end;
  guint32 local;
  guint32 open_end;
  guint32 close;
  guint32 end;
  guint32 text;
  guint32 parent;
  guint32 first_child;
  guint32 last_child;
  guint32 next;
  guint32 first_attribute;
  guint16 n_attributes;
  guint8 space;
  gconstpointer spec;
  gpointer value;
} PmXmlElement;

/**
 * PmXmlDocument:
 * @text: the whole text, not NUL-terminated by contract
 * @elements: (element-type PmXmlElement): in document order, the root first
 * @attributes: (element-type PmXmlAttribute): of all elements
 *
 * A text with the byte spans of its elements and attributes: what positions in messages and the
 * smallest edits are made from. It knows nothing of the site. Not for two threads at once.
 */
typedef struct
{
  GBytes *bytes;
  const char *text;
  gsize size;
  GArray *elements;
  GArray *attributes;
  GArray *lines; /* (nullable) (element-type guint32): where each line begins, made when asked */
} PmXmlDocument;

typedef enum
{
  PM_XML_SCANNED,
  PM_XML_MALFORMED, /* libxml2 says what is wrong, and better */
  PM_XML_REFUSED,   /* a DOCTYPE, another encoding, a limit: `reason` and `at` say what */
} PmXmlResult;

PmXmlDocument *pm_xml_document_new (GBytes *bytes);
void pm_xml_document_free (PmXmlDocument *document);
PmXmlResult pm_xml_document_scan (PmXmlDocument *document, const char **reason, gsize *at);

char *pm_xml_document_value (const PmXmlDocument *document, const PmXmlAttribute *attribute);
void pm_xml_document_position (PmXmlDocument *document, gsize offset, guint *line, guint *column);
gboolean pm_xml_is_blank (char c);

static inline PmXmlElement *
pm_xml_document_element (const PmXmlDocument *document, guint index)
{
  return &g_array_index (document->elements, PmXmlElement, index);
}

static inline PmXmlAttribute *
pm_xml_document_attribute (const PmXmlDocument *document, const PmXmlElement *element, guint index)
{
  return &g_array_index (document->attributes, PmXmlAttribute, element->first_attribute + index);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmXmlDocument, pm_xml_document_free)

G_END_DECLS
