// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A change of the site in the words of the screen. A change says its place as a path of the site
// file, such as routing/route[@domain="example.net"]: the path without the keys is looked up in a
// table, and the keys are put into what is found there.

#include "config.h"

#include "ui/pm-change-text.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-domain-name.h"

#define SERVICE "connections/internet-mail-service/"

/* In the texts, %1 and %2 are the keys on the way. */
static const struct
{
  const char *path;
  const char *text;
} places[] = {
  { "@name", N_ ("Site: name") },
  { "@organization", N_ ("Site: organization") },
  { "servers/server", N_ ("Server %1") },
  { "servers/server/@host", N_ ("Server %1: public name") },
  { "servers/server/address", N_ ("Server %1: address %2") },
  { "site-addressing", N_ ("Site Addressing: mail domain") },
  { "site-addressing/@domain", N_ ("Site Addressing: mail domain") },
  { "connections/internet-mail-service", N_ ("Internet Mail Service (%1)") },
  { SERVICE "general/@inbound-limit", N_ ("General: size limit of incoming messages") },
  { SERVICE "general/@outbound-limit", N_ ("General: size limit of outgoing messages") },
  { SERVICE "internet-mail/@administrator", N_ ("General: administrator’s mailbox") },
  { SERVICE "connections", N_ ("Connections: order of the listening addresses") },
  { SERVICE "connections/@transfer", N_ ("Connections: transfer mode") },
  { SERVICE "connections/listen", N_ ("Connections: listening address %1") },
  { SERVICE "connections/listen/@role", N_ ("Connections: role of the listening address %1") },
  { SERVICE "connections/listen/@tls", N_ ("Connections: TLS of the listening address %1") },
  { SERVICE "connections/deliver", N_ ("Connections: order of the forwarding hosts") },
  { SERVICE "connections/deliver/@method", N_ ("Connections: message delivery") },
  { SERVICE "connections/deliver/host", N_ ("Connections: forwarding host %1") },
  { SERVICE "connections/deliver/host/@tls", N_ ("Connections: TLS to the host %1") },
  { SERVICE "connections/e-mail-domain", N_ ("E-mail domain %1") },
  { SERVICE "connections/e-mail-domain/deliver", N_ ("E-mail domain %1: order of the hosts") },
  { SERVICE "connections/e-mail-domain/deliver/@method",
    N_ ("E-mail domain %1: message delivery") },
  { SERVICE "connections/e-mail-domain/deliver/host", N_ ("E-mail domain %1: host %2") },
  { SERVICE "connections/e-mail-domain/deliver/host/@tls",
    N_ ("E-mail domain %1: TLS to the host %2") },
  { SERVICE "connections/retry/@intervals", N_ ("Connections: retry intervals") },
  { SERVICE "connections/retry/@notify", N_ ("Connections: time until a delay is reported") },
  { SERVICE "connections/retry/@timeout", N_ ("Connections: time until a message is returned") },
  { SERVICE "connections/limits/@inbound", N_ ("Connections: most incoming connections") },
  { SERVICE "connections/limits/@outbound", N_ ("Connections: most outgoing connections") },
  { SERVICE "connections/limits/@per-host", N_ ("Connections: most connections to one host") },
  { SERVICE "connections/limits/@messages-per-connection",
    N_ ("Connections: most messages in one connection") },
  { SERVICE "connections/limits/@recipients", N_ ("Connections: most recipients of one message") },
  { SERVICE "connections/accept-connections", N_ ("Accept Connections: order of the rules") },
  { SERVICE "connections/accept-connections/@default",
    N_ ("Accept Connections: hosts that no rule names") },
  { SERVICE "connections/accept-connections/host", N_ ("Accept Connections: rule for %1") },
  { SERVICE "connections/accept-connections/host/@action",
    N_ ("Accept Connections: rule for %1") },
  { SERVICE "routing/@reroute", N_ ("Routing: rerouting of incoming mail") },
  { SERVICE "routing/route", N_ ("Routing: %1") },
  { SERVICE "routing/route/rewrite/@domain", N_ ("Routing: %1") },
  { SERVICE "routing/route/forward", N_ ("Routing: order of the hosts for %1") },
  { SERVICE "routing/route/forward/host", N_ ("Routing: host %2 for %1") },
  { SERVICE "routing/route/forward/host/@tls", N_ ("Routing: TLS to the host %2 for %1") },
  { SERVICE "routing/restrictions/allow", N_ ("Routing Restrictions: permission for %1") },
  { SERVICE "routing/restrictions/never", N_ ("Routing Restrictions: refusal of %1") },
  { SERVICE "mailboxes/@accept", N_ ("Recipients: which mailboxes there are") },
  { SERVICE "mailboxes/deliver-to/@maildir", N_ ("Recipients: where mail is put") },
  { SERVICE "mailboxes/deliver-to/@lmtp", N_ ("Recipients: where mail is handed on") },
  { SERVICE "mailboxes/mailbox", N_ ("Recipients: mailbox %1") },
  { SERVICE "mailboxes/mailbox/alias", N_ ("Recipients: other address %2 of %1") },
  { SERVICE "internet-mail/@double-bounces", N_ ("General: reports that cannot be delivered") },
  { SERVICE "connections/listen/@proxy",
    N_ ("Connections: PROXY protocol of the listening address %1") },
  { SERVICE "connections/deliver/@order", N_ ("Connections: rotation of the forwarding hosts") },
  { SERVICE "connections/e-mail-domain/deliver/@order",
    N_ ("E-mail domain %1: rotation of the hosts") },
  { SERVICE "connections/retry/class/@notify",
    N_ ("Connections: time until a delay is reported (%1)") },
  { SERVICE "connections/retry/class/@timeout",
    N_ ("Connections: time until a message is returned (%1)") },
  { SERVICE "connections/limits/@per-client", N_ ("Connections: most connections of one client") },
  { SERVICE "connections/limits/@client-connections-per-minute",
    N_ ("Connections: new connections of one client in a minute") },
  { SERVICE "connections/limits/@client-messages-per-minute",
    N_ ("Connections: messages of one client in a minute") },
  { SERVICE "connections/limits/@client-recipients-per-minute",
    N_ ("Connections: recipients of one client in a minute") },
  { SERVICE "connections/limits/@greeting-pause", N_ ("Connections: pause before the greeting") },
  { SERVICE "connections/accept-connections/@submit-homed",
    N_ ("Accept Connections: clients must be homed here") },
  { SERVICE "connections/accept-connections/@submit-matches",
    N_ ("Accept Connections: account and sender address must match") },
  { SERVICE "connections/accept-connections/host/@relay-server",
    N_ ("Accept Connections: rule for %1") },
  { SERVICE "connections/accept-connections/host/@xclient",
    N_ ("Accept Connections: rule for %1") },
  { SERVICE "connections/accept-connections/host/@proxy", N_ ("Accept Connections: rule for %1") },
  { SERVICE "connections/message-filtering/@action",
    N_ ("Message Filtering: what happens to the messages") },
  { SERVICE "connections/message-filtering/sender", N_ ("Message Filtering: sender %1") },
  { SERVICE "routing/route/forward/@order", N_ ("Routing: rotation of the hosts for %1") },
  { SERVICE "routing/route/forward/@ask", N_ ("Routing: asking the hosts for %1") },
  { SERVICE "mailboxes/deliver-to/@quota", N_ ("Recipients: size limit of a mailbox") },
  { SERVICE "mailboxes/mailbox/@quota", N_ ("Recipients: size limit of the mailbox %1") },
  { SERVICE "mailboxes/domain-alias", N_ ("Recipients: mailboxes of %1") },
  { SERVICE "mailboxes/domain-alias/@of", N_ ("Recipients: mailboxes of %1") },
  { SERVICE "mailboxes/catch-all", N_ ("Recipients: all other names of %1") },
  { SERVICE "mailboxes/catch-all/@address", N_ ("Recipients: all other names of %1") },
  { SERVICE "security", N_ ("Security: order of the certificates") },
  { SERVICE "security/@mta-sts", N_ ("Security: MTA-STS policies of other domains") },
  { SERVICE "security/@dane", N_ ("Security: TLSA records of other hosts") },
  { SERVICE "security/certificate", N_ ("Security: certificate %1") },
  { SERVICE "security/certificate/@key", N_ ("Security: key of the certificate %1") },
  { SERVICE "security/certificate/@host", N_ ("Security: name of the certificate %1") },
  { SERVICE "security/accounts/@source", N_ ("Security: who knows the passwords") },
  { SERVICE "security/accounts/@path", N_ ("Security: accounts file") },
  { SERVICE "tracking/@keep", N_ ("Message Tracking: how long") },
  { SERVICE "statistics/@port", N_ ("Statistics: port") },
};

