// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The arguments of MAIL and RCPT, and the verbs.

#include "smtp/pm-smtp-path.h"

#include "base/pm-error.h"
#include "smtp/pm-smtp-command.h"

typedef struct
{
  const char *name;
  const char *text;
  PmSmtpPathKind kind;
  const char *address;    /* (nullable): %NULL is refused; "" is <> */
  const char *parameters; /* (nullable) */
} Case;

#define R PM_SMTP_PATH_REVERSE
#define F PM_SMTP_PATH_FORWARD

static const Case cases[] = {
  { "plain", "<a@b.example>", F, "a@b.example" },
  { "blank-before", " <a@b.example>", F, "a@b.example" },
  { "null", "<>", R, "" },
  { "null-recipient", "<>", F, NULL },
  { "postmaster", "<PostMaster>", F, "postmaster" },
  { "postmaster-sender", "<postmaster>", R, NULL },
  { "other-without-domain", "<root>", F, NULL },
  { "quoted", "<\"a b\"@b.example>", F, "\"a b\"@b.example" },
  { "quoted-bracket", "<\"a>b\"@b.example>", F, "\"a>b\"@b.example" },
  { "quoted-escape", "<\"a\\\">b\"@b.example>", F, "\"a\\\">b\"@b.example" },
  { "literal", "<a@[192.0.2.1]>", F, "a@[192.0.2.1]" },
  { "literal-6", "<a@[IPv6:2001:db8::1]>", F, "a@[IPv6:2001:db8::1]" },
  { "route", "<@x.example:a@b.example>", F, "a@b.example" },
  { "route-two", "<@x.example,@y.example:a@b.example>", F, "a@b.example" },
  { "route-literal", "<@[IPv6:2001:db8::1]:a@b.example>", F, "a@b.example" },
  { "route-null", "<@x.example:>", F, NULL },
  { "route-no-colon", "<@x.example>", F, NULL },
  { "route-blank", "<@x.example, @y.example:a@b.example>", F, NULL },
  { "route-twice", "<@x.example:@y.example:a@b.example>", F, NULL },
  { "percent", "<a%evil.example@b.example>", F, "a%evil.example@b.example" },
  { "bang", "<evil!a@b.example>", F, "evil!a@b.example" },
  { "at-at", "<a@evil.example@b.example>", F, NULL },
  { "quoted-at", "<\"a@evil.example\"@b.example>", F, "\"a@evil.example\"@b.example" },
  { "shell", "<;sleep 66;@b.example>", F, NULL },
  { "empty-domain", "<\"|id\"@>", F, NULL },
  { "no-brackets", "a@b.example", F, NULL },
  { "open", "<a@b.example", F, NULL },
  { "open-quote", "<\"a@b.example>", F, NULL },
  { "nothing", "", F, NULL },
  { "twice", "<a@b.example><c@d.example>", F, NULL },
  { "size", "<> SIZE=10", R, "", "SIZE=10" },
  { "several", "<>  size=10  Body=8BITMIME X ", R, "", "SIZE=10 BODY=8BITMIME X" },
  { "parameter-no-space", "<>SIZE=10", R, NULL },
  { "parameter-twice", "<> SIZE=1 size=2", R, NULL },
  { "parameter-empty", "<> SIZE=", R, NULL },
  { "parameter-no-name", "<> =1", R, NULL },
  { "parameter-two-equals", "<> A=b=c", R, NULL },
  { "parameter-odd-name", "<> A_B=c", R, NULL },
  { "parameter-too-many", "<> A B C D E F G H I J K L M N O P Q R S T U", R, NULL },
};

static void
test_path (gconstpointer user_data)
{
  const Case *c = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSmtpPath) path = pm_smtp_path_parse (c->text, c->kind, &error);
  g_autoptr (GString) parameters = g_string_new (NULL);
  g_autofree char *address = NULL;

  if (c->address == NULL)
    {
      g_assert_null (path);
      g_assert_true (g_error_matches (error, PM_ERROR, PM_ERROR_INVALID) ||
                     g_error_matches (error, PM_ERROR, PM_ERROR_TOO_LARGE));
      return;
    }
  g_assert_no_error (error);
  if (path->address != NULL)
    address = pm_mail_address_to_string (path->address);
  else
    address = g_strdup (path->postmaster ? "postmaster" : "");
  g_assert_cmpstr (address, ==, c->address);

  for (guint i = 0; i < path->parameters->len; i++)
    {
      PmSmtpParameter *parameter = path->parameters->pdata[i];

      g_string_append_printf (parameters, "%s%s", i == 0 ? "" : " ", parameter->keyword);
      if (parameter->value != NULL)
        g_string_append_printf (parameters, "=%s", parameter->value);
    }
  g_assert_cmpstr (parameters->str, ==, c->parameters == NULL ? "" : c->parameters);
}

static void
test_bounds (void)
{
  g_autofree char *long_part = g_strnfill (2000, 'x');
  g_autofree char *long_path = g_strdup_printf ("<@%s:a@b.example>", long_part);
  g_autofree char *long_value = g_strdup_printf ("<> A=%s", long_part);
  g_autofree char *long_keyword = g_strdup_printf ("<> %s=1", long_part);
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_smtp_path_parse (long_path, F, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_TOO_LARGE);
  g_assert_null (pm_smtp_path_parse (long_value, R, NULL));
  g_assert_null (pm_smtp_path_parse (long_keyword, R, NULL));
}

static void
test_verbs (void)
{
  const char *argument;

  for (int verb = PM_SMTP_VERB_UNKNOWN + 1; verb < PM_SMTP_N_VERBS; verb++)
    {
      g_autofree char *lower = g_ascii_strdown (pm_smtp_verb_to_string ((PmSmtpVerb) verb), -1);
      g_autofree char *line = g_strdup_printf ("%s  x y", lower);
      g_autofree char *longer = g_strdup_printf ("%sX", lower);

      g_assert_cmpint (pm_smtp_verb_parse (line, &argument), ==, verb);
      g_assert_cmpstr (argument, ==, "x y");
      g_assert_cmpint (pm_smtp_verb_parse (lower, &argument), ==, verb);
      g_assert_cmpstr (argument, ==, "");
      g_assert_cmpint (pm_smtp_verb_parse (longer, &argument), ==, PM_SMTP_VERB_UNKNOWN);
    }
  g_assert_cmpint (pm_smtp_verb_parse ("", &argument), ==, PM_SMTP_VERB_UNKNOWN);
  g_assert_cmpint (pm_smtp_verb_parse ("UNKNOWN", &argument), ==, PM_SMTP_VERB_UNKNOWN);
  g_assert_cmpint (pm_smtp_verb_parse (" NOOP", &argument), ==, PM_SMTP_VERB_UNKNOWN);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/smtp/path/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_path);
    }
  g_test_add_func ("/smtp/path/bounds", test_bounds);
  g_test_add_func ("/smtp/command/verbs", test_verbs);
  return g_test_run ();
}
