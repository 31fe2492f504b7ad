// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The certificates of a server. They are read whole into one set of credentials; when one of the
// files is another one than before, all are read into a new set, which takes the old one's place
// only if nothing is wrong with it. Sessions keep the set they began with.

#include "net/pm-tls.h"

#include <sys/stat.h>

#include "base/pm-log.h"
#include "net/pm-tls-private.h"

#define LOOK_EVERY G_TIME_SPAN_SECOND

typedef struct
{
  struct timespec changed;
  off_t size;
  ino_t inode;
  dev_t device;
} FileState; /* all zero for a file that is not there */

typedef struct
{
  char *host; /* (nullable) */
  char *chain;
  char *key;
  FileState chain_state;
  FileState key_state;
} Pair;

struct _PmTlsServer
{
  gatomicrefcount references;
  gint64 handshake_time;

  GMutex lock; /* for all below */
  char *priority;
  GPtrArray *pairs; /* (element-type Pair) */
  PmTlsCredentials *credentials;
  gint64 looked; /* when the files were last looked at */
};

static void
free_pair (gpointer data)
{
  Pair *pair = data;

  g_free (pair->host);
  g_free (pair->chain);
  g_free (pair->key);
  g_free (pair);
}

static gboolean
has_changed (const char *path, FileState *state)
{
  struct stat now;
  FileState seen = { 0 };
  gboolean same;

  if (stat (path, &now) == 0)
    {
      seen.changed = now.st_mtim;
      seen.size = now.st_size;
      seen.inode = now.st_ino;
      seen.device = now.st_dev;
    }
  same = seen.changed.tv_sec == state->changed.tv_sec &&
         seen.changed.tv_nsec == state->changed.tv_nsec && seen.size == state->size &&
         seen.inode == state->inode && seen.device == state->device;
  *state = seen;
  return !same;
}

static void
wipe (char *secret, gsize size)
{
  if (secret != NULL)
    gnutls_memset (secret, 0, size);
  g_free (secret);
}

static int
set_pair (gnutls_certificate_credentials_t to, gnutls_datum_t chain, gnutls_datum_t key)
{
  return gnutls_certificate_set_x509_key_mem2 (to, &chain, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
}

// By itself as well, for names that only a wildcard of it has, or for the one it was given for.
// `common`: it is among those that GnuTLS chooses from.
static int
add_host (PmTlsCredentials *credentials, const char *name, gnutls_datum_t chain,
          gnutls_datum_t key, gboolean common)
{
  PmTlsHost *host = g_new0 (PmTlsHost, 1);
  int result;

  host->name = g_strdup (name);
  g_ptr_array_add (credentials->hosts, host);
  result = gnutls_certificate_allocate_credentials (&host->credentials);
  if (result >= 0)
    result = gnutls_x509_crt_init (&host->certificate);
  if (result >= 0)
    result = gnutls_x509_crt_import (host->certificate, &chain, GNUTLS_X509_FMT_PEM);
  if (result >= 0)
    result = set_pair (host->credentials, chain, key);
  return result >= 0 && common ? set_pair (credentials->certificates, chain, key) : result;
}

static gboolean
load_pair (PmTlsCredentials *credentials, const Pair *pair, gboolean common, GError **error)
{
  g_autofree char *chain = NULL;
  char *key = NULL;
  gsize chain_size;
  gsize key_size;
  int result;

  if (!g_file_get_contents (pair->chain, &chain, &chain_size, error) ||
      !g_file_get_contents (pair->key, &key, &key_size, error))
    return FALSE;

  result = add_host (credentials, pair->host,
                     (gnutls_datum_t){ (guint8 *) chain, (guint) chain_size },
                     (gnutls_datum_t){ (guint8 *) key, (guint) key_size }, common);
  wipe (key, key_size);
  if (result >= 0)
    return TRUE;

  if (result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
    g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED,
                 "The key in %s does not belong to the first certificate in %s", pair->key,
                 pair->chain);
  else
    g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED,
                 "Cannot use the certificates in %s with the key in %s (both are to be PEM): %s",
                 pair->chain, pair->key, gnutls_strerror (result));
  return FALSE;
}

// The first certificate that is not for one host alone, or the very first: who asks for no name,
// or for one that nobody has, is to be shown one too.
static guint
find_default (GPtrArray *pairs)
{
  for (guint i = 0; i < pairs->len; i++)
    if (((const Pair *) g_ptr_array_index (pairs, i))->host == NULL)
      return i;
  return 0;
}

static PmTlsCredentials *
load (const char *priority, GPtrArray *pairs, GError **error)
{
  g_autofree char *ours = g_strconcat (priority, ":%SERVER_PRECEDENCE", NULL);
  g_autoptr (PmTlsCredentials) credentials = pm_tls_credentials_new (ours, error);

  if (credentials == NULL)
    return NULL;
  for (guint i = 0; i < pairs->len; i++)
    {
      const Pair *pair = g_ptr_array_index (pairs, i);

      if (!load_pair (credentials, pair, pair->host == NULL || i == find_default (pairs), error))
        return NULL;
    }
  return g_steal_pointer (&credentials);
}

/**
 * pm_tls_server_new:
 *
 * Returns: (transfer full) (nullable): one without certificates: nobody can shake hands with it
 *   before pm_tls_server_add().
 */
