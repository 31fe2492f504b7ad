// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site.h"

G_BEGIN_DECLS

/*
 * The one description of the site file, private to src/site: which elements there are, where their
 * attributes and children lie in the values of pm-site.h, how each value is read and written.
 * Reader, writer and difference walk it; data/site.rng says the same to everybody else.
 */

typedef struct _PmSiteAttribute PmSiteAttribute;
typedef struct _PmSiteChild PmSiteChild;
typedef struct _PmSiteElement PmSiteElement;

/* A word and the number that it stands for. */
typedef struct
{
  const char *word;
  int number;
} PmSiteWord;

/**
 * PmSiteType:
 * @expected: what is expected, as `a port from 1 to 65535`; %NULL where the words are the answer
 * @read: stores @text (blanks around it gone) in the value; the error says why not
 * @write: the canonical text of what is stored, %NULL where nothing is
 */
typedef struct
{
  const char *expected;
  gboolean (*read) (const PmSiteAttribute *attribute,
                    const char *text,
                    gpointer value,
                    GError **error);
  char *(*write) (const PmSiteAttribute *attribute, gconstpointer value);
} PmSiteType;

typedef enum
{
  PM_SITE_REQUIRED = 1 << 0,
  PM_SITE_KEY = 1 << 1,     /* attribute: tells the element from its siblings */
  PM_SITE_CHOICE = 1 << 2,  /* child: exactly one of its parent's choices stands there */
  PM_SITE_ORDERED = 1 << 3, /* child: the order of its kind has a meaning */
  PM_SITE_BESIDE = 1 << 4,  /* attribute: not counted in what the element's @check gets */
  PM_SITE_FIXED = 1 << 5,   /* attribute: says which of the elements of one name this is */
} PmSiteFlags;

struct _PmSiteAttribute
{
  const char *name; /* %NULL ends a list */
  const PmSiteType *type;
  gsize offset;
  const char *fallback; /* (nullable): the default, in canonical form */
  PmSiteFlags flags;
  const PmSiteWord *words; /* (nullable) */
};

/* Where a child element's value lies, seen from its parent's. */
typedef enum
{
  PM_SITE_SAME,    /* it is the parent's: a container, or a group of attributes */
  PM_SITE_MEMBER,  /* a pointer in the parent's value */
  PM_SITE_LIST,    /* an item of a list in the parent's value */
  PM_SITE_STRINGS, /* a string of a list in the parent's value */
} PmSitePlace;

/**
 * PmSiteChild:
 * @create: makes the value of a member or an item
 * @destroy: gives a former member back
 * @present: (nullable): whether the element stands there, given the item (of a list) or the
 *   parent's value; without it a container stands there when it says something
 */
struct _PmSiteChild
{
  const PmSiteElement *element; /* %NULL ends a list */
  PmSitePlace place;
  gsize offset;
  PmSiteFlags flags;
  gpointer (*create) (void);
  void (*destroy) (gpointer value);
  gboolean (*present) (gconstpointer value);
};

/**
 * PmSiteElement:
 * @enter: (nullable): called when the element is read, before its attributes
 * @check: (nullable): what is wrong with the element as a whole, once it is read
 *
 * Elements of one name in one parent are told apart by their first attribute, which is
 * %PM_SITE_FIXED: its `offset` is the number of its word.
 *
 * @compact: written on one line where it fits
 */
struct _PmSiteElement
{
  const char *name;
  const PmSiteAttribute *attributes;
  const PmSiteChild *children;
  void (*enter) (gpointer value);
  const char *(*check) (gconstpointer value, guint n_attributes);
  gboolean compact;
};

extern const PmSiteElement pm_site_schema;

#define PM_SITE_MEMBER_AT(Type, value, offset) (*(Type *) (void *) ((char *) (value) + (offset)))

const PmSiteAttribute *pm_site_element_find_attribute (const PmSiteElement *element,
                                                       const char *name,
                                                       gsize length);
const PmSiteChild *pm_site_element_find_variant (const PmSiteElement *element,
                                                 const PmSiteChild *child,
                                                 const char *word);
const PmSiteChild *pm_site_element_find_child (const PmSiteElement *element,
                                               const char *name,
                                               gsize length);
char *pm_site_element_path_step (const PmSiteElement *element, gconstpointer value);

extern const PmSiteType pm_site_type_text;     /* any text */
extern const PmSiteType pm_site_type_name;     /* a short name */
extern const PmSiteType pm_site_type_domain;   /* a domain name */
extern const PmSiteType pm_site_type_route;    /* the same, `#` before it for an exact match */
extern const PmSiteType pm_site_type_host;     /* a host name or an IP address */
extern const PmSiteType pm_site_type_address;  /* an IP address */
extern const PmSiteType pm_site_type_network;  /* an IP network */
extern const PmSiteType pm_site_type_mail;     /* a mail address */
extern const PmSiteType pm_site_type_sender;   /* a mail address, @domain or nothing */
extern const PmSiteType pm_site_type_port;     /* guint16 */
extern const PmSiteType pm_site_type_any_port; /* guint16, or 0 */
extern const PmSiteType pm_site_type_count;    /* guint */
extern const PmSiteType pm_site_type_rate;     /* guint, or 0 */
extern const PmSiteType pm_site_type_size;     /* guint64, bytes */
extern const PmSiteType pm_site_type_quota;    /* the same, or PM_QUOTA_DEFAULT */
extern const PmSiteType pm_site_type_duration; /* guint, seconds */
extern const PmSiteType pm_site_type_pause;    /* the same, from 0 on, up to a minute */
extern const PmSiteType pm_site_type_period;   /* the same, from 0 on */
extern const PmSiteType pm_site_type_durations;
extern const PmSiteType pm_site_type_words;  /* an enumeration or gboolean */
extern const PmSiteType pm_site_type_fixed;  /* one word, stored nowhere */
extern const PmSiteType pm_site_type_one_of; /* one of the words, as a string */
extern const PmSiteType pm_site_type_path;
extern const PmSiteType pm_site_type_file; /* the absolute path of a file */
extern const PmSiteType pm_site_type_lmtp;
extern const PmSiteType pm_site_type_secret;
extern const PmSiteType pm_site_type_allow_network; /* the three forms of <allow> */
extern const PmSiteType pm_site_type_allow_interface;
extern const PmSiteType pm_site_type_allow_authenticated;

G_END_DECLS
