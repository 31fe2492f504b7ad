// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Tables of sites, recipients and clients, and where each must go. `want` is the action, then `rule`,
// `mailbox`, `to` (the recipient after rewriting), `via` (host,port,mx|host,tls of the first hop) and
// `reply` (how it begins) where they are stated.

#include "routing/pm-router.h"

#include <string.h>

#include "site-builder.h"

typedef struct
{
  const char *name;
  const char *site;
  const char *recipient;
  const char *client; /* NULL: a stranger; "here"; "IP", "IP auth", "IP LOCAL-IP" */
  const char *want;
} Case;

#define MICROSOFT "ms.com>forward:host1.ms.com,25 #ms.com>inbound x.ms.com>inbound accept=any "
#define LOCAL "site=example.com ip=192.0.2.10 host=mail1.example.com admin=anna@example.com " \
              "mailbox=anna@example.com,sales@example.net "

static const Case cases[] = {
  // The worked example of the original's reference (Q169683).
  { "worked/exact", MICROSOFT, "user@ms.com", NULL, "inbound rule=#ms.com" },
  { "worked/sub", MICROSOFT, "user@sales.ms.com", NULL,
    "forward rule=ms.com via=host1.ms.com,25,host,opportunistic" },
  { "worked/x", MICROSOFT, "user@x.ms.com", NULL, "inbound rule=x.ms.com" },
  { "worked/below-x", MICROSOFT, "user@abc.x.ms.com", NULL, "inbound rule=x.ms.com" },
  { "worked/other", MICROSOFT, "user@pms.com", "here", "outbound via=pms.com,25,mx,opportunistic" },

  { "labels/itself", "sea.com>inbound accept=any", "a@sea.com", NULL, "inbound rule=sea.com" },
  { "labels/below", "sea.com>inbound accept=any", "a@x.sea.com", NULL, "inbound rule=sea.com" },
  { "labels/deep", "sea.com>inbound accept=any", "a@z.y.x.sea.com", NULL, "inbound rule=sea.com" },
  { "labels/not-chelsea", "sea.com>inbound accept=any", "a@chelsea.com", NULL,
    "reject reply=550_5.7.1_" },
  { "labels/not-above", "x.sea.com>inbound accept=any", "a@sea.com", NULL,
    "reject reply=550_5.7.1_" },
  { "labels/top", "com>relay sea.com>inbound accept=any", "a@ocean.com", NULL, "relay rule=com" },
  { "labels/order-1", "a.b.com>relay b.com>inbound", "u@c.a.b.com", NULL, "relay rule=a.b.com" },
  { "labels/order-2", "b.com>inbound a.b.com>relay", "u@c.a.b.com", NULL, "relay rule=a.b.com" },
  { "exact/not-below", "#sea.com>inbound accept=any", "a@x.sea.com", NULL,
    "reject reply=550_5.7.1_" },
  { "exact/beats-suffix", "sea.com>relay #sea.com>inbound accept=any", "a@sea.com", NULL,
    "inbound rule=#sea.com" },
  { "exact/suffix-below", "sea.com>relay #sea.com>inbound", "a@x.sea.com", NULL,
    "relay rule=sea.com" },

  { "text/case", "sea.com>inbound mailbox=Anna@Sea.com", "ANNA@SEA.COM", NULL,
    "inbound mailbox=Anna@Sea.com" },
  { "text/dot", "sea.com>inbound accept=any", "a@sea.com.", NULL, "inbound mailbox=a@sea.com" },
  { "text/entry-dot", "Sea.COM.>inbound accept=any", "a@sea.com", NULL, "inbound rule=sea.com" },
  { "idn/u-recipient", "xn--bcher-kva.example>inbound accept=any", "a@bücher.example", NULL,
    "inbound rule=xn--bcher-kva.example" },
  { "idn/u-entry", "bücher.example>inbound accept=any", "a@xn--bcher-kva.example", NULL,
    "inbound rule=xn--bcher-kva.example" },
  { "idn/folded", "BÜCHER.example>inbound accept=any", "a@mail.Bücher.example", NULL,
    "inbound rule=xn--bcher-kva.example" },
  { "idn/mailbox", "bücher.example>inbound mailbox=anna@bücher.example",
    "anna@xn--bcher-kva.example", NULL, "inbound mailbox=anna@bücher.example" },

  { "mailbox/primary", LOCAL, "anna@example.com", NULL, "inbound mailbox=anna@example.com" },
  { "mailbox/alias", LOCAL "example.net>inbound", "sales@example.net", NULL,
    "inbound mailbox=anna@example.com rule=example.net" },
  { "mailbox/unknown", LOCAL "example.net>inbound", "nobody@example.net", NULL,
    "reject rule=example.net reply=550_5.1.1_" },
  { "mailbox/other-domain", LOCAL "example.net>inbound", "anna@example.net", NULL,
    "reject reply=550_5.1.1_" },
  { "mailbox/alias-below", LOCAL "example.net>inbound", "sales@x.example.net", NULL,
    "reject reply=550_5.1.1_" },
  { "mailbox/unknown-though-allowed", LOCAL "allow=0.0.0.0/0", "nobody@example.com", "192.0.2.1",
    "reject reply=550_5.1.1_" },
  { "mailbox/any-folds", "sea.com>inbound accept=any", "Ann.B@sea.com", NULL,
    "inbound mailbox=ann.b@sea.com" },
  { "mailbox/any-quoted", "sea.com>inbound accept=any", "\"Ann\"@sea.com", NULL,
    "inbound mailbox=ann@sea.com" },
  { "mailbox/any-listed", "sea.com>inbound accept=any mailbox=anna@sea.com,a@sea.com", "A@sea.com",
    NULL, "inbound mailbox=anna@sea.com" },
  { "mailbox/primary-beats-alias", "sea.com>inbound mailbox=a@sea.com,b@sea.com mailbox=b@sea.com",
    "b@sea.com", NULL, "inbound mailbox=b@sea.com" },

  { "alias-domain/mailbox", LOCAL "b.example>inbound alias:b.example=example.com",
    "ANNA@b.example", NULL, "inbound mailbox=anna@example.com to=ANNA@b.example rule=b.example" },
  { "alias-domain/alias", LOCAL "b.example>inbound alias:b.example=example.net",
    "sales@b.example", NULL, "inbound mailbox=anna@example.com to=sales@b.example" },
  { "alias-domain/own-first",
    LOCAL "b.example>inbound alias:b.example=example.com mailbox=bert@x.example,anna@b.example",
    "anna@b.example", NULL, "inbound mailbox=bert@x.example" },
  { "alias-domain/unknown", LOCAL "b.example>inbound alias:b.example=example.com",
    "nobody@b.example", NULL, "reject reply=550_5.1.1_ rule=b.example" },
  { "alias-domain/not-below", LOCAL "b.example>inbound alias:b.example=example.com",
    "anna@x.b.example", NULL, "reject reply=550_5.1.1_" },
  { "alias-domain/not-inbound", LOCAL "alias:b.example=example.com", "anna@b.example", NULL,
    "reject reply=550_5.7.1_" },
  { "alias-domain/any", "b.example>inbound accept=any alias:b.example=a.example", "U@b.example",
    NULL, "inbound mailbox=u@a.example to=U@b.example" },
  { "alias-domain/postmaster", "b.example>inbound mailbox=postmaster@a.example "
                               "alias:b.example=a.example",
    "postmaster@b.example", NULL, "inbound mailbox=postmaster@a.example" },
  { "alias-domain/rewritten", LOCAL "old.example>rewrite:b.example b.example>inbound "
                                    "alias:b.example=example.com",
    "anna@old.example", NULL, "inbound mailbox=anna@example.com to=anna@b.example" },
  { "catch-all/unknown", LOCAL "all:example.com=anna@example.com", "nobody@example.com", NULL,
    "inbound mailbox=anna@example.com to=nobody@example.com" },
  { "catch-all/by-alias", LOCAL "all:example.com=sales@example.net", "nobody@example.com", NULL,
    "inbound mailbox=anna@example.com" },
  { "catch-all/known", LOCAL "mailbox=b@example.com all:example.com=anna@example.com",
    "b@example.com", NULL, "inbound mailbox=b@example.com" },
  { "catch-all/other-domain", LOCAL "example.net>inbound all:example.com=anna@example.com",
    "nobody@example.net", NULL, "reject reply=550_5.1.1_" },
  { "catch-all/postmaster", LOCAL "mailbox=c@example.com all:example.com=c@example.com",
    "postmaster@example.com", NULL, "inbound mailbox=anna@example.com" },
  { "catch-all/through-alias", LOCAL "b.example>inbound alias:b.example=example.com "
                                     "all:example.com=anna@example.com",
    "nobody@b.example", NULL, "inbound mailbox=anna@example.com" },
  { "catch-all/tricks", LOCAL "all:example.com=anna@example.com", "user%far.example@example.com",
    NULL, "inbound mailbox=anna@example.com" },
  { "ask/lmtp", "sea.com>inbound accept=ask lmtp=unix:/run/lmtp mailbox=b@sea.com", "Ann@sea.com",
    NULL, "inbound mailbox=ann@sea.com ask=yes lmtp=unix:/run/lmtp" },
  { "ask/lmtp-listed", "sea.com>inbound accept=ask lmtp=unix:/run/lmtp mailbox=b@sea.com",
    "b@sea.com", NULL, "inbound mailbox=b@sea.com ask=no lmtp=unix:/run/lmtp" },
  { "ask/lmtp-catch-all",
    "sea.com>inbound accept=ask lmtp=h:24 mailbox=b@sea.com all:sea.com=b@sea.com", "x@sea.com",
    NULL, "inbound mailbox=x@sea.com ask=yes all=b@sea.com" },
  { "ask/no-lmtp", "sea.com>inbound accept=ask", "x@sea.com", NULL, "reject ask=no" },
  { "ask/forward", "sea.com>ask:h,26", "x@sea.com", NULL,
    "forward via=h,26,host,opportunistic ask=yes rotate=no" },
  { "ask/forward-refused", "sea.com>ask:h,26 reroute=no", "x@sea.com", "192.0.2.1",
    "reject ask=no" },
  { "rotate/forward", "sea.com>rotate:h,26", "x@sea.com", NULL, "forward ask=no rotate=yes" },
  { "rotate/deliver", "deliver=h,26 order=rotate", "x@sea.com", "here", "outbound rotate=yes" },
  { "rotate/dns", "order=rotate", "x@sea.com", "here", "outbound rotate=no" },

  { "postmaster/administrator", LOCAL "example.net>inbound", "postmaster@example.net", NULL,
    "inbound mailbox=anna@example.com" },
  { "postmaster/below", LOCAL "example.net>inbound", "PostMaster@x.example.net", NULL,
    "inbound mailbox=anna@example.com" },
  { "postmaster/own-mailbox", LOCAL "example.net>inbound mailbox=postmaster@example.net",
    "postmaster@example.net", NULL, "inbound mailbox=postmaster@example.net" },
  { "postmaster/nobody-named", "example.net>inbound", "postmaster@x.example.net", NULL,
    "inbound mailbox=postmaster@example.net" },
  { "postmaster/prefix", LOCAL "example.net>inbound", "postmaster-list@example.net", NULL,
    "reject reply=550_5.1.1_" },
  { "postmaster/site", LOCAL, "postmaster@example.com", NULL, "inbound mailbox=anna@example.com" },
  { "postmaster/own-name", LOCAL, "postmaster@mail1.example.com", NULL,
    "inbound mailbox=anna@example.com" },
  { "postmaster/not-others", LOCAL, "postmaster@elsewhere.example", NULL,
    "reject reply=550_5.7.1_" },
  { "postmaster/self", "example.net>inbound admin=postmaster@example.net",
    "postmaster@example.net", NULL, "inbound mailbox=postmaster@example.net" },
  { "postmaster/unlisted-administrator", "example.net>inbound admin=boss@example.net",
    "boss@example.net", NULL, "inbound mailbox=boss@example.net" },
  { "postmaster/administrator-elsewhere", "example.net>inbound admin=boss@far.example",
    "postmaster@example.net", NULL,
    "rewrite to=boss@far.example rule=example.net via=far.example,25,mx,opportunistic" },
  { "postmaster/administrator-rewritten",
    "example.net>inbound old.example>rewrite:example.net admin=postmaster@old.example",
    "postmaster@example.net", NULL, "inbound mailbox=postmaster@example.net" },

  { "literal/declared", LOCAL, "anna@[192.0.2.10]", NULL, "inbound mailbox=anna@example.com" },
  { "literal/host", LOCAL, "anna@[198.51.100.7]", NULL, "inbound mailbox=anna@example.com" },
  { "literal/v6", LOCAL, "anna@[IPv6:2001:db8::7]", NULL, "inbound mailbox=anna@example.com" },
  { "literal/mapped", LOCAL, "anna@[IPv6:::ffff:192.0.2.10]", NULL,
    "inbound mailbox=anna@example.com" },
  { "literal/loopback", LOCAL, "anna@[127.0.0.1]", NULL, "inbound mailbox=anna@example.com" },
  { "literal/unknown", LOCAL, "nobody@[192.0.2.10]", NULL, "reject reply=550_5.1.1_" },
  { "literal/postmaster", LOCAL, "postmaster@[192.0.2.10]", NULL,
    "inbound mailbox=anna@example.com" },
  { "literal/elsewhere", LOCAL, "anna@[192.0.2.99]", NULL, "reject reply=550_5.7.1_" },
  { "literal/elsewhere-allowed", LOCAL "allow=192.0.2.0/24", "anna@[203.0.113.9]", "192.0.2.1",
    "outbound via=203.0.113.9,25,host,opportunistic" },

  { "tricks/percent", LOCAL, "user%far.example@example.com", NULL, "reject reply=550_5.1.1_" },
  { "tricks/percent-relayed", LOCAL "relay.example>relay", "user%far.example@relay.example", NULL,
    "reject reply=550_5.7.1_" },
  { "tricks/bang-forwarded", LOCAL "fwd.example>forward:10.0.0.5,26", "far.example!user@fwd.example",
    NULL, "reject reply=550_5.7.1_" },
  { "tricks/quoted-rewritten", LOCAL "old.example>rewrite:fwd.example fwd.example>relay",
    "\"user@far.example\"@old.example", NULL, "reject reply=550_5.7.1_" },
  { "tricks/percent-of-one-who-may", LOCAL "relay.example>relay allow=192.0.2.0/24",
    "user%far.example@relay.example", "192.0.2.1",
    "relay to=user%far.example@relay.example via=relay.example,25,mx,opportunistic" },
  { "tricks/quoted", LOCAL, "\"user@far.example\"@example.com", NULL, "reject reply=550_5.1.1_" },
  { "tricks/bang", LOCAL, "far.example!user@example.com", NULL, "reject reply=550_5.1.1_" },
  { "tricks/quoted-any", "example.com>inbound accept=any", "\"user@far.example\"@example.com", NULL,
    "inbound mailbox=\"user@far.example\"@example.com" },
  { "tricks/imceasmtp", LOCAL, "IMCEASMTP-user+40far+2Eexample@example.com", NULL,
    "reject reply=550_5.1.1_" },
  { "tricks/percent-own", LOCAL, "anna%example.com@far.example", NULL, "reject reply=550_5.7.1_" },

  { "site/inbound", LOCAL, "anna@example.com", NULL, "inbound rule=none" },
  { "site/not-below", LOCAL, "anna@x.example.com", NULL, "reject reply=550_5.7.1_" },
  { "site/overridden", LOCAL "example.com>forward:10.0.0.5,26", "anna@example.com", NULL,
    "forward rule=example.com via=10.0.0.5,26,host,opportunistic" },
  { "site/not-by-suffix", LOCAL "com>relay", "anna@example.com", NULL, "inbound rule=none" },
  { "site/no-reroute", LOCAL "reroute=no", "anna@example.com", NULL, "inbound" },

  { "no-reroute/inbound", "reroute=no example.net>inbound accept=any", "a@example.net", NULL,
    "inbound rule=example.net" },
  { "no-reroute/forward", "reroute=no example.net>forward:h.example,25", "a@example.net", NULL,
    "reject rule=example.net reply=550_5.7.1_" },
  { "no-reroute/relay", "reroute=no example.net>relay", "a@example.net", NULL,
    "reject reply=550_5.7.1_" },
  { "no-reroute/rewrite", "reroute=no a.example>rewrite:b.example b.example>inbound accept=any",
    "u@a.example", NULL, "reject reply=550_5.7.1_" },
  { "no-reroute/allowed", "reroute=no allow=0.0.0.0/0", "a@far.example", "192.0.2.1",
    "reject reply=550_5.7.1_" },
  { "no-reroute/literal", "reroute=no allow=0.0.0.0/0", "a@[203.0.113.1]", "192.0.2.1",
    "reject reply=550_5.7.1_" },
  { "no-reroute/made-here", "reroute=no", "a@far.example", "here", "outbound" },

  { "rewrite/inbound", "old.example>rewrite:new.example new.example>inbound mailbox=a@new.example",
    "a@x.old.example", NULL,
    "inbound to=a@new.example mailbox=a@new.example rule=old.example" },
  { "rewrite/unknown", "old.example>rewrite:new.example new.example>inbound", "a@old.example", NULL,
    "reject rule=old.example reply=550_5.1.1_" },
  { "rewrite/outward", "old.example>rewrite:far.example", "a@old.example", NULL,
    "rewrite to=a@far.example rule=old.example via=far.example,25,mx,opportunistic" },
  { "rewrite/keeps-quotes", "old.example>rewrite:far.example", "\"a b\"@old.example", NULL,
    "rewrite to=\"a_b\"@far.example" },
  { "rewrite/forward", "old.example>rewrite:b.example b.example>forward:h.example,2525",
    "a@old.example", NULL, "forward to=a@b.example via=h.example,2525,host,opportunistic" },
  { "rewrite/relay", "old.example>rewrite:b.example b.example>relay", "a@old.example", NULL,
    "relay to=a@b.example rule=old.example" },
  { "rewrite/chain", "a.example>rewrite:b.example b.example>rewrite:c.example c.example>relay",
    "u@a.example", NULL, "relay to=u@c.example rule=a.example" },
  { "rewrite/to-parent", "#example.net>inbound example.net>rewrite:example.net accept=any",
    "u@x.example.net", NULL, "inbound to=u@example.net rule=example.net" },
  { "rewrite/loop", "a.example>rewrite:b.example b.example>rewrite:a.example", "u@a.example", NULL,
    "reject rule=a.example reply=550_5.4.6_" },
  { "rewrite/self", "a.example>rewrite:a.example", "u@x.a.example", NULL,
    "reject reply=550_5.4.6_" },
  { "rewrite/loop-below", "a.example>rewrite:x.a.example", "u@a.example", "here",
    "reject reply=550_5.4.6_" },
  { "rewrite/ten",
    "a0>rewrite:a1 a1>rewrite:a2 a2>rewrite:a3 a3>rewrite:a4 a4>rewrite:a5 a5>rewrite:a6 "
    "a6>rewrite:a7 a7>rewrite:a8 a8>rewrite:a9 a9>rewrite:az az>relay",
    "u@a0", NULL, "relay to=u@az" },
  { "rewrite/eleven",
    "a0>rewrite:a1 a1>rewrite:a2 a2>rewrite:a3 a3>rewrite:a4 a4>rewrite:a5 a5>rewrite:a6 "
    "a6>rewrite:a7 a7>rewrite:a8 a8>rewrite:a9 a9>rewrite:aa aa>rewrite:az az>relay",
    "u@a0", NULL, "reject reply=550_5.4.6_" },

  { "relay/stranger", "p.example>relay", "u@p.example", NULL,
    "relay rule=p.example via=p.example,25,mx,opportunistic" },
  { "relay/never", "p.example>relay never=0.0.0.0/0", "u@x.p.example", "192.0.2.1", "relay" },
  { "forward/stranger", "p.example>forward:h.example,26", "u@p.example", "192.0.2.1",
    "forward to=u@p.example via=h.example,26,host,opportunistic" },

  { "restrict/nobody", "", "u@far.example", "192.0.2.1", "reject rule=none reply=550_5.7.1_" },
  { "restrict/nobody-loopback", "", "u@far.example", "127.0.0.1", "reject reply=550_5.7.1_" },
  { "restrict/nobody-authenticated", "", "u@far.example", "192.0.2.1 auth",
    "reject reply=550_5.7.1_" },
  { "restrict/made-here", "", "u@far.example", "here", "outbound" },
  { "restrict/only-never", "never=192.0.2.66", "u@far.example", "192.0.2.1",
    "reject reply=550_5.7.1_" },
  { "restrict/network", "allow=192.0.2.0/24", "u@far.example", "192.0.2.200",
    "outbound rule=none via=far.example,25,mx,opportunistic" },
  { "restrict/outside", "allow=192.0.2.0/24", "u@far.example", "192.0.3.1",
    "reject reply=550_5.7.1_" },
  { "restrict/host-with-prefix", "allow=192.0.2.9/24", "u@far.example", "192.0.2.200", "outbound" },
  { "restrict/mask", "allow=192.0.2.9/255.255.255.0", "u@far.example", "192.0.2.200", "outbound" },
  { "restrict/single", "allow=192.0.2.9", "u@far.example", "192.0.2.10",
    "reject reply=550_5.7.1_" },
  { "restrict/mapped", "allow=192.0.2.0/24", "u@far.example", "::ffff:192.0.2.1", "outbound" },
  { "restrict/v6", "allow=2001:db8::/32", "u@far.example", "2001:db8:1::1", "outbound" },
  { "restrict/v6-all-not-v4", "allow=::/0", "u@far.example", "192.0.2.1",
    "reject reply=550_5.7.1_" },
  { "restrict/never-first", "allow=192.0.2.0/24 never=192.0.2.66", "u@far.example", "192.0.2.66",
    "reject reply=550_5.7.1_" },
  { "restrict/never-before-auth", "allow=authenticated never=192.0.2.66", "u@far.example",
    "192.0.2.66 auth", "reject reply=550_5.7.1_" },
  { "restrict/never-before-interface", "never=192.0.2.66 interface=10.0.0.1", "u@far.example",
    "192.0.2.66 10.0.0.1", "reject reply=550_5.7.1_" },
  { "restrict/auth", "allow=authenticated", "u@far.example", "203.0.113.1 auth", "outbound" },
  { "restrict/not-auth", "allow=authenticated", "u@far.example", "203.0.113.1",
    "reject reply=550_5.7.1_" },
  { "restrict/interface", "interface=10.0.0.1", "u@far.example", "203.0.113.1 10.0.0.1",
    "outbound" },
  { "restrict/other-interface", "interface=10.0.0.1", "u@far.example", "10.0.0.1 10.0.0.2",
    "reject reply=550_5.7.1_" },
  { "restrict/any-of-several", "allow=10.0.0.0/8 interface=10.9.9.9 allow=authenticated",
    "u@far.example", "203.0.113.1 auth", "outbound" },
  { "restrict/stranger", "allow=10.0.0.0/8", "u@far.example", NULL, "reject reply=550_5.7.1_" },
  { "restrict/stranger-everybody", "allow=0.0.0.0/0", "u@far.example", NULL, "outbound" },
  { "restrict/inbound-anyway", "never=192.0.2.66 example.net>inbound accept=any", "u@example.net",
    "192.0.2.66", "inbound" },

  { "outward/default-host", "deliver=smart.example,587,required allow=10.0.0.0/8", "u@far.example",
    "10.0.0.1", "outbound via=smart.example,587,host,required" },
  { "outward/mail-domain", "mail:far.example=mx.far.example,26 deliver=smart.example,25",
    "u@x.far.example", "here", "outbound via=mx.far.example,26,host,opportunistic" },
  { "outward/longest", "mail:example=a.host,25 mail:far.example=b.host,25", "u@x.far.example",
    "here", "outbound via=b.host,25,host,opportunistic" },
  { "outward/exact", "mail:#far.example=a.host,25", "u@x.far.example", "here",
    "outbound via=x.far.example,25,mx,opportunistic" },
  { "outward/dns-exception", "deliver=smart.example,25 mail:far.example=dns", "u@far.example",
    "here", "outbound via=far.example,25,mx,opportunistic" },
  { "outward/whole-labels", "mail:sea.com=a.host,25", "u@chelsea.com", "here",
    "outbound via=chelsea.com,25,mx,opportunistic" },
  { "outward/relay-too", "p.example>relay mail:p.example=mx.p,25", "u@p.example", NULL,
    "relay via=mx.p,25,host,opportunistic" },
  { "outward/no-host", "deliver=dns mail:p.example=h,25 p.example>relay", "u@p.example", NULL,
    "relay via=h,25,host,opportunistic" },
  { "tls/domain", "tls:far.example=verify", "u@x.far.example", "here",
    "outbound via=x.far.example,25,mx,verify" },
  { "tls/longest", "tls:far.example=verify tls:x.far.example=none", "u@x.far.example", "here",
    "outbound via=x.far.example,25,mx,none" },
  { "tls/stricter-host", "tls:far.example=required deliver=h,25,verify", "u@far.example", "here",
    "outbound via=h,25,host,verify" },
  { "tls/stricter-domain", "tls:far.example=required far.example>forward:h,25,none",
    "u@far.example", NULL, "forward via=h,25,host,required" },
  { "tls/off", "tls:far.example=none far.example>forward:h,25", "u@far.example", NULL,
    "forward via=h,25,host,none" },
  { "tls/host-off", "far.example>forward:h,25,none", "u@far.example", NULL,
    "forward via=h,25,host,none" },
};

