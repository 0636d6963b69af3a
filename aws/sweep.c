#include "aws/sweep_account.h"
#include "base/arena.h"
#include "base/pool.h"

#include <stdlib.h>

/* Questions at once: those of every region together are soon answered, and stay far below what AWS throttles. */
#define AT_ONCE 32

/* --- the account --- */

static struct aws *
client_new(const struct sweep_account *account, struct str region, struct aws *like, struct failure *failure)
{
	struct aws_options options = {
		.region = region,
		.profile = account->place.profile,
		.endpoint = account->place.endpoint,
		.environment = account->environment,
		.cancel = account->cancel,
		.like = like,
	};
	struct str error;
	struct aws *aws = aws_new(&options, failure->arena, &error);
	if (aws)
		return aws;
	/* The first line is what is wrong, the others are what was tried. */
	size_t first = str_find(error, '\n');
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(str_part(error, 0, first)));
	if (first < error.n)
		failure_hint(failure, "%.*s", STR_ARG(str_part(error, first + 1, error.n)));
	return NULL;
}

static void *
sweep_open(struct cloud_place place, char *const *environment, const struct os_cancel *cancel, struct failure *failure)
{
	struct sweep_account *account = calloc(1, sizeof *account);
	if (!account)
		os_exhausted();
	*account = (struct sweep_account){.place = place, .environment = environment, .cancel = cancel};
	account->aws = client_new(account, place.region, NULL, failure);
	if (account->aws)
		return account;
	free(account);
	return NULL;
}

static void
sweep_close(void *context)
{
	struct sweep_account *account = context;
	for (size_t i = 0; i < account->other_count; i++)
		aws_free(account->others[i]);
	free(account->others);
	aws_free(account->aws);
	struct str ignored;
	if (account->folder)
		os_remove_tree(&account->arena, account->folder, &ignored);
	arena_free(&account->arena);
	free(account);
}

/* The account's clients, the one of its own region first: in every region, or in that one alone. */
static bool
open_regions(struct sweep_account *account, bool everywhere, struct failure *failure)
{
	struct words names = {NULL, 0};
	struct aws_error error = {.status = 0};
	if (!everywhere || account->others)
		return true;
	if (!ec2_regions(account->aws, failure->arena, &names, &error)) {
		sweep_fail(account->aws, &error, failure);
		if (!error.cancelled)
			failure_hint(failure, "--region NAME looks at one region only");
		return false;
	}
	account->others = calloc(names.n + 1, sizeof(struct aws *));
	if (!account->others)
		os_exhausted();
	for (size_t i = 0; i < names.n; i++) {
		if (str_eq(names.w[i], aws_region(account->aws)))
			continue;
		struct aws *aws = client_new(account, names.w[i], account->aws, failure);
		if (!aws)
			return false;
		account->others[account->other_count++] = aws;
	}
	return true;
}

/* --- looking --- */

static void
look_one(void *context, void *item)
{
	struct sweep_look *look = item;
	(void)context;
	look->done = ec2_find(look->aws, &look->arena, look->kind, look->run, &look->list, &look->count, &look->error);
}

void
sweep_look(struct sweep_look *looks, size_t count)
{
	struct pool *pool = pool_new(count < AT_ONCE ? count : AT_ONCE);
	for (size_t i = 0; i < count; i++) {
		if (pool)
			pool_submit(pool, look_one, NULL, &looks[i]);
		else
			look_one(NULL, &looks[i]);
	}
	if (pool)
		pool_free(pool);
}

void
sweep_look_free(struct sweep_look *looks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		arena_free(&looks[i].arena);
}

void
sweep_ask(struct sweep_look *looks, struct aws *aws, struct str run)
{
	for (size_t kind = 0; kind < EC2_KIND_COUNT; kind++)
		looks[kind] = (struct sweep_look){.aws = aws, .kind = (enum ec2_kind)kind, .run = run};
}

/* --- what was found --- */

struct findings {
	struct arena *arena;
	struct str project; /* none: all */
	struct remnant *list;
	size_t count;
};

static struct remnant *
remnant_of(struct findings *findings, struct aws *aws, const struct ec2_thing *thing)
{
	struct str run = thing->tags.values[EC2_TAG_RUN];
	for (size_t i = findings->count; i-- > 0;)
		if (str_eq(findings->list[i].run, run) && ((struct sweep_things *)findings->list[i].things)->aws == aws)
			return &findings->list[i];
	findings->list = arena_more(findings->arena, findings->list, findings->count, sizeof *findings->list);
	struct remnant *remnant = &findings->list[findings->count++];
	struct sweep_things *things = arena_new(findings->arena, struct sweep_things);
	things->aws = aws;
	*remnant = (struct remnant){
		.run = str_dup(findings->arena, run),
		.region = str_dup(findings->arena, aws_region(aws)),
		.things = things,
	};
	return remnant;
}

