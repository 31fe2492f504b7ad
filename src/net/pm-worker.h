// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/**
 * PmWorker:
 *
 * A thread that runs one main context with one reactor.
 */
typedef struct _PmWorker PmWorker;

PmWorker *pm_worker_new (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/*
 * Runs what was invoked so far, ends the thread and waits for it. Watches and timers must be gone:
 * whoever made them frees them in an invoked function.
 */
void pm_worker_free (PmWorker *worker);

PmReactor *pm_worker_get_reactor (PmWorker *worker);
gboolean pm_worker_is_current (PmWorker *worker); /* whether the caller is in its thread */

/* Runs `func` in the worker's thread. Any thread. */
void pm_worker_invoke (PmWorker *worker, PmReactorFunc func, gpointer user_data);
/* The same, and waits until it has run. Not from a worker's thread other than its own. */
void pm_worker_call (PmWorker *worker, PmReactorFunc func, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmWorker, pm_worker_free)

G_END_DECLS
