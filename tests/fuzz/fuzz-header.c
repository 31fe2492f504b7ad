// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: the header section of a message, and the authors in its From: fields. It is read
// alike in one piece and byte by byte, keeps its limits, and no value has a line end in it.

#include <string.h>

#include "fuzz.h"

#include "relay/pm-header-section.h"
#include "relay/pm-message-filter.h"
#include "relay/pm-submission.h"

static const char *const names[] = { "from", "received", "subject", "tls-required", "x" };

static void
read_fields (const PmHeaderSection *section)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      guint n = pm_header_section_count (section, names[i]);

      g_assert_cmpuint (n, <=, PM_HEADER_SECTION_MAX_FIELDS);
      for (guint j = 0; j < MIN (n, 8); j++)
        {
          g_autofree char *value = pm_header_section_get (section, names[i], j);
          g_autoptr (GPtrArray) authors = pm_message_filter_read_authors (value);

          g_assert_null (strpbrk (value, "\r\n"));
          for (guint k = 0; k < authors->len; k++)
            {
              g_autofree char *text = pm_mail_address_to_string (authors->pdata[k]);

              g_assert_null (strpbrk (text, "\r\n"));
            }
        }
      g_assert_null (pm_header_section_get (section, names[i], n));
    }
}

static PmHeaderSectionState
feed (PmHeaderSection *section, const uint8_t *bytes, size_t size, size_t step)
{
  PmHeaderSectionState state = PM_HEADER_SECTION_MORE;

  for (size_t at = 0; at < size && state == PM_HEADER_SECTION_MORE; at += step)
    state = pm_header_section_feed (section, bytes + at, MIN (step, size - at));
  if (state == PM_HEADER_SECTION_MORE)
    pm_header_section_finish (section);
  return state;
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_auto (PmHeaderSection) whole = { 0 };
  g_auto (PmHeaderSection) pieces = { 0 };
  g_autofree char *fields = NULL;
  PmHeaderSectionState state = feed (&whole, bytes, size, MAX (size, 1));

  g_assert_cmpint (feed (&pieces, bytes, size, 1), ==, state);
  if (state == PM_HEADER_SECTION_TOO_LARGE || state == PM_HEADER_SECTION_TOO_MANY)
    return 0;
  g_assert_cmpuint (whole.size, ==, pieces.size);
  g_assert_cmpuint (whole.n_fields, ==, pieces.n_fields);
  g_assert_cmpuint (whole.size, <=, PM_HEADER_SECTION_MAX);
  read_fields (&whole);
  fields = pm_submission_add_fields (&whole, 0, 1, "mail1.example.com");
  g_assert_true (fields == NULL || *fields == '\0' || g_str_has_suffix (fields, "\r\n"));
  return 0;
}
