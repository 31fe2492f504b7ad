// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-xml-document.h"

G_BEGIN_DECLS

/**
 * PmXmlEdit:
 *
 * Changes to a text, collected in any order: each replaces the bytes from `start` to `end`. Those
 * at one place are made in the order in which they came.
 */
typedef struct
{
  const PmXmlDocument *document;
  GArray *splices;
} PmXmlEdit;

PmXmlEdit *pm_xml_edit_new (const PmXmlDocument *document);
void pm_xml_edit_free (PmXmlEdit *edit);
void pm_xml_edit_replace (PmXmlEdit *edit, gsize start, gsize end, const char *text);
void pm_xml_edit_remove_element (PmXmlEdit *edit, const PmXmlElement *element);
GString *pm_xml_edit_apply (PmXmlEdit *edit, gsize start, gsize end);

gboolean pm_xml_is_first_on_line (const PmXmlDocument *document, gsize offset, gsize *line);
char *pm_xml_indentation (const PmXmlDocument *document, gsize offset);
gsize pm_xml_after_remarks (const PmXmlDocument *document, gsize offset);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmXmlEdit, pm_xml_edit_free)

G_END_DECLS
