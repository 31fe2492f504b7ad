// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Reads a site file along the table of pm-site-schema.c and collects every problem it meets, each
// with its place. libxml2 judges whether the text is XML; nothing outside the text is ever fetched,
// and no entity can be declared.

#include "site/pm-site-reading.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#include "base/pm-error.h"

#define MAX_PROBLEMS 100
#define MAX_SHOWN 60

static void
add_problem (PmSiteReading *reading, PmSiteProblem *problem)
{
  guint *count = problem->severity == PM_PROBLEM_ERROR ? &reading->n_errors : &reading->n_warnings;

  if (++*count <= MAX_PROBLEMS)
    g_ptr_array_add (reading->problems, problem);
  else
    pm_site_problem_free (problem);
}

// The element's path below its service (named where there are several) or the configuration.
static char *
element_path (const PmXmlDocument *document, guint index)
{
  g_autofree char *path = g_strdup ("");

  while (index != PM_XML_NONE)
    {
      const PmXmlElement *element = pm_xml_document_element (document, index);
      const PmSiteElement *spec = element->spec;
      g_autofree char *step = NULL;
      g_autofree char *below = g_steal_pointer (&path);
      gboolean service = spec != NULL && strcmp (spec->name, "internet-mail-service") == 0;
      gboolean alone = element->next == PM_XML_NONE && element->parent != PM_XML_NONE &&
                       pm_xml_document_element (document, element->parent)->first_child == index;

      if ((service && alone && *below != '\0') ||
          (spec != NULL && element->parent == 0 && *below != '\0'))
        return g_steal_pointer (&below);
      if (spec != NULL)
        step = pm_site_element_path_step (spec, spec->attributes == NULL ? NULL : element->value);
      else
        step = g_strndup (document->text + element->start + 1,
                          element->name_end - element->start - 1);
      path = *below == '\0' ? g_steal_pointer (&step) : g_strconcat (step, "/", below, NULL);
      if (service)
        break;
      index = element->parent;
    }
  return g_steal_pointer (&path);
}

static void complain (PmSiteReading *reading, guint index, gsize at, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
complain (PmSiteReading *reading, guint index, gsize at, const char *format, ...)
{
  g_autofree char *message = NULL;
  g_autofree char *where = NULL;
  guint line;
  guint column;
  va_list args;

  if (reading->n_errors >= MAX_PROBLEMS)
    {
      reading->n_errors++;
      return;
    }
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  where = index == PM_XML_NONE ? g_strdup ("") : element_path (reading->document, index);
  pm_xml_document_position (reading->document, at, &line, &column);
  add_problem (reading,
               pm_site_problem_new (PM_PROBLEM_ERROR, line, column, where, "%s", message));
}

/* Attributes */

static char *
expected_words (const PmSiteWord *words)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; words[i].word != NULL; i++)
    g_string_append_printf (out, "%s“%s”",
                            i == 0 ? "" : words[i + 1].word == NULL ? " or "
                                                                    : ", ",
                            words[i].word);
  return g_string_free (out, FALSE);
}

static char *
expected_value (const PmSiteAttribute *attribute)
{
  return attribute->words != NULL ? expected_words (attribute->words)
                                  : g_strdup (attribute->type->expected);
}

static char *
shorten (const char *text)
{
  glong length = g_utf8_strlen (text, -1);
  g_autofree char *head = NULL;

  if (length <= MAX_SHOWN)
    return g_strdup (text);
  head = g_utf8_substring (text, 0, MAX_SHOWN);
  return g_strconcat (head, "…", NULL);
}

static void
complain_unknown_attribute (PmSiteReading *reading, guint index, const PmXmlAttribute *found)
{
  const PmXmlElement *element = pm_xml_document_element (reading->document, index);
  const PmSiteElement *spec = element->spec;
  g_autofree char *name = g_strndup (reading->document->text + found->name,
                                     found->name_end - found->name);
  g_autoptr (GString) expected = g_string_new (NULL);

  if (spec->attributes != NULL)
    for (const PmSiteAttribute *a = spec->attributes; a->name != NULL; a++)
      g_string_append_printf (expected, "%s%s", expected->len == 0 ? "" : ", ", a->name);
  if (expected->len == 0)
    g_string_append (expected, "none");
  complain (reading, index, found->name, "<%s> has no attribute “%s”; expected: %s", spec->name,
            name, expected->str);
}

