// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "routing/pm-routing-loop.h"

#include "site-builder.h"

typedef struct
{
  const char *name;
  const char *first;
  const char *second; /* (nullable): the service of another server */
  const char *want;   /* kind:server:domain, apart by blanks, in order */
} Case;

#define HOST1 "host=mail1.example.com ip=192.0.2.10 listen=0.0.0.0,25 "
#define HOST2 "host=mail2.example.com ip=192.0.2.20 listen=0.0.0.0,25 "

static const Case cases[] = {
  { "none", HOST1 "site=example.com a.example>inbound b.example>rewrite:a.example "
                  "c.example>forward:10.0.0.1,25 d.example>relay mailbox=u@a.example",
    NULL, "" },
  { "rewrite/circle", HOST1 "a.example>rewrite:b.example b.example>rewrite:a.example", NULL,
    "rewrite:MAIL1:a.example rewrite:MAIL1:b.example" },
  { "rewrite/self", HOST1 "a.example>rewrite:a.example", NULL, "rewrite:MAIL1:a.example" },
  { "rewrite/into-below", HOST1 "a.example>rewrite:x.a.example", NULL, "rewrite:MAIL1:a.example" },
  { "rewrite/to-exact-parent", HOST1 "a.example>rewrite:a.example #a.example>inbound", NULL, "" },
  { "rewrite/into-circle",
    HOST1 "z.example>rewrite:a.example a.example>rewrite:b.example b.example>rewrite:a.example",
    NULL, "rewrite:MAIL1:z.example rewrite:MAIL1:a.example rewrite:MAIL1:b.example" },

  { "self/address", HOST1 "a.example>forward:192.0.2.10,25", NULL, "itself:MAIL1:a.example" },
  { "self/host-address", HOST1 "a.example>forward:198.51.100.7,25", NULL, "itself:MAIL1:a.example" },
  { "self/name", HOST1 "a.example>forward:MAIL1.example.com,25", NULL, "itself:MAIL1:a.example" },
  { "self/loopback", HOST1 "a.example>forward:127.0.0.1,25", NULL, "itself:MAIL1:a.example" },
  { "self/localhost", HOST1 "a.example>forward:localhost,25", NULL, "itself:MAIL1:a.example" },
  { "self/other-port", HOST1 "a.example>forward:127.0.0.1,10025", NULL, "" },
  { "self/our-port", "listen=127.0.0.1,2525 a.example>forward:127.0.0.1,2525", NULL,
    "itself:MAIL1:a.example" },
  { "self/not-bound-there", "ip=192.0.2.10 listen=192.0.2.10,25 a.example>forward:127.0.0.1,25",
    NULL, "" },
  { "self/deliver", HOST1 "deliver=mail1.example.com,25", NULL, "itself:MAIL1:" },
  { "self/mail-domain", HOST1 "mail:a.example=192.0.2.10,25", NULL, "itself:MAIL1:a.example" },

  { "between/there-and-back", HOST1 "a.example>forward:mail2.example.com,25",
    HOST2 "a.example>forward:192.0.2.10,25", "between:MAIL1:a.example between:MAIL2:a.example" },
  { "between/by-suffix", HOST1 "a.example>forward:mail2.example.com,25",
    HOST2 "example>forward:192.0.2.10,25", "between:MAIL1:a.example" },
  { "between/gateway", HOST1 "a.example>forward:mail2.example.com,25", HOST2 "a.example>inbound",
    "" },
  { "between/loopback-is-ones-own", HOST1 "a.example>forward:mail2.example.com,25",
    HOST2 "a.example>forward:127.0.0.1,10025", "" },

  { "own/relayed", HOST1 "site=example.com example.com>relay mailbox=u@example.com", NULL,
    "own:MAIL1:example.com" },
  { "own/forwarded", HOST1 "site=example.com example.com>forward:10.0.0.1,25 mailbox=u@example.com",
    NULL, "own:MAIL1:example.com" },
  { "own/gateway", HOST1 "site=example.com example.com>forward:10.0.0.1,25", NULL, "" },
  { "own/alias-unreached", HOST1 "site=example.com mailbox=u@example.com,u@a.example", NULL,
    "own:MAIL1:a.example" },
  { "own/rewritten-away", HOST1 "a.example>rewrite:far.example mailbox=u@a.example", NULL,
    "own:MAIL1:a.example" },
  { "own/rewritten-home",
    HOST1 "a.example>rewrite:b.example b.example>inbound mailbox=u@b.example,u@a.example", NULL,
    "" },
};

static void
test_case (gconstpointer data)
{
  static const char *const kinds[] = { "rewrite", "itself", "between", "own" };
  const Case *item = data;
  g_autoptr (PmSite) site = build_site (item->first);
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) loops = NULL;
  g_autoptr (GString) found = g_string_new (NULL);

  if (item->second != NULL)
    build_service (site, "MAIL2", item->second);
  g_ptr_array_add (addresses, g_inet_address_new_from_string ("198.51.100.7"));
  loops = pm_routing_find_loops (site, "MAIL1", addresses);

  for (guint i = 0; i < loops->len; i++)
    {
      const PmRoutingLoop *loop = loops->pdata[i];

      g_string_append_printf (found, "%s%s:%s:%s", i > 0 ? " " : "", kinds[loop->kind],
                              loop->server, loop->domain != NULL ? loop->domain : "");
      g_assert_true (g_str_has_suffix (loop->message, "."));
    }
  g_assert_cmpstr (found->str, ==, item->want);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/routing-loop/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  return g_test_run ();
}
