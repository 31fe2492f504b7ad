// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *pm_error_text (const GError *error);
const char *pm_error_text_detail (const GError *error);

G_END_DECLS
