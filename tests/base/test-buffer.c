// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The byte queue: in order, never over its ceiling, and small again once it is empty.

#include "base/pm-buffer.h"

#include <string.h>

static void
assert_bytes (const PmBuffer *buffer, const char *expected)
{
  g_assert_cmpmem (pm_buffer_peek (buffer), pm_buffer_size (buffer), expected, strlen (expected));
}

static void
test_empty (void)
{
  g_auto (PmBuffer) buffer = { 0 };

  pm_buffer_init (&buffer, 10);
  g_assert_cmpuint (pm_buffer_size (&buffer), ==, 0);
  g_assert_cmpuint (pm_buffer_room (&buffer), ==, 10);
  g_assert_null (pm_buffer_peek (&buffer));
  pm_buffer_consume (&buffer, 0);
  g_assert_true (pm_buffer_append (&buffer, NULL, 0));
  g_assert_cmpuint (pm_buffer_size (&buffer), ==, 0);
}

static void
test_order (void)
{
  g_auto (PmBuffer) buffer = { 0 };

  pm_buffer_init (&buffer, 10);
  g_assert_true (pm_buffer_append (&buffer, "abc", 3));
  g_assert_true (pm_buffer_append (&buffer, "def", 3));
  pm_buffer_consume (&buffer, 2);
  assert_bytes (&buffer, "cdef");
  g_assert_true (pm_buffer_append (&buffer, "ghijkl", 6));
  assert_bytes (&buffer, "cdefghijkl");
  pm_buffer_consume (&buffer, 10);
  g_assert_cmpuint (pm_buffer_size (&buffer), ==, 0);
}

static void
test_ceiling (void)
{
  g_auto (PmBuffer) buffer = { 0 };

  pm_buffer_init (&buffer, 4);
  g_assert_true (pm_buffer_append (&buffer, "abcd", 4));
  g_assert_false (pm_buffer_append (&buffer, "e", 1));
  g_assert_null (pm_buffer_reserve (&buffer, 1));
  assert_bytes (&buffer, "abcd");
  pm_buffer_consume (&buffer, 1);
  g_assert_false (pm_buffer_append (&buffer, "ef", 2));
  g_assert_true (pm_buffer_append (&buffer, "e", 1));
  assert_bytes (&buffer, "bcde");
  g_assert_cmpuint (buffer.allocated, <=, 4);
}

static void
test_no_room (void)
{
  g_auto (PmBuffer) buffer = { 0 };

  pm_buffer_init (&buffer, 0);
  g_assert_false (pm_buffer_append (&buffer, "a", 1));
  g_assert_nonnull (pm_buffer_reserve (&buffer, 0));
}

static void
test_reserve (void)
{
  g_auto (PmBuffer) buffer = { 0 };
  guint8 *room;

  pm_buffer_init (&buffer, 100);
  room = pm_buffer_reserve (&buffer, 50);
  g_assert_nonnull (room);
  g_assert_cmpuint (pm_buffer_size (&buffer), ==, 0);
  memcpy (room, "hello", 5);
  pm_buffer_commit (&buffer, 5);
  assert_bytes (&buffer, "hello");
}

static void
test_gives_back (void)
{
  g_auto (PmBuffer) buffer = { 0 };
  g_autofree char *block = g_malloc0 (100000);

  pm_buffer_init (&buffer, 1000000);
  g_assert_true (pm_buffer_append (&buffer, block, 100000));
  pm_buffer_consume (&buffer, 100000);
  g_assert_cmpuint (buffer.allocated, ==, 0);
  g_assert_cmpuint (pm_buffer_room (&buffer), ==, 1000000);
  g_assert_true (pm_buffer_append (&buffer, "a", 1));
  pm_buffer_clear (&buffer);
  g_assert_cmpuint (pm_buffer_room (&buffer), ==, 1000000);
}

// Against the plainest thing that does the same.
static void
test_model (void)
{
  g_auto (PmBuffer) buffer = { 0 };
  g_autoptr (GByteArray) model = g_byte_array_new ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  guint8 next = 0;

  pm_buffer_init (&buffer, 5000);
  for (guint i = 0; i < 20000; i++)
    {
      guint8 block[900];
      gsize size = (gsize) g_rand_int_range (rand, 0, sizeof block);

      if (g_rand_boolean (rand))
        {
          gboolean fits = model->len + size <= 5000;

          for (gsize j = 0; j < size; j++)
            block[j] = next++;
          g_assert_cmpint (pm_buffer_append (&buffer, block, size), ==, fits);
          if (fits)
            g_byte_array_append (model, block, (guint) size);
        }
      else
        {
          size = MIN (size, model->len);
          pm_buffer_consume (&buffer, size);
          g_byte_array_remove_range (model, 0, (guint) size);
        }
      g_assert_cmpmem (pm_buffer_peek (&buffer), pm_buffer_size (&buffer), model->data, model->len);
      g_assert_cmpuint (buffer.allocated, <=, 5000);
    }
}

/* As many as there are, and as there is room for; what stays behind keeps its order. */
static void
test_move (void)
{
  g_auto (PmBuffer) from = { 0 };
  g_auto (PmBuffer) to = { 0 };

  pm_buffer_init (&from, 10);
  pm_buffer_init (&to, 4);
  g_assert_cmpuint (pm_buffer_move (&to, &from), ==, 0);
  g_assert_true (pm_buffer_append (&from, "abcdef", 6));
  g_assert_cmpuint (pm_buffer_move (&to, &from), ==, 4);
  g_assert_cmpuint (pm_buffer_move (&to, &from), ==, 0);
  g_assert_cmpmem (pm_buffer_peek (&to), pm_buffer_size (&to), "abcd", 4);
  g_assert_cmpmem (pm_buffer_peek (&from), pm_buffer_size (&from), "ef", 2);
  pm_buffer_consume (&to, 3);
  g_assert_cmpuint (pm_buffer_move (&to, &from), ==, 2);
  g_assert_cmpmem (pm_buffer_peek (&to), pm_buffer_size (&to), "def", 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/buffer/empty", test_empty);
  g_test_add_func ("/buffer/order", test_order);
  g_test_add_func ("/buffer/ceiling", test_ceiling);
  g_test_add_func ("/buffer/no-room", test_no_room);
  g_test_add_func ("/buffer/reserve", test_reserve);
  g_test_add_func ("/buffer/gives-back", test_gives_back);
  g_test_add_func ("/buffer/model", test_model);
  g_test_add_func ("/buffer/move", test_move);
  return g_test_run ();
}
