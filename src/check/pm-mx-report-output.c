// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A report for people who read text, and for programs that read JSON.

#include "check/pm-mx-report.h"

#include <json-glib/json-glib.h>
#include <string.h>

static void
append_row (GString *text, const PmMxRow *row)
{
  g_autofree char *addresses = g_strjoinv (" ", row->addresses);
  g_autofree char *remark = pm_check_text_format (&row->remark, NULL);

  if (row->implicit)
    g_string_append (text, "     -");
  else
    g_string_append_printf (text, "%6u", row->preference);
  g_string_append_printf (text, "  %s  %s", row->host, *addresses != '\0' ? addresses : "-");
  if (row->leads != PM_LEADS_NO)
    g_string_append (text, row->leads == PM_LEADS_YES ? "  this server"
                                                      : "  perhaps this server");
  if (!row->implicit)
    g_string_append_printf (text, "  TTL %u", row->ttl);
  if (remark != NULL)
    g_string_append_printf (text, "  (%s)", remark);
  g_string_append_c (text, '\n');
}

static void
append_lines (GString *text, const char *lines)
{
  g_auto (GStrv) split = g_strsplit (lines, "\n", -1);

  for (guint i = 0; split[i] != NULL; i++)
    if (*split[i] != '\0')
      g_string_append_printf (text, "         %s\n", split[i]);
}

static void
append_finding (GString *text, const PmFinding *finding)
{
  g_autofree char *meaning = pm_check_text_format (&finding->meaning, NULL);
  g_autofree char *action = pm_check_text_format (&finding->action, NULL);

  g_string_append_printf (text, "%-8s %s\n", pm_finding_status_to_string (finding->status),
                          meaning);
  if (action != NULL)
    g_string_append_printf (text, "         %s\n", action);
  if (finding->dns_lines != NULL)
    append_lines (text, finding->dns_lines);
}

/**
 * pm_mx_report_to_text:
 * @report: a finished report
 *
 * Returns: (transfer full): the whole report in English, to read, save or send.
 */
char *
pm_mx_report_to_text (PmMxReport *report)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *verdict = NULL;
  const GPtrArray *rows = pm_mx_report_get_rows (report);
  const GPtrArray *findings = pm_mx_report_get_findings (report);

  g_return_val_if_fail (PM_IS_MX_REPORT (report), NULL);

  verdict = pm_check_text_format (pm_mx_report_get_verdict (report), NULL);
  g_string_append_printf (text, "%s\n%s: %s\n", pm_mx_report_get_subject (report)->text,
                          pm_finding_status_to_string (pm_mx_report_get_verdict_status (report)),
                          verdict != NULL ? verdict : "");
  for (guint i = 0; i < rows->len; i++)
    append_row (text, g_ptr_array_index (rows, i));
  for (guint i = 0; i < findings->len; i++)
    append_finding (text, g_ptr_array_index (findings, i));
  if (pm_mx_report_get_server (report) != NULL)
    g_string_append_printf (text, "Asked: %s, %u questions, %" G_GINT64_FORMAT " ms\n",
                            pm_mx_report_get_server (report), pm_mx_report_get_asked (report),
                            pm_mx_report_get_elapsed (report) / 1000);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_text (JsonBuilder *builder, const char *name, const PmCheckText *text)
{
  g_autofree char *value = pm_check_text_format (text, NULL);

  add_string (builder, name, value);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_strings (JsonBuilder *builder, const char *name, char **values)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; values != NULL && values[i] != NULL; i++)
    if (*values[i] != '\0')
      json_builder_add_string_value (builder, values[i]);
  json_builder_end_array (builder);
}

static void
add_row (JsonBuilder *builder, const PmMxRow *row)
{
  json_builder_begin_object (builder);
  add_int (builder, "preference", row->preference);
  json_builder_set_member_name (builder, "implicit");
  json_builder_add_boolean_value (builder, row->implicit);
  add_string (builder, "host", row->host);
  add_strings (builder, "addresses", row->addresses);
  add_int (builder, "ttl", row->ttl);
  add_string (builder, "leadsHere", pm_leads_to_string (row->leads));
  add_string (builder, "status", pm_finding_status_to_string (row->status));
  add_text (builder, "remark", &row->remark);
  json_builder_end_object (builder);
}

