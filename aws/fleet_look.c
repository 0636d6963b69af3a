#include "aws/fleet_look.h"

#include "base/arena.h"
#include "base/pool.h"

/* Questions at once. */
#define LOOKS_AT_ONCE 16

/* --- asking --- */

struct looks {
	struct fleet_look *list;
	size_t count;
};

static struct fleet_look *
add(struct looks *looks, const struct fleet_question *question)
{
	looks->list[looks->count].question = question;
	return &looks->list[looks->count++];
}

static bool
any_is(const struct fleet_seen *seen, bool spot)
{
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.spot == spot)
			return true;
	return false;
}

static bool
is_first_of_image(const struct fleet_seen *seen, size_t launch)
{
	for (size_t i = 0; i < launch; i++)
		if (fleet_is_same_image(&seen->launches[i], &seen->launches[launch]))
			return false;
	return true;
}

/* Prices last: the others refuse a plan, and must not wait for them. */
static struct looks
choose(struct arena *arena, struct fleet_seen *seen)
{
	struct looks looks = {arena_array(arena, struct fleet_look, seen->launch_count + 3 * seen->type_count + 8), 0};
	for (size_t i = 0; i < seen->launch_count; i++)
		if (is_first_of_image(seen, i))
			add(&looks, &fleet_ask_image)->launch = &seen->launches[i];
	add(&looks, &fleet_ask_types);
	add(&looks, &fleet_ask_caller);
	if (!seen->ssh.n)
		add(&looks, &fleet_ask_address);
	if (seen->vpc.n)
		add(&looks, &fleet_ask_vpc);
	if (seen->subnet.n)
		add(&looks, &fleet_ask_subnet);
	if (seen->kept)
		add(&looks, &fleet_ask_kept);
	for (int spot = 0; spot < 2 && !seen->kept; spot++)
		if (any_is(seen, spot))
			add(&looks, &fleet_ask_quota)->spot = spot;
	for (size_t i = 0; i < seen->type_count; i++)
		add(&looks, &fleet_ask_zones)->type = &seen->types[i];
	for (size_t i = 0; i < 2 * seen->type_count; i++) {
		bool spot = i % 2;
		if (spot && !any_is(seen, true))
			continue;
		struct fleet_look *look = add(&looks, &fleet_ask_price);
		look->type = &seen->types[i / 2];
		look->spot = spot;
	}
	return looks;
}

static void
ask(void *context, void *item)
{
	struct fleet_look *look = item;
	(void)context;
	look->answered = look->question->ask(look);
}

/* --- what has no answer --- */

static bool
is_denied(const struct fleet_look *look)
{
	return look->error.status == 403 || aws_error_is(&look->error, "UnauthorizedOperation") ||
	       aws_error_is(&look->error, "AccessDeniedException");
}

/* AWS has answered, and what the file asks for is not there. */
static bool
is_refusal(const struct fleet_look *look)
{
	return look->question->refuse && look->error.status >= 200 && look->error.status < 500 && !is_denied(look);
}

/* Where the credentials are not taken nothing else needs to be said. */
static bool
is_nobody(struct fleet_looking *looking, const struct looks *looks, struct aws *aws)
{
	for (size_t i = 0; i < looks->count; i++) {
		const struct aws_error *error = &looks->list[i].error;
		if (looks->list[i].answered || !fleet_is_unknown(error))
			continue;
		struct arena arena = {NULL};
		diag_hint(diag_error(looking->diags, SPAN_NONE, "%.*s", STR_ARG(aws_error_text(&arena, error))),
			"AWS does not take the credentials from %.*s", STR_ARG(aws_credentials_source(aws)));
		arena_free(&arena);
		return looking->failed = true;
	}
	return false;
}

/* Why in one word for all that have the same reason. */
static const char *
reason(const struct fleet_look *look)
{
	if (!look->error.status)
		return "AWS did not answer";
	if (is_denied(look))
		return "the credentials are not allowed to";
	return "the service has no answer";
}

static void
note_unanswered(struct arena *arena, const struct looks *looks, struct words *notes)
{
	for (size_t i = 0; i < looks->count; i++) {
		const struct fleet_look *look = &looks->list[i];
		struct words what = {NULL, 0};
		bool earlier = look->answered;
		for (size_t k = 0; k < i; k++)
			earlier = earlier || (!looks->list[k].answered && reason(&looks->list[k]) == reason(look));
		for (size_t k = i; k < looks->count && !earlier; k++) {
			struct str name = str_from(looks->list[k].question->what);
			if (!looks->list[k].answered && reason(&looks->list[k]) == reason(look) && !words_has(what, name))
				words_add(arena, &what, name);
		}
		if (!earlier)
			words_add(arena, notes,
				str_printf(arena, "not looked up (%s): %.*s", reason(look),
					STR_ARG(words_join(arena, what, STR(", ")))));
	}
}

