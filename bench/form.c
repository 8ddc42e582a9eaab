#include "form.h"

#include <string.h>

#define MAX_TEXT 18

/* Four octets of 100 to 199, two digits of the number in each. */
static void write_ip(char text[MAX_TEXT], unsigned number)
{
	(void)g_snprintf(text, MAX_TEXT, "1%02u.1%02u.1%02u.1%02u", number / 1000000 % 100,
		number / 10000 % 100, number / 100 % 100, number % 100);
}

static void write_mac(char text[MAX_TEXT], unsigned number)
{
	(void)g_snprintf(text, MAX_TEXT, "02:00:%02x:%02x:%02x:%02x", number >> 24,
		number >> 16 & 0xff, number >> 8 & 0xff, number & 0xff);
}

struct ifmap_id *form_ip(unsigned number)
{
	char text[MAX_TEXT];

	write_ip(text, number);
	return ifmap_id_new_ip(text, NULL, NULL);
}

struct ifmap_id *form_mac(unsigned number)
{
	char text[MAX_TEXT];

	write_mac(text, number);
	return ifmap_id_new_mac(text, NULL, NULL);
}

/* Where an address stands. */
struct place {
	char *at;
	unsigned number;
};

struct form {
	char *http;
	GArray *ips; /* struct place */
	GArray *macs;
};

static GArray *find_places(
	char *http, unsigned n_addresses, void (*write)(char text[MAX_TEXT], unsigned number))
{
	GArray *places = g_array_new(FALSE, FALSE, sizeof(struct place));
	char text[MAX_TEXT];

	for (unsigned i = 0; i < n_addresses; i++) {
		write(text, i);
		for (char *at = http; (at = strstr(at, text)); at++) {
			const struct place place = { at, i };
			g_array_append_val(places, place);
		}
	}
	return places;
}

struct form *form_new(char *http, unsigned n_addresses)
{
	struct form *form = g_new(struct form, 1);

	form->http = http;
	form->ips = find_places(http, n_addresses, write_ip);
	form->macs = find_places(http, n_addresses, write_mac);
	return form;
}

void form_free(struct form *form)
{
	if (!form)
		return;
	g_free(form->http);
	g_array_unref(form->ips);
	g_array_unref(form->macs);
	g_free(form);
}

static void fill(
	const GArray *places, unsigned number, void (*write)(char text[MAX_TEXT], unsigned number))
{
	char text[MAX_TEXT];

	for (guint i = 0; i < places->len; i++) {
		const struct place *place = &g_array_index(places, struct place, i);

		write(text, number + place->number);
		memcpy(place->at, text, strlen(text));
	}
}

const char *form_fill(struct form *form, unsigned ip, unsigned mac)
{
	fill(form->ips, ip, write_ip);
	fill(form->macs, mac, write_mac);
	return form->http;
}
