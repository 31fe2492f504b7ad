// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Reading: what loads and as what, what does not and where, and that the grammar agrees.

#include "site/pm-site-file.h"

#include <libxml/relaxng.h>
#include <string.h>

#include "base/pm-error.h"
#include "site/pm-site-schema.h"

#define HEAD "<site xmlns=\"urn:pointsman:site:1\" name=\"S\"><configuration>"
#define TAIL "</configuration></site>"
#define SERVICE                                                     \
  HEAD "<servers><server name=\"M\" host=\"m.example\"/></servers>" \
       "<connections><internet-mail-service server=\"M\">\n"
#define SERVICE_END "</internet-mail-service></connections>" TAIL

static xmlRelaxNGPtr grammar;

static void
ignore_cb (void *data, const char *format, ...)
{
}

static void
load_grammar (void)
{
  g_autoptr (GBytes) bytes = pm_site_grammar ();
  gsize size;
  const char *text;
  xmlRelaxNGParserCtxtPtr context;

  g_assert_nonnull (bytes);
  text = g_bytes_get_data (bytes, &size);
  context = xmlRelaxNGNewMemParserCtxt (text, (int) size);
  grammar = xmlRelaxNGParse (context);
  xmlRelaxNGFreeParserCtxt (context);
  g_assert_nonnull (grammar);
}

static gboolean
grammar_accepts (const char *xml)
{
  xmlDocPtr document = xmlReadMemory (xml, (int) strlen (xml), "test", NULL,
                                      XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET);
  xmlRelaxNGValidCtxtPtr context;
  int result;

  if (document == NULL)
    return FALSE;
  context = xmlRelaxNGNewValidCtxt (grammar);
  xmlRelaxNGSetValidErrors (context, ignore_cb, ignore_cb, NULL);
  result = xmlRelaxNGValidateDoc (context, document);
  xmlRelaxNGFreeValidCtxt (context);
  xmlFreeDoc (document);
  return result == 0;
}

static PmSite *
parse (const char *xml, GPtrArray **problems, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (xml, strlen (xml));

  return pm_site_parse (bytes, "site.xml", problems, error);
}

static char *
read_example (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "site", "data", "full.xml", NULL);
  char *text;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static void
test_example (void)
{
  g_autofree char *text = read_example ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = parse (text, NULL, &error);
  const PmMailService *service;
  const PmRoute *route;
  const PmListen *listen_on;
  const PmDomainSecurity *security;

  g_assert_no_error (error);
  g_assert_true (grammar_accepts (text));
  g_assert_cmpstr (site->name, ==, "Headquarters");
  g_assert_cmpstr (site->organization, ==, "Example");
  g_assert_cmpstr (site->addressing_domain, ==, "example.com");
  g_assert_cmpstr (((PmServer *) site->servers->pdata[0])->addresses->pdata[0], ==, "192.0.2.10");

  service = pm_site_find_service (site, "MAIL1");
  g_assert_nonnull (service);
  g_assert_cmpuint (service->inbound_limit, ==, 50 * 1024 * 1024);
  g_assert_cmpstr (service->administrator, ==, "postmaster@example.com");
  g_assert_cmpuint (service->retry_intervals->len, ==, 4);
  g_assert_cmpuint (g_array_index (service->retry_intervals, guint, 3), ==, 4 * 3600);
  g_assert_cmpuint (service->retry_timeout, ==, 48 * 3600);
  listen_on = service->listeners->pdata[0];
  g_assert_cmpstr (listen_on->address, ==, "0.0.0.0");
  g_assert_cmpuint (listen_on->port, ==, 25);
  g_assert_cmpuint (service->mail_domains->len, ==, 1);
  g_assert_cmpuint (service->accept_rules->len, ==, 1);

  g_assert_cmpuint (service->routes->len, ==, 5);
  route = service->routes->pdata[0];
  g_assert_false (route->subdomains);
  g_assert_cmpint (route->action, ==, PM_ROUTE_INBOUND);
  route = service->routes->pdata[2];
  g_assert_true (route->subdomains);
  g_assert_cmpint (route->action, ==, PM_ROUTE_REWRITE);
  g_assert_cmpstr (route->rewrite_domain, ==, "example.com");
  route = service->routes->pdata[3];
  g_assert_cmpint (route->action, ==, PM_ROUTE_FORWARD);
  g_assert_cmpstr (((PmHost *) route->hosts->pdata[0])->name, ==, "10.1.2.3");
  route = service->routes->pdata[4];
  g_assert_cmpint (route->action, ==, PM_ROUTE_RELAY);

  g_assert_cmpuint (service->restrictions->len, ==, 4);
  g_assert_cmpint (((PmRestriction *) service->restrictions->pdata[1])->kind, ==,
                   PM_RESTRICTION_INTERFACE);
  g_assert_true (((PmRestriction *) service->restrictions->pdata[3])->never);
  g_assert_cmpstr (((PmMailbox *) service->mailboxes->pdata[0])->aliases->pdata[0], ==,
                   "sales@example.net");
  security = service->domain_security->pdata[0];
  g_assert_cmpint (security->tls, ==, PM_TLS_VERIFY);
  g_assert_cmpstr (security->secret, ==, "partner-login");
  g_assert_cmpuint (service->diagnostics->len, ==, 1);
}

