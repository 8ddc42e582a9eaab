/* libnftables behind struct enforce_kernel: the only file that includes it. */
#include "host/enforce_kernel.h"

#include <nftables/libnftables.h>
#include <string.h>

struct nft {
	struct enforce_kernel ops; /* first */
	struct nft_ctx *ctx;
};

G_DEFINE_QUARK(drover - enforce - kernel - error, enforce_kernel_error)

/* Runs commands; the output is borrowed until the next run. */
static const char *run(struct nft *nft, json_t *commands, GError **error)
{
	json_t *root = json_pack("{s:o}", "nftables", commands);
	char *text = json_dumps(root, JSON_COMPACT);
	int failed = nft_run_cmd_from_buffer(nft->ctx, text);

	free(text);
	json_decref(root);
	if (failed) {
		const char *why = nft_ctx_get_error_buffer(nft->ctx);
		int line = (int)strcspn(why, "\n");
		gboolean absent = strstr(why, "No such file or directory") != NULL;

		g_set_error(error, ENFORCE_KERNEL_ERROR,
			absent ? ENFORCE_KERNEL_ERROR_ABSENT : ENFORCE_KERNEL_ERROR_REFUSED,
			"nftables: %.*s", MIN(line, 300), why);
		return NULL;
	}
	return nft_ctx_get_output_buffer(nft->ctx);
}

static gboolean nft_apply(struct enforce_kernel *kernel, const json_t *commands, GError **error)
{
	return run((struct nft *)kernel, json_incref((json_t *)commands), error) != NULL;
}

static json_t *nft_list(
	struct enforce_kernel *kernel, const char *what, const json_t *object, GError **error)
{
	json_t *command = json_pack("[{s:{s:O}}]", "list", what, (json_t *)object);
	const char *output = run((struct nft *)kernel, command, error);
	json_t *root, *array;
	json_error_t why;

	if (!output)
		return NULL;
	root = json_loads(output, 0, &why);
	array = json_incref(json_object_get(root, "nftables"));
	json_decref(root);
	if (!array)
		g_set_error(error, ENFORCE_KERNEL_ERROR, ENFORCE_KERNEL_ERROR_REFUSED,
			"nftables: cannot read what it lists: %s", why.text);
	return array;
}

static void nft_free(struct enforce_kernel *kernel)
{
	struct nft *nft = (struct nft *)kernel;

	nft_ctx_free(nft->ctx);
	g_free(nft);
}

struct enforce_kernel *enforce_nft_new(void)
{
	struct nft *nft = g_new0(struct nft, 1);

	nft->ops = (struct enforce_kernel){
		.apply = nft_apply, .list = nft_list, .free = nft_free
	};
	nft->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	nft_ctx_output_set_flags(nft->ctx, NFT_CTX_OUTPUT_JSON);
	nft_ctx_buffer_output(nft->ctx);
	nft_ctx_buffer_error(nft->ctx);
	return &nft->ops;
}
