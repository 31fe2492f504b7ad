// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Both sides of an authentication against each other and against bytes that are none, and the
// accounts behind them: wrong, unknown, too many, cancelled, changed meanwhile.

#include "auth/pm-sasl-server.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#include "auth/pm-accounts-file.h"
#include "auth/pm-sasl-client.h"
#include "base/pm-error.h"

static char *folder;
static char *path;
static PmAccounts *accounts;

static void
set_up (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmAccountsFile) file = NULL;

  folder = g_dir_make_tmp ("pm-sasl-XXXXXX", &error);
  path = g_build_filename (folder, "accounts", NULL);
  file = pm_accounts_file_load (path, &error);
  g_assert_true (pm_accounts_file_add (file, "Anna", "pencil", &error));
  g_assert_true (pm_accounts_file_save (file, path, &error));
  g_assert_no_error (error);
  accounts = pm_accounts_new_file (path);
}

static void
tear_down (void)
{
  pm_accounts_unref (accounts);
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
}

/* How an authentication ended. */
typedef struct
{
  gboolean over;
  PmSaslStatus status;
  GError *error;
} End;

static void
ended_cb (PmSaslServer *server, PmSaslStatus status, const GError *error, gpointer data)
{
  End *end = data;

  end->over = TRUE;
  end->status = status;
  end->error = error != NULL ? g_error_copy (error) : NULL;
}

static gboolean
late_cb (gpointer data)
{
  g_error ("nothing happened for 20 s");
  return G_SOURCE_REMOVE;
}

static void
wait_for (gboolean *over)
{
  guint source = g_timeout_add_seconds (20, late_cb, NULL);

  while (!*over)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}

static PmSaslStatus
step (PmSaslServer *server, GBytes *message, GBytes **out, End *end)
{
  gsize size = 0;
  gconstpointer bytes = message != NULL ? g_bytes_get_data (message, &size) : NULL;
  PmSaslStatus status;

  // An empty GBytes may have no data; it is an empty message all the same.
  status = pm_sasl_server_step (server, message != NULL && bytes == NULL ? "" : bytes, size, out,
                                &end->error);
  if (status != PM_SASL_PENDING)
    return status;
  wait_for (&end->over);
  return end->status;
}

static const struct
{
  const char *name;
  const char *mechanism;
  const char *user;
  const char *password;
  gboolean right;
} log_ins[] = {
  { "plain", "PLAIN", "Anna", "pencil", TRUE },
  { "plain-case", "plain", "anna", "pencil", TRUE },
  { "plain-wrong", "PLAIN", "Anna", "Pencil", FALSE },
  { "plain-unknown", "PLAIN", "bert", "pencil", FALSE },
  { "plain-empty", "PLAIN", "Anna", "", FALSE },
  { "login", "LOGIN", "Anna", "pencil", TRUE },
  { "login-wrong", "LOGIN", "Anna", "penci", FALSE },
  { "login-unknown", "LOGIN", "bert", "pencil", FALSE },
  { "scram", "SCRAM-SHA-256", "Anna", "pencil", TRUE },
  { "scram-case", "SCRAM-SHA-256", "ANNA", "pencil", TRUE },
  { "scram-wrong", "SCRAM-SHA-256", "Anna", "paper", FALSE },
  { "scram-unknown", "SCRAM-SHA-256", "bert", "pencil", FALSE },
};

static void
test_log_in (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  End end = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSaslServer) server = pm_sasl_server_new (accounts, log_ins[index].mechanism,
                                                        ended_cb, &end, &error);
  g_autoptr (PmSaslClient) client = pm_sasl_client_new (log_ins[index].mechanism,
                                                        log_ins[index].user,
                                                        log_ins[index].password, &error);
  g_autoptr (GBytes) message = NULL;
  PmSaslStatus status;

  g_assert_no_error (error);
  pm_sasl_client_step (client, NULL, 0, &message, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GBytes) challenge = NULL;
      gsize size;
      gconstpointer bytes;

      status = step (server, message, &challenge, &end);
      if (status != PM_SASL_CONTINUE)
        break;
      g_clear_pointer (&message, g_bytes_unref);
      bytes = g_bytes_get_data (challenge, &size);
      if (pm_sasl_client_step (client, bytes, size, &message, &error) == PM_SASL_FAILED)
        g_error ("%s", error->message);
    }

  g_assert_cmpint (status, ==, log_ins[index].right ? PM_SASL_DONE : PM_SASL_FAILED);
  if (log_ins[index].right)
    {
      g_assert_no_error (end.error);
      g_assert_true (pm_sasl_client_is_satisfied (client));
      // As the file writes it, whatever the client does.
      g_assert_cmpstr (pm_sasl_server_get_user (server), ==, "Anna");
      return;
    }
  g_assert_error (end.error, PM_ERROR, PM_ERROR_DENIED);
  g_assert_null (strstr (end.error->message, "pencil"));
  g_clear_error (&end.error);
}