// Every attribute type, as text that must be read and what it is written as.
static const struct
{
  const char *name;
  const char *xml; /* within a service */
  const char *canonical;
} values[] = {
  { "size/mib", "<general inbound-limit=\"10 MiB\"/>", "inbound-limit=\"10 MiB\"" },
  { "size/mb", "<general inbound-limit=\"10MB\"/>", "inbound-limit=\"10 MB\"" },
  { "size/bytes", "<general inbound-limit=\" 1001 \"/>", "inbound-limit=\"1001\"" },
  { "size/none", "<general inbound-limit=\"0\"/>", "inbound-limit=\"0\"" },
  { "size/max", "<general inbound-limit=\"1024 GiB\"/>", "inbound-limit=\"1024 GiB\"" },
  { "mail", "<internet-mail administrator=\"a@b.example\"/>", "administrator=\"a@b.example\"" },
  { "mail/escape", "<internet-mail administrator='&quot;a&amp;b&quot;@b.example'/>",
    "administrator=\"&quot;a&amp;b&quot;@b.example\"" },
  { "duration/seconds", "<connections><retry notify=\"90s\"/></connections>", "notify=\"90s\"" },
  { "duration/days", "<connections><retry timeout=\"96h\"/></connections>", "timeout=\"4d\"" },
  { "durations", "<connections><retry intervals=\"60s, 5m\"/></connections>",
    "intervals=\"1m 5m\"" },
  { "count", "<connections><limits per-host=\"7\"/></connections>", "per-host=\"7\"" },
  { "enum", "<connections transfer=\"inbound\"/>", "transfer=\"inbound\"" },
  { "boolean", "<routing reroute=\"no\"/>", "reroute=\"no\"" },
  { "port", "<connections><listen port=\"65535\"/></connections>", "port=\"65535\"" },
  { "address/v6", "<connections><listen address=\"2001:DB8::0:1\"/></connections>",
    "address=\"2001:db8::1\"" },
  { "network/mask",
    "<connections><accept-connections><host network=\"192.0.2.9/255.255.255.0\"/>"
    "</accept-connections></connections>",
    "network=\"192.0.2.0/24\"" },
  { "domain/case", "<routing><route domain=\"EXAMPLE.org.\"><inbound/></route></routing>",
    "<route domain=\"example.org\">" },
  { "domain/idn", "<routing><route domain=\"b\xc3\xbc"
                  "cher.example\"><inbound/></route></routing>",
    "domain=\"xn--bcher-kva.example\"" },
  { "domain/hash", "<routing><route domain=\"#example.org\"><inbound/></route></routing>",
    "domain=\"example.org\" subdomains=\"no\"" },
  { "host/literal",
    "<routing><route domain=\"a.example\"><forward><host name=\"[2001:db8::1]\"/></forward></route>"
    "</routing>",
    "<host name=\"2001:db8::1\"/>" },
  { "lmtp/unix", "<mailboxes><deliver-to lmtp=\"unix:/run/lmtp\"/></mailboxes>",
    "<deliver-to lmtp=\"unix:/run/lmtp\"/>" },
  { "lmtp/host", "<mailboxes><deliver-to lmtp=\"[::1]:24\"/></mailboxes>", "lmtp=\"[::1]:24\"" },
  { "path", "<mailboxes><deliver-to maildir=\"/srv/mail\"/></mailboxes>", "maildir=\"/srv/mail\"" },
  { "secret", "<security><domain name=\"p.example\"><login user=\"u\" secret=\"a-b.c\"/></domain>"
              "</security>",
    "<login user=\"u\" secret=\"a-b.c\"/>" },
  { "listen/proxy", "<connections><listen proxy=\"yes\"/></connections>", "<listen proxy=\"yes\"/>" },
  { "order/deliver", "<connections><deliver order=\"rotate\"/></connections>",
    "<deliver order=\"rotate\"/>" },
  { "order/forward",
    "<routing><route domain=\"a.b\"><forward order=\"rotate\" ask=\"yes\"><host name=\"c.d\"/>"
    "</forward></route></routing>",
    "<forward order=\"rotate\" ask=\"yes\">" },
  { "class/urgent",
    "<connections><retry><class priority=\"urgent\" notify=\"30m\"/></retry></connections>",
    "<class priority=\"urgent\" notify=\"30m\"/>" },
  { "class/second",
    "<connections><retry><class notify=\"4h\" priority=\"non-urgent\" timeout=\"96h\"/>"
    "<class priority=\"urgent\"/></retry></connections>",
    "<class priority=\"non-urgent\" notify=\"4h\" timeout=\"4d\"/>" },
  { "rate", "<connections><limits client-messages-per-minute=\"600\"/></connections>",
    "client-messages-per-minute=\"600\"" },
  { "per-client", "<connections><limits per-client=\"5\"/></connections>", "per-client=\"5\"" },
  { "pause", "<connections><limits greeting-pause=\"1m\"/></connections>",
    "greeting-pause=\"1m\"" },
  { "submit", "<connections><accept-connections submit-homed=\"yes\" submit-matches=\"yes\"/>"
              "</connections>",
    "<accept-connections submit-homed=\"yes\" submit-matches=\"yes\"/>" },
  { "host/trusted",
    "<connections><accept-connections><host network=\"10.0.0.1\" action=\"accept\" "
    "relay-server=\"yes\" xclient=\"yes\" proxy=\"yes\"/></accept-connections></connections>",
    "action=\"accept\" relay-server=\"yes\" xclient=\"yes\" proxy=\"yes\"/>" },
  { "sender/domain",
    "<connections><message-filtering action=\"reject\"><sender address=\"@Spam.Example.\"/>"
    "</message-filtering></connections>",
    "<sender address=\"@spam.example\"/>" },
  { "sender/null",
    "<connections><message-filtering><sender address=\"\"/></message-filtering></connections>",
    "<sender address=\"\"/>" },
  { "sender/address",
    "<connections><message-filtering action=\"delete\"><sender address=\"a@b.c\"/>"
    "</message-filtering></connections>",
    "<message-filtering action=\"delete\">" },
  { "mailboxes/ask", "<mailboxes accept=\"ask\"><deliver-to lmtp=\"a.b:24\"/></mailboxes>",
    "<mailboxes accept=\"ask\">" },
  { "quota", "<mailboxes><deliver-to lmtp=\"a.b:24\" quota=\"1 GiB\"/></mailboxes>",
    "<deliver-to lmtp=\"a.b:24\" quota=\"1 GiB\"/>" },
  { "quota/mailbox", "<mailboxes><mailbox address=\"a@b.c\" quota=\"0\"/></mailboxes>",
    "<mailbox address=\"a@b.c\" quota=\"0\"/>" },
  { "domain-alias", "<mailboxes><domain-alias domain=\"A.example\" of=\"b.example\"/></mailboxes>",
    "<domain-alias domain=\"a.example\" of=\"b.example\"/>" },
  { "catch-all", "<mailboxes><mailbox address=\"a@b.c\"/>"
                 "<catch-all domain=\"b.c\" address=\"a@b.c\"/></mailboxes>",
    "<catch-all domain=\"b.c\" address=\"a@b.c\"/>" },
  { "certificate",
    "<security mta-sts=\"no\" dane=\"no\"><certificate chain=\"/a/b.pem\" key=\"/a/b.key\" "
    "host=\"m.example\"/></security>",
    "<certificate chain=\"/a/b.pem\" key=\"/a/b.key\" host=\"m.example\"/>" },
  { "accounts", "<security><accounts source=\"pam\"/></security>", "<accounts source=\"pam\"/>" },
  { "accounts/path", "<security><accounts path=\"/a/b\"/></security>",
    "<accounts path=\"/a/b\"/>" },
  { "double-bounces", "<internet-mail double-bounces=\"no\"/>", "double-bounces=\"no\"" },
  { "tracking", "<tracking keep=\"0s\"/>", "<tracking keep=\"0s\"/>" },
  { "statistics", "<statistics port=\"9154\"/>", "<statistics port=\"9154\"/>" },
  { "level", "<diagnostics><category name=\"dns\" level=\"maximum\"/></diagnostics>",
    "level=\"maximum\"" },
  { "foreign", "<x:a xmlns:x=\"urn:x\" b=\"c\">text<site/></x:a><general inbound-limit=\"1 kB\"/>",
    "inbound-limit=\"1 kB\"" },
};

