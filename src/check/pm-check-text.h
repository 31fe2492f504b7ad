// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmCheckText:
 * @template: (nullable): an English sentence with `{1}`, `{2}`… where @arguments go; marked for
 *   translation where it is written
 * @arguments: (array zero-terminated=1) (nullable): names, numbers, lists of names: never words of
 *   a language
 *
 * A sentence that is not yet in anybody's language, so that the core stays untranslated and the
 * Administrator can still speak the person's.
 */
typedef struct
{
  const char *template;
  char **arguments;
} PmCheckText;

typedef const char *(*PmCheckTranslate) (const char *template);

void pm_check_text_set (PmCheckText *text, const char *template, ...) G_GNUC_NULL_TERMINATED;
void pm_check_text_copy (PmCheckText *text, const PmCheckText *other);
void pm_check_text_clear (PmCheckText *text);
char *pm_check_text_format (const PmCheckText *text, PmCheckTranslate translate);

G_END_DECLS
