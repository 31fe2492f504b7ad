// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "check/pm-mx-report.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "dns/pm-fake-resolver.h"
#include "dns/pm-unbound-resolver.h"
#include "test-name-server.h"

// This server is mail1.example.net, 198.18.0.10 (declared). Every domain of the zone is one case.
static const char zone[] =
    "mail1.example.net 3600 A 198.18.0.10\n"
    "other.example.net 3600 A 8.8.8.8\n"
    "other.example.net 3600 AAAA 2001:4860:4860::8888\n"
    "twin.example.net 3600 A 8.8.8.8\n"
    "alias.example.net 3600 CNAME mail1.example.net.\n"
    "bare.example.net 3600 TXT \"nothing\"\n"
    "inside.example.net 3600 A 10.0.0.1\n"
    "self.example.net 3600 A 127.0.0.1\n"
    "quiet.example.net ! timeout\n"
    "good.com 3600 MX 10 mail1.example.net.\n"
    "step7.com 3600 MX 10 mail1.example.net.\n"
    "step7.com 3600 MX 20 mail1.example.net.\n"
    "twice-elsewhere.com 3600 MX 10 other.example.net.\n"
    "twice-elsewhere.com 3600 MX 20 other.example.net.\n"
    "elsewhere.com 3600 MX 10 other.example.net.\n"
    "backup.com 3600 MX 10 other.example.net.\n"
    "backup.com 3600 MX 20 mail1.example.net.\n"
    "main.com 3600 MX 10 mail1.example.net.\n"
    "main.com 3600 MX 20 other.example.net.\n"
    "number.com 3600 MX 9 other.example.net.\n"
    "number.com 3600 MX 10 mail1.example.net.\n"
    "number.com 3600 MX 100 twin.example.net.\n"
    "equal.com 3600 MX 10 mail1.example.net.\n"
    "equal.com 3600 MX 10 other.example.net.\n"
    "aaa.example.net 3600 A 8.8.8.8\n"
    "equal-two.com 3600 MX 10 aaa.example.net.\n"
    "equal-two.com 3600 MX 10 mail1.example.net.\n"
    "twins.com 3600 MX 10 other.example.net.\n"
    "twins.com 3600 MX 20 twin.example.net.\n"
    "null.com 3600 MX 0 .\n"
    "null.com 3600 A 8.8.8.8\n"
    "null-five.com 3600 MX 5 .\n"
    "null-and.com 3600 MX 0 .\n"
    "null-and.com 3600 MX 10 mail1.example.net.\n"
    "implicit.com 3600 A 198.18.0.10\n"
    "implicit-web.com 3600 A 8.8.8.8\n"
    "parked.com 3600 A 8.8.8.8\n"
    "parked.com 3600 TXT \"v=spf1 -all\"\n"
    "nothing.com 3600 TXT \"nothing\"\n"
    "literal.com 3600 MX 10 198.18.0.10.\n"
    "odd.com 3600 MX 10 mail_1.example.net.\n"
    "mail_1.example.net 3600 A 8.8.8.8\n"
    "aliased.com 3600 MX 10 alias.example.net.\n"
    "dangling.com 3600 MX 10 gone.example.net.\n"
    "bare.com 3600 MX 10 bare.example.net.\n"
    "inside.com 3600 MX 10 inside.example.net.\n"
    "office.lan 3600 MX 10 inside.example.net.\n"
    "loop.com 3600 MX 10 self.example.net.\n"
    "quiet-host.com 3600 MX 10 quiet.example.net.\n"
    "half-quiet.com 3600 MX 10 quiet.example.net.\n"
    "half-quiet.com 3600 MX 20 mail1.example.net.\n"
    "short.com 60 MX 10 mail1.example.net.\n"
    "long.com 604800 MX 10 mail1.example.net.\n"
    "wild.com 3600 MX 10 mail1.example.net.\n"
    "*.wild.com 3600 MX 10 mail1.example.net.\n"
    "renamed.com 3600 CNAME good.com.\n"
    "servfail.com ! servfail\n"
    "timeout.com ! timeout\n"
    "forged.com ! bogus\n"
    "silent.com ! silent\n"
    "apex-quiet.com 3600 TXT \"x\"\n"
    "xn--bcher-kva.com 3600 MX 10 mail1.example.net.\n";

