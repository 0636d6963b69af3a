#include "aws/fleet.h"
#include "aws/user_data.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/os.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* The largest file of public keys that is read. */
#define KEYS_LIMIT ((size_t)1 << 16)
/* The addresses of a subnet that AWS keeps for itself. */
#define ADDRESSES_KEPT 5
/* The smallest and the largest network that a VPC or a subnet can be. */
#define LONGEST_PREFIX 28
#define SHORTEST_PREFIX 16
/* The subnet, where the file does not say which and it is large enough. */
#define USUAL_PREFIX 24

/* --- addresses --- */

/* The range as numbers; false where it is none of IPv4. */
static bool
read_range(struct str text, uint32_t *base, int *bits)
{
	char address[INET_ADDRSTRLEN];
	size_t slash = str_find(text, '/');
	struct in_addr in;
	int64_t prefix;
	if (slash >= sizeof address || !str_integer(str_part(text, slash + 1, text.n), &prefix) || prefix < 0 || prefix > 32)
		return false;
	memcpy(address, text.s, slash);
	address[slash] = '\0';
	*bits = (int)prefix;
	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	*base = ntohl(in.s_addr);
	return true;
}

static uint32_t
machines_in(int bits)
{
	return bits > 29 ? 0 : (uint32_t)((UINT64_C(1) << (32 - bits)) - ADDRESSES_KEPT);
}

static bool
is_within(uint32_t base, int bits, uint32_t outer, int outer_bits)
{
	return bits >= outer_bits && (outer_bits == 0 || base >> (32 - outer_bits) == outer >> (32 - outer_bits));
}

/* The first addresses of the VPC, as many as the machines need. */
static struct str
usual_subnet(struct arena *arena, uint32_t vpc, int vpc_bits, uint32_t count)
{
	int bits = vpc_bits > USUAL_PREFIX ? vpc_bits : USUAL_PREFIX;
	while (bits > vpc_bits && machines_in(bits) < count)
		bits--;
	struct in_addr in = {htonl(vpc)};
	char address[INET_ADDRSTRLEN];
	return str_printf(arena, "%s/%d", inet_ntop(AF_INET, &in, address, sizeof address), bits);
}

static bool
check_ranges(const struct fleet_seen *seen, uint32_t count, struct diags *diags)
{
	uint32_t vpc, subnet;
	int vpc_bits, bits;
	struct diag *diag;
	struct str range = seen->subnet_range;
	bool read = read_range(range, &subnet, &bits);
	if (!read || bits > LONGEST_PREFIX || bits < SHORTEST_PREFIX) {
		diag = diag_error(diags, SPAN_NONE, "'network: subnet = %.*s' cannot be a subnet", STR_ARG(range));
		diag_hint(diag, "EC2 has IPv4 subnets from /%d to /%d", SHORTEST_PREFIX, LONGEST_PREFIX);
	} else if (machines_in(bits) < count) {
		diag = diag_error(diags, SPAN_NONE, "%u machines do not fit into the subnet %.*s", count, STR_ARG(range));
		diag_hint(diag, "it has %u addresses for machines; a larger one is 'network: subnet = …/%d'", machines_in(bits),
			bits - 1);
	} else if (!seen->vpc.n && (!read_range(seen->vpc_range, &vpc, &vpc_bits) || !is_within(subnet, bits, vpc, vpc_bits))) {
		diag = diag_error(diags, SPAN_NONE, "the subnet %.*s is not in the VPC's range %.*s", STR_ARG(range),
			STR_ARG(seen->vpc_range));
		diag_hint(diag, "choose both in 'network:', or leave 'subnet' out");
	} else {
		return true;
	}
	return false;
}

/* EC2 takes ranges only. */
static void
lay_out_ssh(struct arena *arena, const struct project *project, struct fleet_seen *seen)
{
	for (size_t i = 0; i < project->network.ssh.n; i++) {
		struct str one = project->network.ssh.w[i];
		bool range = str_find(one, '/') < one.n, v6 = str_find(one, ':') < one.n;
		words_add(arena, &seen->ssh, range ? one : str_printf(arena, "%.*s/%d", STR_ARG(one), v6 ? 128 : 32));
	}
}

