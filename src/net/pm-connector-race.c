// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Several addresses, one connection. What it promises: an address that says nothing costs a quarter
// of a second and not a time-out, and the losers are closed.

#include "net/pm-connector-race.h"

typedef struct
{
  PmConnectorRace *race;
  guint index;
  PmConnector *connector; /* (owned) (nullable): while it is under way */
} Runner;

struct _PmConnectorRace
{
  PmReactor *reactor;
  GPtrArray *addresses; /* (element-type GSocketAddress) */
  gint64 timeout;
  const PmConnectorRaceHandler *handler;
  gpointer user_data;
  Runner *runners; /* (owned) (array) */
  guint n_started;
  guint n_running;
  PmTimer stagger;
};

static void connected_cb (int fd, const GError *error, gpointer user_data);

static void
start_next (PmConnectorRace *race)
{
  Runner *runner = &race->runners[race->n_started];

  runner->race = race;
  runner->index = race->n_started++;
  race->n_running++;
  runner->connector =
      pm_connector_new (race->reactor, g_ptr_array_index (race->addresses, runner->index), NULL,
                        race->timeout, connected_cb, runner);
  if (race->n_started < race->addresses->len)
    pm_timer_set_after (&race->stagger, PM_CONNECTOR_RACE_STAGGER);
  else
    pm_timer_clear (&race->stagger);
}

static void
stop_all (PmConnectorRace *race)
{
  pm_timer_clear (&race->stagger);
  for (guint i = 0; i < race->n_started; i++)
    g_clear_pointer (&race->runners[i].connector, pm_connector_free);
}

static void
connected_cb (int fd, const GError *error, gpointer user_data)
{
  Runner *runner = user_data;
  PmConnectorRace *race = runner->race;

  g_clear_pointer (&runner->connector, pm_connector_free);
  race->n_running--;
  if (fd >= 0)
    {
      stop_all (race);
      race->handler->over (fd, runner->index, race->user_data);
      return;
    }
  race->handler->failed (runner->index, error, race->user_data);
  if (race->n_started < race->addresses->len)
    start_next (race);
  else if (race->n_running == 0)
    race->handler->over (-1, 0, race->user_data);
}

static void
stagger_cb (gpointer user_data)
{
  start_next (user_data);
}

/**
 * pm_connector_race_new:
 * @addresses: (element-type GSocketAddress): the best first
 * @timeout_microseconds: for each of them
 *
 * Returns: (transfer full): a race under way.
 */
PmConnectorRace *
pm_connector_race_new (PmReactor *reactor,
                       GPtrArray *addresses,
                       gint64 timeout_microseconds,
                       const PmConnectorRaceHandler *handler,
                       gpointer user_data)
{
  PmConnectorRace *race = g_new0 (PmConnectorRace, 1);

  race->reactor = reactor;
  race->addresses = g_ptr_array_ref (addresses);
  race->timeout = timeout_microseconds;
  race->handler = handler;
  race->user_data = user_data;
  race->runners = g_new0 (Runner, addresses->len);
  pm_timer_init (&race->stagger, reactor, stagger_cb, race);
  start_next (race);
  return race;
}

/**
 * pm_connector_race_free:
 * @race: (transfer full) (nullable): a race
 */
void
pm_connector_race_free (PmConnectorRace *race)
{
  if (race == NULL)
    return;
  stop_all (race);
  g_ptr_array_unref (race->addresses);
  g_free (race->runners);
  g_free (race);
}
