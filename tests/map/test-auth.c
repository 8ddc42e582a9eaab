/* Passwords: how they are kept, that they are hashed once per connection, and that guessing slows
 * down who guesses and nobody else. */
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <string.h>

#include "map/auth.h"
#include "map/bucket.h"
#include "map/password.h"

static char *dir;
static char *file;

static void write_passwords(const char *const *names, const char *password)
{
	g_autoptr(GString) text = g_string_new("# clients\n\n");

	for (; *names; names++) {
		g_autofree char *line = map_password_line(*names, password, 1, NULL);
		g_string_append_printf(text, "%s\n", line);
	}
	g_assert_true(g_file_set_contents(file, text->str, -1, NULL));
}

static struct map_auth *make_auth(struct map_config *config)
{
	g_autoptr(GError) error = NULL;

	config->password_file = file;
	config->clients = g_hash_table_new(g_str_hash, g_str_equal);
	struct map_auth *auth = map_auth_new(config, &error);
	g_assert_no_error(error);
	return auth;
}

static char *header_of(const char *name, const char *password)
{
	g_autofree char *pair = g_strdup_printf("%s:%s", name, password);
	g_autofree char *token = g_base64_encode((const guchar *)pair, strlen(pair));
	return g_strconcat("Basic ", token, NULL);
}

/* One attempt on a connection of its own. */
static enum map_basic attempt(
	struct map_auth *auth, const char *name, const char *password, const char *from)
{
	g_autofree char *header = header_of(name, password);
	struct map_proof proof = { 0 };
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = { 0 };

	if (inet_pton(AF_INET, from, &address.in.sin_addr) == 1)
		address.in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, from, &address.in6.sin6_addr) == 1)
		address.in6.sin6_family = AF_INET6;
	enum map_basic verdict = map_auth_check_basic(auth, header, &address.any, &proof);
	g_assert_true((verdict == MAP_BASIC_GOOD) == (proof.identity != NULL));
	map_proof_clear(&proof);
	return verdict;
}

/* Guesses until they are not looked at any more; how many were. */
static unsigned guess(struct map_auth *auth, const char *name, const char *from)
{
	for (unsigned i = 0; i < 100; i++) {
		static unsigned n;
		g_autofree char *password = g_strdup_printf("wrong%u", n++);
		enum map_basic verdict = attempt(auth, name, password, from);
		g_assert_cmpint(verdict, !=, MAP_BASIC_GOOD);
		if (verdict == MAP_BASIC_LATER)
			return i;
	}
	return 100;
}

#define HOME  "192.0.2.1"
#define OTHER "192.0.2.2"

static void test_hash(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *line = map_password_line("pep1", "a:b c", 1, &error);
	g_autofree char *again = map_password_line("pep1", "a:b c", 1, NULL);

	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(line, "pep1:$y$"));
	g_assert_cmpstr(line, !=, again); /* salted */
	g_assert_true(map_password_matches(line + 5, "a:b c"));
	g_assert_false(map_password_matches(line + 5, "a:b d"));
	g_assert_false(map_password_matches(line + 5, ""));
	g_assert_false(map_password_matches(NULL, "a:b c"));
	g_assert_null(map_password_line("a b", "x", 1, NULL));
	g_assert_null(map_password_line("a:b", "x", 1, NULL));
	g_assert_null(map_password_line("", "x", 1, NULL));
	g_assert_null(map_password_line("a", "", 1, NULL));
	g_autofree char *long_one = g_strnfill(600, 'x');
	g_assert_null(map_password_line("a", long_one, 1, &error));
	g_assert_nonnull(strstr(error->message, "at most 511 bytes"));
}