typedef struct
{
  const char *domain;
  PmCheckRoute route;
  PmFindingStatus verdict;
  const char *sentence; /* part of the verdict */
  const char *findings; /* `id=status`, those that must be there; `!id`, those that must not */
} Case;

#define IN PM_CHECK_ROUTE_INBOUND
#define ON PM_CHECK_ROUTE_ONWARD
#define NONE PM_CHECK_ROUTE_NONE
#define ANY PM_CHECK_ROUTE_UNKNOWN

#define OK PM_FINDING_OK
#define NOTE PM_FINDING_NOTE
#define UNKNOWN PM_FINDING_UNKNOWN
#define WARNING PM_FINDING_WARNING
#define ERROR PM_FINDING_ERROR

static const Case cases[] = {
  { "good.com", IN, OK, "Mail for good.com reaches this server.",
    "domain-exists=ok site-leads-here=ok mx-single=note !site-accepted !mx-target-public "
    "!mx-repeated !site-same-host !mx-ttl !site-wildcard !domain-special-use" },
  { "GOOD.com.", IN, OK, "Mail for good.com reaches this server.", "" },
  { "good.com", ON, OK, "reaches this server", "!site-accepted" },
  { "good.com", ANY, OK, "reaches this server", "!site-accepted" },
  { "good.com", NONE, ERROR, "which does not accept it", "site-accepted=error" },
  { "step7.com", IN, OK, "Mail for step7.com reaches this server.",
    "site-same-host=ok mx-repeated=note !mx-single !mx-equal" },
  { "twice-elsewhere.com", IN, WARNING, "goes to other.example.net, not to this server",
    "site-same-host=note site-leads-here=warning" },
  { "elsewhere.com", IN, WARNING, "not to this server", "site-leads-here=warning !site-same-host" },
  { "elsewhere.com", NONE, NOTE, "not to this server", "site-leads-here=note !site-accepted" },
  { "backup.com", IN, NOTE, "goes to other.example.net first",
    "site-leads-here=ok site-backup=note site-same-host=note" },
  { "backup.com", ON, NOTE, "goes to other.example.net first", "!site-backup" },
  { "main.com", IN, OK, "other hosts stand in", "!site-backup" },
  // Preferences are numbers: 9 comes before 10 and 100.
  { "number.com", IN, NOTE, "goes to other.example.net first", "site-backup=note" },
  { "equal.com", IN, OK, "reaches this server and, in equal shares", "mx-equal=note" },
  // Among equals the order of names says nothing.
  { "equal-two.com", IN, OK, "in equal shares", "mx-equal=note !site-backup" },
  { "twins.com", NONE, NOTE, "goes to", "mx-target-same-address=note" },
  { "null.com", NONE, OK, "takes no mail", "null-mx=ok !null-mx-alone !null-mx-needed" },
  { "null.com", IN, ERROR, "takes no mail", "null-mx=error" },
  { "null-five.com", NONE, OK, "takes no mail", "null-mx-preference=note null-mx-needed=note" },
  { "null-and.com", IN, OK, "reaches this server", "null-mx-alone=warning !null-mx" },
  { "implicit.com", IN, OK, "reaches this server", "mx-implicit=warning !mx-none !mx-single" },
  { "implicit-web.com", IN, WARNING, "not to this server", "mx-implicit=warning !mx-parked" },
  { "parked.com", NONE, NOTE, "not to this server", "mx-parked=note" },
  { "parked.com", IN, WARNING, "not to this server", "!mx-parked" },
  { "nothing.com", IN, ERROR, "neither an MX record nor an address", "mx-none=error !mx-implicit" },
  { "nowhere.com", IN, ERROR, "does not exist", "domain-exists=error !mx-none" },
  { "literal.com", IN, ERROR, "no mail host of it has an address",
    "mx-target-literal=error !mx-target-name !mx-target-address" },
  { "odd.com", NONE, NOTE, "goes to mail_1", "mx-target-name=error" },
  { "aliased.com", IN, OK, "reaches this server", "mx-target-alias=warning" },
  { "dangling.com", IN, ERROR, "has an address", "mx-target-address=error" },
  { "bare.com", IN, ERROR, "has an address", "mx-target-address=error" },
  { "inside.com", NONE, NOTE, "goes to inside", "mx-target-public=error" },
  { "office.lan", NONE, NOTE, "goes to inside", "mx-target-public=note" },
  { "loop.com", NONE, NOTE, "goes to self", "mx-target-loopback=error" },
  { "quiet-host.com", IN, UNKNOWN, "DNS did not answer for its mail hosts",
    "mx-target-answer=unknown site-leads-here=unknown !mx-target-address" },
  { "half-quiet.com", IN, UNKNOWN, "is this server too is not known",
    "mx-target-answer=unknown site-leads-here=ok site-same-host=unknown !mx-target-address !site-backup" },
  { "short.com", IN, OK, "reaches", "mx-ttl=note" },
  { "long.com", IN, OK, "reaches", "mx-ttl=note" },
  { "wild.com", IN, OK, "reaches", "site-wildcard=note" },
  { "renamed.com", IN, OK, "reaches", "domain-alias=note" },
  { "servfail.com", IN, UNKNOWN, "is not known",
    "domain-answer=unknown !domain-exists !mx-none !site-leads-here" },
  { "timeout.com", IN, UNKNOWN, "is not known", "domain-answer=unknown !domain-exists !mx-none" },
  { "forged.com", IN, ERROR, "forged", "domain-answer=error !mx-none" },
  { "bücher.com", IN, OK, "reaches", "domain-name=ok" },
  { "not a domain", IN, ERROR, "is not a domain name", "domain-name=error !domain-exists" },
  { "", IN, ERROR, "is not a domain name", "domain-name=error" },
  { "com", NONE, ERROR, "neither", "domain-dotless=warning" },
  { "my.test", NONE, ERROR, "does not exist", "domain-special-use=warning" },
};

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static PmCheckSubject *
make_subject (const char *domain, PmCheckRoute route)
{
  PmCheckSubject *subject = pm_check_subject_new (domain);

  pm_check_subject_add_name (subject, "mail1.example.net");
  g_assert_true (pm_check_subject_add_declared (subject, "198.18.0.10"));
  subject->route = route;
  return subject;
}

