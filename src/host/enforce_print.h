#pragma once
/* Rules and elements as texts in which equal things are equal: handles, counts and the numbers of
 * anonymous sets are left out. Pure. Texts are freed with g_free().
 */
#include <glib.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>

/* Text of the elements of a rule's own set, or NULL. */
typedef const char *(*enforce_print_elements_func)(const char *set_name, gpointer data);

/* "[payload ...] [cmp ...] # comment" */
char *enforce_print_rule(
	struct nftnl_rule *rule, enforce_print_elements_func elements, gpointer data);

/* The rule's comment; NULL when it has none. */
char *enforce_print_comment(const struct nftnl_rule *rule);

/* Whether the name is one that the kernel made up. */
gboolean enforce_print_is_anonymous(const char *set_name);

/* How rules name the set: before the kernel has given it a name, by its number. */
char *enforce_print_set_name(const struct nftnl_set *set);

/* The interface name that is an element's key; what an element leads to. */
char *enforce_print_name(struct nftnl_set_elem *element);
char *enforce_print_element(struct nftnl_set_elem *element);

/* All elements' keys in order, together with those in `before` (which may be NULL). */
char *enforce_print_elements(struct nftnl_set *set, const char *before);