static void
test_value (gconstpointer data)
{
  const char *const *row = data;
  g_autofree char *xml = g_strconcat (SERVICE, row[0], SERVICE_END, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = parse (xml, NULL, &error);
  g_autoptr (GBytes) written = NULL;
  g_autofree char *text = NULL;
  g_autoptr (PmSite) again = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  g_assert_no_error (error);
  g_assert_true (grammar_accepts (xml));
  written = pm_site_write (site, NULL, &error);
  g_assert_no_error (error);
  text = g_strndup (g_bytes_get_data (written, NULL), g_bytes_get_size (written));
  if (strstr (text, row[1]) == NULL)
    g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, row[1]));
  g_assert_true (grammar_accepts (text));

  again = parse (text, NULL, &error);
  g_assert_no_error (error);
  changes = pm_site_difference (site, again);
  g_assert_cmpuint (changes->len, ==, 0);
}

// `beyond`: the grammar cannot say it, and must not pretend to.
static const struct
{
  const char *name;
  const char *xml;
  guint line;
  guint column;
  const char *message;
  gboolean beyond;
} bad[] = {
  { "empty", "", 1, 1, "0 bytes" },
  { "no-xml", "hello", 1, 1, "not well-formed" },
  { "unclosed", "<site>\n<a>\n</site>", 3, 0, "not well-formed" },
  { "two-roots", "<site/><site/>", 1, 0, "not well-formed" },
  { "duplicate-attribute", "<site a='1' a='2'/>", 1, 0, "not well-formed" },
  { "unbound-prefix", "<p:site/>", 1, 0, "not well-formed" },
  { "unknown-entity", "<site xmlns='urn:pointsman:site:1' name='&x;'/>", 1, 0, "not well-formed" },
  { "latin1", "<?xml version='1.0' encoding='latin1'?><site/>", 1, 30, "UTF-8" },
  { "bytes", "<site>\n  \xff</site>", 2, 3, "not UTF-8" },
  { "doctype", "\n<!DOCTYPE site>\n<site/>", 2, 1, "DOCTYPE" },
  { "root", "<other xmlns='urn:pointsman:site:1'/>", 1, 1, "begins with <other>" },
  { "no-namespace", "<site name='x'/>", 1, 1, "xmlns" },
  { "other-namespace", "<site xmlns='urn:pointsman:site:2' name='x'/>", 1, 1, "xmlns" },
  { "no-configuration", "<site xmlns='urn:pointsman:site:1' name='x'/>", 1, 1,
    "no <configuration>" },
  { "no-name", "<site xmlns='urn:pointsman:site:1'><configuration/></site>", 1, 1, "no name" },
  { "unknown-element", HEAD "\n  <serverz/>" TAIL, 2, 3, "<serverz> cannot stand in" },
  { "unknown-attribute", HEAD "\n<servers a='b'/>" TAIL, 2, 10, "no attribute “a”" },
  { "our-prefix",
    HEAD "\n<servers xmlns:p='urn:pointsman:site:1' p:a='b'/>" TAIL, 2, 41, "no attribute “p:a”" },
  { "xinclude",
    HEAD "\n<include xmlns='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>" TAIL, 2, 1,
    "nothing is included" },
  { "no-namespace-child", HEAD "\n<servers xmlns=''/>" TAIL, 2, 1, "no namespace" },
  { "text", HEAD "\n  text" TAIL, 2, 3, "text in <configuration>" },
  { "text-cdata", HEAD "\n<![CDATA[x]]>" TAIL, 2, 10, "text in <configuration>" },
  { "twice", HEAD "<servers/>\n<servers/>" TAIL, 2, 1, "stands twice" },
  { "bad-host", HEAD "<servers><server name='a'\n host='a b'/></servers>" TAIL, 2, 8,
    "not a domain name" },
  { "bad-host-label", HEAD "<servers><server name='a'\n host='a..b'/></servers>" TAIL, 2, 8,
    "between two dots", TRUE },
  { "missing-host", HEAD "<servers>\n<server name='a'/></servers>" TAIL, 2, 1, "no host" },
  { "bad-ip", HEAD "<servers><server name='a' host='b.c'>\n<address ip='x'/></server></servers>" TAIL,
    2, 14, "not an IP address" },
  { "size", SERVICE "<general inbound-limit='lots'/>" SERVICE_END, 2, 25, "50 MiB" },
  { "size-over", SERVICE "<general inbound-limit='2000 GiB'/>" SERVICE_END, 2, 25, "1024 GiB",
    TRUE },
  { "size-sign", SERVICE "<general inbound-limit='-1'/>" SERVICE_END, 2, 25, "not a size" },
  { "enum", SERVICE "<connections transfer='up'/>" SERVICE_END, 2, 24, "“both”, “inbound”" },
  { "boolean", SERVICE "<routing reroute='true'/>" SERVICE_END, 2, 19, "“yes” or “no”" },
  { "port", SERVICE "<connections><listen port='0'/></connections>" SERVICE_END, 2, 28, "65535" },
  { "port-over", SERVICE "<connections><listen port='65536'/></connections>" SERVICE_END, 2, 28,
    "bounds" },
  { "duration", SERVICE "<connections><retry notify='4'/></connections>" SERVICE_END, 2, 29,
    "15m" },
  { "durations", SERVICE "<connections><retry intervals=''/></connections>" SERVICE_END, 2, 32,
    "15m 30m" },
  { "network",
    SERVICE "<connections><accept-connections><host network='10.0.0.0/33'/></accept-connections>"
            "</connections>" SERVICE_END,
    2, 49, "prefix length", TRUE },
  { "count", SERVICE "<connections><limits inbound='0'/></connections>" SERVICE_END, 2, 31,
    "1000000" },
  { "mail", SERVICE "<internet-mail administrator='me'/>" SERVICE_END, 2, 31, "mail address" },
  { "route-empty", SERVICE "<routing><route domain='a.b'/></routing>" SERVICE_END, 2, 10,
    "exactly one of" },
  { "route-two",
    SERVICE "<routing><route domain='a.b'><inbound/><relay/></route></routing>" SERVICE_END, 2, 10,
    "exactly one of" },
  { "forward-empty",
    SERVICE "<routing><route domain='a.b'><forward/></route></routing>" SERVICE_END, 2, 30,
    "no <host>" },
  { "route-contradiction",
    SERVICE "<routing><route subdomains='yes' domain='#a.b'><inbound/></route></routing>" SERVICE_END,
    2, 29, "contradict", TRUE },
  { "allow-empty", SERVICE "<routing><restrictions><allow/></restrictions></routing>" SERVICE_END,
    2, 24, "says one thing" },
  { "allow-two",
    SERVICE "<routing><restrictions><allow network='10.0.0.1' authenticated='yes'/></restrictions>"
            "</routing>" SERVICE_END,
    2, 24, "says one thing" },
  { "allow-no",
    SERVICE "<routing><restrictions><allow authenticated='no'/></restrictions></routing>" SERVICE_END,
    2, 46, "allows nobody" },
  { "deliver-to-two",
    SERVICE "<mailboxes><deliver-to maildir='a' lmtp='b:24'/></mailboxes>" SERVICE_END, 2, 12,
    "one place" },
  { "deliver-to-up", SERVICE "<mailboxes><deliver-to maildir='../a'/></mailboxes>" SERVICE_END, 2,
    33, "upward", TRUE },
  { "secret", SERVICE "<security><domain name='a.b'><login user='u' secret='../x'/></domain>"
                      "</security>" SERVICE_END,
    2, 54, "dot" },
  { "class-unknown",
    SERVICE "<connections><retry><class priority='low'/></retry></connections>" SERVICE_END, 2, 38,
    "“urgent” or “non-urgent”" },
  { "class-none", SERVICE "<connections><retry><class/></retry></connections>" SERVICE_END, 2, 21,
    "no priority" },
  { "class-twice",
    SERVICE "<connections><retry><class priority='urgent'/><class priority='urgent'/></retry>"
            "</connections>" SERVICE_END,
    2, 47, "stands twice", TRUE },
  { "pause-long", SERVICE "<connections><limits greeting-pause='61s'/></connections>" SERVICE_END,
    2, 38, "60s", TRUE },
  { "sender", SERVICE "<connections><message-filtering><sender address='x'/></message-filtering>"
                      "</connections>" SERVICE_END,
    2, 50, "@ with a domain" },
  { "deliver-to-two-and-quota",
    SERVICE "<mailboxes><deliver-to maildir='a' lmtp='b:24' quota='0'/></mailboxes>" SERVICE_END, 2,
    12, "one place" },
  { "certificate-without-key",
    SERVICE "<security><certificate chain='/a'/></security>" SERVICE_END, 2, 11, "no key" },
  { "certificate-relative",
    SERVICE "<security><certificate chain='a' key='/b'/></security>" SERVICE_END, 2, 31,
    "absolute path" },
  { "category", SERVICE "<diagnostics><category name='x'/></diagnostics>" SERVICE_END, 2, 30,
    "“authentication” or “routing”" },
  { "statistics", SERVICE "<statistics port='65536'/>" SERVICE_END, 2, 19, "bounds" },
  { "utf8-column",
    HEAD "<!-- é --><servers><server name='é'\thost='a b'/></servers>" TAIL, 1, 102,
    "not a domain name" },
};