#define BYTES(text) text, sizeof text - 1

static const struct
{
  const char *name;
  const char *mechanism;
  const char *bytes;
  gsize size;
  PmError code;
} refusals[] = {
  { "plain-nothing", "PLAIN", BYTES (""), PM_ERROR_INVALID },
  { "plain-one-part", "PLAIN", BYTES ("Anna"), PM_ERROR_INVALID },
  { "plain-two-parts", "PLAIN", BYTES ("\0Anna"), PM_ERROR_INVALID },
  { "plain-no-name", "PLAIN", BYTES ("\0\0pencil"), PM_ERROR_DENIED },
  { "plain-as-another", "PLAIN", BYTES ("bert\0Anna\0pencil"), PM_ERROR_DENIED },
  { "plain-zero-in-password", "PLAIN", BYTES ("\0Anna\0pencil\0x"), PM_ERROR_INVALID },
  { "plain-garbage", "PLAIN", BYTES ("\0\xff\xfe\0pencil"), PM_ERROR_DENIED },
  { "scram-garbage", "SCRAM-SHA-256", BYTES ("\xff\xfe\xfd"), PM_ERROR_INVALID },
  { "scram-empty", "SCRAM-SHA-256", BYTES ("n,,"), PM_ERROR_INVALID },
  { "scram-bound", "SCRAM-SHA-256", BYTES ("p=tls-unique,,n=Anna,r=abc"), PM_ERROR_INVALID },
};

static void
test_refusal (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  End end = { 0 };
  g_autoptr (PmSaslServer) server = pm_sasl_server_new (accounts, refusals[index].mechanism,
                                                        ended_cb, &end, NULL);
  g_autoptr (GBytes) message = g_bytes_new_static (refusals[index].bytes, refusals[index].size);
  g_autoptr (GBytes) out = NULL;
  PmSaslStatus status = step (server, message, &out, &end);

  // An empty message is to PLAIN as none: it asks, and gets another empty one.
  for (guint i = 0; status == PM_SASL_CONTINUE && i < 20; i++)
    {
      g_clear_pointer (&out, g_bytes_unref);
      status = step (server, message, &out, &end);
    }
  g_assert_cmpint (status, ==, PM_SASL_FAILED);
  g_test_message ("%s", end.error->message);
  g_assert_error (end.error, PM_ERROR, (int) refusals[index].code);
  g_clear_error (&end.error);
}

static void
test_too_long (void)
{
  g_autofree char *text = g_strnfill (4097, 'x');
  End end = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSaslServer) server = pm_sasl_server_new (accounts, "PLAIN", ended_cb, &end, NULL);
  g_autoptr (GBytes) out = NULL;

  g_assert_cmpint (pm_sasl_server_step (server, text, 4097, &out, &error), ==, PM_SASL_FAILED);
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (pm_sasl_server_new (accounts, "CRAM-MD5", ended_cb, &end, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_NOT_FOUND);
}

// LOGIN with the name in the initial response, as some clients send it.
static void
test_login_initial (void)
{
  End end = { 0 };
  g_autoptr (PmSaslServer) server = pm_sasl_server_new (accounts, "LOGIN", ended_cb, &end, NULL);
  g_autoptr (GBytes) name = g_bytes_new_static ("anna", 4);
  g_autoptr (GBytes) password = g_bytes_new_static ("pencil", 6);
  g_autoptr (GBytes) asks = NULL;
  g_autoptr (GBytes) out = NULL;

  g_assert_cmpint (step (server, name, &asks, &end), ==, PM_SASL_CONTINUE);
  g_assert_cmpmem (g_bytes_get_data (asks, NULL), g_bytes_get_size (asks), "Password", 8);
  g_assert_cmpint (step (server, password, &out, &end), ==, PM_SASL_DONE);
}

