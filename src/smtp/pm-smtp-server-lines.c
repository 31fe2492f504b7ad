// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Cuts the input into lines: commands, and the answers to challenges. A line ends in CR LF and has
// no other CR, LF or NUL in it; one that is too long is dropped as it comes, and refused at its
// end.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"

static void
violate_line (PmSmtpServer *server)
{
  pm_smtp_server_violate (server, 500, "5.5.2",
                          "Lines must end in CR LF, without another CR, LF or NUL");
}

// What may have a password in it is wiped where it has been.
static gboolean
is_log_in (const char *bytes, gsize size)
{
  return size > 4 && g_ascii_strncasecmp (bytes, "AUTH", 4) == 0;
}

// A line is whole. RFC 5321 2.3.8: CR and LF come together or not at all.
static void
take_line (PmSmtpServer *server, gsize size)
{
  char *bytes = (char *) pm_buffer_peek (&server->input);
  gboolean secret = server->state == PM_SMTP_SERVER_AUTH || is_log_in (bytes, size);
  gboolean strict = size >= 2 && bytes[size - 2] == '\r' &&
                    memchr (bytes, '\r', size - 2) == NULL && memchr (bytes, '\0', size) == NULL;
  g_autofree char *line = strict ? g_strndup (bytes, size - 2) : NULL;
  gboolean skipped = server->skipping;

  if (secret)
    explicit_bzero (bytes, size);
  pm_buffer_consume (&server->input, size);
  server->n_lines++;
  server->skipping = FALSE;
  if (!strict)
    violate_line (server);
  else if (server->state == PM_SMTP_SERVER_AUTH)
    pm_smtp_server_take_response (server, line, !skipped);
  else if (skipped)
    pm_smtp_server_say (server, 500, "5.5.2", "The line is too long");
  else
    pm_smtp_server_command (server, g_strchomp (line), size);
  if (secret && line != NULL)
    explicit_bzero (line, strlen (line));
}

// Drops what cannot become a command any more, but for a last CR: an LF may follow.
static gboolean
skip_line (PmSmtpServer *server, gsize size)
{
  const guint8 *bytes = pm_buffer_peek (&server->input);
  gsize keep = bytes[size - 1] == '\r' ? 1 : 0;
  gboolean strict = memchr (bytes, '\r', size - keep) == NULL && memchr (bytes, '\0', size) == NULL;

  pm_buffer_consume (&server->input, size - keep);
  if (!strict)
    violate_line (server);
  return FALSE;
}

/**
 * pm_smtp_server_step_line:
 *
 * Returns: whether there may be more to do.
 */
gboolean
pm_smtp_server_step_line (PmSmtpServer *server)
{
  gsize size = pm_buffer_size (&server->input);
  const guint8 *bytes = pm_buffer_peek (&server->input);
  const guint8 *feed = size == 0 ? NULL : memchr (bytes, '\n', size);
  gsize length = feed == NULL ? size : (gsize) (feed - bytes) + 1;

  if (size == 0)
    return FALSE;
  if (length > PM_SMTP_SERVER_LONGEST_LINE && !server->skipping)
    {
      // How many octets follow a BDAT that nobody could read is not known either.
      if (g_ascii_strncasecmp ((const char *) bytes, "BDAT", 4) == 0)
        {
          pm_smtp_server_violate (server, 501, "5.5.4", "The line is too long");
          return FALSE;
        }
      server->skipping = TRUE;
    }
  if (feed != NULL)
    {
      take_line (server, length);
      return TRUE;
    }
  return server->skipping ? skip_line (server, size) : FALSE;
}
