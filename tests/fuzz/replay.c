// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Feeds each file of a corpus folder to a fuzz target, as TAP: what was found once stays found.

#include "fuzz.h"

#include <glib.h>

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = argc == 2 ? g_dir_open (argv[1], 0, &error) : NULL;
  const char *name;
  guint n = 0;

  if (dir == NULL)
    {
      g_printerr ("usage: %s CORPUS-FOLDER%s%s\n", argv[0], error != NULL ? ": " : "",
                  error != NULL ? error->message : "");
      return 2;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (argv[1], name, NULL);
      g_autofree char *text = NULL;
      gsize size;

      if (!g_file_get_contents (path, &text, &size, &error))
        {
          g_print ("Bail out! %s\n", error->message);
          return 1;
        }
      LLVMFuzzerTestOneInput ((const uint8_t *) text, size);
      g_print ("ok %u - %s\n", ++n, name);
    }
  g_print ("1..%u\n", n);
  return n > 0 ? 0 : 1;
}
