/* ec2_tool: the calls of EC2 and the look-ups at a shell, for the tests. Lines of JSON in, {"do": FUNCTION, its arguments by name, "cancel_ms": raises the
 * client's cancel so much later}; one line of JSON out for each: what came of it, or {"error": the text, "code", "maybe_done", "cancelled"}. */
#include "aws/ec2.h"
#include "aws/lookup.h"
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

extern char **environ;

struct tool {
	struct arena arena; /* of a line */
	struct aws *aws;
	const struct json *line;
	struct json_writer *out;
	struct aws_error error;
	int timer;
};

/* --- in --- */

static struct str
text(const struct tool *tool, const char *name)
{
	return json_text(tool->line, name, (struct str){NULL, 0});
}

static struct words
words_of(struct tool *tool, const struct json *list)
{
	struct words words = {NULL, 0};
	for (size_t i = 0; list && i < list->count; i++)
		words_add(&tool->arena, &words, list->items[i]->string);
	return words;
}

static struct words
words(struct tool *tool, const char *name)
{
	return words_of(tool, json_member(tool->line, name));
}

/* Of "tags": {KEY: VALUE, …}. */
static struct ec2_tags
tags(const struct tool *tool)
{
	struct ec2_tags tags = {{{NULL, 0}}};
	const struct json *from = json_member(tool->line, "tags");
	for (size_t i = 0; i < EC2_TAG_COUNT; i++)
		tags.values[i] = json_text(from, ec2_tag_key((enum ec2_tag)i), (struct str){NULL, 0});
	return tags;
}

static enum ec2_kind
kind(const struct tool *tool)
{
	enum ec2_kind found = 0;
	while (found < EC2_KIND_COUNT && !str_is(text(tool, "kind"), ec2_kind_name(found)))
		found++;
	return found;
}

/* --- out --- */

static void
put_tags(struct tool *tool, const struct ec2_tags *tags)
{
	json_open_object(tool->out, "tags");
	for (size_t i = 0; i < EC2_TAG_COUNT; i++)
		if (tags->values[i].s)
			json_put_text(tool->out, ec2_tag_key((enum ec2_tag)i), tags->values[i]);
	json_close(tool->out);
}

static bool
put_text(struct tool *tool, bool done, const char *name, struct str value)
{
	if (done)
		json_put_text(tool->out, name, value);
	return done;
}

static bool
put_words(struct tool *tool, bool done, const char *name, struct words value)
{
	if (done)
		json_put_words(tool->out, name, value);
	return done;
}

static bool
put_integer(struct tool *tool, bool done, const char *name, int64_t value)
{
	if (done)
		json_put_integer(tool->out, name, value);
	return done;
}

static bool
put_instances(struct tool *tool, bool done, const struct ec2_instance *list, size_t count)
{
	json_open_array(tool->out, "instances");
	for (size_t i = 0; i < count; i++) {
		json_open_object(tool->out, NULL);
		json_put_text(tool->out, "id", list[i].id);
		json_put_text(tool->out, "type", list[i].type);
		json_put_text(tool->out, "zone", list[i].zone);
		json_put_text(tool->out, "private", list[i].private_address);
		json_put_text(tool->out, "public", list[i].public_address);
		json_put_text(tool->out, "image", list[i].image);
		json_put_integer(tool->out, "state", list[i].state);
		json_put_integer(tool->out, "index", list[i].launch_index);
		json_put_truth(tool->out, "spot", list[i].spot);
		json_put_text(tool->out, "reason", list[i].reason);
		put_tags(tool, &list[i].tags);
		json_close(tool->out);
	}
	json_close(tool->out);
	return done;
}

/* --- the network --- */

static bool
create_vpc(struct tool *tool)
{
	struct str id;
	struct ec2_tags own = tags(tool);
	return put_text(tool, ec2_create_vpc(tool->aws, &tool->arena, text(tool, "range"), &own, &id, &tool->error), "id", id);
}

static bool
create_gateway(struct tool *tool)
{
	struct str id;
	struct ec2_tags own = tags(tool);
	return put_text(tool, ec2_create_gateway(tool->aws, &tool->arena, &own, &id, &tool->error), "id", id);
}