static void
test_bad (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = parse (bad[index].xml, &problems, &error);
  const PmSiteProblem *problem;
  g_autofree char *prefix = NULL;

  g_assert_null (site);
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_assert_cmpuint (problems->len, >, 0);
  problem = problems->pdata[0];
  g_test_message ("%s", error->message);
  g_assert_cmpint (problem->severity, ==, PM_PROBLEM_ERROR);
  g_assert_nonnull (strstr (problem->message, bad[index].message));
  g_assert_cmpuint (problem->line, ==, bad[index].line);
  if (bad[index].column > 0)
    g_assert_cmpuint (problem->column, ==, bad[index].column);
  prefix = g_strdup_printf ("site.xml:%u:%u: error: ", problem->line, problem->column);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  // DOCTYPE and encoding are refused before the grammar is asked.
  if (strstr (bad[index].xml, "<!DOCTYPE") == NULL)
    g_assert_cmpint (grammar_accepts (bad[index].xml), ==, bad[index].beyond);
}

static void
test_many (void)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (PmSite) site = parse (
      "<site xmlns='urn:pointsman:site:1' nam='x'>\n"
      "<configuration>text\n"
      "<servers><server name='M' host='a b'/><server name='M' host='c.d'/></servers>\n"
      "<connections><internet-mail-service server='M'><connections transfer='up'>\n"
      "<listen port='x'/><foo/></connections></internet-mail-service></connections>\n"
      "</configuration></site>",
      &problems, &error);

  g_assert_null (site);
  lines = g_strsplit (error->message, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 8);
  for (guint i = 1; i < problems->len; i++)
    g_assert_cmpuint (((PmSiteProblem *) problems->pdata[i - 1])->line, <=,
                      ((PmSiteProblem *) problems->pdata[i])->line);
}

