// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What a submission server adds to a message that lacks it (RFC 6409 8). Nothing that is there is
// changed.

#include "relay/pm-submission.h"

#include "relay/pm-header.h"

/**
 * pm_submission_add_fields:
 * @section: the header section as the client gave it
 * @time: microseconds since 1970
 * @id: the queue's number of the message
 * @host: our name
 *
 * Returns: (transfer full) (nullable): Date: and Message-ID: (RFC 6409 8.2, 8.3) where they are not
 *   there, with their CRLF
 */
char *
pm_submission_add_fields (const PmHeaderSection *section,
                          gint64 time,
                          guint64 id,
                          const char *host)
{
  g_autoptr (GString) added = g_string_new (NULL);

  if (pm_header_section_count (section, "Date") == 0)
    {
      g_autofree char *date = pm_header_date (time);

      g_string_append_printf (added, "Date: %s\r\n", date);
    }
  if (pm_header_section_count (section, "Message-ID") == 0)
    g_string_append_printf (added,
                            "Message-ID: <%" G_GINT64_FORMAT ".%" G_GUINT64_FORMAT "@%s>\r\n",
                            time, id, host);
  return added->len > 0 ? g_string_free (g_steal_pointer (&added), FALSE) : NULL;
}
