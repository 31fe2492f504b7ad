// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-relay-bus-which.h"

#include <string.h>

#include "base/pm-error.h"

#define NOW (2000000000 * (gint64) G_USEC_PER_SEC)

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *dictionary = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return dictionary;
}

/* What is refused, by which error, and what the person is told of it. */
static void
test_refused (void)
{
  static const struct
  {
    const char *text;
    gboolean change;
    int code;
    const char *said;
  } cases[] = {
    { "{'color': <'red'>}", FALSE, PM_ERROR_INVALID, "“color” is not one of: ids (at), all (b)" },
    { "{'': <'x'>}", FALSE, PM_ERROR_INVALID, "“” is not one of" },
    { "{'Sender': <'x'>}", FALSE, PM_ERROR_INVALID, "“Sender” is not one of" },
    { "{'sender': <1>}", FALSE, PM_ERROR_INVALID, "“sender” has the type i where s" },
    { "{'sender': <<'a@b'>>}", FALSE, PM_ERROR_INVALID, "has the type v where s" },
    { "{'sender': <['a@b']>}", FALSE, PM_ERROR_INVALID, "has the type as where s" },
    { "{'ids': <[1, 2]>}", FALSE, PM_ERROR_INVALID, "“ids” has the type ai where at" },
    { "{'ids': <uint64 7>}", FALSE, PM_ERROR_INVALID, "“ids” has the type t where at" },
    { "{'all': <'yes'>}", TRUE, PM_ERROR_INVALID, "“all” has the type s where b" },
    { "{'older-than': <int64 5>}", FALSE, PM_ERROR_INVALID, "“older-than” has the type x" },
    { "{'received-after': <uint64 5>}", FALSE, PM_ERROR_INVALID, "has the type t where x" },
    { "{'operation': <int32 -1>}", TRUE, PM_ERROR_INVALID, "“operation” has the type i" },
    { "{'sender': <'a'>, 'sender': <'b'>}", FALSE, PM_ERROR_INVALID, "“sender” stands there twice" },
    { "{'sender': <''>}", FALSE, PM_ERROR_INVALID, "write “<>” for the null sender" },
    { "{'reason': <''>}", FALSE, PM_ERROR_INVALID, "“reason” is empty" },
    { "{'queue': <'both'>}", FALSE, PM_ERROR_INVALID, "none of: inbound, outbound" },
    { "{'state': <'HELD'>}", FALSE, PM_ERROR_INVALID, "none of: fresh, deferred, held" },
    { "@a{sv} {}", TRUE, PM_ERROR_INVALID, "Say which messages" },
    { "{'all': <false>}", TRUE, PM_ERROR_INVALID, "Say which messages" },
    { "{'operation': <uint32 4>}", TRUE, PM_ERROR_INVALID, "Say which messages" },
    { "{'all': <true>, 'sender': <'a@b'>}", TRUE, PM_ERROR_INVALID, "“all” does not go with" },
    { "{'ids': <[uint64 1]>, 'sender': <'a@b'>}", TRUE, PM_ERROR_INVALID, "“ids” do not go" },
    { "{'ids': <[uint64 1]>, 'all': <true>}", TRUE, PM_ERROR_INVALID, "“all” does not go with" },
    { "{'operation': <uint32 4>}", FALSE, PM_ERROR_INVALID, "“operation” is for changes" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dictionary = parse (cases[i].text);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", cases[i].text);
      g_assert_null (pm_relay_bus_which_read (dictionary, cases[i].change, NOW, &error));
      g_assert_error (error, PM_ERROR, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].said));
    }
}