static GPtrArray *
host_addresses (void)
{
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (addresses, g_inet_address_new_from_string ("198.51.100.7"));
  g_ptr_array_add (addresses, g_inet_address_new_from_string ("2001:db8::7"));
  return addresses;
}

static PmRouter *
build_router (const char *description)
{
  g_autoptr (PmSite) site = build_site (description);
  g_autoptr (GPtrArray) addresses = host_addresses ();

  // The router must hold what it needs.
  return pm_router_new (site, only_service (site), addresses);
}

static void
fill_client (PmRoutingClient *client, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text == NULL ? "" : text, " ", 2);

  *client = (PmRoutingClient){ .stranger = text == NULL };
  if (text == NULL)
    return;
  client->address = g_inet_address_new_from_string (words[0]);
  g_assert_nonnull (client->address);
  if (words[1] == NULL)
    return;
  client->authenticated = strcmp (words[1], "auth") == 0;
  if (!client->authenticated)
    client->local_address = g_inet_address_new_from_string (words[1]);
}

static PmDecision *
decide (PmRouter *router, const char *recipient, const char *client_text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (recipient, &error);
  PmRoutingClient client;
  PmDecision *decision;

  g_assert_no_error (error);
  if (g_strcmp0 (client_text, "here") == 0)
    return pm_router_decide (router, address, NULL);
  fill_client (&client, client_text);
  decision = pm_router_decide (router, address, &client);
  g_clear_object (&client.address);
  g_clear_object (&client.local_address);
  return decision;
}