// Returns whether the attribute counts among those that the element's check is about.
static gboolean
read_attribute (PmSiteReading *reading, guint index, const PmXmlAttribute *found, gpointer value)
{
  PmXmlDocument *document = reading->document;
  const PmSiteElement *spec = pm_xml_document_element (document, index)->spec;
  const PmSiteAttribute *attribute = NULL;
  g_autofree char *text = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *expected = NULL;
  g_autoptr (GError) error = NULL;

  if (found->space == PM_XML_OURS)
    attribute = pm_site_element_find_attribute (spec, document->text + found->name,
                                                found->name_end - found->name);
  if (attribute == NULL)
    {
      complain_unknown_attribute (reading, index, found);
      return TRUE;
    }

  text = g_strstrip (pm_xml_document_value (document, found));
  if (attribute->type->read (attribute, text, value, &error))
    return (attribute->flags & PM_SITE_BESIDE) == 0;
  shown = shorten (text);
  expected = expected_value (attribute);
  complain (reading, index, found->value, "%s=\"%s\": %s; expected %s", attribute->name, shown,
            error->message, expected);
  return (attribute->flags & PM_SITE_BESIDE) == 0;
}

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

// `#domain` says subdomains="no" already; whichever attribute comes last must not win silently.
static void
check_hash (PmSiteReading *reading, guint index, PmRoute *route)
{
  const PmXmlElement *element = pm_xml_document_element (reading->document, index);
  const PmXmlAttribute *domain = find_attribute (reading->document, element, "domain");
  const PmXmlAttribute *subdomains = find_attribute (reading->document, element, "subdomains");
  g_autofree char *text = NULL;
  g_autofree char *word = NULL;

  if (domain == NULL || subdomains == NULL)
    return;
  text = g_strstrip (pm_xml_document_value (reading->document, domain));
  word = g_strstrip (pm_xml_document_value (reading->document, subdomains));
  if (*text == '#' && strcmp (word, "yes") == 0)
    complain (reading, index, subdomains->value,
              "“#” before the domain and subdomains=\"yes\" contradict each other; remove one");
}

static guint
read_attributes (PmSiteReading *reading, guint index, gpointer value)
{
  const PmXmlElement *element = pm_xml_document_element (reading->document, index);
  const PmSiteElement *spec = element->spec;
  guint n = 0;

  for (guint i = 0; i < element->n_attributes; i++)
    {
      const PmXmlAttribute *found = pm_xml_document_attribute (reading->document, element, i);

      if (found->space == PM_XML_FOREIGN || found->space == PM_XML_BINDING)
        continue;
      if (read_attribute (reading, index, found, value))
        n++;
    }

  if (spec->attributes == NULL)
    return n;
  if (spec->attributes[0].type == &pm_site_type_route)
    check_hash (reading, index, value);
  for (const PmSiteAttribute *a = spec->attributes; a->name != NULL; a++)
    if ((a->flags & PM_SITE_REQUIRED) &&
        find_attribute (reading->document, element, a->name) == NULL)
      {
        g_autofree char *expected = expected_value (a);

        complain (reading, index, element->start, "<%s> has no %s; expected %s=\"…\", %s",
                  spec->name, a->name, a->name, expected);
      }
  return n;
}

/* Elements */

static void read_element (PmSiteReading *reading, guint index, gpointer value);

static char *
local_name (const PmXmlDocument *document, const PmXmlElement *element)
{
  return g_strndup (document->text + element->local, element->name_end - element->local);
}

static char *
expected_children (const PmSiteElement *spec)
{
  GString *out = g_string_new (NULL);

  if (spec->children != NULL)
    for (const PmSiteChild *c = spec->children; c->element != NULL; c++)
      if (c == spec->children || strcmp (c[-1].element->name, c->element->name) != 0)
        g_string_append_printf (out, "%s<%s>", out->len == 0 ? "" : ", ", c->element->name);
  if (out->len == 0)
    g_string_append (out, "nothing");
  return g_string_free (out, FALSE);
}

static void
complain_mistaken (PmSiteReading *reading, guint index)
{
  const PmXmlElement *element = pm_xml_document_element (reading->document, index);
  g_autofree char *name = local_name (reading->document, element);

  complain (reading, index, element->start,
            "<%s> is in no namespace or asks for an inclusion, and nothing is included; expected "
            "an element of urn:pointsman:site:1 or of a namespace of your own",
            name);
}