static bool
create_subnet(struct tool *tool)
{
	struct str id;
	struct ec2_tags own = tags(tool);
	bool done = ec2_create_subnet(
		tool->aws, &tool->arena, text(tool, "vpc"), text(tool, "range"), text(tool, "zone"), &own, &id, &tool->error);
	return put_text(tool, done, "id", id);
}

static bool
create_group(struct tool *tool)
{
	struct str id;
	struct ec2_tags own = tags(tool);
	bool done = ec2_create_group(
		tool->aws, &tool->arena, text(tool, "vpc"), text(tool, "name"), text(tool, "text"), &own, &id, &tool->error);
	return put_text(tool, done, "id", id);
}

static bool
attach_gateway(struct tool *tool)
{
	return ec2_attach_gateway(tool->aws, &tool->arena, text(tool, "vpc"), text(tool, "gateway"), &tool->error);
}

static bool
main_route_table(struct tool *tool)
{
	struct str id;
	return put_text(tool, ec2_main_route_table(tool->aws, &tool->arena, text(tool, "vpc"), &id, &tool->error), "id", id);
}

static bool
create_route(struct tool *tool)
{
	return ec2_create_route(
		tool->aws, &tool->arena, text(tool, "table"), text(tool, "range"), text(tool, "gateway"), &tool->error);
}

/* "rules": [{"port": 22, "ranges": […], "from_group": true}, …] */
static bool
authorize(struct tool *tool)
{
	struct ec2_rule rules[8];
	const struct json *list = json_member(tool->line, "rules");
	for (size_t i = 0; i < list->count; i++)
		rules[i] = (struct ec2_rule){.port = (int)json_integer(list->items[i], "port", 0),
			.ranges = words_of(tool, json_member(list->items[i], "ranges")),
			.from_group = json_truth(list->items[i], "from_group", false)};
	return ec2_authorize(tool->aws, &tool->arena, text(tool, "group"), rules, list->count, &tool->error);
}

static bool
delete_it(struct tool *tool)
{
	return ec2_delete(tool->aws, &tool->arena, kind(tool), text(tool, "id"), &tool->error);
}

static bool
detach_gateway(struct tool *tool)
{
	return ec2_detach_gateway(tool->aws, &tool->arena, text(tool, "vpc"), text(tool, "gateway"), &tool->error);
}

static bool
gateway_vpc(struct tool *tool)
{
	struct str vpc;
	return put_text(tool, ec2_gateway_vpc(tool->aws, &tool->arena, text(tool, "gateway"), &vpc, &tool->error), "vpc", vpc);
}

static bool
describe_vpc(struct tool *tool)
{
	struct str range;
	return put_text(tool, ec2_describe_vpc(tool->aws, &tool->arena, text(tool, "id"), &range, &tool->error), "range", range);
}

static bool
describe_subnet(struct tool *tool)
{
	struct ec2_subnet subnet;
	if (!ec2_describe_subnet(tool->aws, &tool->arena, text(tool, "id"), &subnet, &tool->error))
		return false;
	json_put_text(tool->out, "id", subnet.id);
	json_put_text(tool->out, "vpc", subnet.vpc);
	json_put_text(tool->out, "zone", subnet.zone);
	json_put_text(tool->out, "range", subnet.range);
	json_put_integer(tool->out, "free", subnet.free_addresses);
	json_put_truth(tool->out, "public", subnet.public_addresses);
	return true;
}

/* --- machines --- */

static bool
run_instances(struct tool *tool)
{
	struct ec2_instance *list;
	size_t count;
	const struct ec2_launch launch = {
		.image = text(tool, "image"),
		.type = text(tool, "type"),
		.subnet = text(tool, "subnet"),
		.group = text(tool, "group"),
		.zone = text(tool, "zone"),
		.count = json_integer(tool->line, "count", 1),
		.minimum = json_integer(tool->line, "minimum", 1),
		.user_data = text(tool, "user_data"),
		.spot = json_truth(tool->line, "spot", false),
		.max_price = text(tool, "max_price"),
		.disk = json_integer(tool->line, "disk", 0),
		.root_device = text(tool, "root_device"),
		.role = text(tool, "role"),
		.token = text(tool, "token"),
		.tags = tags(tool),
	};
	bool done = ec2_run_instances(tool->aws, &tool->arena, &launch, &list, &count, &tool->error);
	return put_instances(tool, done, list, count);
}

