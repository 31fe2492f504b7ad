// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One domain's check while it runs and after: asks everything at once, takes answers as they come,
// and judges when the last one is there.

#include "check/pm-mx-report.h"

#include <glib/gi18n.h>
#include <string.h>

#include "check/pm-check-facts.h"

// A name that nobody makes: what exists below it, a wildcard made (RFC 4592).
#define UNMADE_LABEL "pointsman-wildcard-check"

struct _PmMxReport
{
  GObject parent_instance;

  PmResolver *resolver;    /* (owned) */
  PmCheckSubject *subject; /* (owned) */
  PmCheckFacts facts;
  GPtrArray *rows;     /* (element-type PmMxRow) (owned) */
  GPtrArray *findings; /* (element-type PmFinding) (owned) */
  GPtrArray *answers;  /* (element-type PmDnsAnswer) (owned) */
  PmCheckText verdict;
  PmFindingStatus verdict_status;

  guint asked;
  guint answered;
  gboolean running;
  gboolean cancelled;
  gint64 started;
  gint64 elapsed;
};

typedef void (*TakeAnswer) (PmMxReport *self, GTask *task, PmDnsAnswer *answer);

typedef struct
{
  GTask *task;        /* (owned) */
  PmDnsAnswer **slot; /* (nullable): where the answer goes */
  TakeAnswer take;    /* (nullable): who takes it instead */
} Question;

enum
{
  CHANGED,
  FINISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmMxReport, pm_mx_report, G_TYPE_OBJECT)

static void
free_row (gpointer data)
{
  PmMxRow *row = data;

  g_free (row->host);
  g_strfreev (row->addresses);
  pm_check_text_clear (&row->remark);
  g_free (row);
}