// Makes room for the child in its parent's value and reads it into it.
static void
read_child (PmSiteReading *reading, guint index, const PmSiteChild *child, gpointer parent)
{
  PmXmlElement *element = pm_xml_document_element (reading->document, index);
  gpointer *member;
  char *text = NULL;

  element->spec = child->element;
  switch (child->place)
    {
    case PM_SITE_SAME:
      read_element (reading, index, parent);
      break;
    case PM_SITE_MEMBER:
      member = &PM_SITE_MEMBER_AT (gpointer, parent, child->offset);
      child->destroy (*member);
      *member = child->create ();
      read_element (reading, index, *member);
      break;
    case PM_SITE_LIST:
      g_ptr_array_add (PM_SITE_MEMBER_AT (GPtrArray *, parent, child->offset), child->create ());
      member = PM_SITE_MEMBER_AT (GPtrArray *, parent, child->offset)->pdata;
      read_element (reading, index,
                    member[PM_SITE_MEMBER_AT (GPtrArray *, parent, child->offset)->len - 1]);
      break;
    case PM_SITE_STRINGS:
      read_element (reading, index, &text);
      element->value = text;
      if (text != NULL)
        g_ptr_array_add (PM_SITE_MEMBER_AT (GPtrArray *, parent, child->offset), text);
      break;
    }
}

// Of several elements of that name, the one that the element's attribute says.
static const PmSiteChild *
find_variant (const PmSiteReading *reading,
              const PmSiteElement *spec,
              const PmSiteChild *child,
              const PmXmlElement *found)
{
  const PmSiteAttribute *first = child->element->attributes;
  const PmXmlAttribute *attribute;
  g_autofree char *word = NULL;

  if (first == NULL || !(first->flags & PM_SITE_FIXED))
    return child;
  attribute = find_attribute (reading->document, found, first->name);
  if (attribute == NULL)
    return child;
  word = g_strstrip (pm_xml_document_value (reading->document, attribute));
  return pm_site_element_find_variant (spec, child, word);
}

static guint
seen_before (guint *seen, const PmSiteElement *spec, const PmSiteChild *child)
{
  return seen[child - spec->children]++;
}

static void
read_found_child (PmSiteReading *reading, guint index, guint at, guint *seen, gpointer value)
{
  const PmSiteElement *spec = pm_xml_document_element (reading->document, index)->spec;
  const PmXmlElement *found = pm_xml_document_element (reading->document, at);
  const PmSiteChild *child;
  g_autofree char *expected = NULL;
  g_autofree char *name = NULL;

  child = pm_site_element_find_child (spec, reading->document->text + found->local,
                                      found->name_end - found->local);
  if (child == NULL)
    {
      expected = expected_children (spec);
      name = local_name (reading->document, found);
      complain (reading, at, found->start, "<%s> cannot stand in <%s>; expected %s", name,
                spec->name, expected);
      return;
    }
  child = find_variant (reading, spec, child, found);
  if (seen_before (seen, spec, child) > 0 &&
      (child->place == PM_SITE_SAME || child->place == PM_SITE_MEMBER))
    complain (reading, at, found->start, "<%s> stands twice in <%s>; expected one: merge the two",
              child->element->name, spec->name);
  read_child (reading, at, child, value);
}

#define MAX_CHILDREN 16

static void
check_children (PmSiteReading *reading, guint index, const guint *seen)
{
  const PmXmlElement *element = pm_xml_document_element (reading->document, index);
  const PmSiteElement *spec = element->spec;
  guint choices = 0;
  gboolean choice = FALSE;

  for (const PmSiteChild *c = spec->children; c->element != NULL; c++)
    {
      if ((c->flags & PM_SITE_REQUIRED) && seen[c - spec->children] == 0)
        complain (reading, index, element->start, "<%s> has no <%s>; expected at least one",
                  spec->name, c->element->name);
      if (c->flags & PM_SITE_CHOICE)
        {
          choice = TRUE;
          choices += MIN (seen[c - spec->children], 1);
        }
    }
  if (choice && choices != 1)
    {
      g_autofree char *expected = expected_children (spec);

      complain (reading, index, element->start, "<%s> has %s; expected exactly one of %s",
                spec->name, choices == 0 ? "nothing to do in it" : "several things to do in it",
                expected);
    }
}

static void
read_children (PmSiteReading *reading, guint index, gpointer value)
{
  const PmXmlElement *element = pm_xml_document_element (reading->document, index);
  const PmSiteElement *spec = element->spec;
  guint seen[MAX_CHILDREN] = { 0 };

  if (element->text != PM_XML_NONE)
    complain (reading, index, element->text,
              "there is text in <%s>; expected only elements: write remarks as <!-- … -->",
              spec->name);

  for (guint at = element->first_child; at != PM_XML_NONE;
       at = pm_xml_document_element (reading->document, at)->next)
    switch ((PmXmlSpace) pm_xml_document_element (reading->document, at)->space)
      {
      case PM_XML_OURS:
        read_found_child (reading, index, at, seen, value);
        break;
      case PM_XML_MISTAKEN:
        complain_mistaken (reading, at);
        break;
      case PM_XML_FOREIGN:
      case PM_XML_BINDING:
        break;
      }

  if (spec->children != NULL)
    check_children (reading, index, seen);
}