static bool
describe_instances(struct tool *tool)
{
	struct ec2_instance *list;
	size_t count;
	struct words ids = words(tool, "ids");
	bool done = ec2_describe_instances(tool->aws, &tool->arena, &ids, text(tool, "run"), &list, &count, &tool->error);
	return put_instances(tool, done, list, count);
}

static bool
terminate(struct tool *tool)
{
	return ec2_terminate(tool->aws, &tool->arena, words(tool, "ids"), &tool->error);
}

static bool
set_tags(struct tool *tool)
{
	struct ec2_tags set = tags(tool);
	return ec2_set_tags(tool->aws, &tool->arena, words(tool, "ids"), &set, &tool->error);
}

static bool
find(struct tool *tool)
{
	struct ec2_thing *list;
	size_t count;
	bool done = ec2_find(tool->aws, &tool->arena, kind(tool), text(tool, "run"), &list, &count, &tool->error);
	json_open_array(tool->out, "things");
	for (size_t i = 0; done && i < count; i++) {
		json_open_object(tool->out, NULL);
		json_put_text(tool->out, "kind", str_from(ec2_kind_name(list[i].kind)));
		json_put_text(tool->out, "id", list[i].id);
		json_put_text(tool->out, "vpc", list[i].vpc);
		json_put_integer(tool->out, "state", list[i].state);
		put_tags(tool, &list[i].tags);
		json_close(tool->out);
	}
	json_close(tool->out);
	return done;
}

static bool
regions(struct tool *tool)
{
	struct words names;
	return put_words(tool, ec2_regions(tool->aws, &tool->arena, &names, &tool->error), "regions", names);
}

/* Of a "code": which kinds of error it is. */
static bool
what_error(struct tool *tool)
{
	const struct aws_error error = {.code = text(tool, "code")};
	const char *name = "", *where = "";
	bool quota = ec2_is_quota(&error, &name, &where);
	json_put_truth(tool->out, "capacity", ec2_is_capacity(&error));
	json_put_truth(tool->out, "busy", ec2_is_busy(&error));
	json_put_truth(tool->out, "not_yet", ec2_is_not_yet(&error));
	if (quota)
		json_put_words(tool->out, "quota", (struct words){(struct str[]){str_from(name), str_from(where)}, 2});
	return true;
}

/* --- look-ups --- */

static bool
image(struct tool *tool)
{
	struct aws_image found;
	json_put_truth(tool->out, "known", aws_image_is_known(text(tool, "name")));
	if (!aws_image(tool->aws, &tool->arena, text(tool, "name"), text(tool, "arch"), &found, &tool->error))
		return false;
	json_put_text(tool->out, "id", found.id);
	json_put_text(tool->out, "name", found.name);
	json_put_text(tool->out, "root_device", found.root_device);
	json_put_text(tool->out, "system", found.system);
	return true;
}

static bool
types(struct tool *tool)
{
	struct aws_type *list;
	size_t count;
	bool done = aws_types(tool->aws, &tool->arena, words(tool, "names"), &list, &count, &tool->error);
	json_open_object(tool->out, "types");
	for (size_t i = 0; done && i < count; i++) {
		json_open_object(tool->out, str_c(&tool->arena, list[i].name));
		json_put_integer(tool->out, "cpus", list[i].cpus);
		json_put_integer(tool->out, "memory", list[i].memory);
		json_put_truth(tool->out, "arm64", list[i].arm64);
		json_put_truth(tool->out, "amd64", list[i].amd64);
		json_close(tool->out);
	}
	json_close(tool->out);
	return done;
}

static bool
type_zones(struct tool *tool)
{
	struct words zones;
	return put_words(tool, aws_type_zones(tool->aws, &tool->arena, text(tool, "type"), &zones, &tool->error), "zones", zones);
}

