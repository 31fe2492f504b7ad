// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Writing: what was read comes out byte for byte, and an edit changes what it must and no more.

#include "site/pm-site-file.h"

#include <string.h>

#include "base/pm-error.h"

#define HEAD "<site xmlns=\"urn:pointsman:site:1\" name=\"S\"><configuration>"
#define SERVERS "<servers><server name=\"M\" host=\"m.example\"/></servers>"

static PmSite *
parse (const char *text, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, size);
  g_autoptr (GError) error = NULL;
  PmSite *site = pm_site_parse (bytes, "base", NULL, &error);

  g_assert_no_error (error);
  return site;
}

static char *
write_text (const PmSite *site, const char *base)
{
  g_autoptr (GBytes) bytes = base != NULL ? g_bytes_new (base, strlen (base)) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) written = pm_site_write (site, bytes, &error);

  g_assert_no_error (error);
  return g_strndup (g_bytes_get_data (written, NULL), g_bytes_get_size (written));
}

static char *
read_data (const char *folder, const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, folder, name, NULL);
  char *text;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

/* Unchanged */

static const struct
{
  const char *name;
  const char *text;
} tricky[] = {
  { "smallest", "<site xmlns='urn:pointsman:site:1' name='S'><configuration/></site>" },
  { "bom", "\xef\xbb\xbf<?xml version='1.0'?>\n" HEAD "</configuration></site>" },
  { "crlf", HEAD "\r\n\t<servers>\r\n\t</servers>\r\n</configuration></site>\r\n" },
  { "comments", "<!-- a --><?pi b?>" HEAD "<!-- c --><servers><!-- d --><server name=\"M\" "
                "host=\"m.example\"><!-- <server/> --></server></servers></configuration></site>"
                "<!-- e -->\n\n" },
  { "foreign", "<site xmlns=\"urn:pointsman:site:1\" xmlns:x='urn:x' x:a=\"b\" name=\"S\" "
               "xml:lang='en'><x:b><site><nonsense/></site></x:b><configuration x:c='&#10;'>"
               "<x:d>text &amp; <![CDATA[<&>]]></x:d></configuration></site>" },
  { "prefix", "<p:site xmlns:p=\"urn:pointsman:site:1\" name='S'><p:configuration ><p:servers/>"
              "</p:configuration></p:site>" },
  { "rebound", "<site xmlns=\"urn:pointsman:site:1\" name='S'><q:configuration "
               "xmlns:q='urn:pointsman:site:1'><servers xmlns='urn:x'><a/></servers>"
               "</q:configuration></site>" },
  { "entities", "<site xmlns=\"urn:pointsman:site:&#49;\" name='&#233;&amp;&lt;&quot;&#x26;'>"
                "<configuration/></site>" },
  { "attributes-on-lines", "<site\n  xmlns = \"urn:pointsman:site:1\"\n\tname\n=\n'S'\n>"
                           "<configuration\n/></site  >" },
  { "cdata-blank", HEAD "<![CDATA[ \n]]>&#32;</configuration></site>" },
  { "noncanonical",
    HEAD SERVERS "<connections><internet-mail-service server=\" M \"><general "
                 "inbound-limit=\"51200 KiB\"/><connections><retry timeout='48h' "
                     "intervals='900s,30m  1h 240m'/>"
                 "</connections><routing><route domain='#EXAMPLE.com.'><inbound/></route><route "
                 "domain='x.example' subdomains='yes'><relay></relay></route><restrictions>"
                 "<allow "
                     "network='10.1.2.3/255.0.0.0'/></restrictions></routing>"
                 "</internet-mail-service>"
                 "</connections></configuration></site>" },
};

static void
test_unchanged (gconstpointer data)
{
  const char *text = data;
  g_autoptr (PmSite) site = parse (text, strlen (text));
  g_autofree char *written = write_text (site, text);

  g_assert_cmpstr (written, ==, text);
}

static void
test_unchanged_example (void)
{
  g_autofree char *text = read_data ("site/data", "full.xml");

  test_unchanged (text);
}