static void
read_element (PmSiteReading *reading, guint index, gpointer value)
{
  PmXmlElement *element = pm_xml_document_element (reading->document, index);
  const PmSiteElement *spec = element->spec;
  const char *wrong = NULL;
  guint n;

  element->value = value;
  if (spec->enter != NULL)
    spec->enter (value);
  n = read_attributes (reading, index, value);
  if (spec->check != NULL)
    wrong = spec->check (value, n);
  if (wrong != NULL)
    complain (reading, index, element->start, "%s", wrong);
  read_children (reading, index, value);
}

static gboolean
check_root (PmSiteReading *reading)
{
  PmXmlElement *root = pm_xml_document_element (reading->document, 0);
  g_autofree char *name = local_name (reading->document, root);

  if (root->space == PM_XML_OURS && strcmp (name, pm_site_schema.name) == 0)
    {
      root->spec = &pm_site_schema;
      return TRUE;
    }
  complain (reading, PM_XML_NONE, root->start,
            "the file begins with <%s>; expected <site xmlns=\"urn:pointsman:site:1\" name=\"…\">",
            name);
  return FALSE;
}

/* Whether it is XML */

typedef struct
{
  PmSiteReading *reading;
  gboolean bad;
} Judge;

static void
judge_error_cb (void *data, xmlErrorPtr error)
{
  xmlParserCtxtPtr context = data;
  Judge *judge = context->_private;
  g_autofree char *message = NULL;

  // One is enough: what follows the first is mostly its shadow.
  if (judge->bad || error->level == XML_ERR_WARNING)
    return;
  judge->bad = TRUE;
  message = g_strchomp (g_utf8_make_valid (error->message != NULL ? error->message : "", -1));
  add_problem (judge->reading,
               pm_site_problem_new (PM_PROBLEM_ERROR, (guint) MAX (error->line, 0),
                                    (guint) MAX (error->int2, 0), "",
                                    "this is not well-formed XML: %s", message));
  xmlStopParser (context);
}

static void
judge_element_cb (void *data,
                  const xmlChar *name,
                  const xmlChar *prefix,
                  const xmlChar *uri,
                  int n_namespaces,
                  const xmlChar **namespaces,
                  int n_attributes,
                  int n_defaulted,
                  const xmlChar **attributes)
{
  // Nothing is built; that there is a handler makes libxml2 check the namespaces.
}

static gboolean
is_well_formed (PmSiteReading *reading)
{
  const PmXmlDocument *document = reading->document;
  Judge judge = { .reading = reading };
  xmlSAXHandler handler = { .initialized = XML_SAX2_MAGIC,
                            .startElementNs = judge_element_cb,
                            .serror = judge_error_cb };
  xmlParserCtxtPtr context;
  gboolean ok;

  xmlInitParser ();
  context = xmlCreateMemoryParserCtxt (document->text, (int) document->size);
  if (context == NULL)
    return FALSE;
  *context->sax = handler;
  context->_private = &judge;
  // HUGE lifts libxml2's own bounds, for the scanner's are stricter; there is no DTD to misuse it.
  xmlCtxtUseOptions (context, XML_PARSE_NONET | XML_PARSE_HUGE);
  xmlParseDocument (context);
  ok = context->wellFormed && context->nsWellFormed && !judge.bad;
  if (context->myDoc != NULL)
    xmlFreeDoc (context->myDoc);
  xmlFreeParserCtxt (context);
  return ok;
}

static gboolean
check_bytes (PmSiteReading *reading)
{
  const PmXmlDocument *document = reading->document;
  const char *bad;

  if (document->size == 0 || document->size > PM_SITE_FILE_MAX_SIZE)
    {
      add_problem (reading,
                   pm_site_problem_new (PM_PROBLEM_ERROR, 1, 1, "",
                                        "the file has %" G_GSIZE_FORMAT " bytes; expected a site, "
                                        "of at most 64 MiB",
                                        document->size));
      return FALSE;
    }
  if (!g_utf8_validate_len (document->text, document->size, &bad))
    {
      complain (reading, PM_XML_NONE, (gsize) (bad - document->text),
                "here is a byte that is not UTF-8 text; save the file as UTF-8");
      return FALSE;
    }
  return TRUE;
}

