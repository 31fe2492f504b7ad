// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Between the bus and the command line: values of the bus as JSON and as text, and options as
// filters of the bus.

#include "ctl/pm-ctl-variant.h"

#include <string.h>

/* `last-commit` on the bus is `lastCommit` in JSON. */
static char *
to_camel (const char *key)
{
  GString *name = g_string_new (NULL);
  gboolean upper = FALSE;

  for (const char *c = key; *c != '\0'; c++)
    {
      if (*c != '-')
        g_string_append_c (name, upper ? g_ascii_toupper (*c) : *c);
      upper = *c == '-';
    }
  return g_string_free (name, FALSE);
}

static gint64
get_number (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_UINT16:
      return g_variant_get_uint16 (value);
    case G_VARIANT_CLASS_INT32:
      return g_variant_get_int32 (value);
    case G_VARIANT_CLASS_UINT32:
      return g_variant_get_uint32 (value);
    case G_VARIANT_CLASS_UINT64:
      return (gint64) MIN (g_variant_get_uint64 (value), G_MAXINT64);
    case G_VARIANT_CLASS_INT64:
    default:
      return g_variant_get_int64 (value);
    }
}

static void
add_dictionary (JsonBuilder *builder, GVariant *value)
{
  json_builder_begin_object (builder);
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
      g_autoptr (GVariant) member = g_variant_get_child_value (entry, 1);
      const char *type = g_variant_get_type_string (value);
      g_autofree char *name = strcmp (type, "a{sv}") == 0
                                  ? to_camel (g_variant_get_string (key, NULL))
                                  : g_variant_dup_string (key, NULL);

      json_builder_set_member_name (builder, name);
      pm_ctl_add_variant (builder, member);
    }
  json_builder_end_object (builder);
}

static void
add_list (JsonBuilder *builder, GVariant *value)
{
  json_builder_begin_array (builder);
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      pm_ctl_add_variant (builder, child);
    }
  json_builder_end_array (builder);
}

/**
 * pm_ctl_add_variant:
 * @value: of the bus: texts, numbers, lists and dictionaries
 */
void
pm_ctl_add_variant (JsonBuilder *builder, GVariant *value)
{
  g_autoptr (GVariant) inner = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      inner = g_variant_get_variant (value);
      pm_ctl_add_variant (builder, inner);
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    json_builder_add_string_value (builder, g_variant_get_string (value, NULL));
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    json_builder_add_boolean_value (builder, g_variant_get_boolean (value));
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY))
    add_dictionary (builder, value);
  else if (g_variant_is_container (value))
    add_list (builder, value);
  else
    json_builder_add_int_value (builder, get_number (value));
}

void
pm_ctl_print_variant_json (GVariant *value)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  pm_ctl_add_variant (builder, value);
  pm_ctl_print_json (builder);
}

/**
 * pm_ctl_clean:
 *
 * Returns: (transfer full): @text without what a terminal would obey
 */
char *
pm_ctl_clean (const char *text)
{
  char *valid = g_utf8_make_valid (text, -1);

  for (char *c = valid; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = '?';
  return valid;
}

/**
 * pm_ctl_variant_to_text:
 *
 * Returns: (transfer full): a text, number, truth or list of texts, for a person
 */
char *
pm_ctl_variant_to_text (GVariant *value)
{
  g_autofree const char **words = NULL;
  g_autofree char *joined = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return pm_ctl_clean (g_variant_get_string (value, NULL));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? "yes" : "no");
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      words = g_variant_get_strv (value, NULL);
      joined = g_strjoinv (", ", (char **) words);
      return pm_ctl_clean (joined);
    }
  if (g_variant_is_container (value))
    return g_variant_print (value, FALSE);
  return g_strdup_printf ("%" G_GINT64_FORMAT, get_number (value));
}

/**
 * pm_ctl_lookup_text:
 *
 * Returns: (transfer full): a member of an a{sv} or a{st} as text; "" where it is not there
 */
char *
pm_ctl_lookup_text (GVariant *dictionary, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (dictionary, key, NULL);

  return value == NULL ? g_strdup ("") : pm_ctl_variant_to_text (value);
}

