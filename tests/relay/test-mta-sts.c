// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Finding, fetching, keeping and refreshing MTA-STS policies, from a web server on loopback with a
// certificate of the test's own.

#include "relay/pm-mta-sts.h"

#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <string.h>

#include "dns/pm-fake-resolver.h"
#include "test-certificates.h"

#define POLICY "version: STSv1\r\nmode: enforce\r\nmx: mx.a.example\r\nmax_age: 86400\r\n"

static const char zone_first[] =
    "_mta-sts.a.example 60 TXT \"v=STSv1; id=1;\"\n"
    "_mta-sts.b.example 60 TXT \"v=STSv1; id=1;\"\n"
    "_mta-sts.twice.example 60 TXT \"v=STSv1; id=1;\"\n"
    "_mta-sts.twice.example 60 TXT \"v=STSv1; id=2;\"\n"
    "_mta-sts.beside.example 60 TXT \"v=spf1 -all\"\n"
    "_mta-sts.beside.example 60 TXT \"v=STSv1; id=2;\"\n"
    "_mta-sts.wrong.example 60 TXT \"v=STSv1; id=not-one;\"\n"
    "_mta-sts.lost.example ! servfail\n"
    "_mta-sts.other-name.test 60 TXT \"v=STSv1; id=1;\"\n"
    "_mta-sts.silent.example ! timeout\n";

static const char zone_second[] = "_mta-sts.a.example 60 TXT \"v=STSv1; id=2;\"\n";

typedef struct
{
  char *directory;
  char *ca_file;
  SoupServer *web;
  guint16 port;
  PmClock *clock;
  PmResolver *resolver;
  PmMtaSts *sts;
  const char *text; /* what the web server says */
  const char *type;
  guint status;
  gsize size;
  guint asked;
} Fixture;

static void
web_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
        gpointer data)
{
  Fixture *fixture = data;

  fixture->asked++;
  g_assert_cmpstr (path, ==, "/.well-known/mta-sts.txt");
  soup_server_message_set_status (message, fixture->status, NULL);
  if (fixture->status == SOUP_STATUS_FOUND)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Location",
                                  "/elsewhere.txt");
  if (fixture->text != NULL)
    soup_server_message_set_response (message, fixture->type, SOUP_MEMORY_COPY, fixture->text,
                                      fixture->size > 0 ? fixture->size : strlen (fixture->text));
}

static void
start_web (Fixture *fixture, const char *names, gboolean trusted)
{
  g_autoptr (TestIdentity) authority = test_identity_new ("Authority", NULL, NULL, -1, 5);
  g_autoptr (TestIdentity) stranger = test_identity_new ("Stranger", NULL, NULL, -1, 5);
  g_autoptr (TestIdentity) host = test_identity_new ("web", names, trusted ? authority : stranger,
                                                     -1, 5);
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autofree char *chain = g_build_filename (fixture->directory, "web.pem", NULL);
  g_autofree char *key = g_build_filename (fixture->directory, "web.key", NULL);
  g_autoptr (GError) error = NULL;
  g_autoslist (GUri) uris = NULL;

  test_identity_write (host, NULL, fixture->directory, "web");
  test_identity_write (authority, NULL, fixture->directory, "ca");
  certificate = g_tls_certificate_new_from_files (chain, key, &error);
  g_assert_no_error (error);
  fixture->web = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_handler (fixture->web, NULL, web_cb, fixture, NULL);
  soup_server_listen_local (fixture->web, 0,
                            SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (fixture->web);
  fixture->port = (guint16) g_uri_get_port (uris->data);
}

static void
restart (Fixture *fixture, const char *zone)
{
  PmMtaStsOptions options = { .ca_file = fixture->ca_file, .address = "127.0.0.1" };
  g_autofree char *kept = g_build_filename (fixture->directory, "kept", NULL);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->sts, pm_mta_sts_unref);
  g_clear_object (&fixture->resolver);
  fixture->resolver = pm_fake_resolver_new (zone);
  options.directory = kept;
  options.port = fixture->port;
  fixture->sts = pm_mta_sts_new (fixture->resolver, fixture->clock, &options, &error);
  g_assert_no_error (error);
}

static void
set_up_with (Fixture *fixture, const char *names, gboolean trusted)
{
  *fixture = (Fixture){ .text = POLICY, .type = "text/plain; charset=utf-8", .status = 200 };
  fixture->directory = g_dir_make_tmp ("pm-sts-XXXXXX", NULL);
  fixture->ca_file = g_build_filename (fixture->directory, "ca.pem", NULL);
  fixture->clock = pm_clock_new_manual (1000 * G_TIME_SPAN_DAY);
  start_web (fixture, names, trusted);
  restart (fixture, zone_first);
}

static void
set_up (Fixture *fixture)
{
  set_up_with (fixture, "mta-sts.a.example,mta-sts.b.example,mta-sts.beside.example", TRUE);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_all (child);
    }
  g_remove (path);
}