static PmMxReport *
run_with (PmResolver *resolver, const PmCheckSubject *subject)
{
  PmMxReport *report = pm_mx_report_new (resolver, subject);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  pm_mx_report_run_async (report, NULL, finished_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (pm_mx_report_run_finish (report, result, &error));
  g_assert_no_error (error);
  return report;
}

static PmMxReport *
run (const char *domain, PmCheckRoute route)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmCheckSubject) subject = make_subject (domain, route);

  return run_with (resolver, subject);
}

static const PmFinding *
find_finding (PmMxReport *report, const char *id)
{
  const GPtrArray *findings = pm_mx_report_get_findings (report);

  // Every id in the tables above is one of a check.
  g_assert_nonnull (pm_check_find (id));
  for (guint i = 0; i < findings->len; i++)
    {
      const PmFinding *finding = g_ptr_array_index (findings, i);

      if (strcmp (finding->check->id, id) == 0)
        return finding;
    }
  return NULL;
}

static void
expect (PmMxReport *report, const char *word)
{
  g_auto (GStrv) parts = g_strsplit (word, "=", 2);
  const PmFinding *finding = find_finding (report, word[0] == '!' ? word + 1 : parts[0]);

  g_test_message ("  %s", word);
  if (word[0] == '!')
    {
      g_assert_null (finding);
      return;
    }
  g_assert_nonnull (finding);
  g_assert_cmpstr (pm_finding_status_to_string (finding->status), ==, parts[1]);
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (PmMxReport) report = run (test->domain, test->route);
  g_auto (GStrv) words = g_strsplit (test->findings, " ", -1);
  g_autofree char *verdict = pm_check_text_format (pm_mx_report_get_verdict (report), NULL);
  g_autofree char *text = pm_mx_report_to_text (report);

  g_test_message ("%s", text);
  g_assert_cmpint (pm_mx_report_get_verdict_status (report), ==, test->verdict);
  g_assert_nonnull (strstr (verdict, test->sentence));
  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      expect (report, words[i]);
}

