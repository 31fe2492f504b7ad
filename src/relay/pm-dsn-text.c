// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What others wrote, made fit for a report. What it promises: whatever bytes come in, what goes out
// is printable characters within their bounds, and never begins a line or a field of its own.

#include "relay/pm-dsn-text.h"

#include <string.h>

#define WRAP_COLUMN 76
#define MAX_ADDRESS 500
#define MAX_HOST 255
#define MAX_MESSAGE_ID 250

gboolean
pm_dsn_is_ascii (gconstpointer bytes, gsize size)
{
  const guint8 *b = bytes;

  for (gsize i = 0; i < size; i++)
    if (b[i] >= 0x80)
      return FALSE;
  return TRUE;
}

/* The character at @c, which may be no UTF-8 or a control character: then U+FFFD or a blank. */
static gunichar
next_character (const char **c)
{
  gunichar character = g_utf8_get_char_validated (*c, -1);

  if (character == (gunichar) -1 || character == (gunichar) -2)
    {
      (*c)++;
      return 0xfffd;
    }
  *c = g_utf8_next_char (*c);
  // C0, DEL, C1, and the separators that some take for the end of a line.
  if (character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x2028 ||
      character == 0x2029)
    return ' ';
  return character;
}

/**
 * pm_dsn_clean:
 * @max: bytes, at most
 * @utf8: whether other characters than ASCII may stay; else each is a question mark
 *
 * Returns: (transfer full): @text in one line without control characters, blanks made one
 */
char *
pm_dsn_clean (const char *text, gsize max, gboolean utf8)
{
  GString *clean = g_string_new (NULL);
  const char *c = text;

  while (*c != '\0' && clean->len + 4 <= max)
    {
      gunichar character = next_character (&c);

      if (character == ' ' && (clean->len == 0 || clean->str[clean->len - 1] == ' '))
        continue;
      if (character >= 0x80 && !utf8)
        character = '?';
      g_string_append_unichar (clean, character);
    }
  if (*c != '\0')
    g_string_append (clean, "...");
  while (clean->len > 0 && clean->str[clean->len - 1] == ' ')
    g_string_truncate (clean, clean->len - 1);
  return g_string_free (clean, FALSE);
}

/**
 * pm_dsn_append_folded:
 * @first: what the first line begins with
 * @next: what further lines begin with; in a header field it begins with a blank
 * @text: clean
 *
 * Appends @text as lines, broken at its blanks, ended by CRLF.
 */
void
pm_dsn_append_folded (GString *out, const char *first, const char *next, const char *text)
{
  gsize column = strlen (first);
  gboolean fresh = TRUE; /* nothing stands in the line yet */

  g_string_append (out, first);
  while (*text != '\0')
    {
      gsize word = strcspn (text, " ");

      if (!fresh && column + 1 + word > WRAP_COLUMN)
        {
          g_string_append (out, "\r\n");
          g_string_append (out, next);
          column = strlen (next);
          fresh = TRUE;
        }
      if (!fresh)
        g_string_append_c (out, ' ');
      g_string_append_len (out, text, (gssize) word);
      column += word + (fresh ? 0 : 1);
      fresh = FALSE;
      text += word + strspn (text + word, " ");
    }
  g_string_append (out, "\r\n");
}

/* RFC 6533 3: utf-8-addr-unitext where UTF-8 may stand, else utf-8-addr-xtext, in ASCII. */
static char *
encode_utf8_address (const char *address, gboolean utf8)
{
  GString *text = g_string_new ("utf-8;");
  const char *c = address;

  while (*c != '\0' && text->len < MAX_ADDRESS)
    {
      gunichar character = next_character (&c);

      if (character == ' ' || character == '+' || character == '=' || character == '\\' ||
          (character >= 0x80 && !utf8))
        g_string_append_printf (text, "\\x{%02X}", character);
      else
        g_string_append_unichar (text, character);
    }
  return g_string_free (text, FALSE);
}

/**
 * pm_dsn_address:
 * @utf8: whether UTF-8 may stand where it goes
 *
 * Returns: (transfer full): @address as `rfc822;…` (RFC 3464 2.3.2), or `utf-8;…` when it is not
 *   ASCII (RFC 6533 3)
 */
char *
pm_dsn_address (const char *address, gboolean utf8)
{
  g_autofree char *clean = NULL;

  if (!pm_dsn_is_ascii (address, strlen (address)))
    return encode_utf8_address (address, utf8);
  clean = pm_dsn_clean (address, MAX_ADDRESS, FALSE);
  return g_strconcat ("rfc822;", clean, NULL);
}

/**
 * pm_dsn_original:
 * @orcpt: `type;address`, decoded
 *
 * Returns: (transfer full) (nullable): it for Original-Recipient: (RFC 3464 2.3.1); %NULL where
 *   there is no type, or one that is no word
 */
char *
pm_dsn_original (const char *orcpt, gboolean utf8)
{
  const char *semicolon = orcpt != NULL ? strchr (orcpt, ';') : NULL;
  g_autofree char *address = NULL;
  g_autofree char *type = NULL;

  if (semicolon == NULL || semicolon == orcpt || semicolon - orcpt > 40)
    return NULL;
  for (const char *c = orcpt; c < semicolon; c++)
    if (!g_ascii_isalnum (*c) && *c != '-' && *c != '.')
      return NULL;
  if (g_ascii_strncasecmp (orcpt, "utf-8;", strlen ("utf-8;")) == 0)
    return encode_utf8_address (semicolon + 1, utf8);
  type = g_strndup (orcpt, (gsize) (semicolon - orcpt));
  address = pm_dsn_clean (semicolon + 1, MAX_ADDRESS, utf8);
  return g_strconcat (type, ";", address, NULL);
}

