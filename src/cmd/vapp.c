/* vapp list|show|import|export|capture|start|stop|remove. */
#include "cmd/command.h"
#include "cmd/names.h"
#include "cmd/order.h"
#include "cmd/out.h"
#include "vapp/capture.h"
#include "vapp/ovf.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

/* ---- list and show ---- */

static const struct world_copy *copy_of(const struct world *world, const char *uuid)
{
	const struct world_machine *machine = world_find_machine(world, uuid);

	return machine ? world_machine_active(machine) : NULL;
}

static void add_machine_rows(
	struct out_table *table, const struct world *world, const struct world_vapp *vapp)
{
	for (unsigned i = 0; i < vapp->vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->vapp->machines->pdata[i];
		g_autofree char *uuid = vapp_machine_uuid(vapp->vapp, machine);
		const struct world_copy *copy = copy_of(world, uuid);
		gboolean enforced = copy && copy->enforced && copy->enforced->conforming;

		out_table_add(table, (const char *[]){ vapp->name, machine->name, machine->tier,
					     vapp_machine_label(vapp->vapp, machine),
					     copy ? world_host_name(copy->host) : NULL,
					     copy ? copy->runs_on->state : "off",
					     !copy      ? NULL
					     : enforced ? "yes"
							: "NO",
					     uuid });
	}
}

static json_t *machine_json(
	const struct world *world, const struct vapp *vapp, const struct vapp_machine *machine)
{
	g_autofree char *uuid = vapp_machine_uuid(vapp, machine);
	const struct world_copy *copy = copy_of(world, uuid);

	return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s, s:b}", "name", machine->name, "uuid",
		uuid, "tier", machine->tier, "label", vapp_machine_label(vapp, machine), "host",
		copy ? world_host_name(copy->host) : NULL, "state",
		copy ? copy->runs_on->state : "off", "enforced",
		copy && copy->enforced && copy->enforced->conforming);
}

static json_t *vapp_json(const struct world *world, const struct world_vapp *vapp)
{
	json_t *machines = json_array();

	for (unsigned i = 0; vapp->vapp && i < vapp->vapp->machines->len; i++)
		json_array_append_new(
			machines, machine_json(world, vapp->vapp, vapp->vapp->machines->pdata[i]));
	return json_pack("{s:s, s:s?, s:s?, s:o}", "name", vapp->name, "version",
		vapp->vapp ? vapp->vapp->version : NULL, "error", vapp->error, "machines",
		machines);
}

static int print_vapps(struct context *context, const struct world *world, const char *only)
{
	g_autoptr(GPtrArray) vapps = world_vapps(world);
	struct out_table *table = out_table_new((const char *[]){
		"VAPP", "MACHINE", "TIER", "LABEL", "HOST", "STATE", "ENFORCED", "UUID", NULL });
	json_t *list = json_array();

	for (unsigned i = 0; i < vapps->len; i++) {
		const struct world_vapp *vapp = vapps->pdata[i];

		if (only && strcmp(vapp->name, only) != 0)
			continue;
		json_array_append_new(list, vapp_json(world, vapp));
		if (vapp->vapp)
			add_machine_rows(table, world, vapp);
		else if (vapp->error)
			context_say(
				0, "%s: its package cannot be read: %s", vapp->name, vapp->error);
	}
	out_either(context->json, table, list);
	return COMMAND_DONE;
}

int cmd_vapp_list(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);

	return world ? print_vapps(context, world, NULL) : code;
}

static void print_flows(const struct vapp *vapp)
{
	struct out_table *table = out_table_new((const char *[]){
		"FLOW", "FROM", "TO", "PROTOCOL", "PORTS", "NETWORK", "PATHS", NULL });

	for (unsigned i = 0; i < vapp->flows->len; i++) {
		const struct vapp_flow *flow = vapp->flows->pdata[i];
		g_autofree char *ports = vapp_ports_to_string(flow->ports);
		g_autofree char *paths = g_strdup_printf("%u", flow->n_paths);

		out_table_add(table, (const char *[]){ flow->id, flow->from.name, flow->to.name,
					     vapp_protocol_to_string(flow->protocol), ports,
					     flow->network, paths });
	}
	out_table_print(table, stdout);
}

int cmd_vapp_show(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *vapp = world ? names_vapp(world, args[0]) : NULL;

	if (!vapp)
		return world ? COMMAND_REFUSED : code;
	print_vapps(context, world, args[0]);
	if (!context->json && vapp->vapp) {
		putchar('\n');
		print_flows(vapp->vapp);
	}
	return COMMAND_DONE;
}

/* ---- import and export ---- */

static struct vapp *read_package(const char *path, char **ret_base, GError **error)
{
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);

	*ret_base = g_path_get_dirname(absolute);
	return ovf_read_file(absolute, g_str_has_suffix(path, ".ova") ? *ret_base : NULL, error);
}