static char *
describe_hop (const PmDecision *decision)
{
  static const char *const tls[] = { "none", "opportunistic", "required", "verify" };
  const PmNextHop *hop;

  if (decision->next_hops->len == 0)
    return g_strdup ("none");
  hop = decision->next_hops->pdata[0];
  return g_strdup_printf ("%s,%u,%s,%s", hop->host, hop->port, hop->mx ? "mx" : "host",
                          tls[hop->tls]);
}

static void
check_want (const PmDecision *decision, const char *want)
{
  const char *value = strchr (want, '=');
  g_autofree char *key = NULL;
  g_autofree char *found = NULL;

  if (value == NULL)
    {
      g_assert_cmpstr (pm_routing_action_to_string (decision->action), ==, want);
      return;
    }
  key = g_strndup (want, (gsize) (value++ - want));
  if (strcmp (key, "rule") == 0)
    found = decision->rule == NULL ? g_strdup ("none") : pm_route_to_sent_to (decision->rule);
  else if (strcmp (key, "mailbox") == 0)
    found = g_strdup (decision->mailbox);
  else if (strcmp (key, "ask") == 0)
    found = g_strdup (decision->ask ? "yes" : "no");
  else if (strcmp (key, "rotate") == 0)
    found = g_strdup (decision->rotate ? "yes" : "no");
  else if (strcmp (key, "lmtp") == 0)
    found = g_strdup (decision->lmtp);
  else if (strcmp (key, "all") == 0)
    found = g_strdup (decision->catch_all);
  else if (strcmp (key, "to") == 0)
    found = g_strdelimit (pm_mail_address_to_string (decision->recipient), " ", '_');
  else if (strcmp (key, "via") == 0)
    found = describe_hop (decision);
  else if (strcmp (key, "reply") == 0 && decision->reply != NULL)
    found = g_strdelimit (g_strndup (decision->reply, strlen (value)), " ", '_');
  g_assert_cmpstr (found, ==, value);
}