// A session that ends while its password is being checked hears nothing more.
static void
test_gone (void)
{
  End end = { 0 };
  PmSaslServer *server = pm_sasl_server_new (accounts, "PLAIN", ended_cb, &end, NULL);
  g_autoptr (GBytes) out = NULL;
  End other = { 0 };
  g_autoptr (PmSaslServer) later = pm_sasl_server_new (accounts, "PLAIN", ended_cb, &other, NULL);
  g_autoptr (GBytes) message = g_bytes_new_static (BYTES ("\0anna\0pencil"));

  g_assert_cmpint (pm_sasl_server_step (server, BYTES ("\0anna\0pencil"), &out, NULL), ==,
                   PM_SASL_PENDING);
  pm_sasl_server_free (server);
  g_assert_cmpint (step (later, message, &out, &other), ==, PM_SASL_DONE);
  g_assert_false (end.over);
}

typedef struct
{
  guint left;
  guint busy;
  guint right;
  gboolean over;
} Flood;

static void
flooded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Flood *flood = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = pm_accounts_verify_finish (accounts, result, &error);

  flood->busy += g_error_matches (error, PM_ERROR, PM_ERROR_BUSY) ? 1 : 0;
  flood->right += name != NULL ? 1 : 0;
  flood->over = --flood->left == 0;
}

// More than may wait are turned away at once, and nobody who was let in is forgotten.
static void
test_flood (void)
{
  Flood flood = { .left = 60 };

  for (guint i = 0; i < 60; i++)
    pm_accounts_verify_async (accounts, "anna", "pencil", NULL, flooded_cb, &flood);
  wait_for (&flood.over);
  g_assert_cmpuint (flood.busy, >=, 20);
  g_assert_cmpuint (flood.right, ==, 60 - flood.busy);
  // One that nobody waits for any more may still take a place.
  g_assert_cmpuint (flood.right, >=, 30);
}

static const char *
try_password (const char *name, const char *password)
{
  Flood flood = { .left = 1 };

  pm_accounts_verify_async (accounts, name, password, NULL, flooded_cb, &flood);
  wait_for (&flood.over);
  return flood.right == 1 ? "right" : flood.busy == 1 ? "busy"
                                                      : "wrong";
}

static void
test_changed (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmAccountsFile) file = pm_accounts_file_load (path, &error);

  g_assert_cmpstr (try_password ("bert", "paper"), ==, "wrong");
  g_assert_true (pm_accounts_file_add (file, "bert", "paper", &error));
  g_assert_true (pm_accounts_file_save (file, path, &error));
  g_assert_cmpstr (try_password ("bert", "paper"), ==, "right");

  // What does not read leaves in force what did.
  g_assert_true (g_file_set_contents (path, "bert:paper\n", -1, &error));
  g_assert_cmpstr (try_password ("bert", "paper"), ==, "right");
  g_assert_false (pm_accounts_reload (accounts, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_true (pm_accounts_file_remove (file, "bert", &error));
  g_assert_true (pm_accounts_file_save (file, path, &error));
  g_assert_cmpstr (try_password ("bert", "paper"), ==, "wrong");
  g_assert_cmpstr (try_password ("anna", "pencil"), ==, "right");
}

// Whether a user exists cannot be seen from what SCRAM says of it.
static void
test_unknown_scram (void)
{
  PmScramKeys first, again, other, known;

  pm_accounts_get_scram (accounts, "nobody", &first);
  pm_accounts_get_scram (accounts, "Nobody", &again);
  pm_accounts_get_scram (accounts, "nobody2", &other);
  pm_accounts_get_scram (accounts, "anna", &known);
  g_assert_cmpmem (&first, sizeof first, &again, sizeof again);
  g_assert_cmpint (memcmp (first.salt, other.salt, first.salt_size), !=, 0);
  g_assert_cmpuint (first.iterations, ==, known.iterations);
  g_assert_cmpuint (first.salt_size, ==, known.salt_size);
}

static void
test_choice (void)
{
  static const struct
  {
    const char *offered;
    const char *chosen;
  } rows[] = {
    { "LOGIN PLAIN SCRAM-SHA-256", "SCRAM-SHA-256" },
    { "login plain", "PLAIN" },
    { "CRAM-MD5 LOGIN", "LOGIN" },
    { "SCRAM-SHA-256-PLUS", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PmSaslClient) client = pm_sasl_client_new (rows[i].offered, "u", "p", &error);

      g_assert_cmpstr (client != NULL ? pm_sasl_client_get_mechanism (client) : NULL, ==,
                       rows[i].chosen);
      if (client == NULL)
        g_assert_error (error, PM_ERROR, PM_ERROR_NOT_FOUND);
    }
}

// Servers that make the client work, lie or babble.
static void
test_bad_server (void)
{
  static const char *const messages[] = {
    "r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000",
    "r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "\xff\xfe",
    "",
  };

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PmSaslClient) client = pm_sasl_client_new ("SCRAM-SHA-256", "u", "p", &error);
      g_autoptr (GBytes) out = NULL;
      g_autoptr (GBytes) answer = NULL;

      g_assert_cmpint (pm_sasl_client_step (client, NULL, 0, &out, &error), ==, PM_SASL_CONTINUE);
      g_assert_cmpint (pm_sasl_client_step (client, messages[i], strlen (messages[i]), &answer,
                                            &error),
                       ==, PM_SASL_FAILED);
      g_assert_nonnull (error);
      g_assert_false (pm_sasl_client_is_satisfied (client));
    }
}

