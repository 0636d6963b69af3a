#include "aws/ec2_call.h"
#include "aws/call.h"

#include <string.h>

#define VERSION "2016-11-15"
/* What a call's list of ids has at most. */
#define BATCH ((size_t)1000)

/* How long the first pause is, the longest, and for how long EC2 may not know a new profile. */
#define PAUSE_MS 500
#define LONGEST_PAUSE_MS 5000
#define PROFILE_MS 10000

static const char *const tag_keys[] = {
#define TAG(name, key, text) [EC2_TAG_##name] = (key),
	EC2_TAGS(TAG)
#undef TAG
};

const char *
ec2_tag_key(enum ec2_tag tag)
{
	return tag_keys[tag];
}

/* --- a call --- */

struct aws_parameters
ec2_parameters(struct arena *arena, const char *action)
{
	return aws_parameters_new(arena, action, VERSION);
}

const struct xml *
ec2_ask(struct aws *aws, struct arena *arena, const struct aws_parameters *parameters, struct aws_error *error)
{
	return aws_query(aws, arena, "ec2", parameters, AWS_SAFE, error);
}

bool
ec2_wait(struct aws *aws, struct ec2_wait *wait, int64_t most, struct aws_error *error)
{
	int64_t now = os_now_ms();
	if (!wait->pause)
		*wait = (struct ec2_wait){now, PAUSE_MS};
	if (now + wait->pause > wait->began + most)
		return false;
	error->cancelled = !retry_pause(wait->pause, aws->cancel);
	wait->pause = wait->pause * 2 < LONGEST_PAUSE_MS ? wait->pause * 2 : LONGEST_PAUSE_MS;
	return !error->cancelled;
}

/* For how long the call is worth another try, in all. IAM tells EC2 of a new profile, and of the role in it, in its own time. */
static int64_t
patience(const struct aws_error *error)
{
	static const char *const profile[] = {"Invalid IAM Instance Profile", "has no associated IAM Roles"};
	if (ec2_is_not_yet(error))
		return EC2_NEW_MS;
	if (aws_error_is(error, "InvalidParameterValue"))
		for (size_t i = 0; i < sizeof profile / sizeof *profile; i++)
			if (memmem(error->message.s, error->message.n, profile[i], strlen(profile[i])))
				return PROFILE_MS;
	return 0;
}

const struct xml *
ec2_ask_of_new(struct aws *aws, struct arena *arena, const struct aws_parameters *parameters, struct aws_error *error)
{
	struct ec2_wait wait = {0, 0};
	const struct xml *answer;
	do
		answer = ec2_ask(aws, arena, parameters, error);
	while (!answer && ec2_wait(aws, &wait, patience(error), error));
	return answer;
}

bool
ec2_answer_text(const struct xml *answer, struct arena *arena, const struct aws_parameters *parameters, const char *path,
	struct str *text, struct aws_error *error)
{
	*text = xml_text(answer, path);
	if (!answer || text->n)
		return answer != NULL;
	struct str form = str_part(buf_str(&parameters->text), strlen("Action="), parameters->text.n);
	*error = (struct aws_error){.service = STR("ec2"),
		.action = str_dup(arena, str_part(form, 0, str_find(form, '&'))),
		.message = str_printf(arena, "the answer has no %s", path),
		.maybe_done = true};
	return false;
}

/* --- what is in a request --- */

void
ec2_put_words(struct aws_parameters *parameters, const char *name, struct words words)
{
	for (size_t i = 0; i < words.n; i++)
		aws_parameter_printf(parameters, words.w[i], "%s.%zu", name, i + 1);
}

void
ec2_put_filter_words(struct aws_parameters *parameters, int number, const char *name, struct words values)
{
	aws_parameter_printf(parameters, str_from(name), "Filter.%d.Name", number);
	for (size_t i = 0; i < values.n; i++)
		aws_parameter_printf(parameters, values.w[i], "Filter.%d.Value.%zu", number, i + 1);
}

void
ec2_put_filter(struct aws_parameters *parameters, int number, const char *name, struct str value)
{
	ec2_put_filter_words(parameters, number, name, (struct words){&value, 1});
}

void
ec2_put_filter_run(struct aws_parameters *parameters, int number, struct str run)
{
	const char *key = ec2_tag_key(EC2_TAG_RUN);
	if (run.n)
		ec2_put_filter(parameters, number, str_printf(parameters->text.arena, "tag:%s", key).s, run);
	else
		ec2_put_filter(parameters, number, "tag-key", str_from(key));
}

void
ec2_put_tags(struct aws_parameters *parameters, int number, const char *type, const struct ec2_tags *tags)
{
	int count = 0;
	for (size_t i = 0; i < EC2_TAG_COUNT; i++) {
		if (!tags->values[i].s)
			continue;
		if (!count++)
			aws_parameter_printf(parameters, str_from(type), "TagSpecification.%d.ResourceType", number);
		aws_parameter_printf(parameters, str_from(tag_keys[i]), "TagSpecification.%d.Tag.%d.Key", number, count);
		aws_parameter_printf(parameters, tags->values[i], "TagSpecification.%d.Tag.%d.Value", number, count);
	}
}

struct words
ec2_batch(struct words *rest)
{
	struct words some = {rest->w, rest->n < BATCH ? rest->n : BATCH};
	*rest = (struct words){rest->w + some.n, rest->n - some.n};
	return some;
}

/* --- what is in an answer --- */

struct ec2_tags
ec2_read_tags(const struct xml *from)
{
	struct ec2_tags tags = {{{NULL, 0}}};
	for (const struct xml *tag = xml_child(from, "tagSet/item"); tag; tag = xml_again(tag))
		for (size_t i = 0; i < EC2_TAG_COUNT; i++)
			if (str_is(xml_text(tag, "key"), tag_keys[i]))
				tags.values[i] = xml_text(tag, "value");
	return tags;
}

enum ec2_state
ec2_read_state(struct str word)
{
	static const char *const states[] = {
		[EC2_PENDING] = "pending",
		[EC2_RUNNING] = "running",
		[EC2_STOPPING] = "stopping",
		[EC2_STOPPED] = "stopped",
		[EC2_SHUTTING_DOWN] = "shutting-down",
		[EC2_TERMINATED] = "terminated",
	};
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (str_is(word, states[i]))
			return (enum ec2_state)i;
	return EC2_PENDING;
}

bool
ec2_pages(struct aws *aws, struct arena *arena, struct aws_parameters *parameters, int most,
	void (*take)(void *context, const struct xml *page), void *context, struct aws_error *error)
{
	aws_parameter(parameters, "MaxResults", str_printf(arena, "%d", most));
	size_t first = parameters->text.n;
	struct str next = {NULL, 0};
	do {
		parameters->text.n = first;
		if (next.n)
			aws_parameter(parameters, "NextToken", next);
		const struct xml *page = ec2_ask(aws, arena, parameters, error);
		if (!page)
			return false;
		take(context, page);
		next = xml_text(page, "nextToken");
	} while (next.n);
	return true;
}
