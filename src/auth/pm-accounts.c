// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The accounts in force. A look-up holds the lock for a hash probe; what costs time runs in the
// pool, whose queue is bounded, so that a flood of log-ins waits for nothing but itself.

#include "auth/pm-accounts.h"

#include <string.h>
#include <sys/stat.h>

#include "auth/pm-accounts-file.h"
#include "auth/pm-pam-client.h"
#include "base/pm-error.h"

// yescrypt takes a core and 16 MiB for each; PAM mostly sleeps, by pam_faildelay for seconds.
#define FILE_THREADS 2
#define FILE_WAITING 32
#define PAM_THREADS 16
#define PAM_WAITING 64

typedef struct
{
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified;
} Signature;

struct _PmAccounts
{
  char *path;
  char *pam_socket; /* (nullable): PAM instead of a file */
  GThreadPool *pool;
  guint most_waiting;
  gint waiting; /* (atomic): in the pool and its queue */
  guint8 fake_key[32];

  GMutex mutex;         /* of what follows */
  PmAccountsFile *file; /* (nullable) */
  Signature signature;
};

typedef struct
{
  PmAccounts *accounts;
  char *name;
  char *password;
} Request;

static void
request_free (Request *request)
{
  pm_accounts_unref (request->accounts);
  g_free (request->name);
  pm_secret_free (request->password);
  g_free (request);
}

static void
accounts_clear (PmAccounts *self)
{
  // The last reference may be that of a request, which is given back in the pool's own thread.
  g_thread_pool_free (self->pool, FALSE, FALSE);
  g_mutex_clear (&self->mutex);
  pm_accounts_file_free (self->file);
  explicit_bzero (self->fake_key, sizeof self->fake_key);
  g_free (self->path);
  g_free (self->pam_socket);
}

/* The file */

static Signature
sign (const char *path)
{
  struct stat status;
  Signature signature;

  memset (&signature, 0, sizeof signature);
  if (stat (path, &status) != 0)
    return signature;
  signature.device = status.st_dev;
  signature.inode = status.st_ino;
  signature.size = status.st_size;
  signature.modified = status.st_mtim;
  return signature;
}

static gboolean
same_signature (const Signature *a, const Signature *b)
{
  return a->device == b->device && a->inode == b->inode && a->size == b->size &&
         a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

// With the lock. A file that does not read leaves what was there in force, and is not read again
// until it changes once more.
static gboolean
read_again (PmAccounts *self, GError **error)
{
  Signature signature = sign (self->path);
  PmAccountsFile *file = pm_accounts_file_load (self->path, error);

  self->signature = signature;
  if (file == NULL)
    return FALSE;
  pm_accounts_file_free (self->file);
  self->file = file;
  return TRUE;
}

static void
refresh (PmAccounts *self)
{
  Signature signature = sign (self->path);
  g_autoptr (GError) error = NULL;

  if (self->file != NULL && same_signature (&signature, &self->signature))
    return;
  if (!read_again (self, &error))
    g_debug ("the accounts stay as they were: %s", error->message);
}

static const PmAccount *
find (PmAccounts *self, const char *name)
{
  refresh (self);
  return self->file == NULL ? NULL : pm_accounts_file_find (self->file, name);
}

/**
 * pm_accounts_reload:
 * @error: as pm_accounts_file_load()
 *
 * Reads the file, to be told what is wrong with it.
 */
gboolean
pm_accounts_reload (PmAccounts *self, GError **error)
{
  gboolean ok;

  if (self->pam_socket != NULL)
    return TRUE;
  g_mutex_lock (&self->mutex);
  ok = read_again (self, error);
  g_mutex_unlock (&self->mutex);
  return ok;
}

/* Checking */

static char *
check_file (PmAccounts *self, const char *name, const char *password, GError **error)
{
  g_autoptr (GError) unfit = NULL;
  char *prepared = pm_password_prepare (password, &unfit);
  g_autofree char *canonical = NULL;
  char *hash = NULL;
  PmScramKeys keys = { 0 };
  gboolean has_keys = FALSE;
  gboolean right = FALSE;
  const PmAccount *account;

  g_mutex_lock (&self->mutex);
  account = find (self, name);
  if (account != NULL)
    {
      canonical = g_strdup (account->name);
      hash = g_strdup (account->crypt);
      has_keys = account->scram != NULL && pm_scram_keys_parse (account->scram, &keys, NULL);
    }
  g_mutex_unlock (&self->mutex);

  // Whoever asks, and for whom: one yescrypt.
  if (hash != NULL && prepared != NULL)
    right = pm_crypt_check (hash, prepared);
  else
    pm_crypt_burn (prepared != NULL ? prepared : "");
  if (hash == NULL && has_keys && prepared != NULL)
    right = pm_scram_keys_check (&keys, prepared);

  explicit_bzero (&keys, sizeof keys);
  pm_secret_free (hash);
  pm_secret_free (prepared);
  if (right)
    return g_steal_pointer (&canonical);
  g_set_error_literal (error, PM_ERROR, PM_ERROR_DENIED, "The name or the password is wrong");
  return NULL;
}

static void
verify_in_pool (gpointer item, gpointer data)
{
  g_autoptr (GTask) task = item;
  Request *request = g_task_get_task_data (task);
  PmAccounts *self = request->accounts;
  g_autoptr (GError) error = NULL;
  char *name = NULL;

  if (!g_task_return_error_if_cancelled (task))
    {
      if (self->pam_socket == NULL)
        name = check_file (self, request->name, request->password, &error);
      else if (pm_pam_client_check (self->pam_socket, request->name, request->password, &error))
        name = g_strdup (request->name);

      if (name != NULL)
        g_task_return_pointer (task, name, g_free);
      else
        g_task_return_error (task, g_steal_pointer (&error));
    }
  g_atomic_int_add (&self->waiting, -1);
}

static gboolean
may_be_asked (const char *name, const char *password)
{
  return *name != '\0' && strlen (name) <= PM_ACCOUNT_NAME_MAX * 4 &&
         g_utf8_validate (name, -1, NULL) && strlen (password) <= PM_PASSWORD_MAX;
}

/**
 * pm_accounts_verify_async:
 * @password: is copied, and the copy overwritten
 *
 * Checks a password.
 */
void
pm_accounts_verify_async (PmAccounts *self,
                          const char *name,
                          const char *password,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Request *request;

  g_task_set_source_tag (task, pm_accounts_verify_async);
  if (!may_be_asked (name, password))
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_DENIED,
                               "The name or the password is wrong");
      return;
    }
  if (g_atomic_int_add (&self->waiting, 1) >= (gint) self->most_waiting)
    {
      g_atomic_int_add (&self->waiting, -1);
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_BUSY,
                               "Too many passwords are being checked; try again later");
      return;
    }
  request = g_new0 (Request, 1);
  request->accounts = pm_accounts_ref (self);
  request->name = g_strdup (name);
  request->password = g_strdup (password);
  g_task_set_task_data (task, request, (GDestroyNotify) request_free);
  g_thread_pool_push (self->pool, g_steal_pointer (&task), NULL);
}