void
pm_ctl_filter_clear (PmCtlFilter *filter)
{
  g_free (filter->queue);
  g_free (filter->state);
  g_free (filter->sender);
  g_free (filter->sender_domain);
  g_free (filter->recipient);
  g_free (filter->domain);
  g_free (filter->destination);
  g_free (filter->reason);
  g_free (filter->older);
  g_free (filter->newer);
}

static gboolean
add_age (PmCtl *ctl, GVariantBuilder *out, const char *key, const char *text)
{
  static const char units[] = "smhd";
  static const guint seconds[] = { 1, 60, 3600, 86400 };
  gsize length = text != NULL ? strlen (text) : 0;
  const char *unit;
  g_autofree char *digits = NULL;
  guint64 number;

  if (text == NULL)
    return TRUE;
  unit = length > 1 ? strchr (units, text[length - 1]) : NULL;
  digits = g_strndup (text, length > 0 ? length - 1 : 0);
  if (unit == NULL || !g_ascii_string_to_unsigned (digits, 10, 0, 1000000, &number, NULL))
    {
      pm_ctl_usage (ctl, "“%s” after --%s is not a time, as 90s, 15m, 4h or 2d.", text, key);
      return FALSE;
    }
  g_variant_builder_add (out, "{sv}", key, g_variant_new_uint64 (number * seconds[unit - units]));
  return TRUE;
}

static guint
add_texts (const PmCtlFilter *filter, GVariantBuilder *out)
{
  const struct
  {
    const char *key;
    const char *text;
  } texts[] = {
    { "queue", filter->queue },
    { "state", filter->state },
    { "sender", filter->sender },
    { "sender-domain", filter->sender_domain },
    { "recipient", filter->recipient },
    { "domain", filter->domain },
    { "destination", filter->destination },
    { "reason", filter->reason },
  };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i].text != NULL)
      {
        g_variant_builder_add (out, "{sv}", texts[i].key, g_variant_new_string (texts[i].text));
        n++;
      }
  return n;
}

static gboolean
add_ids (PmCtl *ctl, GVariantBuilder *out, int argc, char **argv)
{
  GVariantBuilder ids;

  if (argc < 2)
    return TRUE;
  g_variant_builder_init (&ids, G_VARIANT_TYPE ("at"));
  for (int i = 1; i < argc; i++)
    {
      guint64 id;

      if (!g_ascii_string_to_unsigned (argv[i], 10, 1, G_MAXINT64, &id, NULL))
        {
          g_variant_builder_clear (&ids);
          pm_ctl_usage (ctl, "“%s” is not the number of a message; “queue list” shows them.",
                        argv[i]);
          return FALSE;
        }
      g_variant_builder_add (&ids, "t", id);
    }
  g_variant_builder_add (out, "{sv}", "ids", g_variant_builder_end (&ids));
  return TRUE;
}

/**
 * pm_ctl_filter_read:
 * @change: they are to be changed: then it must be said which
 * @argc: how many arguments there are, with the command
 * @argv: numbers of messages, from the second on
 *
 * Returns: (transfer full) (nullable): an a{sv}; %NULL for a wrong usage, which is said
 */
GVariant *
pm_ctl_filter_read (PmCtl *ctl, const PmCtlFilter *filter, gboolean change, int argc, char **argv)
{
  GVariantBuilder out;
  guint conditions;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  conditions = add_texts (filter, &out) + (filter->older != NULL) + (filter->newer != NULL);
  if (!add_ids (ctl, &out, argc, argv) || !add_age (ctl, &out, "older-than", filter->older) ||
      !add_age (ctl, &out, "newer-than", filter->newer))
    {
      g_variant_builder_clear (&out);
      return NULL;
    }
  if (change && (argc > 1) + (conditions > 0) + (filter->all ? 1 : 0) != 1)
    {
      g_variant_builder_clear (&out);
      pm_ctl_usage (ctl, "Say which: the numbers of messages, or --all, or what they have in "
                         "common, as --domain.");
      return NULL;
    }
  if (filter->all)
    g_variant_builder_add (&out, "{sv}", "all", g_variant_new_boolean (TRUE));
  return g_variant_ref_sink (g_variant_builder_end (&out));
}
