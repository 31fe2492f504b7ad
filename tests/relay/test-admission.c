// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-admission.h"
#include "relay/pm-descriptors.h"

#define SITE                                                                                       \
  "<site xmlns='urn:pointsman:site:1' name='S' organization='O'><configuration>"                   \
  "<servers><server name='M' host='mail.example.com'/></servers>"                                  \
  "<site-addressing domain='example.com'/><connections><internet-mail-service server='M'>"         \
  "<general/><internet-mail administrator='admin@example.com'/>"                                   \
  "<connections transfer='%s'><deliver method='dns'/>"                                             \
  "<accept-connections default='reject' submit-homed='%s' submit-matches='%s'>"                    \
  "<host network='192.0.2.7' action='reject'/>"                                                    \
  "<host network='192.0.2.8' action='accept' relay-server='yes'/>"                                 \
  "<host network='192.0.2.9' action='accept' xclient='yes' proxy='yes'/>"                          \
  "<host network='192.0.2.0/24' action='accept'/></accept-connections></connections>"              \
  "<routing><route domain='example.com'><inbound/></route></routing>"                              \
  "<mailboxes accept='listed'><deliver-to maildir='mail'/>"                                        \
  "<mailbox address='anna@example.com'><alias address='sales@example.com'/></mailbox></mailboxes>" \
  "</internet-mail-service></connections></configuration></site>"

static PmRelaySettings *
load (const char *transfer, const char *homed, const char *matches)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf (SITE, transfer, homed, matches);
  g_autoptr (GBytes) xml = g_bytes_new (text, strlen (text));
  g_autoptr (PmSite) site = pm_site_parse (xml, "site.xml", NULL, &error);
  PmRelaySettings *settings;

  g_assert_no_error (error);
  settings = pm_relay_settings_new (site, NULL, "r", "/nowhere", &error);
  g_assert_no_error (error);
  return settings;
}

static PmStanding
stand (const PmRelaySettings *settings, const char *address)
{
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string (address);

  return pm_admission_get_standing (settings->service, client);
}

static void
test_standing (void)
{
  g_autoptr (PmRelaySettings) settings = load ("both", "no", "no");

  g_assert_false (stand (settings, "192.0.2.7").accepted);
  g_assert_true (stand (settings, "192.0.2.1").accepted);
  g_assert_false (stand (settings, "192.0.2.1").exempt);
  g_assert_false (stand (settings, "192.0.2.1").proxy);
  g_assert_false (stand (settings, "198.51.100.1").accepted);
  g_assert_true (stand (settings, "192.0.2.8").relay_server);
  g_assert_true (stand (settings, "192.0.2.8").exempt);
  g_assert_false (stand (settings, "192.0.2.8").xclient);
  g_assert_true (stand (settings, "192.0.2.9").xclient);
  g_assert_true (stand (settings, "192.0.2.9").proxy);
  g_assert_true (stand (settings, "127.0.0.1").exempt);
  g_assert_true (stand (settings, "::1").exempt);
}

static void
check_reply (PmSmtpReply *reply, const char *expected)
{
  g_autofree char *text = reply != NULL ? pm_smtp_reply_to_string (reply) : NULL;

  if (expected == NULL)
    g_assert_null (text);
  else
    g_assert_true (text != NULL && g_str_has_prefix (text, expected));
  g_clear_pointer (&reply, pm_smtp_reply_unref);
}

static void
test_connection (void)
{
  struct
  {
    const char *transfer;
    const char *client;
    PmConnectionFacts facts;
    const char *expected;
  } cases[] = {
    { "both", "192.0.2.1", { 0 }, NULL },
    { "inbound", "192.0.2.1", { 0 }, NULL },
    { "both", "192.0.2.7", { 0 }, "554 5.7.1 " },
    { "both", "198.51.100.1", { 0 }, "554 5.7.1 " },
    { "outbound", "192.0.2.1", { 0 }, "421 4.3.2 " },
    { "none", "192.0.2.1", { 0 }, "421 4.3.2 " },
    { "both", "192.0.2.1", { .stopping = TRUE }, "421 4.3.2 This service is closing" },
    { "both", "192.0.2.1", { .full = TRUE }, "421 4.3.2 Too many" },
    { "both", "192.0.2.1", { .client_full = TRUE }, "421 4.7.0 Too many" },
    { "both", "192.0.2.1", { .client_hurried = TRUE }, "421 4.7.0 Your address connects" },
    // Whom we do not want learns nothing of how full we are.
    { "both", "192.0.2.7", { .full = TRUE }, "554 5.7.1 " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmRelaySettings) settings = load (cases[i].transfer, "no", "no");
      PmStanding standing = stand (settings, cases[i].client);

      g_test_message ("%u", i);
      check_reply (
          pm_admission_judge_connection (settings->service, &standing, &cases[i].facts),
          cases[i].expected);
    }
}