// Answers one question as pointsman-pam does.
static gpointer
answer_pam (gpointer data)
{
  g_autoptr (GSocket) connection = g_socket_accept (data, NULL, NULL);
  static const char question[] = "anna\0pencil";
  char got[64] = { 0 };
  gsize length = 0;

  while (length < sizeof question)
    {
      gssize n = g_socket_receive (connection, got + length, sizeof got - length, NULL, NULL);

      g_assert_cmpint (n, >, 0);
      length += (gsize) n;
    }
  if (memcmp (got, question, sizeof question) == 0 && length == sizeof question)
    g_socket_send (connection, "ok\n", 3, NULL, NULL);
  else
    g_socket_send (connection, "denied\n", 7, NULL, NULL);
  return NULL;
}

static PmError
ask_pam (PmAccounts *pam, GSocket *listener, const char *question, gsize size)
{
  End end = { 0 };
  g_autoptr (PmSaslServer) server = pm_sasl_server_new (pam, "PLAIN", ended_cb, &end, NULL);
  g_autoptr (GBytes) message = g_bytes_new (question, size);
  g_autoptr (GBytes) out = NULL;
  GThread *thread = listener == NULL ? NULL : g_thread_new ("pam", answer_pam, listener);
  PmSaslStatus status = step (server, message, &out, &end);
  PmError code = status == PM_SASL_DONE ? (PmError) -1 : (PmError) end.error->code;

  if (thread != NULL)
    g_thread_join (thread);
  g_clear_error (&end.error);
  return code;
}

static void
test_pam (void)
{
  g_autofree char *name = g_build_filename (folder, "pam.sock", NULL);
  g_autoptr (PmAccounts) pam = pm_accounts_new_pam (name);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) listener = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, NULL);

  g_assert_cmpstr (pm_accounts_mechanisms (pam), ==, "PLAIN LOGIN");
  g_assert_cmpint (ask_pam (pam, NULL, BYTES ("\0anna\0pencil")), ==, PM_ERROR_UNREACHABLE);
  g_assert_true (g_socket_bind (listener, address, FALSE, &error));
  g_assert_true (g_socket_listen (listener, &error));
  g_assert_cmpint ((int) ask_pam (pam, listener, BYTES ("\0anna\0pencil")), ==, -1);
  g_assert_cmpint (ask_pam (pam, listener, BYTES ("\0anna\0Pencil")), ==, PM_ERROR_DENIED);
  g_unlink (name);
}

#define ADD_TABLE(prefix, table, function)                               \
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)                       \
    {                                                                    \
      g_autofree char *name = g_strconcat (prefix, table[i].name, NULL); \
      g_test_add_data_func (name, GUINT_TO_POINTER (i), function);       \
    }

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  ADD_TABLE ("/sasl/log-in/", log_ins, test_log_in);
  ADD_TABLE ("/sasl/refusal/", refusals, test_refusal);
  g_test_add_func ("/sasl/too-long", test_too_long);
  g_test_add_func ("/sasl/login-initial", test_login_initial);
  g_test_add_func ("/sasl/gone", test_gone);
  g_test_add_func ("/sasl/flood", test_flood);
  g_test_add_func ("/sasl/changed", test_changed);
  g_test_add_func ("/sasl/unknown-scram", test_unknown_scram);
  g_test_add_func ("/sasl/pam", test_pam);
  g_test_add_func ("/sasl/choice", test_choice);
  g_test_add_func ("/sasl/bad-server", test_bad_server);
  result = g_test_run ();
  tear_down ();
  return result;
}