// A report has no sentence with a place left open, and every finding that is not well says more than
// that.
static void
test_sentences (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmMxReport) report = run (cases[i].domain, cases[i].route);
      const GPtrArray *findings = pm_mx_report_get_findings (report);

      for (guint j = 0; j < findings->len; j++)
        {
          const PmFinding *finding = g_ptr_array_index (findings, j);
          g_autofree char *meaning = pm_check_text_format (&finding->meaning, NULL);
          g_autofree char *action = pm_check_text_format (&finding->action, NULL);

          g_test_message ("%s", meaning);
          g_assert_null (strchr (meaning, '{'));
          g_assert_true (g_str_has_suffix (meaning, ".") || g_str_has_suffix (meaning, ")"));
          g_assert_null (strstr (meaning, "  "));
          if (finding->status >= PM_FINDING_WARNING)
            g_assert_nonnull (action);
          if (finding->dns_lines != NULL)
            g_assert_true (g_str_has_suffix (finding->dns_lines, "\n"));
        }
    }
}

// Each check is heard of in the table of cases, or below.
static void
test_every_check_fires (void)
{
  static const char *const elsewhere[] = { "mx-many", "mx-target-skipped", "mx-target-ipv6" };
  const GPtrArray *all = pm_check_get_all ();

  for (guint i = 0; i < all->len; i++)
    {
      const PmCheck *check = g_ptr_array_index (all, i);
      g_autofree char *needle = g_strconcat (check->id, "=", NULL);
      gboolean found = g_strv_contains ((const char *const[]){ elsewhere[0], elsewhere[1],
                                                               elsewhere[2], NULL },
                                        check->id);

      for (guint j = 0; j < G_N_ELEMENTS (cases) && !found; j++)
        found = strstr (cases[j].findings, needle) != NULL;
      g_test_message ("%s", check->id);
      g_assert_true (found);
      g_assert_true (pm_check_find (check->id) == check);
      for (guint j = 0; j < i; j++)
        g_assert_cmpstr (((PmCheck *) g_ptr_array_index (all, j))->id, !=, check->id);
    }
}

static void
test_rows (void)
{
  g_autoptr (PmMxReport) report = run ("step7.com", IN);
  const GPtrArray *rows = pm_mx_report_get_rows (report);
  const PmMxRow *first = g_ptr_array_index (rows, 0);
  const PmMxRow *second = g_ptr_array_index (rows, 1);
  g_autofree char *remark = pm_check_text_format (&second->remark, NULL);

  g_assert_cmpuint (rows->len, ==, 2);
  g_assert_cmpuint (first->preference, ==, 10);
  g_assert_cmpstr (first->host, ==, "mail1.example.net");
  g_assert_cmpstr (first->addresses[0], ==, "198.18.0.10");
  g_assert_cmpint (first->leads, ==, PM_LEADS_YES);
  g_assert_cmpuint (first->ttl, ==, 3600);
  g_assert_cmpstr (remark, ==, "same host record as above");
  g_assert_false (first->pending);
}

