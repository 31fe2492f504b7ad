// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "dns/pm-unbound-resolver.h"

#include <string.h>

#include "base/pm-error.h"
#include "hostile-name-server.h"
#include "test-name-server.h"

#define LONG_TIMEOUT 10000
#define SHORT_TIMEOUT 400

static const char zone[] = "@ MX 10 mx1\n"
                           "@ 300 A 192.0.2.80\n"
                           "mx1 A 192.0.2.10\n"
                           "mx1 AAAA 2001:db8::10\n"
                           "alias CNAME mx1\n"
                           "alias2 CNAME alias\n"
                           "dangling CNAME nowhere\n"
                           "null MX 0 .\n"
                           "mixed 60 MX 20 MX1.Laboratory.TEST.\n"
                           "text TXT \"v=spf1 \" \"-all\"\n"
                           "*.wild MX 5 mx1\n"
                           "odd MX 10 a\\.b.laboratory.test.\n"
                           "10 PTR mx1\n";

typedef struct
{
  const char *name;
  PmDnsType type;
  PmDnsStatus status;
  const char *canonical;
  const char *first; /* name, address or text of the first record */
} Case;

static const Case cases[] = {
  { "laboratory.test", PM_DNS_MX, PM_DNS_OK, NULL, "mx1.laboratory.test" },
  { "Laboratory.TEST.", PM_DNS_MX, PM_DNS_OK, NULL, "mx1.laboratory.test" },
  { "laboratory.test", PM_DNS_A, PM_DNS_OK, NULL, "192.0.2.80" },
  { "laboratory.test", PM_DNS_AAAA, PM_DNS_NODATA, NULL, NULL },
  { "mx1.laboratory.test", PM_DNS_AAAA, PM_DNS_OK, NULL, "2001:db8::10" },
  { "nobody.laboratory.test", PM_DNS_MX, PM_DNS_NXDOMAIN, NULL, NULL },
  { "alias2.laboratory.test", PM_DNS_A, PM_DNS_OK, "mx1.laboratory.test", "192.0.2.10" },
  { "alias.laboratory.test", PM_DNS_CNAME, PM_DNS_OK, NULL, "mx1.laboratory.test" },
  { "alias.laboratory.test", PM_DNS_MX, PM_DNS_NODATA, "mx1.laboratory.test", NULL },
  { "dangling.laboratory.test", PM_DNS_A, PM_DNS_NXDOMAIN, "nowhere.laboratory.test", NULL },
  { "null.laboratory.test", PM_DNS_MX, PM_DNS_OK, NULL, "." },
  { "mixed.laboratory.test", PM_DNS_MX, PM_DNS_OK, NULL, "mx1.laboratory.test" },
  { "text.laboratory.test", PM_DNS_TXT, PM_DNS_OK, NULL, "v=spf1 -all" },
  { "x.wild.laboratory.test", PM_DNS_MX, PM_DNS_OK, NULL, "mx1.laboratory.test" },
  { "odd.laboratory.test", PM_DNS_MX, PM_DNS_OK, NULL, "a\\.b.laboratory.test" },
  { "a\\.b.laboratory.test", PM_DNS_A, PM_DNS_NXDOMAIN, NULL, NULL },
  { "10.laboratory.test", PM_DNS_PTR, PM_DNS_OK, NULL, "mx1.laboratory.test" },
  { "localhost", PM_DNS_A, PM_DNS_OK, NULL, "127.0.0.1" },
  // What cannot be asked for does not exist.
  { "", PM_DNS_A, PM_DNS_NXDOMAIN, NULL, NULL },
  { "two..dots.test", PM_DNS_A, PM_DNS_NXDOMAIN, NULL, NULL },
  { "a-label-that-is-far-longer-than-the-sixty-three-bytes-which-it-may-have.test", PM_DNS_A,
    PM_DNS_NXDOMAIN, NULL, NULL },
};

static PmResolver *
ask_at (const char *server, guint timeout)
{
  g_autoptr (GError) error = NULL;
  PmResolver *resolver = pm_unbound_resolver_new (server, timeout, &error);

  g_assert_no_error (error);
  return resolver;
}

static char *
describe (const PmDnsRecord *record)
{
  if (record->address != NULL)
    return g_inet_address_to_string (record->address);
  return g_strdup (record->name != NULL ? record->name : record->text);
}

static gboolean
skip_without_nsd (void)
{
  if (test_name_server_is_available ())
    return FALSE;
  g_test_skip ("nsd is not installed");
  return TRUE;
}

