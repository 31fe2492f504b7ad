// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Differences of two sites in the words of the screen.

#include "config.h"

#include "site/pm-site-file.h"
#include "ui/pm-change-text.h"

static const char site_xml[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<site xmlns=\"urn:pointsman:site:1\" name=\"Headquarters\">\n"
    "  <configuration>\n"
    "    <servers><server name=\"MAIL1\" host=\"mail1.example.com\"></server></servers>\n"
    "    <site-addressing domain=\"example.com\"/>\n"
    "    <connections>\n"
    "      <internet-mail-service server=\"MAIL1\">\n"
    "        <general inbound-limit=\"50 MiB\"/>\n"
    "        <connections><listen address=\"127.0.0.1\" port=\"2525\"/><retry notify=\"4h\"/>"
    "</connections>\n"
    "        <routing reroute=\"yes\">\n"
    "          <route domain=\"example.com\"><inbound/></route>\n"
    "          <route domain=\"old.example.org\"><rewrite domain=\"example.com\"/></route>\n"
    "          <restrictions></restrictions>\n"
    "        </routing>\n"
    "        <mailboxes accept=\"listed\">\n"
    "          <mailbox address=\"anna@example.com\"></mailbox>\n"
    "        </mailboxes>\n"
    "        <diagnostics></diagnostics>\n"
    "      </internet-mail-service>\n"
    "    </connections>\n"
    "  </configuration>\n"
    "</site>\n";

static const struct
{
  const char *name;
  const char *from;
  const char *to;
  const char *sentence;
  const char *from_value; /* NULL: not looked at */
  const char *to_value;
} changes[] = {
  { "route-added", "<restrictions>",
    "<route domain=\"example.net\"><inbound/></route><restrictions>",
    "Routing: example.net was added (inbound)", NULL, "inbound" },
  { "route-removed", "<route domain=\"old.example.org\"><rewrite domain=\"example.com\"/></route>",
    "", "Routing: old.example.org was removed (rerouted to example.com)",
    "rerouted to example.com", NULL },
  { "route-action", "<rewrite domain=\"example.com\"/>",
    "<forward><host name=\"10.0.0.9\" port=\"26\"/></forward>",
    "Routing: old.example.org was changed", "rerouted to example.com",
    "forwarded to 10.0.0.9 26" },
  { "route-target", "<rewrite domain=\"example.com\"/>", "<rewrite domain=\"example.net\"/>",
    "Routing: old.example.org was changed", "example.com", "example.net" },
  { "route-idn", "<restrictions>",
    "<route domain=\"xn--bcher-kva.example\"><relay/></route><restrictions>",
    "Routing: bücher.example was added (relayed)", NULL, NULL },
  { "reroute", "reroute=\"yes\"", "reroute=\"no\"",
    "Routing: rerouting of incoming mail was changed", "yes", "no" },
  { "restriction", "<restrictions>", "<restrictions><allow network=\"10.0.0.0/8\"/>",
    "Routing Restrictions: permission for 10.0.0.0/8 was added", NULL, "" },
  { "mailbox", "<mailbox address=\"anna@example.com\">",
    "<mailbox address=\"bert@example.com\"/><mailbox address=\"anna@example.com\">",
    "Recipients: mailbox bert@example.com was added", NULL, "" },
  { "alias", "</mailbox>", "<alias address=\"a@example.com\"/></mailbox>",
    "Recipients: other address a@example.com of anna@example.com was added", NULL, "" },
  { "server-host", "host=\"mail1.example.com\"", "host=\"mx.example.com\"",
    "Server MAIL1: public name was changed", "mail1.example.com", "mx.example.com" },
  { "server-address", "</server>", "<address ip=\"192.0.2.1\"/></server>",
    "Server MAIL1: address 192.0.2.1 was added", NULL, "" },
  { "addressing-removed", "<site-addressing domain=\"example.com\"/>", "",
    "Site Addressing: mail domain was removed (example.com)", "example.com", NULL },
  { "limit", "50 MiB", "10 MiB", "General: size limit of incoming messages was changed", "50 MiB",
    "10 MiB" },
  { "listener", "<retry", "<listen address=\"127.0.0.1\" port=\"2587\" role=\"submission\"/><retry",
    "Connections: listening address 127.0.0.1 was added (2587 submission)", NULL, NULL },
  { "retry", "notify=\"4h\"", "notify=\"5h\"",
    "Connections: time until a delay is reported was changed", "4h", "5h" },
  { "retry-class", "<retry notify=\"4h\"/>",
    "<retry notify=\"4h\"><class priority=\"urgent\" notify=\"1h\"/></retry>",
    "Connections: time until a delay is reported (urgent) was changed", "4h", "1h" },
  { "certificate", "<diagnostics>",
    "<security><certificate chain=\"/a\" key=\"/b\"/></security><diagnostics>",
    "Security: certificate /a was added (/b)", NULL, NULL },
  { "domain-alias", "</mailboxes>",
    "<domain-alias domain=\"example.net\" of=\"example.com\"/></mailboxes>",
    "Recipients: mailboxes of example.net was added (example.com)", NULL, NULL },
  // Without a name on the screen: the path and the text as they are.
  { "unknown", "<diagnostics>", "<diagnostics><category name=\"dns\" level=\"maximum\"/>",
    "configuration/connections/internet-mail-service[@server=\"MAIL1\"]/diagnostics/"
    "category[@name=\"dns\"] was added (<category name=\"dns\" level=\"maximum\"/>)",
    NULL, "<category name=\"dns\" level=\"maximum\"/>" },
};

static PmSite *
parse (const char *xml)
{
  g_autoptr (GBytes) bytes = g_bytes_new (xml, strlen (xml));
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  PmSite *site = pm_site_parse (bytes, "site.xml", &problems, &error);

  g_assert_no_error (error);
  return site;
}

static void
assert_value (const PmSiteChange *change, const char *value, const char *expected)
{
  g_autofree char *text = NULL;

  if (expected == NULL)
    return;
  g_assert_nonnull (value);
  text = pm_change_text_value (change, value);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_change (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_auto (GStrv) parts = g_strsplit (site_xml, changes[i].from, 2);
  g_autofree char *changed = g_strjoinv (changes[i].to, parts);
  g_autoptr (PmSite) from = parse (site_xml);
  g_autoptr (PmSite) to = parse (changed);
  g_autoptr (GPtrArray) found = pm_site_difference (from, to);
  g_autofree char *sentence = NULL;
  const PmSiteChange *change;

  g_assert_cmpuint (found->len, ==, 1);
  change = found->pdata[0];
  sentence = pm_change_text (change);
  g_assert_cmpstr (sentence, ==, changes[i].sentence);
  assert_value (change, change->from, changes[i].from_value);
  assert_value (change, change->to, changes[i].to_value);
}

// Whatever a path or a value says, it is shown and nothing else happens.
static void
test_odd (void)
{
  static const char *const paths[] = { "", "[", "[@", "[@x=\"", "configuration/", "a[@x=\"y\"",
                                       "routing/route", "configuration/servers/server" };
  static const char *const values[] = { "", "<", "<a", "<a/>", "</value>", "<a>&nbsp;</a>" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    for (guint j = 0; j < G_N_ELEMENTS (values); j++)
      {
        PmSiteChange change = { PM_CHANGE_ADDED, (char *) paths[i], NULL, (char *) values[j] };
        g_autofree char *place = pm_change_text_place (&change);
        g_autofree char *sentence = pm_change_text (&change);

        g_assert_nonnull (place);
        g_assert_true (g_str_has_prefix (sentence, place));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *path = g_strconcat ("/change-text/", changes[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_change);
    }
  g_test_add_func ("/change-text/odd", test_odd);
  return g_test_run ();
}
