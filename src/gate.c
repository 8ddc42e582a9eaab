/* drover-gate: what drover-hook becomes when the host agent does not answer. Judges from what the
 * agent last wrote down: a machine that a vApp claims is refused (its rules could not be put in
 * place), any other is let through unless hostd.conf says [gate] admit_when_down = none.
 */
#include "host/agent.h"
#include "host/book.h"
#include "host/domxml.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BOOK_PATH "/var/lib/drover/book.json"
#define CONF_PATH "/etc/drover/hostd.conf"

/* Without a configuration unclaimed machines are none of our business; with one that cannot be read
 * nobody knows what the host's owner wanted. */
static gboolean admits_unclaimed(void)
{
	struct agent_conf conf = { 0 };
	g_autoptr(GError) error = NULL;
	gboolean admits;

	if (!base_conf_read(CONF_PATH, AGENT_OPTIONS, &conf, &error))
		return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	admits = strcmp(conf.admit_when_down, "none") != 0;
	base_conf_clear(AGENT_OPTIONS, &conf);
	return admits;
}

static gboolean is_claimed(const char *xml)
{
	g_autoptr(domxml) domain = domxml_read(xml, NULL);
	g_autofree const char **macs = domain ? domxml_macs(domain) : NULL;

	return !domain || !domain->uuid || domain->claims ||
	       book_file_claims(BOOK_PATH, domain->uuid, macs);
}

int main(int argc, char **argv)
{
	g_autoptr(GIOChannel) in = g_io_channel_unix_new(STDIN_FILENO);
	g_autofree char *xml = NULL;

	if (argc < 3) {
		fprintf(stderr,
			"usage: %s DOMAIN OPERATION (called by drover-hook, domain XML on standard input)\n",
			argv[0]);
		return 2;
	}
	g_io_channel_read_to_end(in, &xml, NULL, NULL);
	if (xml && !is_claimed(xml) && admits_unclaimed())
		return 0;
	fprintf(stderr,
		"drover: AGENT_ABSENT: the host agent does not answer, so %s cannot be protected here; start drover-hostd\n",
		argv[1]);
	return 1;
}
