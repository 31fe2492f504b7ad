// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Columns of a fixed width, which large lists need, do not grow with the font by themselves: at
// twice the size their titles are cut. Their widths here are those of the template at the font it
// was made for, in proportion to the font there is, and never below that of the title.

#include "config.h"

#include "ui/widgets/pm-column-widths.h"

/* The average character, in pixels, that the templates' widths were chosen by. */
#define TEMPLATE_CHARACTER 8

static int
get_character_width (GtkWidget *widget)
{
  PangoContext *context = gtk_widget_get_pango_context (widget);
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  int width = PANGO_PIXELS_CEIL (pango_font_metrics_get_approximate_char_width (metrics));

  pango_font_metrics_unref (metrics);
  return width;
}

/**
 * pm_column_widths_fit_font:
 * @view: with its columns
 *
 * Once, when the list is made. A font that is changed later is for the next one.
 */
void
pm_column_widths_fit_font (GtkTreeView *view)
{
  int character = get_character_width (GTK_WIDGET (view));

  for (guint i = 0; i < gtk_tree_view_get_n_columns (view); i++)
    {
      GtkTreeViewColumn *column = gtk_tree_view_get_column (view, (int) i);
      int width = gtk_tree_view_column_get_fixed_width (column);
      int title;

      if (gtk_tree_view_column_get_sizing (column) != GTK_TREE_VIEW_COLUMN_FIXED || width <= 0)
        continue;
      gtk_widget_get_preferred_width (gtk_tree_view_column_get_button (column), NULL, &title);
      width = MAX (width, width * character / TEMPLATE_CHARACTER);
      gtk_tree_view_column_set_min_width (column, title);
      gtk_tree_view_column_set_fixed_width (column, MAX (width, title));
    }
}