static void
test_answers (void)
{
  g_autoptr (TestNameServer) server = NULL;
  g_autoptr (PmResolver) resolver = NULL;

  if (skip_without_nsd ())
    return;
  server = test_name_server_start ("laboratory.test.", zone);
  resolver = ask_at (test_name_server_get_address (server), LONG_TIMEOUT);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, cases[i].name, cases[i].type);

      g_test_message ("%s %d: %s %s", cases[i].name, cases[i].type,
                      pm_dns_status_to_string (answer->status),
                      answer->detail != NULL ? answer->detail : "");
      g_assert_cmpint (answer->status, ==, cases[i].status);
      g_assert_false (answer->unfounded);
      g_assert_cmpstr (answer->canonical_name, ==, cases[i].canonical);
      g_assert_cmpstr (answer->name, ==, cases[i].name);
      g_assert_true (g_str_has_prefix (answer->server, "127.0.0.1:"));
      g_assert_cmpint (answer->elapsed, >=, 0);
      g_assert_cmpuint (answer->records->len, ==, cases[i].first != NULL ? 1 : 0);
      if (cases[i].first != NULL)
        {
          g_autofree char *first = describe (g_ptr_array_index (answer->records, 0));

          g_assert_cmpstr (first, ==, cases[i].first);
        }
    }
}

static void
test_fields (void)
{
  g_autoptr (TestNameServer) server = NULL;
  g_autoptr (PmResolver) resolver = NULL;
  g_autoptr (PmDnsAnswer) answer = NULL;
  const PmDnsRecord *record;

  if (skip_without_nsd ())
    return;
  server = test_name_server_start ("laboratory.test.", zone);
  resolver = ask_at (test_name_server_get_address (server), LONG_TIMEOUT);
  answer = test_lookup (resolver, "mixed.laboratory.test", PM_DNS_MX);
  record = g_ptr_array_index (answer->records, 0);
  g_assert_cmpuint (record->preference, ==, 20);
  g_assert_cmpuint (record->ttl, ==, 60);
  g_assert_false (answer->secure);
}

typedef struct
{
  PmResolver *resolver;
  guint wanted;
  guint done;
} Many;

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Many *many = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmDnsAnswer) answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result,
                                                              &error);

  g_assert_no_error (error);
  g_assert_cmpint (answer->status, ==, PM_DNS_OK);
  many->done++;
}

static gpointer
ask_many (gpointer data)
{
  Many *many = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < many->wanted; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u.wild.laboratory.test", i);

      pm_resolver_lookup_async (many->resolver, name, PM_DNS_MX, NULL, counted_cb, many);
    }
  while (many->done < many->wanted)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

// From several threads at once, each answer in the thread that asked; forgetting meanwhile disturbs
// nobody.
static void
test_threads (void)
{
  g_autoptr (TestNameServer) server = NULL;
  g_autoptr (PmResolver) resolver = NULL;
  Many many[4];
  GThread *threads[4];

  if (skip_without_nsd ())
    return;
  server = test_name_server_start ("laboratory.test.", zone);
  resolver = ask_at (test_name_server_get_address (server), LONG_TIMEOUT);
  for (guint i = 0; i < 4; i++)
    {
      many[i] = (Many){ resolver, 250, 0 };
      threads[i] = g_thread_new ("asker", ask_many, &many[i]);
      pm_resolver_forget (resolver);
    }
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
}

static void
test_forget (void)
{
  g_autoptr (HostileNameServer) server = hostile_name_server_start ();
  g_autoptr (PmResolver) resolver = ask_at (hostile_name_server_get_address (server), LONG_TIMEOUT);
  guint asked;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "good.test", PM_DNS_A);

      g_assert_cmpint (answer->status, ==, PM_DNS_OK);
    }
  asked = hostile_name_server_count (server);
  pm_resolver_forget (resolver);
  {
    g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "good.test", PM_DNS_A);

    g_assert_cmpint (answer->status, ==, PM_DNS_OK);
  }
  g_assert_cmpuint (hostile_name_server_count (server), >, asked);
}

typedef struct
{
  const char *name;
  PmDnsStatus status;
  PmDnsStatus otherwise; /* where two ends are right */
} HostileCase;

static const HostileCase hostile_cases[] = {
  { "good.test", PM_DNS_OK, PM_DNS_OK },
  { "truncated.test", PM_DNS_OK, PM_DNS_OK }, // asked again over TCP
  { "cut.test", PM_DNS_TIMEOUT, PM_DNS_SERVFAIL },
  { "silence.test", PM_DNS_TIMEOUT, PM_DNS_SERVFAIL },
  { "garbage.test", PM_DNS_TIMEOUT, PM_DNS_SERVFAIL },
  { "wrongid.test", PM_DNS_TIMEOUT, PM_DNS_SERVFAIL },
  { "wrongname.test", PM_DNS_TIMEOUT, PM_DNS_SERVFAIL },
  { "servfail.test", PM_DNS_SERVFAIL, PM_DNS_TIMEOUT },
  { "refused.test", PM_DNS_SERVFAIL, PM_DNS_TIMEOUT },
  { "shortdata.test", PM_DNS_SERVFAIL, PM_DNS_TIMEOUT },
  { "circle.test", PM_DNS_SERVFAIL, PM_DNS_TIMEOUT },
  { "referral.test", PM_DNS_NODATA, PM_DNS_SERVFAIL },
  { "nothing.test", PM_DNS_NODATA, PM_DNS_SERVFAIL },
};

