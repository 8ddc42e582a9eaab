/* Label policies in both forms: whatever is read must survive both writers, and every name it
 * declares must be found. */
#include "label/decide.h"
#include "label/read.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef char *(*write_fn)(const struct label_policy *policy);
typedef struct label_policy *(*read_fn)(
	const char *name, const char *data, size_t size, GError **error);

static void check_round_trip(const struct label_policy *policy, write_fn writer, read_fn reader)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = writer(policy);
	g_autoptr(label_policy) again = reader("again", text, strlen(text), &error);

	g_assert_no_error(error);
	g_assert_true(label_policy_equal(policy, again));
}

static void check_labels(const struct label_policy *policy)
{
	size_t n;
	const struct label *labels = label_policy_labels(policy, &n);
	const struct label_host empty = { NULL, NULL };

	for (size_t i = 0; i < n; i++) {
		g_assert_true(
			label_policy_find(policy, labels[i].kind, labels[i].name) == &labels[i]);
		if (labels[i].kind == LABEL_WORKLOAD)
			g_assert_true(label_may_run(policy, labels[i].name, &empty, NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *copy = g_memdup2(data, size); /* so that a read past the end is seen */
	g_autoptr(label_policy) policy = label_policy_read("input", copy ? copy : "", size, &error);

	g_assert_true((policy == NULL) == (error != NULL));
	if (!policy)
		return 0;
	check_round_trip(policy, label_acm_write, label_acm_read);
	check_round_trip(policy, label_keyfile_write, label_keyfile_read);
	check_labels(policy);
	return 0;
}