/* What else stands in the markup of a value; other names say nothing that the rest does not. */
static const struct
{
  const char *name;
  const char *text;
} words[] = {
  { "inbound", N_ ("inbound") },
  { "rewrite", N_ ("rerouted to") },
  { "forward", N_ ("forwarded to") },
  { "relay", N_ ("relayed") },
  { "alias", N_ ("with") },
};

typedef struct
{
  GString *path;
  GPtrArray *keys; /* (element-type utf8) */
  char *key_name;  /* of the last step; %NULL where it has none */
} Place;

static void
place_free (Place *place)
{
  g_string_free (place->path, TRUE);
  g_ptr_array_unref (place->keys);
  g_free (place->key_name);
  g_free (place);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Place, place_free)

static char *
show_key (const char *key)
{
  char *shown = strstr (key, "xn--") != NULL ? pm_domain_name_to_display (key) : NULL;

  return shown != NULL ? shown : g_strdup (key);
}

// A key that is not written as [@name="value"] ends the reading: nothing in the table is like it.
static Place *
read_place (const char *where)
{
  Place *place = g_new0 (Place, 1);

  place->path = g_string_new (NULL);
  place->keys = g_ptr_array_new_with_free_func (g_free);
  if (g_str_has_prefix (where, "configuration/"))
    where += strlen ("configuration/");
  for (const char *p = where; *p != '\0';)
    {
      const char *equals = g_str_has_prefix (p, "[@") ? strstr (p, "=\"") : NULL;
      const char *end = equals != NULL ? strstr (equals + 2, "\"]") : NULL;

      if (end == NULL)
        {
          if (*p == '/')
            g_clear_pointer (&place->key_name, g_free);
          g_string_append_c (place->path, *p++);
          continue;
        }
      g_autofree char *key = g_strndup (equals + 2, (gsize) (end - equals - 2));

      g_ptr_array_add (place->keys, show_key (key));
      g_free (place->key_name);
      place->key_name = g_strndup (p + 2, (gsize) (equals - p - 2));
      p = end + 2;
    }
  // The service that things are of is the one that one looks at.
  if (g_str_has_prefix (place->path->str, SERVICE) && place->keys->len > 0)
    g_ptr_array_remove_index (place->keys, 0);
  return place;
}

