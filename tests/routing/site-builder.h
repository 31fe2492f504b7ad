// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site.h"

/*
 * A site of one server and one service in a line of text, for tables of cases. Words, apart by blanks:
 *
 *   site=DOMAIN admin=ADDRESS host=NAME ip=ADDRESS listen=ADDRESS,PORT reroute=no accept=any
 *   DOMAIN>inbound  #DOMAIN>inbound  DOMAIN>rewrite:DOMAIN  DOMAIN>forward:HOST,PORT[,TLS]
 *   DOMAIN>relay
 *   allow=NETWORK never=NETWORK interface=ADDRESS allow=authenticated
 *   mailbox=ADDRESS[,ALIAS…]
 *   deliver=HOST,PORT[,TLS]  mail:DOMAIN=HOST,PORT[,TLS]  mail:#DOMAIN=dns  tls:DOMAIN=TLS
 *
 * Domains of entries are normalized, as reading a site file does.
 */
PmSite *build_site (const char *description);
PmMailService *build_service (PmSite *site, const char *server, const char *description);
const PmMailService *only_service (const PmSite *site);