static void
test_sender (void)
{
  struct
  {
    const char *homed;
    const char *matches;
    PmListenRole role;
    const char *client;
    const char *account;
    gboolean may_relay;
    const char *sender;
    const char *expected;
  } cases[] = {
    { "no", "no", PM_LISTEN_RELAY, "192.0.2.1", NULL, FALSE, "x@away.example", NULL },
    { "no", "no", PM_LISTEN_SUBMISSION, "192.0.2.1", NULL, TRUE, "anna@example.com", "530 5.7.0 " },
    { "no", "no", PM_LISTEN_SUBMISSION, "127.0.0.1", NULL, TRUE, "anna@example.com", "530 5.7.0 " },
    { "no", "no", PM_LISTEN_SUBMISSION, "192.0.2.1", "anna", FALSE, "x@away.example", NULL },
    // Another host's mail for our mailboxes is not submitted.
    { "yes", "yes", PM_LISTEN_RELAY, "192.0.2.1", NULL, FALSE, "x@away.example", NULL },
    { "yes", "no", PM_LISTEN_RELAY, "192.0.2.1", NULL, TRUE, "x@away.example",
      "554 5.7.1 Mailbox is not local: <x@away.example>" },
    { "yes", "no", PM_LISTEN_RELAY, "192.0.2.8", NULL, TRUE, "x@away.example", NULL },
    { "yes", "no", PM_LISTEN_RELAY, "192.0.2.1", NULL, TRUE, "sales@example.com", NULL },
    { "yes", "no", PM_LISTEN_RELAY, "192.0.2.1", NULL, TRUE, "nobody@example.com", "554 5.7.1 " },
    { "yes", "no", PM_LISTEN_SUBMISSION, "192.0.2.1", "anna", FALSE, "x@away.example", "554 5.7.1 " },
    { "yes", "yes", PM_LISTEN_SUBMISSION, "192.0.2.1", "anna", FALSE, NULL, NULL },
    { "no", "yes", PM_LISTEN_SUBMISSION, "192.0.2.1", "anna", FALSE, "anna@example.com", NULL },
    { "no", "yes", PM_LISTEN_SUBMISSION, "192.0.2.1", "anna@example.com", FALSE, "anna@Example.com",
      NULL },
    { "no", "yes", PM_LISTEN_SUBMISSION, "192.0.2.1", "bob", FALSE, "anna@example.com",
      "554 5.7.1 Originator address does not match authentication credentials" },
    { "no", "yes", PM_LISTEN_SUBMISSION, "192.0.2.1", "anna", FALSE, "anna@away.example",
      "554 5.7.1 " },
    { "no", "yes", PM_LISTEN_RELAY, "192.0.2.1", NULL, TRUE, "anna@example.com", "554 5.7.1 " },
    { "no", "yes", PM_LISTEN_RELAY, "192.0.2.8", NULL, TRUE, "anna@example.com", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmRelaySettings) settings = load ("both", cases[i].homed, cases[i].matches);
      PmStanding standing = stand (settings, cases[i].client);
      g_autoptr (PmMailAddress) sender =
          cases[i].sender != NULL ? pm_mail_address_parse (cases[i].sender, NULL) : NULL;
      PmSenderFacts facts = {
        .role = cases[i].role,
        .account = cases[i].account,
        .may_relay = cases[i].may_relay,
        .standing = &standing,
        .sender = sender,
      };

      g_test_message ("%u", i);
      check_reply (pm_admission_judge_sender (settings, &facts), cases[i].expected);
    }
}

static void
test_rate_replies (void)
{
  check_reply (pm_admission_over_rate ("messages"), "451 4.7.1 Too many messages ");
  check_reply (pm_admission_over_rate ("recipients"), "452 4.5.3 Too many recipients ");
}

static void
test_descriptors (void)
{
  struct
  {
    guint64 descriptors;
    guint wanted;
    guint outbound;
    guint expected;
  } cases[] = {
    { 65536, 1000, 200, 1000 },
    { 1024, 1000, 200, 419 },
    { 256, 1000, 200, 51 },
    { 1024, 100, 200, 100 },
    { 0, 1000, 200, 1 },
    { G_MAXUINT32, 10000, 20, 10000 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (pm_descriptors_share_of (cases[i].descriptors, cases[i].wanted,
                                               cases[i].outbound),
                      ==, cases[i].expected);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/admission/standing", test_standing);
  g_test_add_func ("/admission/connection", test_connection);
  g_test_add_func ("/admission/sender", test_sender);
  g_test_add_func ("/admission/rate-replies", test_rate_replies);
  g_test_add_func ("/admission/descriptors", test_descriptors);
  return g_test_run ();
}
