// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Larger header sections, and more fields, no mail program makes. */
#define PM_HEADER_SECTION_MAX (256 * 1024)
#define PM_HEADER_SECTION_MAX_FIELDS 4096

/**
 * PmHeaderSection:
 * @bytes: (nullable): what came; where it is whole, the first bytes of the body may follow
 * @size: bytes of the section, without the empty line after it
 *
 * The header section of a message whose bytes come in pieces: it is held until it is whole, so that
 * it can be judged and added to before anything of it is written. It ends before the first line
 * that is neither a field nor the continuation of one. All zero at the start; cleared with
 * pm_header_section_clear().
 */
typedef struct
{
  GByteArray *bytes;
  gsize size;
  guint n_fields;
  gboolean whole;
} PmHeaderSection;

typedef enum
{
  PM_HEADER_SECTION_MORE,
  PM_HEADER_SECTION_WHOLE,
  PM_HEADER_SECTION_TOO_LARGE,
  PM_HEADER_SECTION_TOO_MANY,
} PmHeaderSectionState;

PmHeaderSectionState pm_header_section_feed (PmHeaderSection *section,
                                             const guint8 *bytes,
                                             gsize size);
void pm_header_section_finish (PmHeaderSection *section);
void pm_header_section_clear (PmHeaderSection *section);

/* Of a section that is whole. */
guint pm_header_section_count (const PmHeaderSection *section, const char *name);
char *pm_header_section_get (const PmHeaderSection *section, const char *name, guint nth);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmHeaderSection, pm_header_section_clear)

G_END_DECLS