// A new file says the same, is laid out as the sample is, and writes to itself.
static void
test_new_file (void)
{
  g_autofree char *text = read_data ("site/data", "full.xml");
  g_autofree char *sample = read_data ("../data/sample", "site.xml");
  g_autoptr (PmSite) site = parse (text, strlen (text));
  g_autofree char *written = write_text (site, NULL);
  g_autoptr (PmSite) again = parse (written, strlen (written));
  g_autoptr (GPtrArray) changes = pm_site_difference (site, again);
  g_autoptr (PmSite) plain = parse (sample, strlen (sample));
  g_autofree char *plain_text = write_text (plain, NULL);
  const char *comment = strstr (sample, "<!--");
  g_autoptr (GString) expected = g_string_new_len (sample, comment - sample);

  g_assert_cmpuint (changes->len, ==, 0);
  test_unchanged (written);

  g_string_append (expected, strchr (comment, '\n') + 1);
  g_string_replace (expected, "          <deliver-to maildir=\"mail\"/>\n", "", 0);
  g_assert_cmpstr (plain_text, ==, expected->str);
}

// Edited: base and wanted site are two texts; the base is made to say what the other does.

#define TEXT(service)                                    \
  "<site xmlns=\"urn:pointsman:site:1\" name=\"S\">\n"   \
  "  <configuration>\n"                                  \
  "    " SERVERS "\n"                                    \
  "    <connections>\n"                                  \
  "      <internet-mail-service server=\"M\">\n" service \
  "      </internet-mail-service>\n"                     \
  "    </connections>\n"                                 \
  "  </configuration>\n"                                 \
  "</site>\n"

#define ROUTING(routes) "        <routing>\n" routes "        </routing>\n"
#define ROUTE(name) "          <route domain=\"" name "\"><inbound/></route>\n"

