/* The two shapes of JSON that answers share. */
#include "agent.h"

#include <string.h>

void json_string(FILE *out, const char *text, size_t size)
{
	fputc('"', out);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* "ok":true, or "ok":false with the reason in words. */
void json_result(FILE *answer, bool ok, int error)
{
	fprintf(answer, ",\"ok\":%s", ok ? "true" : "false");
	if (ok)
		return;
	const char *why = strerror(error);
	fputs(",\"why\":", answer);
	json_string(answer, why, strlen(why));
}