static void
test_lines (void)
{
  g_autoptr (PmMxReport) report = run ("elsewhere.com", IN);
  const PmFinding *finding = find_finding (report, "site-leads-here");

  g_assert_cmpstr (finding->dns_lines, ==,
                   "elsewhere.com. 3600 IN MX 10 mail1.example.net.\n"
                   "mail1.example.net. 3600 IN A 198.18.0.10\n");
}

// Behind an address translator our own addresses are private, and a public one may still be ours.
static void
test_translator (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmCheckSubject) subject = pm_check_subject_new ("elsewhere.com");
  g_autoptr (PmMxReport) report = NULL;
  g_autoptr (PmMxReport) inside = NULL;

  g_ptr_array_add (subject->own_addresses, g_inet_address_new_from_string ("192.168.1.2"));
  subject->route = IN;
  report = run_with (resolver, subject);
  g_assert_cmpint (pm_mx_report_get_verdict_status (report), ==, UNKNOWN);
  g_assert_cmpint (find_finding (report, "site-leads-here")->status, ==, UNKNOWN);

  // An address of the own network that is not ours is certainly another host.
  g_clear_pointer (&subject->domain, g_free);
  subject->domain = g_strdup ("inside.com");
  inside = run_with (resolver, subject);
  g_assert_cmpint (find_finding (inside, "site-leads-here")->status, ==, WARNING);
}

// Without any knowledge of this server, what is left is what DNS says.
static void
test_stranger (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmCheckSubject) subject = pm_check_subject_new ("good.com");
  g_autoptr (PmMxReport) report = run_with (resolver, subject);
  g_autofree char *verdict = pm_check_text_format (pm_mx_report_get_verdict (report), NULL);

  g_assert_cmpstr (verdict, ==, "Mail for good.com goes to mail1.example.net.");
  g_assert_null (find_finding (report, "site-leads-here"));
}

static void
test_many (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (PmResolver) resolver = NULL;
  g_autoptr (PmCheckSubject) subject = make_subject ("many.com", IN);
  g_autoptr (PmMxReport) report = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "many.com 3600 MX %u h%u.example.net.\n", i, i);
  g_string_append (text, "h0.example.net 60 A 198.18.0.10\n");
  resolver = pm_fake_resolver_new (text->str);
  report = run_with (resolver, subject);
  g_assert_cmpuint (pm_mx_report_get_rows (report)->len, ==, 1000);
  g_assert_cmpuint (pm_mx_report_get_asked (report), <, 100);
  g_assert_cmpint (find_finding (report, "mx-many")->status, ==, NOTE);
  g_assert_cmpint (find_finding (report, "mx-target-skipped")->status, ==, UNKNOWN);
  g_assert_cmpint (find_finding (report, "mx-target-ipv6")->status, ==, NOTE);
}

typedef struct
{
  guint changed;
  guint finished;
  gboolean rows_before_end;
} Heard;

static void
changed_cb (PmMxReport *report, gpointer data)
{
  Heard *heard = data;

  heard->changed++;
  if (pm_mx_report_is_running (report) && pm_mx_report_get_rows (report)->len > 0)
    heard->rows_before_end = TRUE;
}

static void
count_finished_cb (PmMxReport *report, gpointer data)
{
  ((Heard *) data)->finished++;
}

static gboolean
cancel_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
test_live (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmCheckSubject) subject = make_subject ("main.com", IN);
  g_autoptr (PmMxReport) report = pm_mx_report_new (resolver, subject);
  g_autoptr (GAsyncResult) result = NULL;
  Heard heard = { 0 };

  g_signal_connect (report, "changed", G_CALLBACK (changed_cb), &heard);
  g_signal_connect (report, "finished", G_CALLBACK (count_finished_cb), &heard);
  pm_mx_report_run_async (report, NULL, finished_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (heard.rows_before_end);
  g_assert_cmpuint (heard.changed, ==, pm_mx_report_get_asked (report));
  g_assert_cmpuint (heard.finished, ==, 1);
}