/* The message of an error goes over the bus, which takes only whole letters and not everything. */
static void
test_huge (void)
{
  g_autofree char *large = g_strnfill (4 * 1024 * 1024, 'x');
  GString *letters = g_string_new ("x");
  g_autofree char *key = NULL;
  g_autofree char *longest = g_strnfill (1024, 'x');
  const char *keys[] = { large, NULL };
  guint64 *ids = g_new0 (guint64, 100001);

  for (guint i = 0; i < 1000; i++)
    g_string_append (letters, "é");
  key = g_string_free (letters, FALSE);
  keys[1] = key;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      GVariantDict dict;
      g_autoptr (GVariant) unknown = NULL;
      g_autoptr (GError) error = NULL;

      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, keys[i], "b", TRUE);
      unknown = g_variant_ref_sink (g_variant_dict_end (&dict));
      g_assert_null (pm_relay_bus_which_read (unknown, TRUE, NOW, &error));
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
      g_assert_cmpuint (strlen (error->message), <, 1024);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }

  for (guint i = 0; i < 3; i++)
    {
      GVariantDict dict;
      g_autoptr (GVariant) value = NULL;
      g_autoptr (PmRelayBusWhich) which = NULL;
      g_autoptr (GError) error = NULL;

      g_variant_dict_init (&dict, NULL);
      if (i < 2)
        g_variant_dict_insert (&dict, "reason", "s", i == 0 ? large : longest);
      else
        g_variant_dict_insert_value (&dict, "ids",
                                     g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, ids, 100001,
                                                                sizeof (guint64)));
      value = g_variant_ref_sink (g_variant_dict_end (&dict));
      which = pm_relay_bus_which_read (value, TRUE, NOW, &error);
      if (i == 1)
        {
          g_assert_no_error (error);
          g_assert_cmpstr (which->filter->reply, ==, longest);
          continue;
        }
      g_assert_error (error, PM_ERROR, PM_ERROR_TOO_LARGE);
      g_assert_nonnull (strstr (error->message, i == 0 ? "4194304 bytes" : "use a filter"));
      g_assert_cmpuint (strlen (error->message), <, 1024);
    }
  g_free (ids);
}

static void
test_read (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) named = parse ("{'ids': <[uint64 9, 3, 9, 0]>, 'operation': <uint32 4>}");
  g_autoptr (GVariant) fit = parse ("{'queue': <'outbound'>, 'state': <'held'>, 'sender': <'<>'>, "
                                    "'domain': <'x.example'>, 'older-than': <uint64 60>, "
                                    "'newer-than': <uint64 18446744073709551615>}");
  g_autoptr (GVariant) none = parse ("{'ids': <@at []>}");
  g_autoptr (GVariant) all = parse ("{'all': <true>}");
  g_autoptr (PmRelayBusWhich) first = pm_relay_bus_which_read (named, TRUE, NOW, &error);
  g_autoptr (PmRelayBusWhich) second = pm_relay_bus_which_read (fit, FALSE, NOW, &error);
  g_autoptr (PmRelayBusWhich) third = pm_relay_bus_which_read (none, TRUE, NOW, &error);
  g_autoptr (PmRelayBusWhich) fourth = pm_relay_bus_which_read (all, TRUE, NOW, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (first->ids->len, ==, 3);
  g_assert_cmpuint (g_array_index (first->ids, guint64, 0), ==, 0);
  g_assert_cmpuint (g_array_index (first->ids, guint64, 2), ==, 9);
  g_assert_cmpuint (first->operation, ==, 4);
  g_assert_null (second->ids);
  g_assert_cmpint (second->filter->agent, ==, PM_QUEUE_REMOTE);
  g_assert_cmpstr (second->filter->sender, ==, "<>");
  g_assert_cmpstr (second->filter->recipient_domain, ==, "x.example");
  g_assert_cmpint (second->filter->received_before, ==, NOW - 60 * G_USEC_PER_SEC + 1);
  g_assert_cmpint (second->filter->received_after, >, 0);
  // None named is none, and never all of them.
  g_assert_nonnull (third->ids);
  g_assert_cmpuint (third->ids->len, ==, 0);
  g_assert_null (fourth->ids);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/relay-bus-which/refused", test_refused);
  g_test_add_func ("/relay-bus-which/huge", test_huge);
  g_test_add_func ("/relay-bus-which/read", test_read);
  return g_test_run ();
}