static const struct
{
  const char *name;
  const char *base;
  const char *wanted; /* a text that says what is wanted */
  const char *result; /* NULL: exactly `wanted` */
} edits[] = {
  { "add-last", TEXT (ROUTING (ROUTE ("a.b"))), TEXT (ROUTING (ROUTE ("a.b") ROUTE ("c.d"))) },
  { "add-middle", TEXT (ROUTING (ROUTE ("a.b") ROUTE ("e.f"))),
    TEXT (ROUTING (ROUTE ("a.b") ROUTE ("c.d") ROUTE ("e.f"))) },
  { "add-first", TEXT (ROUTING (ROUTE ("a.b"))), TEXT (ROUTING (ROUTE ("c.d") ROUTE ("a.b"))) },
  { "remove-first", TEXT (ROUTING (ROUTE ("a.b") ROUTE ("c.d"))), TEXT (ROUTING (ROUTE ("c.d"))) },
  { "remove-only", TEXT (ROUTING (ROUTE ("a.b"))), TEXT (ROUTING ("")) },
  { "remove-all-add",
    TEXT (ROUTING (ROUTE ("a.b") ROUTE ("c.d"))), TEXT (ROUTING (ROUTE ("x.y"))) },
  { "rename", TEXT (ROUTING (ROUTE ("a.b") "<!-- mine -->\n" ROUTE ("c.d") ROUTE ("e.f"))),
    TEXT (ROUTING (ROUTE ("a.b") "<!-- mine -->\n" ROUTE ("x.y") ROUTE ("e.f"))) },
  { "routes-in-any-order", TEXT (ROUTING (ROUTE ("a.b") ROUTE ("c.d"))),
    TEXT (ROUTING (ROUTE ("c.d") ROUTE ("a.b"))), TEXT (ROUTING (ROUTE ("a.b") ROUTE ("c.d"))) },
  { "comment-behind",
    TEXT (ROUTING ("          <route domain=\"a.b\"><inbound/></route> <!-- a -->\n")),
    TEXT (ROUTING ("          <route domain=\"a.b\"><inbound/></route>\n" ROUTE ("c.d"))),
    TEXT (ROUTING ("          <route domain=\"a.b\"><inbound/></route> <!-- a -->\n"
                   ROUTE ("c.d"))) },
  { "remove-keeps-comments",
    TEXT (ROUTING ("          <!-- 1 -->\n" ROUTE ("a.b") "          <!-- 2 -->\n" ROUTE ("c.d"))),
    TEXT (ROUTING (ROUTE ("c.d"))),
    TEXT (ROUTING ("          <!-- 1 -->\n          <!-- 2 -->\n" ROUTE ("c.d"))) },
  { "into-empty-tag", TEXT ("        <routing />\n"), TEXT (ROUTING (ROUTE ("a.b"))) },
  { "into-empty-pair", TEXT ("        <routing></routing>\n"), TEXT (ROUTING (ROUTE ("a.b"))) },
  { "into-nothing", TEXT (""), TEXT (ROUTING (ROUTE ("a.b"))) },
  { "into-comment-only", TEXT (ROUTING ("          <!-- none yet -->\n")),
    TEXT (ROUTING (ROUTE ("a.b"))),
    TEXT (ROUTING (ROUTE ("a.b") "          <!-- none yet -->\n")) },
  { "container-order",
    TEXT ("        <general inbound-limit=\"1 MiB\"/>\n" ROUTING (ROUTE ("a.b"))),
    TEXT ("        <general inbound-limit=\"1 MiB\"/>\n"
          "        <internet-mail administrator=\"a@a.b\"/>\n" ROUTING (ROUTE ("a.b"))) },
  { "action", TEXT (ROUTING ("<route domain='a.b'  ><!-- x --><inbound/></route>\n")),
    TEXT (ROUTING ("<route domain='a.b'><forward><host name='h.i' "
        "port='2525'/></forward></route>\n")),
    TEXT (ROUTING ("<route domain='a.b'  ><!-- x --><forward><host name=\"h.i\" port=\"2525\"/>"
                   "</forward></route>\n")) },
  { "attribute-value",
    TEXT (ROUTING ("<route domain='a.b' x:y='z' xmlns:x='urn:x'><rewrite domain='c.d' "
        "/></route>\n")),
    TEXT (ROUTING ("<route domain='a.b'><rewrite domain='e.f'/></route>\n")),
    TEXT (ROUTING (
        "<route domain='a.b' x:y='z' xmlns:x='urn:x'><rewrite domain='e.f' /></route>\n")) },
  { "attribute-added", TEXT (ROUTING ("<route\n  domain='a.b'\n><inbound/></route>\n")),
    TEXT (ROUTING ("<route domain='a.b' subdomains='no'><inbound/></route>\n")),
    TEXT (ROUTING ("<route\n  domain='a.b'\n  subdomains='no'\n><inbound/></route>\n")) },
  { "attribute-to-default",
    TEXT ("        <routing reroute='no'/>\n"), TEXT (""), TEXT ("        <routing "
        "reroute='yes'/>\n") },
  { "attribute-removed", TEXT ("        <internet-mail administrator='a@b.c' />\n"),
    TEXT ("        <internet-mail/>\n"), TEXT ("        <internet-mail />\n") },
  { "default-not-written", TEXT ("        <connections/>\n"),
    TEXT ("        <connections transfer='both'><listen port='25'/></connections>\n"),
    TEXT ("        <connections>\n          <listen/>\n        </connections>\n") },
  { "hash-stays", TEXT (ROUTING ("<route domain='#a.b'><inbound/></route>\n")),
    TEXT (ROUTING ("<route domain='x.y' subdomains='no'><inbound/></route>\n")),
    TEXT (ROUTING ("<route domain='#x.y'><inbound/></route>\n")) },
  { "hash-goes", TEXT (ROUTING ("<route domain='#a.b'><inbound/></route>\n")),
    TEXT (ROUTING ("<route domain='a.b'><inbound/></route>\n")) },
  { "hash-and-word", TEXT (ROUTING ("<route domain='#a.b' subdomains='no'><inbound/></route>\n")),
    TEXT (ROUTING ("<route domain='a.b' subdomains='yes'><inbound/></route>\n")) },
  { "inline-add",
    TEXT (ROUTING ("<restrictions><allow network='10.0.0.1'/> <never network='10.0.0.2'/>"
                   "</restrictions>\n")),
    TEXT (ROUTING ("<restrictions><allow network='10.0.0.1'/><allow network='10.0.0.9'/>"
                   "<never network='10.0.0.2'/><never network='10.0.0.3'/></restrictions>\n")),
    TEXT (ROUTING ("<restrictions><allow network='10.0.0.1'/><allow network=\"10.0.0.9\"/> "
                   "<never network='10.0.0.2'/> <never network=\"10.0.0.3\"/></restrictions>\n")) },
  { "inline-remove",
    TEXT (ROUTING ("<restrictions><allow network='10.0.0.1'/> <never network='10.0.0.2'/> "
                   "<!-- x --></restrictions>\n")),
    TEXT (ROUTING ("<restrictions><allow network='10.0.0.1'/></restrictions>\n")),
    TEXT (ROUTING ("<restrictions><allow network='10.0.0.1'/> <!-- x --></restrictions>\n")) },
  { "move",
    TEXT ("<connections>\n  <listen port='1'/>\n  <!-- two -->\n  <listen port='2'/>\n"
          "  <listen port='3' role='submission'/>\n</connections>\n"),
    TEXT ("<connections><listen port='3'/><listen port='1'/><listen port='2'/></connections>\n"),
    TEXT ("<connections>\n  <listen port='3' role='relay'/>\n  <listen port='1'/>\n"
          "  <!-- two -->\n  <listen port='2'/>\n</connections>\n") },
  { "alias",
    TEXT ("<mailboxes>\n<mailbox address='a@b.c'/>\n</mailboxes>\n"),
    TEXT ("<mailboxes><mailbox address='a@b.c'><alias address='d@b.c'/></mailbox></mailboxes>\n"),
    TEXT ("<mailboxes>\n<mailbox address='a@b.c'><alias address=\"d@b.c\"/></mailbox>\n"
          "</mailboxes>\n") },
  { "maildir-to-lmtp", TEXT ("<mailboxes><deliver-to maildir='m'/></mailboxes>\n"),
    TEXT ("<mailboxes><deliver-to lmtp='unix:/x'/></mailboxes>\n") },
  { "class-said", TEXT ("<connections><retry><class priority='urgent' notify='4h'/></retry>"
                        "</connections>\n"),
    TEXT ("<connections><retry><class priority='urgent' timeout='6h'/>"
          "<class priority='non-urgent' notify='1d'/></retry></connections>\n"),
    TEXT ("<connections><retry><class priority='urgent' notify='4h' timeout='6h'/>"
          "<class priority=\"non-urgent\" notify=\"1d\"/></retry></connections>\n") },
  { "alias-of", TEXT ("<mailboxes>\n<domain-alias domain='a.b' of='c.d'/>\n</mailboxes>\n"),
    TEXT ("<mailboxes><domain-alias domain='a.b' of='e.f'/></mailboxes>\n"),
    TEXT ("<mailboxes>\n<domain-alias domain='a.b' of='e.f'/>\n</mailboxes>\n") },
  { "sender-added",
    TEXT ("<connections>\n<message-filtering>\n<sender address=''/>\n</message-filtering>\n"
          "</connections>\n"),
    TEXT ("<connections><message-filtering><sender address=''/><sender address='@a.b'/>"
          "</message-filtering></connections>\n"),
    TEXT ("<connections>\n<message-filtering>\n<sender address=''/>\n"
          "<sender address=\"@a.b\"/>\n</message-filtering>\n</connections>\n") },
  { "quota-gone",
    TEXT ("<mailboxes><mailbox address='a@b.c' quota='5 MB'/></mailboxes>\n"),
    TEXT ("<mailboxes><mailbox address='a@b.c'/></mailboxes>\n") },
  { "login-gone",
    TEXT ("<security><domain name='a.b'><login user='u' secret='s'/><!-- k --></domain>"
          "</security>\n"),
    TEXT ("<security><domain name='a.b'/></security>\n"),
    TEXT ("<security><domain name='a.b'><!-- k --></domain></security>\n") },
  { "crlf-tabs",
    HEAD "\r\n\t" SERVERS "\r\n\t<connections>\r\n\t\t<internet-mail-service server='M'>\r\n"
         "\t\t\t<routing>\r\n\t\t\t\t<route domain='a.b'><relay/></route>\r\n\t\t\t</routing>\r\n"
         "\t\t</internet-mail-service></connections></configuration></site>",
    TEXT (ROUTING ("<route domain='a.b'><relay/></route><route domain='c.d'><relay/></route>")),
    HEAD "\r\n\t" SERVERS "\r\n\t<connections>\r\n\t\t<internet-mail-service server='M'>\r\n"
         "\t\t\t<routing>\r\n\t\t\t\t<route domain='a.b'><relay/></route>\r\n"
         "\t\t\t\t<route domain=\"c.d\"><relay/></route>\r\n\t\t\t</routing>\r\n"
         "\t\t</internet-mail-service></connections></configuration></site>" },
  { "prefix",
    "<p:site xmlns:p='urn:pointsman:site:1' name='S'><p:configuration/></p:site>",
    HEAD SERVERS "</configuration></site>",
    "<p:site xmlns:p='urn:pointsman:site:1' name='S'><p:configuration>\n"
    "  <p:servers>\n    <p:server name=\"M\" host=\"m.example\"/>\n  </p:servers>\n"
    "</p:configuration></p:site>" },
  { "escapes",
    "<site xmlns='urn:pointsman:site:1' name='S' organization='a'><configuration/></site>",
    "<site xmlns='urn:pointsman:site:1' name='S' organization='&lt;&apos;&quot;&amp;&#9;x'>"
    "<configuration/></site>",
    "<site xmlns='urn:pointsman:site:1' name='S' organization='&lt;&apos;\"&amp;&#9;x'>"
    "<configuration/></site>" },
};