static void
check_shape (const PmDecision *decision)
{
  gboolean leaves = decision->action != PM_ACTION_INBOUND && decision->action != PM_ACTION_REJECT;

  g_assert_true ((decision->reply != NULL) == (decision->action == PM_ACTION_REJECT));
  g_assert_true ((decision->mailbox != NULL) == (decision->action == PM_ACTION_INBOUND));
  g_assert_true ((decision->next_hops->len > 0) == leaves);
  if (decision->reply != NULL)
    {
      // One reply line (RFC 5321 4.5.3.1.5), in ASCII.
      g_assert_cmpuint (strlen (decision->reply), <=, 510);
      g_assert_true (g_str_is_ascii (decision->reply));
    }
}

static void
check_explanation (const PmDecision *decision)
{
  g_auto (GStrv) sentences = pm_decision_explain (decision);

  g_assert_cmpuint (g_strv_length (sentences), >, 0);
  for (guint i = 0; sentences[i] != NULL; i++)
    {
      g_assert_true (g_utf8_validate (sentences[i], -1, NULL));
      g_assert_true (g_str_has_suffix (sentences[i], "."));
    }
}

static void
test_case (gconstpointer data)
{
  const Case *item = data;
  g_autoptr (PmRouter) router = build_router (item->site);
  g_autoptr (PmDecision) decision = decide (router, item->recipient, item->client);
  g_auto (GStrv) wants = g_strsplit (item->want, " ", -1);

  for (guint i = 0; wants[i] != NULL; i++)
    check_want (decision, wants[i]);
  check_shape (decision);
  check_explanation (decision);
}