static const char *
find_text (const Place *place)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (strcmp (places[i].path, place->path->str) == 0)
      return _ (places[i].text);
  return NULL;
}

char *
pm_change_text_place (const PmSiteChange *change)
{
  g_autoptr (Place) place = read_place (change->where);
  const char *text = find_text (place);
  GString *out;

  if (text == NULL)
    return g_strdup (change->where);
  out = g_string_new (NULL);
  for (const char *p = text; *p != '\0'; p++)
    {
      guint index = p[0] == '%' && (p[1] == '1' || p[1] == '2') ? (guint) (p[1] - '0') : 0;

      if (index == 0)
        g_string_append_c (out, *p);
      else
        {
          g_string_append (out, index <= place->keys->len ? place->keys->pdata[index - 1] : "");
          p++;
        }
    }
  return g_string_free (out, FALSE);
}

typedef struct
{
  const Place *place;
  GString *out;
  guint depth;
} Reading;

static void
append_word (GString *out, const char *word)
{
  if (out->len > 0)
    g_string_append_c (out, ' ');
  g_string_append (out, word);
}

static const char *
last_step (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash != NULL ? slash + 1 : path;
}

// The key of the element that the place names is said there already.
static void
start_element (GMarkupParseContext *context, const char *name, const char **names,
               const char **values, gpointer data, GError **error)
{
  Reading *reading = data;
  gboolean outer = ++reading->depth == 2; /* there is one around it all */
  gboolean named = outer && reading->place->key_name != NULL &&
                   strcmp (name, last_step (reading->place->path->str)) == 0;

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (!named && strcmp (words[i].name, name) == 0)
      append_word (reading->out, _ (words[i].text));
  for (guint i = 0; names[i] != NULL; i++)
    if (!named || strcmp (names[i], reading->place->key_name) != 0)
      {
        g_autofree char *shown = show_key (values[i]);

        append_word (reading->out, shown);
      }
}

static void
end_element (GMarkupParseContext *context, const char *name, gpointer data, GError **error)
{
  ((Reading *) data)->depth--;
}

char *
pm_change_text_value (const PmSiteChange *change, const char *value)
{
  const GMarkupParser parser = { .start_element = start_element, .end_element = end_element };
  g_autoptr (Place) place = read_place (change->where);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *whole = g_strconcat ("<value>", value, "</value>", NULL);
  Reading reading = { place, out, 0 };
  g_autoptr (GMarkupParseContext) context = NULL;

  if (*value != '<' || find_text (place) == NULL)
    return g_strdup (value);
  context = g_markup_parse_context_new (&parser, G_MARKUP_DEFAULT_FLAGS, &reading, NULL);
  if (!g_markup_parse_context_parse (context, whole, -1, NULL) ||
      !g_markup_parse_context_end_parse (context, NULL))
    return g_strdup (value);
  return g_strdup (out->str);
}

char *
pm_change_text (const PmSiteChange *change)
{
  g_autofree char *place = pm_change_text_place (change);
  const char *value = change->kind == PM_CHANGE_ADDED ? change->to : change->from;
  g_autofree char *detail = value != NULL ? pm_change_text_value (change, value) : g_strdup ("");

  switch (change->kind)
    {
    case PM_CHANGE_ADDED:
      return *detail != '\0' ? g_strdup_printf (_ ("%s was added (%s)"), place, detail)
                             : g_strdup_printf (_ ("%s was added"), place);
    case PM_CHANGE_REMOVED:
      return *detail != '\0' ? g_strdup_printf (_ ("%s was removed (%s)"), place, detail)
                             : g_strdup_printf (_ ("%s was removed"), place);
    case PM_CHANGE_MODIFIED:
    default:
      return g_strdup_printf (_ ("%s was changed"), place);
    }
}
