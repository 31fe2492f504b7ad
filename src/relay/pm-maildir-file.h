// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-maildir.h"

G_BEGIN_DECLS

/**
 * PmMaildirFile:
 *
 * One message on its way into one Maildir: written to tmp/, made durable by the caller, moved to
 * new/. A plain struct; zeroed but for what pm_maildir_file_init() sets.
 */
typedef struct
{
  char *maildir;   /* (owned) */
  char *name;      /* (owned): without its size */
  char *temporary; /* (owned) */
  char *folder;    /* (owned): new/ */
  int fd;          /* -1 when not open */
  guint64 size;
} PmMaildirFile;

void pm_maildir_file_init (PmMaildirFile *file, const PmMaildirDelivery *delivery);
/* Takes the file in tmp/ away if it is still there. */
void pm_maildir_file_clear (PmMaildirFile *file);

/* (transfer full) (nullable): what went wrong; %NULL when it did not. All of them block. */
PmSmtpReply *pm_maildir_file_write (PmMaildirFile *file,
                                    const PmMaildirDelivery *delivery,
                                    GByteArray *scratch);
PmSmtpReply *pm_maildir_file_publish (PmMaildirFile *file);

/* What an errno comes to. */
PmSmtpReply *pm_maildir_refusal (int error_number, const char *doing, const char *path);

G_END_DECLS