static char **
list_addresses (const PmHostFacts *host)
{
  g_autoptr (GPtrArray) addresses = pm_host_facts_addresses (host);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *text = g_inet_address_to_string (g_ptr_array_index (addresses, i));

      g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

static PmMxRow *
make_row (PmMxReport *self, guint index)
{
  const PmMxFact *record = g_ptr_array_index (self->facts.records, index);
  PmMxRow *row = g_new0 (PmMxRow, 1);

  row->preference = record->preference;
  row->implicit = self->facts.implicit;
  row->host = g_strdup (record->host->name);
  row->ttl = record->ttl;
  row->pending = self->running && !pm_host_facts_is_complete (record->host);
  row->addresses = list_addresses (record->host);
  row->leads = pm_check_facts_leads (&self->facts, record->host);
  row->status = pm_check_facts_remark (&self->facts, index, &row->remark);
  return row;
}

static PmMxRow *
make_null_row (PmMxReport *self)
{
  PmMxRow *row = g_new0 (PmMxRow, 1);
  const PmDnsRecord *first = g_ptr_array_index (self->facts.mx->records, 0);

  row->preference = self->facts.null_preference;
  row->host = g_strdup (".");
  row->ttl = first->ttl;
  row->addresses = g_new0 (char *, 1);
  row->leads = PM_LEADS_NO;
  row->status = PM_FINDING_NOTE;
  pm_check_text_set (&row->remark, N_ ("null MX: takes no mail"), NULL);
  return row;
}

static void
update_rows (PmMxReport *self)
{
  g_ptr_array_set_size (self->rows, 0);
  if (self->facts.null_mx)
    g_ptr_array_add (self->rows, make_null_row (self));
  for (guint i = 0; i < self->facts.records->len; i++)
    g_ptr_array_add (self->rows, make_row (self, i));
}

static void
finish (PmMxReport *self, GTask *task)
{
  self->running = FALSE;
  self->cancelled = g_cancellable_is_cancelled (g_task_get_cancellable (task));
  self->elapsed = g_get_monotonic_time () - self->started;
  update_rows (self);
  if (self->cancelled)
    {
      self->verdict_status = PM_FINDING_UNKNOWN;
      pm_check_text_set (&self->verdict, N_ ("The check of {1} was cancelled."),
                         self->subject->text, NULL);
    }
  else
    {
      self->verdict_status = pm_check_facts_verdict (&self->facts, &self->verdict);
      g_clear_pointer (&self->findings, g_ptr_array_unref);
      self->findings = pm_check_judge_all (&self->facts);
    }

  g_signal_emit (self, signals[CHANGED], 0);
  g_signal_emit (self, signals[FINISHED], 0);
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
}

static void
take_implicit (PmMxReport *self)
{
  if (self->facts.mx != NULL && !self->facts.implicit)
    pm_check_facts_take_apex (&self->facts);
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  g_autoptr (GTask) task = question->task;
  PmMxReport *self = g_task_get_source_object (task);
  PmDnsAnswer *answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, NULL);

  self->answered++;
  if (answer != NULL)
    {
      g_ptr_array_add (self->answers, pm_dns_answer_ref (answer));
      if (question->take != NULL)
        question->take (self, task, answer);
      else
        *question->slot = answer;
      take_implicit (self);
      update_rows (self);
    }
  g_free (question);

  if (self->answered == self->asked)
    finish (self, task);
  else
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
ask (PmMxReport *self,
     GTask *task,
     const char *name,
     PmDnsType type,
     PmDnsAnswer **slot,
     TakeAnswer take)
{
  Question *question = g_new0 (Question, 1);

  question->task = g_object_ref (task);
  question->slot = slot;
  question->take = take;
  self->asked++;
  pm_resolver_lookup_async (self->resolver, name, type, g_task_get_cancellable (task),
                            looked_up_cb, question);
}

static void
take_mx (PmMxReport *self, GTask *task, PmDnsAnswer *answer)
{
  pm_check_facts_take_mx (&self->facts, answer);
  for (guint i = 0; i < self->facts.hosts->len; i++)
    {
      PmHostFacts *host = g_ptr_array_index (self->facts.hosts, i);

      if (host->literal || host->skipped)
        continue;
      ask (self, task, host->name, PM_DNS_A, &host->a, NULL);
      ask (self, task, host->name, PM_DNS_AAAA, &host->aaaa, NULL);
    }
  if (answer->status == PM_DNS_NODATA)
    ask (self, task, self->subject->domain, PM_DNS_TXT, &self->facts.text, NULL);
}

/**
 * pm_mx_report_run_async:
 * @report: a report that has not run yet
 * @cancellable: (nullable): ends it early; what has been found stays
 * @callback: called after `::finished`
 * @data: for @callback
 *
 * Asks DNS and judges. Every question is bounded by the resolver's own time limit, so that it ends.
 */
void
pm_mx_report_run_async (PmMxReport *report,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *unmade = NULL;
  const char *domain;

  g_return_if_fail (PM_IS_MX_REPORT (report));
  g_return_if_fail (report->started == 0);

  task = g_task_new (report, cancellable, callback, data);
  g_task_set_source_tag (task, pm_mx_report_run_async);
  report->started = g_get_monotonic_time ();
  report->running = TRUE;
  domain = report->subject->domain;
  if (domain == NULL)
    {
      finish (report, task);
      return;
    }

  pm_check_text_set (&report->verdict, N_ ("Asking DNS about {1}…"), domain, NULL);
  unmade = g_strconcat (UNMADE_LABEL ".", domain, NULL);
  ask (report, task, domain, PM_DNS_MX, NULL, take_mx);
  ask (report, task, domain, PM_DNS_A, &report->facts.apex.a, NULL);
  ask (report, task, domain, PM_DNS_AAAA, &report->facts.apex.aaaa, NULL);
  ask (report, task, unmade, PM_DNS_MX, &report->facts.wildcard, NULL);
}

gboolean
pm_mx_report_run_finish (PmMxReport *report, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, report), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
pm_mx_report_finalize (GObject *object)
{
  PmMxReport *self = PM_MX_REPORT (object);

  pm_check_facts_clear (&self->facts);
  pm_check_subject_free (self->subject);
  pm_check_text_clear (&self->verdict);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->findings);
  g_ptr_array_unref (self->answers);
  g_clear_object (&self->resolver);
  G_OBJECT_CLASS (pm_mx_report_parent_class)->finalize (object);
}