// Whatever a server does, the look-up ends in time and in no wrong answer.
static void
test_hostile (gconstpointer data)
{
  const HostileCase *test = data;
  g_autoptr (HostileNameServer) server = hostile_name_server_start ();
  g_autoptr (PmResolver) resolver = ask_at (hostile_name_server_get_address (server), 1500);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, test->name, PM_DNS_A);

  g_test_message ("%s: %s (%s)", test->name, pm_dns_status_to_string (answer->status),
                  answer->detail != NULL ? answer->detail : "");
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
  if (answer->status != test->otherwise)
    g_assert_cmpint (answer->status, ==, test->status);
  if (answer->status == PM_DNS_NODATA)
    g_assert_true (answer->unfounded);
  else if (answer->status != PM_DNS_OK)
    g_assert_nonnull (answer->detail);
}

static void
test_timeout (void)
{
  g_autoptr (HostileNameServer) server = hostile_name_server_start ();
  g_autoptr (PmResolver) resolver = ask_at (hostile_name_server_get_address (server),
                                            SHORT_TIMEOUT);
  g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "silence.test", PM_DNS_A);

  g_assert_cmpint (answer->status, ==, PM_DNS_TIMEOUT);
  g_assert_cmpint (answer->elapsed, >=, SHORT_TIMEOUT * 1000);
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *) data = TRUE;
}

static gboolean
cancel_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
test_cancel (void)
{
  g_autoptr (HostileNameServer) server = hostile_name_server_start ();
  g_autoptr (PmResolver) resolver = ask_at (hostile_name_server_get_address (server), LONG_TIMEOUT);

  // Before it starts, right after, and while the server is silent.
  for (guint when = 0; when < 3; when++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      gboolean done = FALSE;

      if (when == 0)
        g_cancellable_cancel (cancellable);
      pm_resolver_lookup_async (resolver, "silence.test", PM_DNS_A, cancellable, cancelled_cb,
                                &done);
      if (when == 1)
        g_cancellable_cancel (cancellable);
      if (when == 2)
        g_timeout_add (100, cancel_cb, cancellable);
      while (!done)
        g_main_context_iteration (NULL, TRUE);
    }
}

// The look-up keeps the resolver alive until its answer is there.
static void
test_drop (void)
{
  g_autoptr (HostileNameServer) server = hostile_name_server_start ();
  PmResolver *resolver = ask_at (hostile_name_server_get_address (server), LONG_TIMEOUT);
  Many many = { NULL, 20, 0 };

  for (guint i = 0; i < many.wanted; i++)
    pm_resolver_lookup_async (resolver, "good.test", PM_DNS_A, NULL, counted_cb, &many);
  g_object_unref (resolver);
  while (many.done < many.wanted)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_nobody_there (void)
{
  // Port 1 of the loopback interface: closed.
  g_autoptr (PmResolver) resolver = ask_at ("127.0.0.1@1", 1000);
  g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "example.com", PM_DNS_MX);

  g_assert_true (answer->status == PM_DNS_SERVFAIL || answer->status == PM_DNS_TIMEOUT);
}

static void
test_servers (void)
{
  static const char *const wrong[] = { "", "localhost", "192.0.2.1:53", "192.0.2.1@",
                                       "192.0.2.1@0", "192.0.2.1@65536", "@53", "::1@x" };
  static const char *const right[][2] = { { "192.0.2.1", "192.0.2.1" },
                                          { "::1@5353", "[::1]:5353" } };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (pm_unbound_resolver_new (wrong[i], 1000, &error));
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
    }
  for (guint i = 0; i < G_N_ELEMENTS (right); i++)
    {
      g_autoptr (PmResolver) resolver = ask_at (right[i][0], 1000);
      g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "two..dots", PM_DNS_A);

      g_assert_cmpstr (answer->server, ==, right[i][1]);
    }
  {
    g_autoptr (PmResolver) resolver = ask_at (NULL, 1000);
    g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "localhost", PM_DNS_A);

    g_assert_cmpstr (answer->server, ==, "system resolver");
    g_assert_cmpint (answer->status, ==, PM_DNS_OK);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/unbound-resolver/answers", test_answers);
  g_test_add_func ("/dns/unbound-resolver/fields", test_fields);
  g_test_add_func ("/dns/unbound-resolver/threads", test_threads);
  g_test_add_func ("/dns/unbound-resolver/forget", test_forget);
  for (guint i = 0; i < G_N_ELEMENTS (hostile_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/dns/unbound-resolver/hostile/", hostile_cases[i].name,
                                           NULL);

      g_test_add_data_func (path, &hostile_cases[i], test_hostile);
    }
  g_test_add_func ("/dns/unbound-resolver/timeout", test_timeout);
  g_test_add_func ("/dns/unbound-resolver/cancel", test_cancel);
  g_test_add_func ("/dns/unbound-resolver/drop", test_drop);
  g_test_add_func ("/dns/unbound-resolver/nobody-there", test_nobody_there);
  g_test_add_func ("/dns/unbound-resolver/servers", test_servers);
  return g_test_run ();
}