static bool
lay_out_network(struct arena *arena, const struct project *project, struct fleet_seen *seen, uint32_t count, struct diags *diags)
{
	const struct network_settings *set = &project->network;
	bool subnet_given = set->given & GIVEN(network, subnet);
	uint32_t vpc;
	int bits;
	if (str_starts(set->vpc, STR("vpc-")))
		seen->vpc = set->vpc;
	else
		seen->vpc_range = set->vpc;
	if (str_starts(set->subnet, STR("subnet-"))) {
		seen->subnet = set->subnet;
		if (seen->vpc.n || !(set->given & GIVEN(network, vpc)))
			return true;
		diag_hint(diag_error(diags, SPAN_NONE, "the subnet %.*s cannot be in a VPC that is made for the run",
				  STR_ARG(set->subnet)),
			"leave 'network: vpc' out: the subnet's own is used");
		return false;
	}
	if (seen->vpc.n && !subnet_given) {
		diag_hint(diag_error(diags, SPAN_NONE, "nothing says where in %.*s the machines are to be", STR_ARG(seen->vpc)),
			"add to 'network:' subnet = subnet-… for one that exists, or addresses of the VPC that are free");
		return false;
	}
	seen->subnet_range = set->subnet;
	if (!subnet_given && read_range(seen->vpc_range, &vpc, &bits))
		seen->subnet_range = usual_subnet(arena, vpc, bits, count);
	return check_ranges(seen, count, diags);
}

/* --- keys --- */

/* "~/.ssh/id.pub", or relative to the Edccfile's folder. */
static const char *
key_path(struct arena *arena, const struct project *project, struct str name)
{
	const char *home = getenv("HOME");
	if (str_starts(name, STR("~/")) && home)
		return str_printf(arena, "%s%.*s", home, STR_ARG(str_part(name, 1, name.n))).s;
	if (*name.s == '/')
		return str_c(arena, name);
	return str_printf(arena, "%.*s/%.*s", STR_ARG(project->dir), STR_ARG(name)).s;
}