static void
pm_mx_report_class_init (PmMxReportClass *class)
{
  G_OBJECT_CLASS (class)->finalize = pm_mx_report_finalize;

  /**
   * PmMxReport::changed:
   *
   * An answer has arrived: rows or progress are new. Rows seen before are gone.
   */
  signals[CHANGED] = g_signal_new ("changed", PM_TYPE_MX_REPORT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  /**
   * PmMxReport::finished:
   *
   * It has ended, or was cancelled; nothing changes any more.
   */
  signals[FINISHED] = g_signal_new ("finished", PM_TYPE_MX_REPORT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
}

static void
pm_mx_report_init (PmMxReport *self)
{
  self->rows = g_ptr_array_new_with_free_func (free_row);
  self->findings = g_ptr_array_new ();
  self->answers = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_dns_answer_unref);
  self->verdict_status = PM_FINDING_UNKNOWN;
}

/**
 * pm_mx_report_new:
 * @resolver: where answers come from
 * @subject: what is to be checked; copied
 *
 * Returns: (transfer full): a report to run, once.
 */
PmMxReport *
pm_mx_report_new (PmResolver *resolver, const PmCheckSubject *subject)
{
  PmMxReport *self;

  g_return_val_if_fail (PM_IS_RESOLVER (resolver), NULL);
  g_return_val_if_fail (subject != NULL, NULL);

  self = g_object_new (PM_TYPE_MX_REPORT, NULL);
  self->resolver = g_object_ref (resolver);
  self->subject = pm_check_subject_copy (subject);
  pm_check_facts_init (&self->facts, self->subject);
  return self;
}

const PmCheckSubject *
pm_mx_report_get_subject (PmMxReport *report)
{
  return report->subject;
}

gboolean
pm_mx_report_is_running (PmMxReport *report)
{
  return report->running;
}

gboolean
pm_mx_report_was_cancelled (PmMxReport *report)
{
  return report->cancelled;
}

/**
 * pm_mx_report_get_asked:
 *
 * Returns: how many questions have been asked so far.
 */
guint
pm_mx_report_get_asked (PmMxReport *report)
{
  return report->asked;
}

guint
pm_mx_report_get_answered (PmMxReport *report)
{
  return report->answered;
}

/**
 * pm_mx_report_get_server:
 *
 * Returns: (nullable): who was asked, %NULL before the first answer.
 */
const char *
pm_mx_report_get_server (PmMxReport *report)
{
  if (report->answers->len == 0)
    return NULL;
  return ((PmDnsAnswer *) g_ptr_array_index (report->answers, 0))->server;
}

/**
 * pm_mx_report_get_elapsed:
 *
 * Returns: microseconds that the check took, 0 while it runs.
 */
gint64
pm_mx_report_get_elapsed (PmMxReport *report)
{
  return report->elapsed;
}

const GPtrArray *
pm_mx_report_get_rows (PmMxReport *report)
{
  return report->rows;
}

const GPtrArray *
pm_mx_report_get_findings (PmMxReport *report)
{
  return report->findings;
}

const GPtrArray *
pm_mx_report_get_answers (PmMxReport *report)
{
  return report->answers;
}

const PmCheckText *
pm_mx_report_get_verdict (PmMxReport *report)
{
  return &report->verdict;
}

PmFindingStatus
pm_mx_report_get_verdict_status (PmMxReport *report)
{
  return report->verdict_status;
}

PmFindingStatus
pm_mx_report_get_worst (PmMxReport *report)
{
  PmFindingStatus worst = report->verdict_status;

  for (guint i = 0; i < report->findings->len; i++)
    {
      const PmFinding *finding = g_ptr_array_index (report->findings, i);

      worst = MAX (worst, finding->status);
    }
  return worst;
}