static void
test_explanation (void)
{
  g_autoptr (PmRouter) router = build_router ("example.net>inbound net>relay #example.net>relay "
                                              "mailbox=anna@sub.example.net");
  g_autoptr (PmDecision) inbound = decide (router, "anna@sub.example.net", NULL);
  g_autoptr (PmDecision) exact = decide (router, "anna@example.net", NULL);
  g_auto (GStrv) why_inbound = pm_decision_explain (inbound);
  g_auto (GStrv) why_exact = pm_decision_explain (exact);

  g_assert_cmpuint (inbound->losers->len, ==, 1);
  g_assert_cmpstr (((PmRoute *) inbound->losers->pdata[0])->domain, ==, "net");
  g_assert_cmpstr (why_inbound[0], ==,
                   "sub.example.net matches the entry example.net, which includes subdomains.");
  g_assert_cmpstr (why_inbound[1], ==, "The entry net matches too, but is less specific.");
  g_assert_cmpstr (why_inbound[2], ==,
                   "It is accepted as inbound, for the mailbox anna@sub.example.net.");
  g_assert_null (why_inbound[3]);

  g_assert_cmpuint (exact->losers->len, ==, 2);
  g_assert_cmpstr (why_exact[0], ==,
                   "example.net matches the entry #example.net, which is for exactly this domain.");
  g_assert_cmpstr (why_exact[1], ==, "The entry example.net matches too, but an exact entry goes "
                                     "before one with subdomains.");
}