// What has been found stays; what was not found is no finding.
static void
test_cancel (void)
{
  g_autoptr (PmResolver) resolver =
      pm_fake_resolver_new ("half.com 60 MX 10 mx.half.com.\nmx.half.com ! silent\n");
  g_autoptr (PmCheckSubject) subject = make_subject ("half.com", IN);
  g_autoptr (PmMxReport) report = pm_mx_report_new (resolver, subject);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Heard heard = { 0 };

  g_signal_connect (report, "finished", G_CALLBACK (count_finished_cb), &heard);
  pm_mx_report_run_async (report, cancellable, finished_cb, &result);
  g_timeout_add (50, cancel_cb, cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (pm_mx_report_run_finish (report, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (pm_mx_report_was_cancelled (report));
  g_assert_cmpuint (heard.finished, ==, 1);
  g_assert_cmpuint (pm_mx_report_get_rows (report)->len, ==, 1);
  g_assert_cmpuint (pm_mx_report_get_findings (report)->len, ==, 0);
  g_assert_cmpint (pm_mx_report_get_worst (report), ==, UNKNOWN);
}

static void
test_json (void)
{
  g_autoptr (PmMxReport) report = run ("backup.com", IN);
  g_autofree char *text = pm_mx_report_to_json (report);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonObject *object;
  JsonObject *record;

  g_assert_nonnull (root);
  object = json_node_get_object (root);
  g_assert_cmpstr (json_object_get_string_member (object, "domain"), ==, "backup.com");
  g_assert_cmpstr (json_object_get_string_member (object, "status"), ==, "note");
  record = json_array_get_object_element (json_object_get_array_member (object, "records"), 1);
  g_assert_cmpstr (json_object_get_string_member (record, "leadsHere"), ==, "yes");
  g_assert_cmpint (json_object_get_int_member (record, "preference"), ==, 20);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "answers")), ==,
                    pm_mx_report_get_asked (report));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "findings")), ==,
                    pm_mx_report_get_findings (report)->len);
}

// The same through a real resolver and a real name server.
static void
test_real (void)
{
  g_autoptr (TestNameServer) server = NULL;
  g_autoptr (PmResolver) resolver = NULL;
  g_autoptr (PmCheckSubject) subject = NULL;
  g_autoptr (PmMxReport) report = NULL;
  g_autofree char *verdict = NULL;
  g_autoptr (GError) error = NULL;

  if (!test_name_server_is_available ())
    {
      g_test_skip ("nsd is not installed");
      return;
    }
  server = test_name_server_start ("laboratory.example.",
                                   "@ MX 10 mail1\n@ MX 20 mail1\nmail1 A 198.18.0.10\n");
  resolver = pm_unbound_resolver_new (test_name_server_get_address (server), 10000, &error);
  g_assert_no_error (error);
  subject = make_subject ("laboratory.example", IN);
  report = run_with (resolver, subject);
  verdict = pm_check_text_format (pm_mx_report_get_verdict (report), NULL);
  g_assert_cmpstr (verdict, ==, "Mail for laboratory.example reaches this server.");
  g_assert_cmpint (find_finding (report, "site-same-host")->status, ==, OK);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/check/mx-report/case/%u-%s", i, cases[i].domain);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/check/mx-report/sentences", test_sentences);
  g_test_add_func ("/check/mx-report/every-check-fires", test_every_check_fires);
  g_test_add_func ("/check/mx-report/rows", test_rows);
  g_test_add_func ("/check/mx-report/lines", test_lines);
  g_test_add_func ("/check/mx-report/translator", test_translator);
  g_test_add_func ("/check/mx-report/stranger", test_stranger);
  g_test_add_func ("/check/mx-report/many", test_many);
  g_test_add_func ("/check/mx-report/live", test_live);
  g_test_add_func ("/check/mx-report/cancel", test_cancel);
  g_test_add_func ("/check/mx-report/json", test_json);
  g_test_add_func ("/check/mx-report/real", test_real);
  return g_test_run ();
}
