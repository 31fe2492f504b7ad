// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What an address is for, by the registries of special-purpose addresses (RFC 6890). */
typedef enum
{
  PM_SCOPE_GLOBAL,   /* the whole world reaches it */
  PM_SCOPE_PRIVATE,  /* only a private network does: private, shared, unique local, link-local */
  PM_SCOPE_LOOPBACK, /* only the machine itself does; also 0.0.0.0/8 and :: */
  PM_SCOPE_RESERVED, /* nobody: documentation, benchmarking, multicast, reserved */
} PmAddressScope;

PmAddressScope pm_address_scope (GInetAddress *address);

G_END_DECLS