/**
 * pm_dsn_host_name:
 * @host: `name [address]:port`
 *
 * Returns: (transfer full) (nullable): the name, for Remote-MTA: dns; %NULL when it has another
 *   form
 */
char *
pm_dsn_host_name (const char *host)
{
  gsize size = strcspn (host, " ");

  if (size == 0 || size > MAX_HOST)
    return NULL;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isalnum (host[i]) && strchr (".-_:[]", host[i]) == NULL)
      return NULL;
  return g_strndup (host, size);
}

static gboolean
is_message_id (const char *text, gsize size)
{
  if (size < 3 || size > MAX_MESSAGE_ID || text[0] != '<' || text[size - 1] != '>')
    return FALSE;
  for (gsize i = 1; i < size - 1; i++)
    if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '<' || text[i] == '>')
      return FALSE;
  return TRUE;
}

/**
 * pm_dsn_message_id:
 * @header: (array length=size): a header section
 *
 * Returns: (transfer full) (nullable): the message's Message-ID, `<…>`, where it has a plain one
 */
char *
pm_dsn_message_id (const guint8 *header, gsize size)
{
  static const char name[] = "message-id:";
  const char *line = (const char *) header;
  const char *end = line + size;

  while (line < end)
    {
      const char *newline = memchr (line, '\n', (gsize) (end - line));
      const char *stop = newline != NULL ? newline : end;

      if ((gsize) (stop - line) > strlen (name) &&
          g_ascii_strncasecmp (line, name, strlen (name)) == 0)
        {
          const char *text = line + strlen (name);

          while (text < stop && (*text == ' ' || *text == '\t'))
            text++;
          while (stop > text && (stop[-1] == ' ' || stop[-1] == '\r'))
            stop--;
          return is_message_id (text, (gsize) (stop - text))
                     ? g_strndup (text, (gsize) (stop - text))
                     : NULL;
        }
      if (newline == NULL)
        break;
      line = newline + 1;
    }
  return NULL;
}

/* Subjects and details of RFC 3463, RFC 5248 and RFC 7505; the first that fits is used. */
static const struct
{
  const char *code; /* behind the class; one that ends in a dot is of all that begin so */
  const char *text;
} advices[] = {
  { "1.1", "There seems to be no such mailbox. Look whether the address is written rightly, and if "
           "it is, ask the person for the one they use now." },
  { "1.2", "There seems to be no such domain. Look whether what stands behind the @ is written "
           "rightly." },
  { "1.3", "Look whether the address is written rightly: it is no address as mail knows them." },
  { "1.6", "The mailbox has moved. Ask the person for the address they use now." },
  { "1.10", "This domain takes no mail at all. Look whether what stands behind the @ is written "
            "rightly." },
  { "1.", "Look whether the address is written rightly." },
  { "2.1", "The mailbox is closed. Ask the person for another address." },
  { "2.2", "The mailbox is full. Tell the person some other way, or send the message again in a "
           "few days." },
  { "2.3", "The message is too large for this mailbox. Send it in smaller parts, or make what is "
           "attached smaller." },
  { "2.", "The mailbox cannot take mail at present. Send the message again in a few days, or reach "
          "the person some other way." },
  { "3.4", "The message is too large. Send it in smaller parts, or make what is attached "
           "smaller." },
  { "3.", "The other mail service has trouble of its own. Send the message again later." },
  { "4.3", "It could not be found out where mail for this domain goes. Look whether what stands "
           "behind the @ is written rightly." },
  { "4.4", "It could not be found out where mail for this domain goes. Look whether what stands "
           "behind the @ is written rightly." },
  { "4.6", "The message goes round in a loop: the mail service of this address is not set up "
           "rightly. Its postmaster can mend that." },
  { "4.", "The other mail service could not be reached. Send the message again later, or reach the "
          "person some other way." },
  { "6.", "The message has a form that could not be passed on. Send it again as plain text without "
          "attachments." },
  { "7.10", "The message may only travel encrypted, and the other mail service cannot do that." },
  { "7.30", "You asked that the message travels only encrypted, and the other mail service cannot "
            "do that." },
  { "7.", "The message was refused by a rule. The postmaster of the one that refused it can say "
          "why." },
  { "", "If you do not know what to make of it, pass this report on to your administrator." },
};

/**
 * pm_dsn_advice:
 * @status: `5.1.1`
 * @expired: it was given up since its time was over
 *
 * Returns: what the sender can do, in plain words
 */
const char *
pm_dsn_advice (const char *status, gboolean expired)
{
  const char *code = *status != '\0' ? status + 2 : status;

  for (guint i = 0; i < G_N_ELEMENTS (advices); i++)
    {
      const char *known = advices[i].code;
      gboolean all = *known == '\0' || g_str_has_suffix (known, ".");

      if (all ? g_str_has_prefix (code, known) : strcmp (code, known) == 0)
        {
          if (*known == '\0' && expired)
            return "Send the message again later, or reach the person some other way.";
          return advices[i].text;
        }
    }
  return advices[G_N_ELEMENTS (advices) - 1].text;
}
