#include "aws/ec2_call.h"
#include "aws/lookup.h"
#include "base/arena.h"

#include <string.h>

/* Where the publishers keep the newest image of each system. */
static const struct publisher {
	const char *name, *system;
	const char *before, *after; /* the parameter's name around the architecture */
	const char *amd64; /* the publisher's word for it; all of them say arm64 */
} publishers[] = {
	{"debian-12", "debian", "/aws/service/debian/release/12/latest/", "", "amd64"},
	{"debian-13", "debian", "/aws/service/debian/release/13/latest/", "", "amd64"},
	{"ubuntu-22.04", "ubuntu", "/aws/service/canonical/ubuntu/server/22.04/stable/current/", "/hvm/ebs-gp2/ami-id", "amd64"},
	{"ubuntu-24.04", "ubuntu", "/aws/service/canonical/ubuntu/server/24.04/stable/current/", "/hvm/ebs-gp3/ami-id", "amd64"},
	{"amazon-linux-2023", "amazon", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-", "", "x86_64"},
};

#define PUBLISHERS (sizeof publishers / sizeof *publishers)

/* What the publishers call their images, where an image was not found by a name of ours. */
static const struct {
	const char *word, *system;
} systems[] = {
	{"debian", "debian"},
	{"ubuntu", "ubuntu"},
	{"al2023", "amazon"},
	{"amzn2", "amazon"},
};

static const struct publisher *
publisher_of(struct str name)
{
	for (size_t i = 0; i < PUBLISHERS; i++)
		if (str_is(name, publishers[i].name))
			return &publishers[i];
	return NULL;
}

/* Splits "OWNER/PATTERN". */
static bool
is_pattern(struct str name, struct str *owner, struct str *pattern)
{
	size_t slash = str_find(name, '/');
	int64_t number;
	*owner = str_part(name, 0, slash);
	*pattern = str_part(name, slash + 1, name.n);
	bool account = owner->n == 12 && str_integer(*owner, &number);
	return pattern->n && (account || str_is(*owner, "amazon") || str_is(*owner, "self"));
}

struct words
aws_image_names(struct arena *arena)
{
	struct words names = {NULL, 0};
	for (size_t i = 0; i < PUBLISHERS; i++)
		words_add(arena, &names, str_from(publishers[i].name));
	return names;
}

static bool
is_id(struct str name)
{
	return str_starts(name, STR("ami-")) && name.n > 4;
}

static bool
is_path(struct str name)
{
	return str_starts(name, STR("/")) && name.n > 1;
}

bool
aws_image_is_known(struct str name)
{
	struct str owner, pattern;
	return publisher_of(name) || is_id(name) || is_path(name) || is_pattern(name, &owner, &pattern);
}

/* --- by parameter --- */

static bool
read_parameter(struct aws *aws, struct arena *arena, struct str name, struct str *value, struct aws_error *error)
{
	struct json_writer *body = json_writer_new(arena, false);
	json_open_object(body, NULL);
	json_put_text(body, "Name", name);
	json_close(body);
	const struct json *answer = aws_json(aws, arena, "ssm", "AmazonSSM.GetParameter", json_writer_text(body), error);
	*value = str_trim(json_text(json_member(answer, "Parameter"), "Value", (struct str){NULL, 0}));
	if (answer && is_id(*value))
		return true;
	if (answer)
		error->message = str_printf(
			arena, "the parameter %.*s is '%.*s', which is no image's id (ami-…)", STR_ARG(name), STR_ARG(*value));
	else if (aws_error_is(error, "ParameterNotFound"))
		error->message = str_printf(arena, "there is no %.*s in %.*s", STR_ARG(name), STR_ARG(aws_region(aws)));
	return false;
}

static struct str
parameter_of(struct arena *arena, const struct publisher *publisher, struct str arch)
{
	struct str word = str_is(arch, "amd64") ? str_from(publisher->amd64) : arch;
	return str_printf(arena, "%s%.*s%s", publisher->before, STR_ARG(word), publisher->after);
}

/* --- by description --- */

/* What EC2 calls it. */
static struct str
architecture(struct str arch)
{
	return str_is(arch, "amd64") ? STR("x86_64") : arch;
}

static const struct xml *
newest(const struct xml *answer)
{
	const struct xml *best = NULL;
	for (const struct xml *item = xml_child(answer, "imagesSet/item"); item; item = xml_again(item))
		if (!best || str_compare(xml_text(item, "creationDate"), xml_text(best, "creationDate")) > 0)
			best = item;
	return best;
}

static struct str
system_of(struct str name)
{
	for (size_t i = 0; name.n && i < sizeof systems / sizeof *systems; i++)
		if (memmem(name.s, name.n, systems[i].word, strlen(systems[i].word)))
			return str_from(systems[i].system);
	return (struct str){NULL, 0};
}

/* Reads what the question finds, and holds it against what the machines are. */
static bool
describe(struct aws *aws, struct arena *arena, const struct aws_parameters *parameters, struct str asked, struct str arch,
	struct aws_image *image, struct aws_error *error)
{
	const struct xml *answer = ec2_ask(aws, arena, parameters, error), *item = newest(answer);
	struct str is = xml_text(item, "architecture");
	if (!answer)
		return false;
	*image = (struct aws_image){.id = xml_text(item, "imageId"),
		.name = xml_text(item, "name"),
		.root_device = xml_text(item, "rootDeviceName"),
		.system = system_of(xml_text(item, "name"))};
	if (!item)
		error->message = str_printf(
			arena, "no image for %.*s matches %.*s in %.*s", STR_ARG(arch), STR_ARG(asked), STR_ARG(aws_region(aws)));
	else if (!str_eq(is, architecture(arch)))
		error->message = str_printf(arena, "%.*s is for %.*s, and the machines are %.*s", STR_ARG(asked),
			STR_ARG(str_is(is, "x86_64") ? STR("amd64") : is), STR_ARG(arch));
	else
		return true;
	return false;
}

static bool
by_id(struct aws *aws, struct arena *arena, struct str id, struct str arch, struct aws_image *image, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeImages");
	aws_parameter(&parameters, "ImageId.1", id);
	return describe(aws, arena, &parameters, id, arch, image, error);
}

static bool
by_pattern(struct aws *aws, struct arena *arena, struct str owner, struct str pattern, struct str arch, struct aws_image *image,
	struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeImages");
	aws_parameter(&parameters, "Owner.1", owner);
	ec2_put_filter(&parameters, 1, "name", pattern);
	ec2_put_filter(&parameters, 2, "architecture", architecture(arch));
	ec2_put_filter(&parameters, 3, "state", STR("available"));
	struct str asked = str_printf(arena, "%.*s/%.*s", STR_ARG(owner), STR_ARG(pattern));
	return describe(aws, arena, &parameters, asked, arch, image, error);
}

bool
aws_image(struct aws *aws, struct arena *arena, struct str name, struct str arch, struct aws_image *image, struct aws_error *error)
{
	const struct publisher *publisher = publisher_of(name);
	struct str owner, pattern, id = name;
	if (publisher || is_path(name)) {
		struct str parameter = publisher ? parameter_of(arena, publisher, arch) : name;
		if (!read_parameter(aws, arena, parameter, &id, error))
			return false;
	} else if (is_pattern(name, &owner, &pattern)) {
		return by_pattern(aws, arena, owner, pattern, arch, image, error);
	} else if (!is_id(name)) {
		*error = (struct aws_error){
			.message = str_printf(arena,
				"there is no image '%.*s'; there are %.*s, ami-…, a parameter's path /… and OWNER/NAME-PATTERN",
				STR_ARG(name), STR_ARG(words_join(arena, aws_image_names(arena), STR(", ")))),
		};
		return false;
	}
	if (!by_id(aws, arena, id, arch, image, error))
		return false;
	if (publisher)
		image->system = str_from(publisher->system);
	return true;
}