static void
add_thing(struct findings *findings, struct aws *aws, const struct ec2_thing *thing)
{
	const struct str *tags = thing->tags.values;
	struct arena *arena = findings->arena;
	int64_t expires;
	/* A run without a name could not be told from all runs. */
	if (!tags[EC2_TAG_RUN].n || (findings->project.n && !str_eq(tags[EC2_TAG_PROJECT], findings->project)))
		return;
	struct remnant *remnant = remnant_of(findings, aws, thing);
	struct sweep_things *things = remnant->things;
	things->list = arena_more(arena, things->list, things->count, sizeof *things->list);
	things->list[things->count++] = (struct ec2_thing){
		.kind = thing->kind,
		.id = str_dup(arena, thing->id),
		.vpc = str_dup(arena, thing->vpc),
		.state = thing->state,
	};
	if (!remnant->project.n)
		remnant->project = str_dup(arena, tags[EC2_TAG_PROJECT]);
	if (!remnant->owner.n)
		remnant->owner = str_dup(arena, tags[EC2_TAG_OWNER]);
	if (!remnant->host_key.n)
		remnant->host_key = str_dup(arena, tags[EC2_TAG_HOST_KEY]);
	/* A kept fleet's time may have been set on some of it only: the latest counts. */
	if (str_integer(tags[EC2_TAG_EXPIRES], &expires) && expires <= INT64_MAX / 1000 && expires * 1000 > remnant->expires)
		remnant->expires = expires * 1000;
	remnant->kept = remnant->kept || tags[EC2_TAG_KEPT].n;
	if (thing->kind != EC2_INSTANCE) {
		remnant->networks++;
		return;
	}
	remnant->machines++;
	remnant->running += thing->state == EC2_PENDING || thing->state == EC2_RUNNING;
}

static int
by_age(const void *a, const void *b)
{
	const struct remnant *left = a, *right = b;
	int order = str_compare(left->run, right->run);
	return order ? order : str_compare(left->region, right->region);
}

/* --- what was not --- */

/* Whoever may not look there cannot have made anything there. */
static bool
is_closed(const struct aws_error *error)
{
	static const char *const codes[] = {"UnauthorizedOperation", "AuthFailure", "OptInRequired", "InvalidClientTokenId"};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (aws_error_is(error, codes[i]))
			return true;
	return false;
}

bool
sweep_fail(struct aws *aws, const struct aws_error *error, struct failure *failure)
{
	failure_set(failure, error->cancelled ? EXIT_STATUS_INTERRUPTED : EXIT_STATUS_PROVIDER, "%.*s",
		STR_ARG(aws_error_text(failure->arena, error)));
	if (is_closed(error))
		failure_hint(failure, "the credentials from %.*s must be allowed to do that in %.*s",
			STR_ARG(aws_credentials_source(aws)), STR_ARG(aws_region(aws)));
	else if (!error->status && !error->cancelled)
		failure_hint(failure, "is AWS in %.*s reached from here?", STR_ARG(aws_region(aws)));
	return false;
}

/* What could not be asked. False where that leaves nothing to go on with: the account's own region, or a cancelled look; else the failure says in which
 * regions nobody has looked, and its status whether something may be there. */
static bool
look_failures(const struct sweep_look *looks, size_t count, struct failure *failure)
{
	struct words regions = {NULL, 0};
	enum exit_status status = EXIT_STATUS_SUCCESS;
	const struct aws_error *first = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct aws_error *error = &looks[i].error;
		if (looks[i].done)
			continue;
		if (i < EC2_KIND_COUNT || error->cancelled)
			return sweep_fail(looks[i].aws, error, failure);
		if (!is_closed(error))
			status = EXIT_STATUS_PROVIDER;
		if (!first || status != EXIT_STATUS_SUCCESS)
			first = error;
		if (!words_has(regions, aws_region(looks[i].aws)))
			words_add(failure->arena, &regions, aws_region(looks[i].aws));
	}
	if (first)
		failure_set(failure, status, "cannot look at %.*s: %.*s", STR_ARG(words_join(failure->arena, regions, STR(", "))),
			STR_ARG(aws_error_text(failure->arena, first)));
	return true;
}

static bool
sweep_find(void *context, struct str project, bool everywhere, struct remnant **list, size_t *count, struct failure *failure)
{
	struct sweep_account *account = context;
	struct findings findings = {.arena = failure->arena, .project = project};
	if (!open_regions(account, everywhere, failure))
		return false;
	size_t regions = everywhere ? account->other_count + 1 : 1, total = regions * EC2_KIND_COUNT;
	struct sweep_look *looks = arena_array(failure->arena, struct sweep_look, total);
	for (size_t i = 0; i < regions; i++)
		sweep_ask(looks + i * EC2_KIND_COUNT, i ? account->others[i - 1] : account->aws, (struct str){NULL, 0});
	sweep_look(looks, total);
	for (size_t i = 0; i < total; i++)
		for (size_t k = 0; k < looks[i].count; k++)
			add_thing(&findings, looks[i].aws, &looks[i].list[k]);
	bool done = look_failures(looks, total, failure);
	sweep_look_free(looks, total);
	if (findings.count)
		qsort(findings.list, findings.count, sizeof *findings.list, by_age);
	*list = findings.list;
	*count = findings.count;
	return done;
}

const struct sweep aws_sweep = {
	.open = sweep_open,
	.close = sweep_close,
	.find = sweep_find,
	.remove = sweep_remove,
	.machines = sweep_machines,
	.shell = sweep_shell,
};
