// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "smtp/pm-smtp-server.h"

/*
 * A handler for the server's session that writes down what it was asked and told, answers by what
 * it sees in the addresses ("bad" is refused, "busy" gets 421, the password is "good"), at once or
 * later; and scripts that are fed whole and in pieces.
 */

typedef struct
{
  PmSmtpServer *server;
  GString *story; /* what the handler was asked and told */
  GString *wire;  /* what the server said */
  GString *trace; /* what it would show people */
  GString *message;
  gboolean later;
  gboolean owes;
  PmSmtpReply *answer;
  char *challenge; /* (nullable): the answer is this */
  PmSmtpReply *connected;
  guint refuse_chunk; /* refuse the nth chunk */
  gboolean refuse_data;
  gboolean refuse_end;
  gboolean refuse_starttls;
} Peer;

typedef struct
{
  const char *name;
  const char *input;
  const char *codes;
  const char *story;
  gsize size;                       /* of input, where it has NULs */
  gboolean whole;                   /* only when it comes in one piece */
  gboolean open;                    /* the session goes on */
  const PmSmtpServerConfig *config; /* (nullable) */
} Script;

#define EHLO "EHLO a.example\r\n"
#define ENVELOPE "MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"
#define STORY "ehlo(a.example) mail(s@a.example) rcpt(r@b.example) "
#define TO_DATA EHLO ENVELOPE "DATA\r\n"
#define SMUGGLED "MAIL FROM:<x@x.example>\r\nRCPT TO:<y@y.example>\r\nDATA\r\nfake\r\n.\r\n"

extern const PmSmtpServerConfig config;      /* small limits, no extension that must be asked for */
extern const PmSmtpServerConfig full_config; /* every extension, secured */

void peer_init (Peer *peer, const PmSmtpServerConfig *settings, gboolean later);
void peer_clear (Peer *peer);
/* Starts the session and lets EHLO be answered. */
void peer_hello (Peer *peer);
/* Takes what the server said, and gives the answers that are owed. */
void settle (Peer *peer);
void collect (Peer *peer);
void feed (Peer *peer, const char *bytes, gsize size, gsize piece);
void say (Peer *peer, const char *text);
/* The codes of the replies so far, last lines only: "220 250 354". */
char *codes (const char *wire);
PmSmtpReply *policy (const char *text);
void add_scripts (const char *prefix, const Script *scripts, gsize n_scripts);