/* Every answer goes into its look. */
static void
ask_all(struct looks *looks, struct aws *aws, const struct fleet_seen *seen)
{
	struct pool *pool = pool_new(LOOKS_AT_ONCE);
	for (size_t i = 0; i < looks->count; i++) {
		looks->list[i].aws = aws;
		looks->list[i].seen = seen;
		if (pool)
			pool_submit(pool, ask, NULL, &looks->list[i]);
		else
			ask(NULL, &looks->list[i]);
	}
	if (pool)
		pool_free(pool);
}

static void
take_all(struct fleet_looking *looking, struct looks *looks)
{
	for (size_t i = 0; i < looks->count; i++) {
		struct fleet_look *look = &looks->list[i];
		if (look->answered)
			look->question->take(looking, look);
		else if (is_refusal(look))
			look->question->refuse(looking, look);
	}
}

static void
forget(struct looks *looks)
{
	for (size_t i = 0; i < looks->count; i++)
		arena_free(&looks->list[i].arena);
}

/* A machine that may cost no more than all of its types do would never be launched. */
static void
check_prices(struct fleet_looking *looking)
{
	for (size_t i = 0; i < looking->seen->launch_count; i++) {
		const struct fleet_launch *launch = &looking->seen->launches[i];
		const struct instances_settings *set = &launch->group->set;
		size_t dear = 0;
		for (size_t t = 0; t < launch->type_count; t++)
			dear += launch->types[t]->price > set->max_price;
		if (!set->max_price || set->spot || dear < launch->type_count)
			continue;
		diag_hint(diag_error(looking->diags, launch->group->span, "each of the types costs more than 'max_price' an hour"),
			"%.*s costs $%.4f", STR_ARG(launch->types[0]->name), (double)launch->types[0]->price / 1e6);
		looking->failed = true;
	}
}

bool
fleet_look(struct arena *arena, struct aws *aws, struct fleet_seen *seen, struct words *notes, struct diags *diags)
{
	struct fleet_looking looking = {.arena = arena, .seen = seen, .notes = notes, .diags = diags};
	struct looks looks = choose(arena, seen);
	ask_all(&looks, aws, seen);
	if (!is_nobody(&looking, &looks, aws))
		take_all(&looking, &looks);
	check_prices(&looking);
	if (!looking.failed)
		note_unanswered(arena, &looks, notes);
	forget(&looks);
	return !looking.failed;
}

/* --- what is still open when the fleet is made --- */

/* What making the fleet cannot do without. */
static struct looks
choose_open(struct arena *arena, const struct fleet_seen *seen)
{
	struct looks looks = {arena_array(arena, struct fleet_look, seen->launch_count + 2), 0};
	for (size_t i = 0; i < seen->launch_count; i++)
		if (!seen->launches[i].image.id.n && is_first_of_image(seen, i))
			add(&looks, &fleet_ask_image)->launch = &seen->launches[i];
	if (!seen->ssh.n)
		add(&looks, &fleet_ask_address);
	if (!seen->subnet_range.n)
		add(&looks, &fleet_ask_subnet);
	return looks;
}

struct str
fleet_open_text(struct arena *arena, const struct fleet_seen *seen)
{
	struct looks looks = choose_open(arena, seen);
	struct words what = {NULL, 0};
	for (size_t i = 0; i < looks.count; i++) {
		struct str name = str_from(looks.list[i].question->what);
		if (!words_has(what, name))
			words_add(arena, &what, name);
	}
	return words_join(arena, what, STR(", "));
}

/* The first thing that is wrong, or that could not be asked. */
static bool
is_answered(const struct fleet_looking *looking, const struct looks *looks, struct aws *aws, struct failure *failure)
{
	const struct diag *diag = looking->diags->first;
	if (looking->failed) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(diag->message));
		failure_hint(failure, "%.*s", STR_ARG(diag->hint));
		return false;
	}
	for (size_t i = 0; i < looks->count; i++)
		if (!looks->list[i].answered)
			return fleet_fail(aws, &looks->list[i].error, failure, "cannot look up %s", looks->list[i].question->what);
	return true;
}

static bool
open_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	struct arena arena = {NULL};
	struct diags diags = {.sources = NULL};
	struct fleet_looking looking = {.arena = &fleet->arena, .seen = &fleet->seen, .diags = &diags};
	struct aws *aws = fleet_aws(run, NULL, failure);
	struct looks looks = choose_open(&arena, &fleet->seen);
	(void)action;
	if (aws)
		ask_all(&looks, aws, &fleet->seen);
	pthread_mutex_lock(&run->mutex);
	if (aws)
		take_all(&looking, &looks);
	if (!fleet->vpc.n)
		fleet->vpc = fleet->seen.vpc;
	pthread_mutex_unlock(&run->mutex);
	bool done = aws && is_answered(&looking, &looks, aws, failure);
	forget(&looks);
	diag_clear(&diags);
	arena_free(&arena);
	return done;
}

const struct action_type action_open = {.name = "open", .section = SECTION_FLEET, .run = open_run};