static void
test_may_relay (void)
{
  g_autoptr (PmRouter) router = build_router ("allow=192.0.2.9/24 never=192.0.2.66");
  g_autoptr (GInetAddress) good = g_inet_address_new_from_string ("192.0.2.1");
  g_autoptr (GInetAddress) bad = g_inet_address_new_from_string ("192.0.2.66");
  PmRoutingClient client = { .address = good };
  g_autofree char *allowed = NULL;
  g_autofree char *refused = NULL;

  g_assert_true (pm_router_may_relay (router, &client, &allowed));
  g_assert_cmpstr (allowed, ==,
                   "The client 192.0.2.1 may relay: it is in the allowed network 192.0.2.0/24.");
  client.address = bad;
  g_assert_false (pm_router_may_relay (router, &client, &refused));
  g_assert_cmpstr (refused, ==, "The client 192.0.2.66 may not relay: it is in 192.0.2.66, which "
                                "may never relay, whatever else allows it.");
  g_assert_false (pm_router_may_relay (router, &client, NULL));
  g_assert_true (pm_router_may_relay (router, NULL, NULL));
}

static void
test_match (void)
{
  g_autoptr (PmRouter) router = build_router ("site=example.com example.net>relay");

  g_assert_cmpstr (pm_router_match (router, "x.example.net")->domain, ==, "example.net");
  g_assert_cmpint (pm_router_match (router, "example.com")->action, ==, PM_ROUTE_INBOUND);
  g_assert_null (pm_router_match (router, "x.example.com"));
}