char *
pm_accounts_verify_finish (PmAccounts *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* SCRAM */

static void
fake_bytes (PmAccounts *self, const char *name, const char *what, guint8 *bytes, gsize size)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, self->fake_key, sizeof self->fake_key);
  guint8 digest[32];
  gsize length = sizeof digest;

  g_hmac_update (hmac, (const guchar *) what, -1);
  g_hmac_update (hmac, (const guchar *) name, -1);
  g_hmac_get_digest (hmac, digest, &length);
  memcpy (bytes, digest, MIN (size, length));
}

// RFC 5802 9: who asks for a user who does not exist learns no more than of one who does. The salt
// is the same each time, as a real one is.
static void
fake_keys (PmAccounts *self, const char *name, PmScramKeys *keys)
{
  g_autofree char *key = pm_account_name_key (name);

  memset (keys, 0, sizeof *keys);
  keys->iterations = PM_SCRAM_ITERATIONS;
  keys->salt_size = 16;
  fake_bytes (self, key, "salt", keys->salt, keys->salt_size);
  fake_bytes (self, key, "stored", keys->stored_key, PM_SCRAM_KEY_SIZE);
  fake_bytes (self, key, "server", keys->server_key, PM_SCRAM_KEY_SIZE);
}

/**
 * pm_accounts_get_scram:
 * @name: a user's name, in UTF-8
 * @keys: (out): the keys to prove knowledge of
 */
void
pm_accounts_get_scram (PmAccounts *self, const char *name, PmScramKeys *keys)
{
  const PmAccount *account;

  fake_keys (self, name, keys);
  if (self->pam_socket != NULL)
    return;
  g_mutex_lock (&self->mutex);
  account = find (self, name);
  if (account != NULL && account->scram != NULL)
    pm_scram_keys_parse (account->scram, keys, NULL);
  g_mutex_unlock (&self->mutex);
}

char *
pm_accounts_canonical_name (PmAccounts *self, const char *name)
{
  const PmAccount *account;
  char *canonical;

  if (self->pam_socket != NULL)
    return g_strdup (name);
  g_mutex_lock (&self->mutex);
  account = find (self, name);
  canonical = g_strdup (account != NULL ? account->name : name);
  g_mutex_unlock (&self->mutex);
  return canonical;
}

/* Life */

static PmAccounts *
accounts_new (guint threads, guint most_waiting)
{
  PmAccounts *self = g_atomic_rc_box_new0 (PmAccounts);

  g_mutex_init (&self->mutex);
  self->most_waiting = most_waiting;
  self->pool = g_thread_pool_new (verify_in_pool, NULL, (gint) threads, FALSE, NULL);
  // Without them the salts of users who do not exist could be foreseen, which is no way in.
  (void) pm_random_bytes (self->fake_key, sizeof self->fake_key, NULL);
  return self;
}

/**
 * pm_accounts_new_file:
 * @path: an accounts file, which need not exist yet
 *
 * Returns: (transfer full): the accounts in it
 */
PmAccounts *
pm_accounts_new_file (const char *path)
{
  PmAccounts *self = accounts_new (FILE_THREADS, FILE_WAITING);

  self->path = g_strdup (path);
  return self;
}

/**
 * pm_accounts_new_pam:
 * @socket_path: (nullable): where pointsman-pam listens; %NULL for %PM_PAM_SOCKET
 *
 * Returns: (transfer full): the accounts that PAM knows
 */
PmAccounts *
pm_accounts_new_pam (const char *socket_path)
{
  PmAccounts *self = accounts_new (PAM_THREADS, PAM_WAITING);

  self->pam_socket = g_strdup (socket_path != NULL ? socket_path : PM_PAM_SOCKET);
  return self;
}

PmAccounts *
pm_accounts_ref (PmAccounts *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
pm_accounts_unref (PmAccounts *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, (GDestroyNotify) accounts_clear);
}

/**
 * pm_accounts_mechanisms:
 *
 * Returns: (transfer none): the SASL mechanisms that these accounts allow, the best first. PAM must
 *   be given the password itself.
 */
const char *
pm_accounts_mechanisms (PmAccounts *self)
{
  return self->pam_socket != NULL ? "PLAIN LOGIN" : "SCRAM-SHA-256 PLAIN LOGIN";
}