static void
test_bomb (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = parse (
      "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>\n"
      "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d SYSTEM 'file:///etc/passwd'>]>\n"
      "<site xmlns='urn:pointsman:site:1' name='&c;'>&d;</site>",
      NULL, &error);

  g_assert_null (site);
  g_assert_nonnull (strstr (error->message, "1:1: error: a site file has no DOCTYPE"));
}

static void
test_bounds (void)
{
  g_autoptr (GString) deep = g_string_new (HEAD "<x:a xmlns:x='urn:x'>");
  g_autoptr (GString) wide = g_string_new ("<site xmlns='urn:pointsman:site:1'");
  g_autoptr (GString) many = g_string_new (HEAD);
  g_autofree char *huge = g_malloc0 (PM_SITE_FILE_MAX_SIZE + 1);
  g_autoptr (GBytes) bytes = g_bytes_new_static (huge, PM_SITE_FILE_MAX_SIZE + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) problems = NULL;

  for (guint i = 0; i < 100000; i++)
    g_string_append (deep, "<x:a>");
  g_assert_null (parse (deep->str, NULL, &error));
  g_assert_nonnull (strstr (error->message, "64 deep"));
  g_clear_error (&error);

  for (guint i = 0; i < 100000; i++)
    g_string_append_printf (wide, " a%u=''", i);
  g_assert_null (parse (wide->str, NULL, &error));
  g_assert_nonnull (strstr (error->message, "256 attributes"));
  g_clear_error (&error);

  g_assert_null (pm_site_parse (bytes, NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, "64 MiB"));
  g_clear_error (&error);

  for (guint i = 0; i < 5000; i++)
    g_string_append (many, "<foo/>");
  g_string_append (many, TAIL);
  g_assert_null (parse (many->str, &problems, &error));
  g_assert_cmpuint (problems->len, ==, 100);
  g_assert_nonnull (strstr (error->message, "and 4900 more errors"));
}