static void
tear_down (Fixture *fixture)
{
  pm_mta_sts_unref (fixture->sts);
  g_object_unref (fixture->resolver);
  g_object_unref (fixture->clock);
  soup_server_disconnect (fixture->web);
  g_object_unref (fixture->web);
  remove_all (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->ca_file);
}

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static PmMtaStsPolicy *
look_up (Fixture *fixture, const char *domain)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  PmMtaStsPolicy *policy;

  pm_mta_sts_lookup_async (fixture->sts, domain, NULL, keep_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  policy = pm_mta_sts_lookup_finish (fixture->sts, result, &error);
  g_assert_no_error (error);
  return policy;
}

static gboolean
has_policy (Fixture *fixture, const char *domain)
{
  g_autoptr (PmMtaStsPolicy) policy = look_up (fixture, domain);

  return policy != NULL && policy->mode == PM_MTA_STS_ENFORCE;
}

static guint
count_questions (Fixture *fixture, const char *name)
{
  return pm_fake_resolver_count_questions (PM_FAKE_RESOLVER (fixture->resolver), name, PM_DNS_TXT);
}

static void
test_records (void)
{
  Fixture fixture;

  set_up (&fixture);
  g_assert_true (has_policy (&fixture, "a.example"));
  g_assert_true (has_policy (&fixture, "beside.example"));
  g_assert_cmpuint (fixture.asked, ==, 2);
  g_assert_false (has_policy (&fixture, "nobody.example"));
  g_assert_false (has_policy (&fixture, "twice.example"));
  g_assert_false (has_policy (&fixture, "wrong.example"));
  g_assert_false (has_policy (&fixture, "lost.example"));
  g_assert_false (has_policy (&fixture, "silent.example"));
  g_assert_cmpuint (fixture.asked, ==, 2);
  tear_down (&fixture);
}