static bool
price(struct tool *tool)
{
	int64_t millionths = 0;
	bool done = aws_price(tool->aws, &tool->arena, text(tool, "type"), &millionths, &tool->error);
	return put_integer(tool, done, "price", millionths);
}

static bool
spot_price(struct tool *tool)
{
	int64_t millionths = 0;
	bool done = aws_spot_price(tool->aws, &tool->arena, text(tool, "type"), &millionths, &tool->error);
	return put_integer(tool, done, "price", millionths);
}

static bool
cpu_quota(struct tool *tool)
{
	int64_t cpus = 0;
	bool done = aws_cpu_quota(tool->aws, &tool->arena, json_truth(tool->line, "spot", false), &cpus, &tool->error);
	return put_integer(tool, done, "cpus", cpus);
}

static bool
identity(struct tool *tool)
{
	struct str arn;
	return put_text(tool, aws_identity(tool->aws, &tool->arena, &arn, &tool->error), "arn", arn);
}

static bool
own_address(struct tool *tool)
{
	struct str range;
	return put_text(tool, aws_own_address(tool->aws, &tool->arena, &range, &tool->error), "range", range);
}

static const struct {
	const char *name;
	bool (*call)(struct tool *);
} verbs[] = {
	{"create_vpc", create_vpc},
	{"create_gateway", create_gateway},
	{"create_subnet", create_subnet},
	{"create_group", create_group},
	{"attach_gateway", attach_gateway},
	{"main_route_table", main_route_table},
	{"create_route", create_route},
	{"authorize", authorize},
	{"delete", delete_it},
	{"detach_gateway", detach_gateway},
	{"gateway_vpc", gateway_vpc},
	{"describe_vpc", describe_vpc},
	{"describe_subnet", describe_subnet},
	{"run_instances", run_instances},
	{"describe_instances", describe_instances},
	{"terminate", terminate},
	{"set_tags", set_tags},
	{"find", find},
	{"regions", regions},
	{"what_error", what_error},
	{"image", image},
	{"types", types},
	{"type_zones", type_zones},
	{"price", price},
	{"spot_price", spot_price},
	{"cpu_quota", cpu_quota},
	{"identity", identity},
	{"own_address", own_address},
};

static void
act(struct tool *tool)
{
	bool done = false;
	int64_t ms = json_integer(tool->line, "cancel_ms", 0);
	const struct itimerspec at = {.it_value = {ms / 1000, ms % 1000 * 1000000}};
	timerfd_settime(tool->timer, 0, &at, NULL);
	tool->error = (struct aws_error){.message = STR("there is no such function")};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (str_is(text(tool, "do"), verbs[i].name))
			done = verbs[i].call(tool);
	if (done)
		return;
	json_put_text(tool->out, "error", aws_error_text(&tool->arena, &tool->error));
	json_put_text(tool->out, "code", tool->error.code);
	json_put_truth(tool->out, "maybe_done", tool->error.maybe_done);
	json_put_truth(tool->out, "cancelled", tool->error.cancelled);
}

int
main(void)
{
	struct tool tool = {.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
	const struct os_cancel cancel = {.fd = tool.timer};
	const struct aws_options options = {.environment = environ, .cancel = &cancel};
	struct str why;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t n;
	tool.aws = aws_new(&options, &tool.arena, &why);
	if (!tool.aws) {
		fprintf(stderr, "%.*s\n", STR_ARG(why));
		return 1;
	}
	while ((n = getline(&line, &capacity, stdin)) > 0) {
		tool.out = json_writer_new(&tool.arena, false);
		json_open_object(tool.out, NULL);
		tool.line = json_read(&tool.arena, (struct str){line, (size_t)n}, &why);
		act(&tool);
		json_close(tool.out);
		printf("%.*s\n", STR_ARG(json_writer_text(tool.out)));
		fflush(stdout);
		arena_free(&tool.arena);
	}
	aws_free(tool.aws);
	arena_free(&tool.arena);
	free(line);
	return 0;
}