static void test_file(void)
{
	static const char *const bad[] = { "pep1\n", "pep1:\n", "pep1:secret\n", ":$y$j75$a\n",
		"pep1:$6$salt$hash\n",
		"a b:$y$j75$qfeRor/b.NszmVgWO3DHl.$vDke1f3gl43t.TNwp8RlLbd9V7/VukZ2/n0RvtscXF6\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *text = g_strconcat("# first\n", bad[i], NULL);
		g_autoptr(GError) error = NULL;
		g_assert_true(g_file_set_contents(file, text, -1, NULL));
		g_autoptr(GHashTable) hashes = map_password_load(file, &error);
		g_assert_null(hashes);
		g_assert_nonnull(strstr(error->message, "/passwords:2: not a line NAME:HASH"));
		g_assert_null(strstr(error->message, "secret"));
	}
}

/* What a connection has proved is not hashed again: also a wrong allowance does not stop it. */
static void test_once_per_connection(void)
{
	struct map_config config = { 0 };
	struct map_proof proof = { 0 };
	write_passwords((const char *const[]){ "a", "b", NULL }, "pw");
	g_autoptr(map_auth) auth = make_auth(&config);
	g_autofree char *a = header_of("a", "pw");
	g_autofree char *b = header_of("b", "pw");

	g_assert_cmpint(map_auth_check_basic(auth, a, NULL, &proof), ==, MAP_BASIC_GOOD);
	struct map_identity *first = proof.identity;
	g_assert_cmpstr(first->name, ==, "a");
	g_assert_cmpint(map_auth_check_basic(auth, a, NULL, &proof), ==, MAP_BASIC_GOOD);
	g_assert_true(proof.identity == first); /* the same, not another of equal content */
	g_assert_cmpint(map_auth_check_basic(auth, b, NULL, &proof), ==, MAP_BASIC_GOOD);
	g_assert_cmpstr(proof.identity->name, ==, "b");
	g_assert_cmpint(map_auth_check_basic(auth, "Basic !", NULL, &proof), ==, MAP_BASIC_BAD);
	g_assert_cmpint(map_auth_check_basic(auth, "Bearer x", NULL, &proof), ==, MAP_BASIC_BAD);
	map_proof_clear(&proof);
	g_hash_table_unref(config.clients);
}

/* A changed file counts at once, on connections that stand too; one with an error not at all. */
static void test_reload(void)
{
	struct map_config config = { 0 };
	struct map_proof proof = { 0 };
	g_autoptr(GError) error = NULL;
	write_passwords((const char *const[]){ "a", NULL }, "pw");
	g_autoptr(map_auth) auth = make_auth(&config);
	g_autofree char *header = header_of("a", "pw");

	g_assert_cmpint(map_auth_check_basic(auth, header, NULL, &proof), ==, MAP_BASIC_GOOD);
	g_assert_true(g_file_set_contents(file, "rubbish\n", -1, NULL));
	g_assert_false(map_auth_reload(auth, &error));
	g_assert_cmpint(map_auth_check_basic(auth, header, NULL, &proof), ==, MAP_BASIC_GOOD);
	write_passwords((const char *const[]){ "a", NULL }, "other");
	g_assert_true(map_auth_reload(auth, NULL));
	g_assert_cmpint(map_auth_check_basic(auth, header, NULL, &proof), ==, MAP_BASIC_BAD);
	map_proof_clear(&proof);
	g_hash_table_unref(config.clients);
}