// Asked by many at once, it is fetched once; then not even DNS is asked for a while.
static void
test_joined (void)
{
  GAsyncResult *results[20] = { NULL };
  Fixture fixture;

  set_up (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    pm_mta_sts_lookup_async (fixture.sts, "a.example", NULL, keep_result_cb, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (PmMtaStsPolicy) policy = NULL;

      while (results[i] == NULL)
        g_main_context_iteration (NULL, TRUE);
      policy = pm_mta_sts_lookup_finish (fixture.sts, results[i], NULL);
      g_assert_nonnull (policy);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (fixture.asked, ==, 1);
  g_assert_true (has_policy (&fixture, "a.example"));
  g_assert_cmpuint (count_questions (&fixture, "_mta-sts.a.example"), ==, 1);
  pm_clock_advance (fixture.clock, 10 * G_TIME_SPAN_MINUTE);
  g_assert_true (has_policy (&fixture, "a.example"));
  g_assert_cmpuint (count_questions (&fixture, "_mta-sts.a.example"), ==, 2);
  g_assert_cmpuint (fixture.asked, ==, 1);
  tear_down (&fixture);
}

// It outlives the process, the TXT record and the web server, until it expires.
static void
test_kept (void)
{
  Fixture fixture;

  set_up (&fixture);
  g_assert_true (has_policy (&fixture, "a.example"));
  fixture.status = 404;
  fixture.text = NULL;
  restart (&fixture, "");
  g_assert_true (has_policy (&fixture, "a.example"));
  pm_clock_advance (fixture.clock, 23 * G_TIME_SPAN_HOUR);
  g_assert_true (has_policy (&fixture, "a.example"));
  restart (&fixture, zone_second);
  g_assert_true (has_policy (&fixture, "a.example"));
  g_assert_cmpuint (fixture.asked, ==, 2);
  pm_clock_advance (fixture.clock, G_TIME_SPAN_HOUR);
  g_assert_false (has_policy (&fixture, "a.example"));
  tear_down (&fixture);
}

// A new id, or half a life, has it fetched anew.
static void
test_refreshed (void)
{
  g_autoptr (PmMtaStsPolicy) policy = NULL;
  Fixture fixture;

  set_up (&fixture);
  g_assert_true (has_policy (&fixture, "a.example"));
  restart (&fixture, zone_first);
  g_assert_true (has_policy (&fixture, "a.example"));
  g_assert_cmpuint (fixture.asked, ==, 1);
  pm_clock_advance (fixture.clock, 13 * G_TIME_SPAN_HOUR);
  g_assert_true (has_policy (&fixture, "a.example"));
  g_assert_cmpuint (fixture.asked, ==, 2);
  restart (&fixture, zone_second);
  fixture.text = "version: STSv1\nmode: testing\nmx: new.a.example\nmax_age: 60\n";
  policy = look_up (&fixture, "a.example");
  g_assert_nonnull (policy);
  g_assert_cmpint ((int) policy->mode, ==, (int) PM_MTA_STS_TESTING);
  g_assert_cmpuint (fixture.asked, ==, 3);
  tear_down (&fixture);
}

// What does not come as RFC 8461 3.3 says is no policy, and is not asked for again at once.
static void
test_refused (void)
{
  g_autofree char *large = g_strnfill (70000, '\n');
  struct
  {
    const char *text, *type;
    guint status;
  } rows[] = {
    { POLICY, "text/html", 200 },
    { POLICY, "text/plain", 404 },
    { POLICY, "text/plain", 302 },
    { POLICY, "text/plain", 500 },
    { "nonsense\n", "text/plain", 200 },
    { large, "text/plain", 200 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Fixture fixture;

      set_up (&fixture);
      fixture.text = rows[i].text;
      fixture.type = rows[i].type;
      fixture.status = rows[i].status;
      g_assert_false (has_policy (&fixture, "a.example"));
      g_assert_false (has_policy (&fixture, "a.example"));
      g_assert_cmpuint (fixture.asked, ==, 1);
      fixture.text = POLICY;
      fixture.type = "text/plain";
      fixture.status = 200;
      pm_clock_advance (fixture.clock, 6 * G_TIME_SPAN_MINUTE);
      g_assert_true (has_policy (&fixture, "a.example"));
      tear_down (&fixture);
    }
}

// The web server's certificate is checked.
static void
test_certificate (void)
{
  Fixture fixture;

  set_up_with (&fixture, "mta-sts.b.example", TRUE);
  g_assert_false (has_policy (&fixture, "a.example"));
  g_assert_true (has_policy (&fixture, "b.example"));
  tear_down (&fixture);
  set_up_with (&fixture, "mta-sts.a.example", FALSE);
  g_assert_false (has_policy (&fixture, "a.example"));
  g_assert_cmpuint (fixture.asked, ==, 0);
  tear_down (&fixture);
}

// Files that are no policies any more are dropped, and hurt nobody.
static void
test_broken_files (void)
{
  static const char *const contents[] = { "", "1 5", "1 5\n", "x y\n" POLICY, "1 99999999999999999\n" POLICY, "1 2 3\n" POLICY, "1 86400000000\n" POLICY };

  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      g_autofree char *path = NULL;
      Fixture fixture;

      set_up (&fixture);
      path = g_build_filename (fixture.directory, "kept", "a.example.sts", NULL);
      g_assert_true (g_file_set_contents (path, contents[i], -1, NULL));
      restart (&fixture, "");
      g_assert_false (has_policy (&fixture, "a.example"));
      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
      tear_down (&fixture);
    }
}

// One who gives up does not take it from the others.
static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (PmMtaStsPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  set_up (&fixture);
  pm_mta_sts_lookup_async (fixture.sts, "a.example", cancellable, keep_result_cb, &first);
  pm_mta_sts_lookup_async (fixture.sts, "a.example", NULL, keep_result_cb, &second);
  g_cancellable_cancel (cancellable);
  while (first == NULL || second == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (pm_mta_sts_lookup_finish (fixture.sts, first, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  policy = pm_mta_sts_lookup_finish (fixture.sts, second, NULL);
  g_assert_nonnull (policy);
  tear_down (&fixture);
}

static gpointer
ask_from_thread (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (PmMtaStsPolicy) policy = NULL;

  g_main_context_push_thread_default (context);
  pm_mta_sts_lookup_async (fixture->sts, "a.example", NULL, keep_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  policy = pm_mta_sts_lookup_finish (fixture->sts, result, NULL);
  g_main_context_pop_thread_default (context);
  g_main_context_wakeup (NULL);
  return GINT_TO_POINTER (policy != NULL ? 1 : 2);
}

static gboolean
nothing_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_other_thread (void)
{
  Fixture fixture;
  GThread *thread;
  guint tick = g_timeout_add (10, nothing_cb, NULL);

  set_up (&fixture);
  thread = g_thread_new ("worker", ask_from_thread, &fixture);
  while (fixture.asked == 0)
    g_main_context_iteration (NULL, TRUE);
  while (!g_file_test (fixture.directory, G_FILE_TEST_IS_DIR) ||
         count_questions (&fixture, "_mta-sts.a.example") == 0)
    g_main_context_iteration (NULL, TRUE);
  // The answer is on its way as long as the policy is not kept.
  for (g_autofree char *path = g_build_filename (fixture.directory, "kept", "a.example.sts", NULL);
       !g_file_test (path, G_FILE_TEST_EXISTS);)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, 1);
  g_source_remove (tick);
  tear_down (&fixture);
}

static GLogWriterOutput
drop_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (g_test_verbose ())
    return g_log_writer_default (level, fields, n_fields, data);
  return level & G_LOG_LEVEL_CRITICAL ? g_log_writer_default (level, fields, n_fields, data)
                                      : G_LOG_WRITER_HANDLED;
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (drop_log, NULL, NULL);
  g_test_add_func ("/relay/mta-sts/records", test_records);
  g_test_add_func ("/relay/mta-sts/joined", test_joined);
  g_test_add_func ("/relay/mta-sts/kept", test_kept);
  g_test_add_func ("/relay/mta-sts/refreshed", test_refreshed);
  g_test_add_func ("/relay/mta-sts/refused", test_refused);
  g_test_add_func ("/relay/mta-sts/certificate", test_certificate);
  g_test_add_func ("/relay/mta-sts/broken-files", test_broken_files);
  g_test_add_func ("/relay/mta-sts/cancelled", test_cancelled);
  g_test_add_func ("/relay/mta-sts/other-thread", test_other_thread);
  return g_test_run ();
}