// A site that says too little is no fault of the recipient's: a transient refusal, so that what is
// queued waits. A site file cannot say so little; a site that is being edited can.
static void
test_no_host (void)
{
  g_autoptr (PmSite) site = build_site ("allow=192.0.2.0/24");
  PmMailService *service = (PmMailService *) only_service (site);
  g_autoptr (PmRouter) router = NULL;
  g_autoptr (PmDecision) decision = NULL;

  service->deliver->method = PM_DELIVERY_HOST;
  g_ptr_array_set_size (service->deliver->hosts, 0);
  router = pm_router_new (site, service, NULL);
  decision = decide (router, "a@elsewhere.example", "192.0.2.1");

  check_want (decision, "reject");
  check_want (decision, "reply=451_4.3.5_");
  check_shape (decision);
}

// An address of 254 characters stays one when rewritten, or is refused.
static void
test_too_long (void)
{
  g_autofree char *label = g_strnfill (60, 'a');
  g_autofree char *domain = g_strdup_printf ("%s.%s.%s", label, label, label);
  g_autofree char *site = g_strdup_printf ("a.example>rewrite:%s.%s", domain, label);
  g_autofree char *recipient = g_strdup_printf ("%s@a.example", label);
  g_autoptr (PmRouter) router = build_router (site);
  g_autoptr (PmDecision) decision = decide (router, recipient, NULL);

  check_want (decision, "reject");
  check_want (decision, "reply=550_5.1.3_");
  check_shape (decision);
}