PmTlsServer *
pm_tls_server_new (GError **error)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_with_free_func (free_pair);
  g_autoptr (PmTlsCredentials) credentials = load (PM_TLS_PRIORITY, pairs, error);
  PmTlsServer *server;

  if (credentials == NULL)
    return NULL;
  server = g_new0 (PmTlsServer, 1);
  g_atomic_ref_count_init (&server->references);
  g_mutex_init (&server->lock);
  server->handshake_time = PM_TLS_HANDSHAKE_TIME;
  server->priority = g_strdup (PM_TLS_PRIORITY);
  server->pairs = g_steal_pointer (&pairs);
  server->credentials = g_steal_pointer (&credentials);
  return server;
}

/**
 * pm_tls_server_unref:
 * @server: (transfer full) (nullable): a server's credentials
 *
 * Any thread.
 */
void
pm_tls_server_unref (PmTlsServer *server)
{
  if (server == NULL || !g_atomic_ref_count_dec (&server->references))
    return;
  g_mutex_clear (&server->lock);
  g_ptr_array_unref (server->pairs);
  pm_tls_credentials_unref (server->credentials);
  g_free (server->priority);
  g_free (server);
}

/**
 * pm_tls_server_add:
 * @chain_path: a PEM file, the host's own certificate first, then those that lead to an authority
 * @key_path: a PEM file with its private key, without a password
 * @error: says which file is wrong, and how
 *
 * Adds a certificate for the names that stand in it. The first one added is shown to clients that
 * name no host, or one that none of the certificates has.
 *
 * Returns: whether it was added.
 */
gboolean
pm_tls_server_add (PmTlsServer *server,
                   const char *chain_path,
                   const char *key_path,
                   GError **error)
{
  return pm_tls_server_add_for (server, NULL, chain_path, key_path, error);
}

/**
 * pm_tls_server_add_for:
 * @host: (nullable): the one name that it is shown for, whatever names stand in it; %NULL for those
 * @chain_path: as pm_tls_server_add()
 * @key_path: likewise
 * @error: likewise
 *
 * Adds a certificate. Where all are for one host each, the first is shown for other names too.
 *
 * Returns: whether it was added.
 */
gboolean
pm_tls_server_add_for (PmTlsServer *server,
                       const char *host,
                       const char *chain_path,
                       const char *key_path,
                       GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);
  Pair *pair = g_new0 (Pair, 1);
  PmTlsCredentials *credentials;

  pair->host = g_strdup (host);
  pair->chain = g_strdup (chain_path);
  pair->key = g_strdup (key_path);
  // Looked at before they are read: what changes in between is then seen as a change.
  has_changed (pair->chain, &pair->chain_state);
  has_changed (pair->key, &pair->key_state);
  g_ptr_array_add (server->pairs, pair);
  credentials = load (server->priority, server->pairs, error);
  if (credentials == NULL)
    {
      g_ptr_array_set_size (server->pairs, (int) server->pairs->len - 1);
      return FALSE;
    }
  pm_tls_credentials_unref (server->credentials);
  server->credentials = credentials;
  return TRUE;
}

/**
 * pm_tls_server_set_priority:
 * @priority: versions and ciphers, as GnuTLS writes them
 *
 * Returns: whether GnuTLS understands it; nothing is changed otherwise.
 */
gboolean
pm_tls_server_set_priority (PmTlsServer *server, const char *priority, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);
  PmTlsCredentials *credentials = load (priority, server->pairs, error);

  if (credentials == NULL)
    return FALSE;
  pm_tls_credentials_unref (server->credentials);
  server->credentials = credentials;
  g_free (server->priority);
  server->priority = g_strdup (priority);
  return TRUE;
}

/**
 * pm_tls_server_set_handshake_time:
 * @microseconds: how long clients may take over a handshake; 30 s at first
 */
void
pm_tls_server_set_handshake_time (PmTlsServer *server, gint64 microseconds)
{
  server->handshake_time = microseconds;
}

gint64
pm_tls_server_get_handshake_time (PmTlsServer *server)
{
  return server->handshake_time;
}

static gboolean
any_has_changed (GPtrArray *pairs)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < pairs->len; i++)
    {
      Pair *pair = g_ptr_array_index (pairs, i);

      // Both are to be noted, so no short cut.
      changed |= has_changed (pair->chain, &pair->chain_state);
      changed |= has_changed (pair->key, &pair->key_state);
    }
  return changed;
}

static void
look (PmTlsServer *server)
{
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  PmTlsCredentials *credentials;

  if (server->looked != 0 && now - server->looked < LOOK_EVERY)
    return;
  server->looked = now;
  if (!any_has_changed (server->pairs))
    return;

  credentials = load (server->priority, server->pairs, &error);
  if (credentials == NULL)
    {
      pm_log_event (G_LOG_LEVEL_MESSAGE, "certificate-refused", "reason", error->message,
                    "in-force", "the old one", NULL);
      return;
    }
  pm_tls_credentials_unref (server->credentials);
  server->credentials = credentials;
  pm_log_event (G_LOG_LEVEL_INFO, "certificate-renewed", "chain",
                ((Pair *) g_ptr_array_index (server->pairs, 0))->chain, NULL);
}

PmTlsCredentials *
pm_tls_server_get_credentials (PmTlsServer *server)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);

  look (server);
  return pm_tls_credentials_ref (server->credentials);
}
