#include "plan/reason.h"

#include "base/names.h"

#include <string.h>

G_DEFINE_QUARK(plan - error - quark, plan_error)

static const struct plan_code_info codes[PLAN_N_CODES] = {
#define PLAN_CODE_ROW(code, severity, what, fix) { #code, PLAN_##severity, what, fix },
	PLAN_CODES(PLAN_CODE_ROW)
#undef PLAN_CODE_ROW
};

const struct plan_code_info *plan_code_info(enum plan_code code)
{
	g_assert((unsigned)code < PLAN_N_CODES);
	return &codes[code];
}

gboolean plan_code_from_string(const char *name, enum plan_code *ret_code)
{
	unsigned i;

	if (!BASE_NAMES_FIND(codes, name, &i))
		return FALSE;
	*ret_code = i;
	return TRUE;
}

const char *plan_severity_to_string(enum plan_severity severity)
{
	static const char *const names[] = {
		[PLAN_REFUSAL] = "refusal",
		[PLAN_FAILURE] = "failure",
		[PLAN_NOTE] = "note",
	};

	return names[severity];
}

static void change_free(gpointer data)
{
	struct plan_change *change = data;

	g_free(change->a);
	g_free(change->b);
	g_free(change->field);
	g_free(change->value);
	g_free(change);
}

GPtrArray *plan_changes_new(void)
{
	return g_ptr_array_new_with_free_func(change_free);
}

void plan_changes_add(GPtrArray *changes, enum facts_kind kind, const char *a, const char *b,
	const char *field, const char *value)
{
	struct plan_change *change = g_new0(struct plan_change, 1);

	change->kind = kind;
	change->a = g_strdup(a);
	change->b = g_strdup(b);
	change->field = g_strdup(field);
	change->value = g_strdup(value);
	g_ptr_array_add(changes, change);
}

struct plan_reason *plan_reason_new(
	enum plan_code code, const char *subject, const char *format, ...)
{
	struct plan_reason *reason = g_new0(struct plan_reason, 1);
	va_list args;

	reason->code = code;
	reason->subject = g_strdup(subject);
	va_start(args, format);
	reason->text = g_strdup_vprintf(format, args);
	va_end(args);
	reason->facts = g_ptr_array_new_with_free_func(g_free);
	reason->changes = plan_changes_new();
	return reason;
}

void plan_reason_free(struct plan_reason *reason)
{
	if (!reason)
		return;
	g_free(reason->subject);
	g_free(reason->text);
	g_free(reason->fix);
	g_ptr_array_unref(reason->facts);
	g_ptr_array_unref(reason->changes);
	g_free(reason);
}

void plan_reason_add_fact(struct plan_reason *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(reason->facts, g_strdup_vprintf(format, args));
	va_end(args);
}

void plan_reason_set_fix(struct plan_reason *reason, const char *format, ...)
{
	va_list args;

	g_free(reason->fix);
	va_start(args, format);
	reason->fix = g_strdup_vprintf(format, args);
	va_end(args);
}

void plan_reason_add_change(struct plan_reason *reason, enum facts_kind kind, const char *a,
	const char *b, const char *field, const char *value)
{
	plan_changes_add(reason->changes, kind, a, b, field, value);
}

static void reason_free_func(gpointer data)
{
	plan_reason_free(data);
}

GPtrArray *plan_reasons_new(void)
{
	return g_ptr_array_new_with_free_func(reason_free_func);
}

char *plan_reason_to_string(const struct plan_reason *reason)
{
	return g_strdup_printf("%s: %s", plan_code_info(reason->code)->name, reason->text);
}

void plan_reason_to_fact(const struct plan_reason *reason, struct facts_reason *ret_fact)
{
	ret_fact->code = g_strdup(plan_code_info(reason->code)->name);
	ret_fact->subject = g_strdup(reason->subject);
	ret_fact->text = g_strdup(reason->text);
	ret_fact->fix = g_strdup(reason->fix ? reason->fix : plan_code_info(reason->code)->fix);
	if (reason->facts->len == 0)
		return;
	ret_fact->facts = g_new0(char *, reason->facts->len + 1);
	for (unsigned i = 0; i < reason->facts->len; i++)
		ret_fact->facts[i] = g_strdup(reason->facts->pdata[i]);
}