static gboolean
scan_document (PmSiteReading *reading)
{
  const char *reason = NULL;
  gsize at = 0;
  PmXmlResult result;

  if (!check_bytes (reading))
    return FALSE;
  result = pm_xml_document_scan (reading->document, &reason, &at);
  if (result == PM_XML_REFUSED)
    {
      complain (reading, PM_XML_NONE, at, "%s", reason);
      return FALSE;
    }
  if (is_well_formed (reading) && result == PM_XML_SCANNED)
    return TRUE;
  if (reading->n_errors == 0)
    complain (reading, PM_XML_NONE, 0, "this is not well-formed XML");
  return FALSE;
}

/* What pm_site_check() says, with its place */

// The element of that name that was read into the value, else the first that was.
static const PmXmlElement *
find_element (const PmXmlDocument *document, gconstpointer value, const char *name)
{
  const PmXmlElement *first = NULL;

  for (guint i = 0; i < document->elements->len; i++)
    {
      const PmXmlElement *element = pm_xml_document_element (document, i);
      const PmSiteElement *spec = element->spec;

      if (spec == NULL || element->value != value)
        continue;
      if (name == NULL || strcmp (spec->name, name) == 0)
        return element;
      if (first == NULL)
        first = element;
    }
  return first;
}

static void
report_cb (gpointer data,
           PmProblemSeverity severity,
           gconstpointer value,
           const char *element_name,
           const char *attribute,
           const char *where,
           const char *message)
{
  PmSiteReading *reading = data;
  guint *count = severity == PM_PROBLEM_ERROR ? &reading->n_errors : &reading->n_warnings;
  const PmXmlElement *element;
  const PmXmlAttribute *found = NULL;
  guint line = 0;
  guint column = 0;

  if (*count >= MAX_PROBLEMS)
    {
      ++*count;
      return;
    }
  element = find_element (reading->document, value, element_name);
  if (element != NULL && attribute != NULL)
    found = find_attribute (reading->document, element, attribute);
  if (element != NULL)
    pm_xml_document_position (reading->document, found != NULL ? found->value : element->start,
                              &line, &column);
  add_problem (reading, pm_site_problem_new (severity, line, column, where, "%s", message));
}

static gint
compare_places (gconstpointer a, gconstpointer b)
{
  const PmSiteProblem *first = *(PmSiteProblem *const *) a;
  const PmSiteProblem *second = *(PmSiteProblem *const *) b;

  if (first->line != second->line)
    return first->line < second->line ? -1 : 1;
  return first->column < second->column ? -1 : first->column > second->column;
}

/**
 * pm_site_reading_new:
 * @xml: a site file's bytes
 *
 * Reads and checks it. Any thread.
 *
 * Returns: (transfer full): what was read, with every problem, in the order of the file
 */
PmSiteReading *
pm_site_reading_new (GBytes *xml)
{
  PmSiteReading *self = g_new0 (PmSiteReading, 1);

  self->document = pm_xml_document_new (xml);
  self->problems = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_problem_free);
  self->readable = scan_document (self) && check_root (self);
  if (!self->readable)
    return self;

  self->site = pm_site_new ();
  read_element (self, 0, self->site);
  pm_site_check (self->site, self->n_errors > 0, report_cb, self);
  g_ptr_array_sort (self->problems, compare_places);
  return self;
}

/**
 * pm_site_reading_free:
 * @reading: (nullable) (transfer full): a reading
 */
void
pm_site_reading_free (PmSiteReading *reading)
{
  if (reading == NULL)
    return;
  pm_xml_document_free (reading->document);
  pm_site_unref (reading->site);
  g_ptr_array_unref (reading->problems);
  g_free (reading);
}

/**
 * pm_site_reading_error_text:
 * @file_name: (nullable): how the file is called
 *
 * Returns: (transfer full): the errors, one a line
 */
char *
pm_site_reading_error_text (const PmSiteReading *reading, const char *file_name)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < reading->problems->len; i++)
    {
      const PmSiteProblem *problem = reading->problems->pdata[i];
      g_autofree char *line = NULL;

      if (problem->severity != PM_PROBLEM_ERROR)
        continue;
      line = pm_site_problem_to_string (problem, file_name);
      g_string_append_printf (out, "%s%s", out->len == 0 ? "" : "\n", line);
    }
  if (reading->n_errors > MAX_PROBLEMS)
    g_string_append_printf (out, "\nand %u more errors", reading->n_errors - MAX_PROBLEMS);
  return g_string_free (out, FALSE);
}
