// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-mx-walk.h"

#include <string.h>

#include "dns/pm-fake-resolver.h"

static const char zone[] =
    "two.example 60 MX 20 b.two.example\n"
    "two.example 60 MX 10 a.two.example\n"
    "a.two.example 60 A 192.0.2.1\n"
    "a.two.example 60 AAAA 2001:db8::1\n"
    "b.two.example 60 A 192.0.2.2\n"
    "both.example 60 A 192.0.2.11\n"
    "both.example 60 A 192.0.2.12\n"
    "both.example 60 A 192.0.2.13\n"
    "both.example 60 AAAA 2001:db8::11\n"
    "both.example 60 AAAA 2001:db8::12\n"
    "implicit.example 60 A 192.0.2.3\n"
    "null.example 60 MX 0 .\n"
    "textonly.example 60 TXT \"x\"\n"
    "servfail.example ! servfail\n"
    "timeout.example ! timeout\n"
    "bogus.example ! bogus\n"
    "vague.example ! nodata\n"
    "vaguehost.example 60 MX 10 vague.example\n"
    "noaddress.example 60 MX 10 gone.noaddress.example\n"
    "halfknown.example 60 MX 10 servfail.example\n"
    "halfknown.example 60 MX 20 b.two.example\n"
    "unknown.example 60 MX 10 servfail.example\n"
    "backup.example 60 MX 10 a.two.example\n"
    "backup.example 60 MX 20 us.example\n"
    "backup.example 60 MX 20 b.two.example\n"
    "backup.example 60 MX 30 b.two.example\n"
    "byaddress.example 60 MX 10 a.two.example\n"
    "byaddress.example 60 MX 20 alias.example\n"
    "alias.example 60 A 192.0.2.99\n"
    "primary.example 60 MX 5 us.example\n"
    "primary.example 60 MX 10 a.two.example\n"
    "nameonly.example 60 MX 10 US.example\n"
    "us.example 60 A 192.0.2.99\n"
    "worse.example 60 MX 10 servfail.example\n"
    "worse.example 60 MX 20 us.example\n"
    "loop.example 60 MX 10 local.example\n"
    "local.example 60 A 127.0.0.5\n"
    "any.example 60 MX 10 zero.example\n"
    "zero.example 60 A 0.0.0.0\n"
    "self.example 60 A 192.0.2.99\n"
    "mapped.example 60 AAAA ::ffff:192.0.2.99\n"
    "mappedloop.example 60 AAAA ::ffff:127.0.0.5\n"
    "literal.example 60 MX 10 192.0.2.1\n";

typedef struct
{
  gboolean done;
  GPtrArray *targets;
  PmSmtpReply *refusal;
  GError *error;
} Result;

static void
walked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Result *r = data;

  r->targets = pm_mx_walk_finish (PM_RESOLVER (source), result, &r->refusal, &r->error);
  r->done = TRUE;
}