static void
test_edit (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (PmSite) wanted = parse (edits[index].wanted, strlen (edits[index].wanted));
  g_autofree char *written = write_text (wanted, edits[index].base);
  g_autoptr (PmSite) again = parse (written, strlen (written));
  g_autoptr (GPtrArray) changes = pm_site_difference (again, wanted);

  g_assert_cmpstr (written, ==,
                   edits[index].result != NULL ? edits[index].result : edits[index].wanted);
  g_assert_cmpuint (changes->len, ==, 0);
}

static void
test_refusals (void)
{
  g_autoptr (PmSite) site = pm_site_new ();
  g_autoptr (GBytes) bad = g_bytes_new_static ("<site/>", 7);
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_site_write (site, bad, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_clear_error (&error);
  site->name = (g_free (site->name), g_strdup ("a\x01"
                                               "b"));
  g_assert_null (pm_site_write (site, NULL, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
}

/* Mutations: whatever comes in, it is refused with a place, or comes out as it went in. */

static void
mutate (GString *text, const char *other, GRand *rand)
{
  static const char *const bits[] = { "<", ">", "/>", "</", "\"", "'", "&", "&#10;", "<!--", "-->",
                                      "<![CDATA[", "]]>", "<?", "?>", "xmlns=''", " ", "\r\n",
                                      "\xc3\xa9", "#", "=", "<inbound/>", "\xff" };
  guint count = (guint) g_rand_int_range (rand, 1, 4);

  for (guint i = 0; i < count; i++)
    {
      gssize at = g_rand_int_range (rand, 0, (gint32) text->len);
      gssize length = g_rand_int_range (rand, 1, 24);

      switch (g_rand_int_range (rand, 0, 4))
        {
        case 0:
          g_string_erase (text, at, MIN (length, (gssize) text->len - at));
          break;
        case 1:
          g_string_insert (text, at, bits[g_rand_int_range (rand, 0, G_N_ELEMENTS (bits))]);
          break;
        case 2:
          text->str[at] = (char) g_rand_int_range (rand, 1, 127);
          break;
        default:
          g_string_insert_len (text, at, other + g_rand_int_range (rand, 0, 1000), 40);
        }
      if (text->len == 0)
        g_string_append_c (text, 'x');
    }
}

static void
check_mutant (const GString *text, const PmSite *other, guint *loaded)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text->str, text->len);
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = pm_site_parse (bytes, NULL, &problems, &error);
  g_autoptr (GBytes) same = NULL;
  g_autoptr (GBytes) edited = NULL;
  g_autoptr (PmSite) again = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  if (site == NULL)
    {
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
      g_assert_cmpuint (problems->len, >, 0);
      g_assert_cmpuint (((PmSiteProblem *) problems->pdata[0])->line, >, 0);
      return;
    }
  ++*loaded;
  same = pm_site_write (site, bytes, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (same, bytes));

  edited = pm_site_write (other, bytes, &error);
  g_assert_no_error (error);
  again = pm_site_parse (edited, NULL, NULL, &error);
  if (again == NULL)
    g_test_message ("%s", (char *) g_bytes_get_data (bytes, NULL));
  g_assert_no_error (error);
  changes = pm_site_difference (again, other);
  g_assert_cmpuint (changes->len, ==, 0);
}

static void
test_mutations (void)
{
  g_autofree char *text = read_data ("site/data", "full.xml");
  g_autofree char *sample = read_data ("../data/sample", "site.xml");
  g_autoptr (PmSite) site = parse (sample, strlen (sample));
  g_autoptr (PmSite) full = parse (text, strlen (text));
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  guint loaded = 0;

  for (guint i = 0; i < 3000; i++)
    {
      g_autoptr (GString) mutant = g_string_new (i % 2 == 0 ? text : sample);

      mutate (mutant, text, rand);
      check_mutant (mutant, i % 2 == 0 ? site : full, &loaded);
    }
  // Enough of them must load, or the second half of the check is asleep.
  g_assert_cmpuint (loaded, >, 100);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tricky); i++)
    {
      g_autofree char *name = g_strconcat ("/site-write/unchanged/", tricky[i].name, NULL);

      g_test_add_data_func (name, tricky[i].text, test_unchanged);
    }
  g_test_add_func ("/site-write/unchanged-example", test_unchanged_example);
  g_test_add_func ("/site-write/new-file", test_new_file);
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      g_autofree char *name = g_strconcat ("/site-write/edit/", edits[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_edit);
    }
  g_test_add_func ("/site-write/refusals", test_refusals);
  g_test_add_func ("/site-write/mutations", test_mutations);
  return g_test_run ();
}