static void test_guessing(void)
{
	struct map_config config = { 0 };
	write_passwords((const char *const[]){ "a", "b", NULL }, "pw");
	g_autoptr(map_auth) auth = make_auth(&config);

	/* b has been here before from the same address, a never. */
	g_assert_cmpint(attempt(auth, "b", "pw", HOME), ==, MAP_BASIC_GOOD);
	unsigned n = guess(auth, "b", HOME);
	g_assert_cmpuint(n, >=, 5);
	g_assert_cmpuint(n, <, 10);
	/* b itself comes in all the same, the guesser does not. */
	g_assert_cmpint(attempt(auth, "b", "pw", HOME), ==, MAP_BASIC_GOOD);
	g_assert_cmpuint(guess(auth, "b", HOME), <=, 2); /* what time gave back meanwhile */
	/* Nor is anybody else concerned: another name from there, the same name from elsewhere. */
	g_assert_cmpint(attempt(auth, "a", "pw", HOME), ==, MAP_BASIC_GOOD);
	guess(auth, "a", OTHER);
	g_assert_cmpint(attempt(auth, "a", "pw", HOME), ==, MAP_BASIC_GOOD);
	/* Names that do not exist have one allowance together. */
	unsigned looked_at = 0;
	for (unsigned i = 0; i < 20; i++) {
		g_autofree char *name = g_strdup_printf("nobody%u", i);
		looked_at += attempt(auth, name, "pw", HOME) == MAP_BASIC_BAD;
	}
	g_assert_cmpuint(looked_at, <, 10);
	g_hash_table_unref(config.clients);
}

/* A client that goes on with an old password does not use its allowance up. */
static void test_old_password(void)
{
	struct map_config config = { 0 };
	write_passwords((const char *const[]){ "a", NULL }, "pw");
	g_autoptr(map_auth) auth = make_auth(&config);

	for (unsigned i = 0; i < 50; i++)
		g_assert_cmpint(attempt(auth, "a", "old", HOME), ==, MAP_BASIC_BAD);
	g_assert_cmpint(attempt(auth, "a", "pw", HOME), ==, MAP_BASIC_GOOD);
	g_hash_table_unref(config.clients);
}

/* In IPv6 a host has as many addresses as it likes: the /64 counts. */
static void test_networks(void)
{
	struct map_config config = { 0 };
	write_passwords((const char *const[]){ "a", NULL }, "pw");
	g_autoptr(map_auth) auth = make_auth(&config);

	g_assert_cmpuint(guess(auth, "a", "2001:db8::1"), <, 10);
	g_assert_cmpuint(guess(auth, "a", "2001:db8::2"), <=, 2);
	g_assert_cmpuint(guess(auth, "a", "2001:db8:0:1::2"), >=, 5);
	g_assert_cmpuint(guess(auth, "a", "::ffff:192.0.2.9"), >=, 5);
	g_assert_cmpuint(guess(auth, "a", "192.0.2.9"), <=, 2);
	g_hash_table_unref(config.clients);
}

static void test_bucket(void)
{
	struct map_bucket bucket = { 0 };
	const gint64 second = G_USEC_PER_SEC;

	for (unsigned i = 0; i < 3; i++)
		g_assert_true(map_bucket_take(&bucket, 2, 3, second));
	g_assert_false(map_bucket_take(&bucket, 2, 3, second));
	g_assert_false(map_bucket_take(&bucket, 2, 3, second + second / 4));
	g_assert_true(map_bucket_take(&bucket, 2, 3, second + second / 2));
	g_assert_false(map_bucket_take(&bucket, 2, 3, second + second / 2));
	for (unsigned i = 0; i < 3; i++)
		g_assert_true(map_bucket_take(&bucket, 2, 3, 100 * second));
	g_assert_false(map_bucket_take(&bucket, 2, 3, 100 * second));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("drover-auth-XXXXXX", NULL);
	file = g_build_filename(dir, "passwords", NULL);
	g_test_add_func("/map/auth/bucket", test_bucket);
	g_test_add_func("/map/auth/hash", test_hash);
	g_test_add_func("/map/auth/password file", test_file);
	g_test_add_func("/map/auth/once per connection", test_once_per_connection);
	g_test_add_func("/map/auth/reload", test_reload);
	g_test_add_func("/map/auth/guessing", test_guessing);
	g_test_add_func("/map/auth/an old password", test_old_password);
	g_test_add_func("/map/auth/networks", test_networks);
	int status = g_test_run();
	g_unlink(file);
	g_rmdir(dir);
	g_free(file);
	g_free(dir);
	return status;
}