/* The targets as `host address …`, or the refusal's codes. */
static char *
walk (PmResolver *resolver, const char *name, gboolean mx, gboolean own_loopback)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GString) text = g_string_new (NULL);
  PmMxQuestion question = { name, mx, "us.example", own, own_loopback };
  Result result = { 0 };

  g_ptr_array_add (own, g_inet_address_new_from_string ("192.0.2.99"));
  g_ptr_array_add (own, g_inet_address_new_from_string ("127.0.0.1"));
  pm_mx_walk_async (resolver, &question, NULL, walked_cb, &result);
  g_assert_false (result.done);
  while (!result.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (result.error);
  g_assert_true ((result.targets == NULL) == (result.refusal != NULL));

  if (result.refusal != NULL)
    {
      g_autofree char *status = pm_smtp_reply_status_to_string (result.refusal);

      g_string_printf (text, "%u %s", result.refusal->code, status);
      pm_smtp_reply_unref (result.refusal);
      return g_string_free (g_steal_pointer (&text), FALSE);
    }
  for (guint i = 0; i < result.targets->len; i++)
    {
      const PmMxTarget *target = g_ptr_array_index (result.targets, i);
      g_autofree char *address = g_inet_address_to_string (target->address);

      g_string_append_printf (text, "%s%s %s", i > 0 ? ", " : "", target->host, address);
    }
  g_ptr_array_unref (result.targets);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_table (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  struct
  {
    const char *name;
    const char *domain;
    gboolean host; /* not by MX */
    const char *expected;
  } cases[] = {
    { "by preference", "two.example", FALSE,
      "a.two.example 2001:db8::1, a.two.example 192.0.2.1, b.two.example 192.0.2.2" },
    { "implicit MX", "implicit.example", FALSE, "implicit.example 192.0.2.3" },
    { "ours, mapped into IPv6", "mapped.example", FALSE, "554 5.4.6" },
    { "loopback, mapped into IPv6", "mappedloop.example", FALSE, "554 5.4.6" },
    { "null MX", "null.example", FALSE, "556 5.1.10" },
    { "neither MX nor address", "textonly.example", FALSE, "550 5.4.4" },
    { "no such domain", "nowhere.example", FALSE, "550 5.1.2" },
    { "SERVFAIL defers", "servfail.example", FALSE, "451 4.4.3" },
    { "time-out defers", "timeout.example", FALSE, "451 4.4.3" },
    { "bogus defers", "bogus.example", FALSE, "451 4.4.3" },
    { "nothing, and nobody vouches for it", "vague.example", FALSE, "451 4.4.3" },
    { "no address, and nobody vouches for it", "vaguehost.example", FALSE, "451 4.4.3" },
    { "MX without an address", "noaddress.example", FALSE, "550 5.4.4" },
    { "IPv6 first, then in turn", "both.example", TRUE,
      "both.example 2001:db8::11, both.example 192.0.2.11, both.example 2001:db8::12, "
      "both.example 192.0.2.12, both.example 192.0.2.13" },
    { "one host unknown", "halfknown.example", FALSE, "b.two.example 192.0.2.2" },
    { "all hosts unknown", "unknown.example", FALSE, "451 4.4.3" },
    { "we are the backup: equals and worse go", "backup.example", FALSE,
      "a.two.example 2001:db8::1, a.two.example 192.0.2.1" },
    { "we by address", "byaddress.example", FALSE,
      "a.two.example 2001:db8::1, a.two.example 192.0.2.1" },
    { "we are the best", "primary.example", FALSE, "554 5.4.6" },
    { "we by name", "nameonly.example", FALSE, "554 5.4.6" },
    { "a better one is unknown", "worse.example", FALSE, "451 4.4.3" },
    { "implicit MX is us", "self.example", FALSE, "554 5.4.6" },
    { "loopback", "loop.example", FALSE, "554 5.4.6" },
    { "0.0.0.0", "any.example", FALSE, "554 5.4.6" },
    { "an address for a host name", "literal.example", FALSE, "550 5.4.4" },
    { "address literal", "192.0.2.7", FALSE, "192.0.2.7 192.0.2.7" },
    { "our address as a literal", "192.0.2.99", FALSE, "554 5.4.6" },
    { "host", "b.two.example", TRUE, "b.two.example 192.0.2.2" },
    { "host by address", "2001:db8::7", TRUE, "2001:db8::7 2001:db8::7" },
    { "host on this machine", "127.0.0.1", TRUE, "127.0.0.1 127.0.0.1" },
    { "host that is nowhere", "nowhere.example", TRUE, "451 4.4.4" },
    { "host unknown", "timeout.example", TRUE, "451 4.4.3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *got = walk (resolver, cases[i].domain, !cases[i].host, TRUE);

      g_test_message ("%s", cases[i].name);
      g_assert_cmpstr (got, ==, cases[i].expected);
    }
}

static void
test_loopback_of_others (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autofree char *got = walk (resolver, "loop.example", TRUE, FALSE);

  g_assert_cmpstr (got, ==, "local.example 127.0.0.5");
}

/* RFC 5321 5.1: among equals the sender chooses at random, to spread the load. */
static void
test_equals_are_shuffled (void)
{
  g_autoptr (PmResolver) resolver =
      pm_fake_resolver_new ("e.example 60 MX 10 a.example\ne.example 60 MX 10 b.example\n"
                            "a.example 60 A 192.0.2.1\nb.example 60 A 192.0.2.2\n");
  guint first = 0;

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *got = walk (resolver, "e.example", TRUE, TRUE);

      first += g_str_has_prefix (got, "a.example") ? 1 : 0;
    }
  g_assert_cmpuint (first, >, 10);
  g_assert_cmpuint (first, <, 90);
}

static void
test_many_hosts (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (PmResolver) resolver = NULL;
  g_autofree char *got = NULL;
  g_auto (GStrv) targets = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "m.example 60 MX %u h%u.example\nh%u.example 60 A 192.0.2.%u\n",
                            i, i, i, i % 90 + 1);
  resolver = pm_fake_resolver_new (text->str);
  got = walk (resolver, "m.example", TRUE, TRUE);
  targets = g_strsplit (got, ", ", -1);
  g_assert_cmpuint (g_strv_length (targets), ==, 20);
  g_assert_cmpstr (targets[0], ==, "h0.example 192.0.2.1");
}

static void
test_cancelled (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  PmMxQuestion question = { .name = "two.example", .mx = TRUE };
  Result result = { 0 };

  pm_mx_walk_async (resolver, &question, cancellable, walked_cb, &result);
  g_cancellable_cancel (cancellable);
  while (!result.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (result.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (result.targets);
  g_assert_null (result.refusal);
  g_clear_error (&result.error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mx-walk/table", test_table);
  g_test_add_func ("/mx-walk/loopback-of-others", test_loopback_of_others);
  g_test_add_func ("/mx-walk/equals-are-shuffled", test_equals_are_shuffled);
  g_test_add_func ("/mx-walk/many-hosts", test_many_hosts);
  g_test_add_func ("/mx-walk/cancelled", test_cancelled);
  return g_test_run ();
}