// What stands in a site beyond its form: the sentence's part, and where it points.
static const struct
{
  const char *name;
  const char *xml; /* within a service with a listener and one inbound route */
  PmProblemSeverity severity;
  const char *message;
} checks[] = {
  { "duplicate-route", "<route domain='a.example'><inbound/></route>"
                       "<route domain='A.example.'><relay/></route>",
    PM_PROBLEM_ERROR, "a.example with its subdomains has two routes" },
  { "rewrite-itself", "<route domain='a.example'><rewrite domain='x.a.example'/></route>",
    PM_PROBLEM_ERROR, "matches itself" },
  { "rewrite-circle", "<route domain='a.example'><rewrite domain='b.example'/></route>"
                      "<route domain='b.example'><rewrite domain='c.example'/></route>"
                      "<route domain='c.example'><rewrite domain='a.example'/></route>",
    PM_PROBLEM_ERROR, "circle" },
  { "loop-name", "<route domain='a.example'><forward><host name='m.example'/></forward></route>",
    PM_PROBLEM_WARNING, "which is this server" },
  { "loop-address",
    "<route domain='a.example'><forward><host name='192.0.2.10'/></forward></route>",
    PM_PROBLEM_WARNING, "which is this server" },
  { "loop-loopback",
    "<route domain='a.example'><forward><host name='127.0.0.1'/></forward></route>",
    PM_PROBLEM_WARNING, "which is this server" },
  { "no-mailbox", "<route domain='a.example'><inbound/></route>", PM_PROBLEM_WARNING,
    "has no mailbox" },
  { "open-relay", "<restrictions><allow network='0.0.0.0/0'/></restrictions>", PM_PROBLEM_WARNING,
    "open relay" },
  { "open-relay-v6", "<restrictions><allow network='::/0'/></restrictions>", PM_PROBLEM_WARNING,
    "open relay" },
  { "never-all", "<restrictions><never network='0.0.0.0/0'/></restrictions>", PM_PROBLEM_WARNING,
    "keeps every client" },
  { "never-covers",
    "<restrictions><allow network='10.1.0.0/16'/><never network='10.0.0.0/8'/></restrictions>",
    PM_PROBLEM_WARNING, "holds all of 10.1.0.0/16" },
  { "interface", "<restrictions><allow interface='0.0.0.0'/></restrictions>", PM_PROBLEM_ERROR,
    "no address of this host" },
  { "postmaster", "</routing><mailboxes><mailbox address='x@in.example'/></mailboxes><routing>",
    PM_PROBLEM_WARNING, "postmaster@in.example" },
  { "address-twice",
    "</routing><mailboxes><mailbox address='postmaster@in.example'/>"
    "<mailbox address='b@in.example'><alias address='PostMaster@IN.example'/></mailbox>"
    "</mailboxes><routing>",
    PM_PROBLEM_ERROR, "another mailbox already" },
  { "mailbox-elsewhere", "</routing><mailboxes><mailbox address='a@out.example'/></mailboxes>"
                         "<routing>",
    PM_PROBLEM_WARNING, "out.example is not inbound" },
};

static void
test_check (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GString) xml = g_string_new (
      HEAD "<servers><server name='M' host='m.example'><address "
           "ip='192.0.2.10'/></server></servers>"
           "<connections><internet-mail-service server='M'><connections><listen/></connections>"
           "<routing>");
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = NULL;
  gboolean found = FALSE;
  char *second;

  g_string_append (xml, checks[index].xml);
  g_string_append (xml, "<route domain='in.example'><inbound/></route></routing>" SERVICE_END);
  // The rows that step out of <routing> leave an empty one: one of each is all there may be.
  second = strstr (xml->str, "</mailboxes><routing>");
  if (second != NULL)
    {
      gsize at = (gsize) (second - xml->str) + strlen ("</mailboxes>");

      g_string_truncate (xml, at);
      g_string_append (xml, SERVICE_END);
      g_string_replace (xml, "<routing></routing>",
                        "<routing><route domain='in.example'><inbound/></route></routing>", 0);
    }

  site = parse (xml->str, &problems, &error);
  for (guint i = 0; i < problems->len; i++)
    {
      const PmSiteProblem *problem = problems->pdata[i];
      g_autofree char *text = pm_site_problem_to_string (problem, NULL);

      g_test_message ("%s", text);
      if (problem->severity == checks[index].severity &&
          strstr (problem->message, checks[index].message) != NULL)
        {
          found = TRUE;
          g_assert_cmpuint (problem->line, ==, 1);
          g_assert_cmpuint (problem->column, >, 1);
          g_assert_cmpstr (problem->where, !=, "");
        }
    }
  g_assert_true (found);
  g_assert_cmpint (site == NULL, ==, checks[index].severity == PM_PROBLEM_ERROR);
}

