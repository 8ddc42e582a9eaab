/* What a lab's host has in place of QEMU: gives every guest 8 KiB more memory, then becomes QEMU.
 *
 * QEMU before 9.0 loses writes of an emulated (TCG) guest while it is migrated: where it clears the
 * dirty bits of a block of memory word by word, it does not tell the translator to set them again
 * (mended upstream by "physmem: Fix migration dirty bitmap coherency with TCG memory access"). A
 * block whose size is no multiple of 256 KiB takes the other way, which is right. libvirt knows
 * only whole MiB, hence this program. Under KVM nothing is lost and nothing of this is needed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QEMU     "/usr/bin/qemu-system-x86_64-microvm" /* where the lab's hosts see the real one */
#define BACKEND  "{\"qom-type\":\"memory-backend-"
#define SIZE     "\"size\":"
#define MORE_KIB 8

/* The argument after "-m" when it is a plain number of MiB, as KiB; 0: none. */
static unsigned long memory_kib(char **argv, int *ret_at)
{
	for (int i = 1; argv[i] && argv[i + 1]; i++) {
		char *end;

		if (strcmp(argv[i], "-m") != 0)
			continue;
		*ret_at = i + 1;
		unsigned long mib = strtoul(argv[i + 1], &end, 10);
		return *end == '\0' ? mib * 1024 : 0;
	}
	return 0;
}

/* "...,"size":100663296}" with another size, if this is the memory of that size; else NULL. */
static char *backend_of(const char *argument, unsigned long kib)
{
	const char *size = strstr(argument, SIZE);
	char want[64];
	char *changed = NULL;

	snprintf(want, sizeof want, SIZE "%lu}", kib * 1024);
	if (strncmp(argument, BACKEND, strlen(BACKEND)) != 0 || !size || strcmp(size, want) != 0)
		return NULL;
	return asprintf(&changed, "%.*s" SIZE "%lu}", (int)(size - argument), argument,
		       (kib + MORE_KIB) * 1024) < 0
		       ? NULL
		       : changed;
}

int main(int argc, char **argv)
{
	int at = 0;
	unsigned long kib = memory_kib(argv, &at);

	for (int i = 1; kib && i < argc; i++) {
		char *backend = backend_of(argv[i], kib);

		if (!backend)
			continue;
		argv[i] = backend;
		if (asprintf(&argv[at], "size=%luk", kib + MORE_KIB) < 0)
			abort();
		break;
	}
	execv(QEMU, argv);
	fprintf(stderr, "lab: %s: %s\n", QEMU, strerror(errno));
	return 127;
}