static bool
is_public_key(struct str line)
{
	static const char *const kinds[] = {"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_starts(line, str_from(kinds[i])) && str_find(line, ' ') < line.n)
			return true;
	return false;
}

/* What goes into user data can be read on the machines: a private key that was named by mistake must not. */
static bool
read_keys(struct arena *arena, const struct project *project, struct fleet_seen *seen, struct diags *diags)
{
	struct words names = project->network.keys;
	bool good = true;
	for (size_t i = 0; i < names.n; i++) {
		struct str text, line, error;
		const char *path = key_path(arena, project, names.w[i]);
		if (!os_read(arena, path, KEYS_LIMIT, &text, &error)) {
			diag_hint(diag_error(diags, SPAN_NONE, "%.*s", STR_ARG(error)), "'network: keys' names it");
			good = false;
			continue;
		}
		while (str_split(&text, '\n', &line)) {
			line = str_trim(line);
			if (!line.n || *line.s == '#')
				continue;
			if (is_public_key(line)) {
				words_add(arena, &seen->keys, line);
				continue;
			}
			diag_hint(diag_error(diags, SPAN_NONE, "'%.*s' is no file of public keys", STR_ARG(names.w[i])),
				"'network: keys' takes what is called …pub");
			good = false;
			break;
		}
	}
	return good;
}

/* --- machines --- */

/* By the size in its name, as most families have it. */
static int64_t
guess_cpus(struct str type)
{
	static const struct {
		const char *size;
		int64_t cpus;
	} sizes[] = {{"nano", 2}, {"micro", 2}, {"small", 2}, {"medium", 2}, {"large", 2}, {"xlarge", 4}};
	struct str size = str_part(type, str_find(type, '.') + 1, type.n);
	int64_t times = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (str_is(size, sizes[i].size))
			return sizes[i].cpus;
	if (str_ends(size, STR("xlarge")) && str_integer(str_part(size, 0, size.n - strlen("xlarge")), &times))
		return 4 * times;
	return 2;
}

static struct fleet_type *
type_named(struct arena *arena, struct fleet_seen *seen, struct str name)
{
	for (size_t i = 0; i < seen->type_count; i++)
		if (str_eq(seen->types[i].name, name))
			return &seen->types[i];
	struct fleet_type *type = &seen->types[seen->type_count++];
	*type = (struct fleet_type){.name = str_dup(arena, name), .cpus = guess_cpus(name), .price = -1, .spot_price = -1};
	return type;
}

static void
add_launch(struct arena *arena, const struct project *project, struct fleet_seen *seen, const struct instance_group *group,
	uint32_t first, uint32_t count)
{
	const struct host_settings *host = &project->host;
	bool has_host = first == 0, own = has_host && count == 1;
	struct fleet_launch *launch = &seen->launches[seen->launch_count++];
	const struct words packages[] = {group->set.packages, has_host ? host->packages : (struct words){NULL, 0}};
	struct words types = own && host->type.n ? host->type : group->set.type;
	*launch = (struct fleet_launch){
		.group = group,
		.image_name = own && host->image.n ? host->image : group->set.image,
		.arch = own && host->arch.n ? host->arch : group->set.arch,
		.disk = own && host->disk ? host->disk : group->set.disk,
		.packages = words_concat(arena, packages, 2),
		.first = first,
		.count = count,
	};
	launch->types = arena_array(arena, struct fleet_type *, types.n);
	for (size_t i = 0; i < types.n; i++)
		launch->types[launch->type_count++] = type_named(arena, seen, types.w[i]);
}

/* One for each group, and one for the HOST where it is another machine than those. */
static uint32_t
lay_out_machines(struct arena *arena, const struct project *project, struct fleet_seen *seen)
{
	const struct host_settings *host = &project->host;
	bool apart = host->type.n || host->image.n || host->arch.n || host->disk;
	size_t types = host->type.n;
	uint32_t first = 0;
	for (uint32_t i = 0; i < project->group_count; i++)
		types += project->groups[i].set.type.n;
	seen->types = arena_array(arena, struct fleet_type, types);
	seen->launches = arena_array(arena, struct fleet_launch, project->group_count + 1);
	for (uint32_t i = 0; i < project->group_count; i++) {
		const struct instance_group *group = &project->groups[i];
		uint32_t count = (uint32_t)group->set.count, least = group->set.minimum ? (uint32_t)group->set.minimum : 1;
		bool split = i == 0 && apart && count > 1;
		if (split) {
			add_launch(arena, project, seen, group, first++, 1);
			seen->launches[seen->launch_count - 1].minimum = 1;
			count--;
			least--;
		}
		add_launch(arena, project, seen, group, first, count);
		seen->launches[seen->launch_count - 1].minimum = least;
		first += count;
	}
	return first;
}

/* What they compile has to be the same: where they are of two processors, the file must say what that is for. */
static bool
check_processors(const struct project *project, const struct fleet_seen *seen, struct diags *diags)
{
	const struct fleet_launch *host = &seen->launches[0];
	struct str kind = project->compiler.n ? project->compiler : STR("gcc");
	for (size_t i = 1; i < seen->launch_count && !project->compiler_set.target.n; i++) {
		const struct fleet_launch *launch = &seen->launches[i];
		if (str_eq(launch->arch, host->arch))
			continue;
		diag_hint(diag_error(diags, launch->group->span,
				  "the HOST is %.*s and others are %.*s, and nothing says what to compile for", STR_ARG(host->arch),
				  STR_ARG(launch->arch)),
			"'compiler %.*s: target = %s' is what the HOST is; the others get a compiler for it", STR_ARG(kind),
			str_is(host->arch, "arm64") ? "aarch64-linux-gnu" : "x86_64-linux-gnu");
		return false;
	}
	return true;
}

static bool
check_machines(const struct project *project, const struct fleet_seen *seen, struct diags *diags)
{
	bool good = true;
	for (size_t i = 0; i < seen->launch_count; i++) {
		const struct fleet_launch *launch = &seen->launches[i];
		if (aws_image_is_known(launch->image_name))
			continue;
		struct arena arena = {NULL};
		struct words names = aws_image_names(&arena);
		diag_hint(diag_error(diags, launch->group->span, "there is no image '%.*s'", STR_ARG(launch->image_name)),
			"there are %.*s; ami-…, an SSM parameter's path /… and OWNER/NAME-PATTERN",
			STR_ARG(words_join(&arena, names, STR(", "))));
		arena_free(&arena);
		good = false;
	}
	if (str_is(project->distcc.transport, "ssh"))
		diag_hint(diag_warning(diags, SPAN_NONE, "provider aws does not use distcc over ssh"),
			"its machines reach each other in a network of their own, and nobody else does");
	return good;
}

/* --- what is the same --- */

bool
fleet_user_data(struct arena *arena, const struct project *project, const struct fleet_seen *seen,
	const struct fleet_launch *launch, struct user_data *data, struct str *text, struct str *error)
{
	const struct instances_settings *set = &launch->group->set;
	data->project = project->name;
	data->ttl = set->ttl;
	data->lease = set->lease;
	data->subnet = seen->subnet_range.n ? seen->subnet_range : STR("0.0.0.0/0");
	data->packages = launch->packages;
	return user_data_make(arena, project, data, text, error);
}

static void
put_launch(struct buf *text, const struct fleet_launch *launch)
{
	const struct instances_settings *set = &launch->group->set;
	for (size_t i = 0; i < launch->type_count; i++)
		buf_printf(text, "%.*s ", STR_ARG(launch->types[i]->name));
	buf_printf(text, "%.*s %.*s %u %d %lld %lld %.*s\n", STR_ARG(launch->image_name), STR_ARG(launch->arch), launch->count,
		set->spot, (long long)set->max_price, (long long)launch->disk, STR_ARG(set->role));
}

static struct str
join_types(struct arena *arena, const struct fleet_seen *seen)
{
	struct words names = {NULL, 0};
	for (size_t i = 0; i < seen->launch_count; i++)
		for (size_t t = 0; t < seen->launches[i].type_count; t++)
			if (!words_has(names, seen->launches[i].types[t]->name))
				words_add(arena, &names, seen->launches[i].types[t]->name);
	return words_join(arena, names, STR(", "));
}

/* What people change, in their words and in this order; the digest knows the rest. */
static struct words
traits(struct arena *arena, const struct project *project, const struct fleet_seen *seen)
{
	const struct fleet_launch *last = &seen->launches[seen->launch_count - 1];
	const struct compiler_settings *compiler = &project->compiler_set;
	uint32_t count = last->first + last->count;
	struct str packages = words_join(arena, last->packages, STR(" ")),
		   kind = project->compiler.n ? project->compiler : STR("gcc");
	struct words list = {NULL, 0};
	words_add(arena, &list, str_printf(arena, "%u machine%s", count, count == 1 ? "" : "s"));
	words_add(arena, &list, str_printf(arena, "the type %.*s", STR_ARG(join_types(arena, seen))));
	words_add(arena, &list, str_printf(arena, "the image %.*s", STR_ARG(last->image_name)));
	words_add(arena, &list,
		str_printf(arena, "the compiler %.*s%s%.*s%s%.*s", STR_ARG(kind), compiler->version.n ? " " : "",
			STR_ARG(compiler->version), compiler->target.n ? " for " : "", STR_ARG(compiler->target)));
	words_add(arena, &list, packages.n ? str_printf(arena, "the packages %.*s", STR_ARG(packages)) : STR("no packages"));
	return list;
}

/* A fleet that was made from the same of everything that a machine or its network can show. */
static bool
make_digest(struct arena *arena, const struct project *project, struct fleet_seen *seen, struct diags *diags)
{
	struct buf all = buf_new(arena);
	struct str text, error;
	char hex[HASH_HEX_LENGTH + 1];
	for (size_t i = 0; i < seen->launch_count; i++) {
		/* What `auto` comes to follows from the machines. */
		struct user_data data = {.public_keys = seen->keys, .first_is_host = i == 0, .pump = project->distcc.pump};
		if (!fleet_user_data(arena, project, seen, &seen->launches[i], &data, &text, &error)) {
			diag_error(diags, seen->launches[i].group->span, "%.*s", STR_ARG(error));
			return false;
		}
		put_launch(&all, &seen->launches[i]);
		buf_add(&all, text);
	}
	seen->traits = traits(arena, project, seen);
	buf_printf(&all, "%.*s %.*s %.*s %.*s %.*s", STR_ARG(project->network.vpc), STR_ARG(project->network.subnet),
		STR_ARG(project->network.zone), STR_ARG(words_join(arena, project->network.ssh, STR(" "))),
		STR_ARG(project->aws.endpoint));
	if (!hash_text(buf_str(&all), hex)) {
		diag_hint(diag_error(diags, SPAN_NONE, "libcrypto cannot be loaded"), "install OpenSSL 3");
		return false;
	}
	seen->digest = str_dup(arena, str_from(hex));
	return true;
}

bool
fleet_lay_out(struct arena *arena, const struct project *project, struct fleet_seen *seen, struct diags *diags)
{
	*seen = (struct fleet_seen){.launch_count = 0};
	if (!project->group_count) {
		diag_hint(diag_error(diags, project->provider_span, "the file asks for no machines, which provider aws would make"),
			"add 'instances:' with count = N, or build here: --provider local");
		return false;
	}
	uint32_t count = lay_out_machines(arena, project, seen);
	lay_out_ssh(arena, project, seen);
	if (project->network.zone.n)
		words_add(arena, &seen->zones, project->network.zone);
	bool good = lay_out_network(arena, project, seen, count, diags);
	good = read_keys(arena, project, seen, diags) && good;
	good = check_machines(project, seen, diags) && good;
	good = check_processors(project, seen, diags) && good;
	return good && make_digest(arena, project, seen, diags);
}

/* --- zones --- */

bool
fleet_type_is_in(const struct fleet_type *type, struct str zone)
{
	return !type->zones.n || !zone.n || words_has(type->zones, zone);
}

/* How far down in each launch's preferences the zone leads, in all; -1: a launch has nothing there. */
static int64_t
zone_cost(const struct fleet_seen *seen, struct str zone)
{
	int64_t cost = 0;
	for (size_t i = 0; i < seen->launch_count; i++) {
		const struct fleet_launch *launch = &seen->launches[i];
		size_t t = 0;
		while (t < launch->type_count && !fleet_type_is_in(launch->types[t], zone))
			t++;
		if (t == launch->type_count)
			return -1;
		cost += (int64_t)t;
	}
	return cost;
}

/* Those that the types are known to be in, each once. */
static struct words
known_zones(struct arena *arena, const struct fleet_seen *seen)
{
	struct words all = {NULL, 0};
	for (size_t i = 0; i < seen->type_count; i++)
		for (size_t k = 0; k < seen->types[i].zones.n; k++)
			if (!words_has(all, seen->types[i].zones.w[k]))
				words_add(arena, &all, seen->types[i].zones.w[k]);
	return all;
}

/* By cost, then by name: an insertion for each of a handful. */
static void
put_zone(struct arena *arena, const struct fleet_seen *seen, struct words *zones, struct str zone)
{
	int64_t cost = zone_cost(seen, zone);
	if (cost < 0)
		return;
	words_add(arena, zones, zone);
	for (size_t k = zones->n - 1; k > 0; k--) {
		struct str before = zones->w[k - 1];
		int64_t other = zone_cost(seen, before);
		if (other < cost || (other == cost && str_compare(before, zone) < 0))
			break;
		zones->w[k] = before;
		zones->w[k - 1] = zone;
	}
}

bool
fleet_choose_zones(struct arena *arena, const struct project *project, struct fleet_seen *seen, struct diags *diags)
{
	struct words known = known_zones(arena, seen), zones = {NULL, 0};
	struct words may = seen->zones.n ? seen->zones : known;
	for (size_t i = 0; i < may.n; i++)
		put_zone(arena, seen, &zones, may.w[i]);
	if (!zones.n && may.n) {
		struct str where = seen->zones.n ? seen->zones.w[0] : seen->region;
		struct diag *diag = diag_error(diags, project->groups[0].span,
			seen->zones.n ? "%.*s does not have the types of all machines"
				      : "no zone of %.*s has the types of all machines",
			STR_ARG(where));
		diag_hint(diag, "name more types%s; the types are in %.*s", seen->subnet.n ? ", or another subnet" : "",
			STR_ARG(words_join(arena, known, STR(", "))));
		return false;
	}
	seen->zones = zones;
	return true;
}
