// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The two ways in which SMTP parameters carry text that may not stand in them: xtext (RFC 3461 4)
 * and, in the address type utf-8, utf-8-addr-xtext (RFC 6533 3). Decoding is strict and never
 * yields a control character, so that what it gives may stand in a header, a log and a report.
 */

/* NULL when it is not xtext, or not of printable ASCII (blanks may be in it). */
char *pm_xtext_decode (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* `text` is valid UTF-8 (the form utf-8-addr-unitext is read as well); NULL as above. */
char *pm_xtext_decode_utf8 (const char *text) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