int cmd_vapp_import(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autofree char *base = NULL;
	g_autoptr(vapp_value) vapp = read_package(args[0], &base, &error);
	g_autofree char *ovf = vapp ? ovf_write(vapp) : NULL;
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	g_autoptr(ifmap_id) id = vapp ? facts_id_vapp(vapp->name, &error) : NULL;
	struct facts_in_fleet in_fleet = { .kind = (char *)"vapp" };
	struct facts_package package = {
		.ovf = ovf, .base = base, .by = (char *)context_who(), .at_ms = context_now_ms()
	};

	if (!id)
		return context_fail("import", error);
	facts_publish(publish, FACTS_PACKAGE, id, NULL, &package);
	facts_publish_forever(publish, FACTS_IN_FLEET, fleet, id, &in_fleet);
	if (!context_publish(context, g_steal_pointer(&publish), &code))
		return code;
	if (context->json)
		out_json(json_pack("{s:s, s:s?, s:i}", "name", vapp->name, "version", vapp->version,
			"machines", (int)vapp->machines->len));
	else if (!context->quiet)
		printf("%s version %s: %u machines, %u flows\n", vapp->name, vapp->version,
			vapp->machines->len, vapp->flows->len);
	return COMMAND_DONE;
}

static int write_out(const struct context *context, const char *text)
{
	GError *error = NULL;

	if (!context->output && context->json) {
		out_json(json_pack("{s:s}", "ovf", text));
		return COMMAND_DONE;
	}
	if (!context->output) {
		fputs(text, stdout);
		return COMMAND_DONE;
	}
	return g_file_set_contents(context->output, text, -1, &error)
		       ? COMMAND_DONE
		       : context_fail("output", error);
}

/* An archive if that is asked for by name, else the envelope. `file_dir`: where hrefs begin. */
static int write_package(
	const struct context *context, const struct vapp *vapp, const char *file_dir)
{
	g_autofree char *ovf = NULL;
	GError *error = NULL;

	if (context->output && g_str_has_suffix(context->output, ".ova"))
		return ovf_write_ova(vapp, file_dir, context->output, &error)
			       ? COMMAND_DONE
			       : context_fail("output", error);
	ovf = ovf_write(vapp);
	return write_out(context, ovf);
}

int cmd_vapp_export(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *vapp = world ? names_package(world, args[0]) : NULL;

	if (!vapp)
		return world ? COMMAND_REFUSED : code;
	if (context->output && g_str_has_suffix(context->output, ".ova"))
		return write_package(
			context, vapp->vapp, vapp->package->base ? vapp->package->base : "/");
	return write_out(context, vapp->package->ovf);
}

/* ---- capture ---- */

static void on_libvirt_error(void *data, virErrorPtr error)
{
}

static char *domain_xml(virConnect *conn, const char *name)
{
	virDomain *domain = virDomainLookupByName(conn, name);
	char *xml = NULL;

	if (!domain)
		domain = virDomainLookupByUUIDString(conn, name);
	if (domain) {
		xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
		virDomainFree(domain);
	}
	return xml;
}

/* The domains' XML in the order asked for; NULL after having said which one there is not. */
static char **read_domains(const char *uri, char **names)
{
	virConnect *conn = virConnectOpenReadOnly(uri);
	g_autoptr(GStrvBuilder) xmls = g_strv_builder_new();
	const char *missing = NULL;

	if (!conn) {
		context_say(0, "libvirt: %s", virGetLastErrorMessage());
		return NULL;
	}
	for (size_t i = 0; names[i] && !missing; i++) {
		g_autofree char *xml = domain_xml(conn, names[i]);

		if (xml)
			g_strv_builder_add(xmls, xml);
		else
			missing = names[i];
	}
	if (missing)
		context_say(0, "%s: %s", missing, virGetLastErrorMessage());
	virConnectClose(conn);
	return missing ? NULL : g_strv_builder_end(xmls);
}

/* What was given with --address and --allow; FALSE with an error. */
static gboolean declare(const struct context *context, struct vapp *vapp, GError **error)
{
	for (char **text = context->address; text && *text; text++)
		if (!vapp_address(vapp, *text, error))
			return FALSE;
	for (char **text = context->allow; text && *text; text++)
		if (!vapp_allow(vapp, *text, error))
			return FALSE;
	return vapp_validate(vapp, "capture", error);
}

static void notice_no_flows(const struct context *context, const struct vapp *vapp)
{
	if (vapp->flows->len == 0 && !context->quiet)
		context_say(0,
			"no flows declared: once imported, every connection of these %u machines will be refused; add --allow FROM:TO:tcp/PORT, or <Flow> rows in the package (`drover why MACHINE` then shows what was refused)",
			vapp->machines->len);
}

int cmd_vapp_capture(struct context *context, char **args)
{
	GError *error = NULL;
	g_auto(GStrv) xmls = NULL;
	g_autoptr(vapp_value) vapp = NULL;

	if (!context->name) {
		context_say(0, "vapp capture: --name is missing");
		return COMMAND_USAGE;
	}
	virSetErrorFunc(NULL, on_libvirt_error);
	xmls = read_domains(context->connect ? context->connect : "qemu:///system", args);
	if (!xmls)
		return COMMAND_REFUSED;
	vapp = vapp_capture(
		context->name, "1", (const char *const *)xmls, g_strv_length(xmls), &error);
	if (!vapp || !declare(context, vapp, &error))
		return context_fail("capture", error);
	notice_no_flows(context, vapp);
	return write_package(context, vapp, "/");
}

/* ---- start, stop, remove ---- */

int cmd_vapp_start(struct context *context, char **args)
{
	return order_request(context, args[0], "start", context->to);
}

int cmd_vapp_stop(struct context *context, char **args)
{
	return order_request(context, args[0], "stop", NULL);
}

int cmd_vapp_remove(struct context *context, char **args)
{
	return order_request(context, args[0], "remove", NULL);
}