static void
add_finding (JsonBuilder *builder, const PmFinding *finding)
{
  g_auto (GStrv) lines = finding->dns_lines != NULL ? g_strsplit (finding->dns_lines, "\n", -1)
                                                    : NULL;

  json_builder_begin_object (builder);
  add_string (builder, "id", finding->check->id);
  add_string (builder, "status", pm_finding_status_to_string (finding->status));
  add_string (builder, "title", finding->check->title);
  add_text (builder, "meaning", &finding->meaning);
  add_text (builder, "action", &finding->action);
  add_strings (builder, "dnsLines", lines);
  add_string (builder, "basis", finding->check->basis);
  json_builder_end_object (builder);
}

static void
add_answer (JsonBuilder *builder, const PmDnsAnswer *answer)
{
  json_builder_begin_object (builder);
  add_string (builder, "name", answer->name);
  add_int (builder, "type", answer->type);
  add_string (builder, "status", pm_dns_status_to_string (answer->status));
  add_string (builder, "canonicalName", answer->canonical_name);
  add_int (builder, "records", answer->records->len);
  json_builder_set_member_name (builder, "secure");
  json_builder_add_boolean_value (builder, answer->secure);
  add_string (builder, "server", answer->server);
  add_int (builder, "elapsedMicroseconds", answer->elapsed);
  add_string (builder, "detail", answer->detail);
  json_builder_end_object (builder);
}

static void
add_head (JsonBuilder *builder, PmMxReport *report)
{
  const PmCheckSubject *subject = pm_mx_report_get_subject (report);

  add_string (builder, "asked", subject->text);
  add_string (builder, "domain", subject->domain);
  add_string (builder, "status",
              pm_finding_status_to_string (pm_mx_report_get_verdict_status (report)));
  add_text (builder, "verdict", pm_mx_report_get_verdict (report));
  add_string (builder, "worst", pm_finding_status_to_string (pm_mx_report_get_worst (report)));
  json_builder_set_member_name (builder, "cancelled");
  json_builder_add_boolean_value (builder, pm_mx_report_was_cancelled (report));
  add_string (builder, "server", pm_mx_report_get_server (report));
  add_int (builder, "elapsedMicroseconds", pm_mx_report_get_elapsed (report));
}

#define ADD_ARRAY(builder, name, list, add)                   \
  G_STMT_START                                                \
  {                                                           \
    json_builder_set_member_name (builder, name);             \
    json_builder_begin_array (builder);                       \
    for (guint array_i = 0; array_i < (list)->len; array_i++) \
      add (builder, g_ptr_array_index (list, array_i));       \
    json_builder_end_array (builder);                         \
  }                                                           \
  G_STMT_END

/**
 * pm_mx_report_to_json:
 * @report: a finished report
 *
 * Returns: (transfer full): one JSON object, with a line end: `domain`, `status` and `verdict`,
 *   `worst`, `records` (each with `leadsHere`: `yes`, `no` or `unknown`), `findings` (each with the
 *   `id` of its check, `status`, `meaning`, `action`, `dnsLines`, `basis`), and `answers`, which is
 *   everything DNS was asked and how it answered.
 */
char *
pm_mx_report_to_json (PmMxReport *report)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (PM_IS_MX_REPORT (report), NULL);

  json_builder_begin_object (builder);
  add_head (builder, report);
  ADD_ARRAY (builder, "records", pm_mx_report_get_rows (report), add_row);
  ADD_ARRAY (builder, "findings", pm_mx_report_get_findings (report), add_finding);
  ADD_ARRAY (builder, "answers", pm_mx_report_get_answers (report), add_answer);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return g_strconcat (text, "\n", NULL);
}