static const struct
{
  const char *name;
  const char *xml;
  PmProblemSeverity severity;
  const char *message;
} whole[] = {
  { "no-server", HEAD "<connections><internet-mail-service server='X'/></connections>" TAIL,
    PM_PROBLEM_ERROR, "the server X is not declared" },
  { "two-services",
    HEAD "<servers><server name='X' host='x.example'/></servers><connections>"
         "<internet-mail-service server='X'/><internet-mail-service server='X'/></connections>" TAIL,
    PM_PROBLEM_ERROR, "two services run on the server X" },
  { "two-servers",
    HEAD "<servers><server name='X' host='x.example'/><server name='X' host='y.example'/></servers>" TAIL,
    PM_PROBLEM_ERROR, "two servers named X" },
  { "no-service", HEAD TAIL, PM_PROBLEM_WARNING, "no Internet Mail Service" },
  { "no-listener", SERVICE SERVICE_END, PM_PROBLEM_WARNING, "listens nowhere" },
  { "same-listener", SERVICE "<connections><listen/><listen address='0.0.0.0'/></connections>" SERVICE_END,
    PM_PROBLEM_ERROR, "0.0.0.0 port 25 already" },
  { "all-first",
    SERVICE "<connections><listen/><listen address='192.0.2.1'/></connections>" SERVICE_END,
    PM_PROBLEM_ERROR, "192.0.2.1 port 25 already" },
  { "all-last",
    SERVICE "<connections><listen address='192.0.2.1'/><listen/></connections>" SERVICE_END,
    PM_PROBLEM_ERROR, "all addresses" },
  { "retry", SERVICE "<connections><retry intervals='3d'/></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "never comes" },
  { "notify", SERVICE "<connections><retry notify='3d'/></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "after the timeout" },
  { "deliver-host", SERVICE "<connections><deliver method='host'/></connections>" SERVICE_END,
    PM_PROBLEM_ERROR, "names no host" },
  { "deliver-dns",
    SERVICE "<connections><deliver><host name='a.b'/></deliver></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "does not use the hosts" },
  { "e-mail-domain",
    SERVICE "<connections><e-mail-domain name='a.b'/><e-mail-domain name='a.b'/></connections>" SERVICE_END,
    PM_PROBLEM_ERROR, "two <e-mail-domain>" },
  { "security",
    SERVICE "<security><domain name='a.b'/><domain name='a.b'/></security>" SERVICE_END,
    PM_PROBLEM_ERROR, "twice in <security>" },
  { "category",
    SERVICE "<diagnostics><category name='dns'/><category name='dns'/></diagnostics>" SERVICE_END,
    PM_PROBLEM_ERROR, "category dns stands twice" },
  { "retry-class",
    SERVICE "<connections><retry><class priority='non-urgent' notify='9d'/></retry></connections>"
        SERVICE_END,
    PM_PROBLEM_WARNING, "after the timeout" },
  { "trusted-rejected",
    SERVICE "<connections><accept-connections><host network='10.0.0.1' xclient='yes'/>"
            "</accept-connections></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "but its connections are rejected" },
  { "trusted-all",
    SERVICE "<connections><accept-connections><host network='0.0.0.0/0' action='accept' "
            "proxy='yes'/></accept-connections></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "whole Internet is trusted" },
  { "proxy", SERVICE "<connections><listen proxy='yes'/></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "no host may send one" },
  { "sender-twice",
    SERVICE "<connections><message-filtering><sender address='@a.b'/><sender address='@A.b'/>"
            "</message-filtering></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "sender stands twice" },
  { "ask-maildir", SERVICE "<mailboxes accept='ask'/>" SERVICE_END, PM_PROBLEM_ERROR,
    "asks the LMTP server" },
  { "alias-itself",
    SERVICE "<mailboxes><domain-alias domain='a.b' of='A.b'/></mailboxes>" SERVICE_END,
    PM_PROBLEM_ERROR, "alias of itself" },
  { "alias-twice",
    SERVICE "<mailboxes><domain-alias domain='a.b' of='c.d'/><domain-alias domain='a.b' of='e.f'/>"
            "</mailboxes>" SERVICE_END,
    PM_PROBLEM_ERROR, "two <domain-alias>" },
  { "alias-chain",
    SERVICE "<mailboxes><domain-alias domain='a.b' of='c.d'/><domain-alias domain='c.d' of='e.f'/>"
            "</mailboxes>" SERVICE_END,
    PM_PROBLEM_ERROR, "c.d is an alias itself" },
  { "alias-elsewhere",
    SERVICE "<mailboxes><domain-alias domain='a.b' of='c.d'/></mailboxes>" SERVICE_END,
    PM_PROBLEM_WARNING, "a.b never comes" },
  { "catch-all-nobody",
    SERVICE "<mailboxes><catch-all domain='a.b' address='x@a.b'/></mailboxes>" SERVICE_END,
    PM_PROBLEM_ERROR, "no mailbox has the address x@a.b" },
  { "catch-all-twice",
    SERVICE "<mailboxes><mailbox address='x@a.b'/><catch-all domain='a.b' address='x@a.b'/>"
            "<catch-all domain='a.b' address='x@a.b'/></mailboxes>" SERVICE_END,
    PM_PROBLEM_ERROR, "two <catch-all>" },
  { "certificate-twice",
    SERVICE "<security><certificate chain='/a' key='/b'/><certificate chain='/a' key='/c'/>"
            "</security>" SERVICE_END,
    PM_PROBLEM_ERROR, "/a stands twice" },
  { "certificate-host",
    SERVICE "<security><certificate chain='/a' key='/b' host='c.d'/><certificate chain='/b' "
            "key='/c' host='c.d'/></security>" SERVICE_END,
    PM_PROBLEM_ERROR, "two certificates are for c.d" },
  { "implicit-tls",
    SERVICE "<connections><listen port='465' tls='implicit'/></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "needs a certificate" },
  { "submission",
    SERVICE "<connections><listen port='587' role='submission'/></connections>" SERVICE_END,
    PM_PROBLEM_WARNING, "only possible with TLS" },
  { "accounts-path", SERVICE "<security><accounts source='pam' path='/a'/></security>" SERVICE_END,
    PM_PROBLEM_WARNING, "not read" },
};

static void
test_whole (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (PmSite) site = parse (whole[index].xml, &problems, NULL);
  gboolean found = FALSE;

  for (guint i = 0; i < problems->len; i++)
    {
      const PmSiteProblem *problem = problems->pdata[i];

      g_test_message ("%u:%u %s: %s", problem->line, problem->column, problem->where,
                      problem->message);
      found = found || (problem->severity == whole[index].severity && problem->line > 0 &&
                        strstr (problem->message, whole[index].message) != NULL);
    }
  g_assert_true (found);
  g_assert_cmpint (site == NULL, ==, whole[index].severity == PM_PROBLEM_ERROR);
}

static void
test_quiet (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "data", "sample",
                                                 "site.xml", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) again = NULL;
  g_autoptr (PmSite) site = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  site = parse (text, &problems, NULL);
  g_assert_nonnull (site);
  g_assert_cmpuint (problems->len, ==, 0);
  again = pm_site_validate (site);
  g_assert_cmpuint (again->len, ==, 0);
}

// A site of bare values, without a file behind it, is checked as well.
static void
test_validate_values (void)
{
  g_autoptr (PmSite) site = pm_site_new ();
  PmMailService *service = pm_mail_service_new ();
  PmRoute *route = pm_route_new ();
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  route->domain = (g_free (route->domain), g_strdup ("a.example"));
  route->action = PM_ROUTE_FORWARD;
  g_ptr_array_add (service->routes, route);
  service->server = (g_free (service->server), g_strdup ("M"));
  g_ptr_array_add (site->services, service);
  problems = pm_site_validate (site);
  for (guint i = 0; i < problems->len; i++)
    {
      g_autofree char *line = pm_site_problem_to_string (problems->pdata[i], NULL);

      g_string_append_printf (text, "%s\n", line);
    }
  g_assert_nonnull (strstr (text->str, "error: routing/route[@domain=\"a.example\"]: the route "
                                       "forwards to no host"));
  g_assert_nonnull (strstr (text->str, "the server M is not declared"));
}

// The table's defaults are those of the values, for a value that nothing was read into has them.
static void
check_defaults (const PmSiteElement *element, gconstpointer value)
{
  for (const PmSiteAttribute *a = element->attributes; a != NULL && a->name != NULL; a++)
    {
      g_autofree char *text = a->type->write (a, value);

      if (a->fallback != NULL)
        g_assert_cmpstr (text, ==, a->fallback);
      g_assert_true (a->words != NULL || a->type->expected != NULL);
    }
  for (const PmSiteChild *c = element->children; c != NULL && c->element != NULL; c++)
    {
      gpointer child = c->create != NULL ? c->create () : NULL;

      if (c->place == PM_SITE_SAME)
        check_defaults (c->element, value);
      else if (child != NULL)
        check_defaults (c->element, child);
      if (child != NULL)
        c->destroy (child);
    }
}

static void
test_defaults (void)
{
  g_autoptr (PmSite) site = pm_site_new ();

  check_defaults (&pm_site_schema, site);
}

static void
test_difference (void)
{
  g_autofree char *text = read_example ();
  g_autoptr (PmSite) from = parse (text, NULL, NULL);
  g_autoptr (GString) changed = g_string_new (text);
  g_autoptr (PmSite) to = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GString) out = g_string_new (NULL);

  g_string_replace (changed, "reroute=\"yes\"", "reroute=\"no\"", 0);
  g_string_replace (changed, "<route domain=\"example.net\"><inbound/></route>", "", 0);
  g_string_replace (changed, "<rewrite domain=\"example.com\"/>", "<relay/>", 0);
  g_string_replace (changed, "<never ", "<allow network=\"10.0.0.0/8\"/><never ", 0);
  g_string_replace (changed, "<site-addressing domain=\"example.com\"/>", "", 0);
  to = parse (changed->str, NULL, NULL);
  g_assert_nonnull (to);
  changes = pm_site_difference (from, to);
  for (guint i = 0; i < changes->len; i++)
    {
      const PmSiteChange *change = changes->pdata[i];

      g_string_append_printf (out, "%d %s: %s -> %s\n", change->kind, change->where,
                              change->from != NULL ? change->from : "",
                              change->to != NULL ? change->to : "");
    }
#define PATH "configuration/connections/internet-mail-service[@server=\"MAIL1\"]/routing"
  g_assert_cmpstr (
      out->str, ==,
      "1 configuration/site-addressing: <site-addressing domain=\"example.com\"/> -> \n"
      "2 " PATH "/@reroute: yes -> no\n"
      "1 " PATH "/route[@domain=\"example.net\"]: "
      "<route domain=\"example.net\"><inbound/></route> -> \n"
      "2 " PATH "/route[@domain=\"old.example.org\"]: "
      "<rewrite domain=\"example.com\"/> -> <relay/>\n"
      "0 " PATH "/restrictions/allow[@network=\"10.0.0.0/8\"]:  -> "
      "<allow network=\"10.0.0.0/8\"/>\n");
}

#define ADD_TABLE(path, table, function)                               \
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)                     \
    {                                                                  \
      g_autofree char *name = g_strconcat (path, table[i].name, NULL); \
      g_test_add_data_func (name, GUINT_TO_POINTER (i), function);     \
    }

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  load_grammar ();
  g_test_add_func ("/site-file/example", test_example);
  g_test_add_func ("/site-file/quiet", test_quiet);
  g_test_add_func ("/site-file/defaults", test_defaults);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *name = g_strconcat ("/site-file/value/", values[i].name, NULL);

      g_test_add_data_func (name, &values[i].xml, test_value);
    }
  ADD_TABLE ("/site-file/bad/", bad, test_bad);
  ADD_TABLE ("/site-file/check/", checks, test_check);
  ADD_TABLE ("/site-file/check-whole/", whole, test_whole);
  g_test_add_func ("/site-file/many", test_many);
  g_test_add_func ("/site-file/bomb", test_bomb);
  g_test_add_func ("/site-file/bounds", test_bounds);
  g_test_add_func ("/site-file/validate-values", test_validate_values);
  g_test_add_func ("/site-file/difference", test_difference);
  return g_test_run ();
}