static PmRouter *
build_big_router (guint n)
{
  g_autoptr (PmSite) site = pm_site_new ();
  PmMailService *service = build_service (site, "MAIL1", "accept=any");

  for (guint i = 0; i < n; i++)
    {
      PmRoute *route = pm_route_new ();

      g_free (route->domain);
      route->domain = g_strdup_printf ("d%u.example", i);
      g_ptr_array_add (service->routes, route);
    }
  return pm_router_new (site, service, NULL);
}

static gint64
time_look_ups (PmRouter *router, GPtrArray *domains)
{
  gint64 best = G_MAXINT64;

  for (guint round = 0; round < 5; round++)
    {
      gint64 start = g_get_monotonic_time ();

      for (guint i = 0; i < domains->len; i++)
        g_assert_nonnull (pm_router_match (router, domains->pdata[i]));
      best = MIN (best, g_get_monotonic_time () - start);
    }
  return best;
}

// A look-up costs the same with ten routes and a million; a cold cache may cost some, a search would
// cost a hundred thousand times as much.
static void
test_scale (void)
{
  g_autoptr (PmRouter) small = build_big_router (10);
  g_autoptr (PmRouter) big = build_big_router (1000000);
  g_autoptr (GPtrArray) in_small = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) in_big = g_ptr_array_new_with_free_func (g_free);
  gint64 small_time, big_time;

  for (guint i = 0; i < 20000; i++)
    {
      g_ptr_array_add (in_small, g_strdup_printf ("a.b.d%u.example", i % 10));
      g_ptr_array_add (in_big, g_strdup_printf ("a.b.d%u.example", i * 7919u % 1000000u));
    }
  small_time = time_look_ups (small, in_small);
  big_time = time_look_ups (big, in_big);
  g_test_message ("20,000 look-ups: %" G_GINT64_FORMAT " µs among ten routes, %" G_GINT64_FORMAT
                  " µs among a million",
                  small_time, big_time);
  g_assert_cmpint (big_time, <, 50 * MAX (small_time, 1000));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/router/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/router/explanation", test_explanation);
  g_test_add_func ("/router/may-relay", test_may_relay);
  g_test_add_func ("/router/match", test_match);
  g_test_add_func ("/router/no-host", test_no_host);
  g_test_add_func ("/router/too-long", test_too_long);
  g_test_add_func ("/router/scale", test_scale);
  return g_test_run ();
}
