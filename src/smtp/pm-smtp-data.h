// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  PM_SMTP_DATA_LINE,   /* at the start of a line */
  PM_SMTP_DATA_TEXT,   /* within one */
  PM_SMTP_DATA_CR,     /* after a CR in text */
  PM_SMTP_DATA_DOT,    /* after a dot at the start of a line; it is not passed on */
  PM_SMTP_DATA_DOT_CR, /* after a CR after that */
  PM_SMTP_DATA_OVER,
} PmSmtpDataState;

/**
 * PmSmtpDataReader:
 *
 * Reads the bytes after DATA: takes the transparency dots away and finds the end, which is
 * CR LF . CR LF and nothing else. Zeroed it stands after the CR LF of the DATA command.
 */
typedef struct
{
  PmSmtpDataState state;
} PmSmtpDataReader;

typedef enum
{
  PM_SMTP_DATA_MORE,
  PM_SMTP_DATA_END,
  PM_SMTP_DATA_BARE_CR,
  PM_SMTP_DATA_BARE_LF,
  PM_SMTP_DATA_NUL,
} PmSmtpDataResult;

typedef void (*PmSmtpDataFunc) (const guint8 *bytes, gsize size, gpointer user_data);

/* `used` (out): bytes taken; those after the end are not the message's. */
PmSmtpDataResult pm_smtp_data_reader_feed (PmSmtpDataReader *reader,
                                           const guint8 *bytes,
                                           gsize size,
                                           gsize *used,
                                           PmSmtpDataFunc func,
                                           gpointer user_data);

/**
 * PmSmtpChunkReader:
 *
 * Looks at the octets of BDAT (RFC 3030), whose end is counted and not searched: they must be lines
 * as DATA has them. Zeroed it is at the start of a message.
 */
typedef struct
{
  gboolean text; /* within a line */
  gboolean cr;   /* after a CR */
} PmSmtpChunkReader;

/* PM_SMTP_DATA_MORE, or what is wrong with the octets: never PM_SMTP_DATA_END. */
PmSmtpDataResult pm_smtp_chunk_reader_feed (PmSmtpChunkReader *reader,
                                            const guint8 *bytes,
                                            gsize size);

/**
 * PmSmtpDataWriter:
 *
 * The other way: puts the transparency dots in (RFC 5321 4.5.2). It passes no bare CR, bare LF or
 * NUL on. Zeroed it is at the start of a message.
 */
typedef struct
{
  gboolean text; /* within a line */
  gboolean cr;   /* after a CR */
} PmSmtpDataWriter;

/*
 * `out` needs room for twice `size`. Returns how many bytes were written, or -1 when the message is
 * not in lines that end in CR LF.
 */
gssize pm_smtp_data_writer_feed (PmSmtpDataWriter *writer,
                                 const guint8 *bytes,
                                 gsize size,
                                 guint8 *out);

/* What ends the message: with a CR LF before it where the last line has none. NULL after a bare CR.
 */
const char *pm_smtp_data_writer_end (PmSmtpDataWriter *writer);

G_END_DECLS
