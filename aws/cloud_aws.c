/* The cloud that is AWS: S3 and SNS behind the runtime's table. */
#include "aws/cloud_aws.h"
#include "aws/s3.h"
#include "aws/s3_offer.h"
#include "aws/sns.h"
#include "base/arena.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Files at once, and parts of a large one at once; large ones go one after the other: so many requests, and no more memory, however much is stored. */
#define STORES_AT_ONCE 8
#define PARTS_AT_ONCE 6
/* Another machine has so long to begin to get a file. */
#define LEND_SECONDS 3600

struct account {
	struct aws *aws;
	struct str region;
	sem_t stores;
	pthread_mutex_t large;
};

/* --- errors --- */

/* The way out of an error that S3 or SNS answered with. */
static void
add_hint(const struct account *account, const struct aws_error *error, struct str subject, struct failure *failure)
{
	struct str source = aws_credentials_source(account->aws), region = account->region;
	static const char *const unknown[] = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "InvalidToken",
		"ExpiredToken", "AuthFailure", "UnrecognizedClientException"};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		if (aws_error_is(error, unknown[i])) {
			failure_hint(failure, "AWS does not take the credentials from %.*s", STR_ARG(source));
			return;
		}
	if (aws_error_is(error, "NoSuchBucket"))
		failure_hint(
			failure, "make it (aws s3 mb s3://%.*s --region %.*s), or name another", STR_ARG(subject), STR_ARG(region));
	else if (error->status == 403)
		failure_hint(failure, "the credentials from %.*s are not allowed to do that with '%.*s'", STR_ARG(source),
			STR_ARG(subject));
	else if (!error->status)
		failure_hint(failure, "is AWS in %.*s reached from here? What was stored before is whole", STR_ARG(region));
}

static bool
fail(const struct account *account, const struct aws_error *error, struct str subject, struct failure *failure)
{
	if (failure->message.n)
		return false;
	failure_set(failure, error->cancelled ? EXIT_STATUS_INTERRUPTED : EXIT_STATUS_PROVIDER, "%.*s",
		STR_ARG(aws_error_text(failure->arena, error)));
	add_hint(account, error, subject, failure);
	return false;
}

/* --- the account --- */

static struct str
cloud_region(struct arena *arena, struct cloud_place place, char *const *environment)
{
	struct aws_config config;
	struct str ignored, none = {NULL, 0};
	return aws_config_load(arena, environment, place.profile, &config, &ignored) ? aws_config_region(&config, place.region)
										     : none;
}

/* The client's text is what is wrong, a line for each source that was passed over, and the way out. */
static void
refuse(struct str text, struct failure *failure)
{
	size_t first = str_find(text, '\n'), last = text.n;
	while (last > first && text.s[last - 1] != '\n')
		last--;
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(str_part(text, 0, first)));
	if (first < text.n)
		failure_hint(failure, "%.*s%.*s", STR_ARG(str_part(text, last, text.n)), STR_ARG(str_part(text, first, last - 1)));
}

static void *
cloud_open(struct cloud_place place, char *const *environment, const struct os_cancel *cancel, struct failure *failure)
{
	struct aws_options options = {
		.region = place.region,
		.profile = place.profile,
		.endpoint = place.endpoint,
		.environment = environment,
		.cancel = cancel,
	};
	struct str error;
	struct aws *aws = aws_new(&options, failure->arena, &error);
	if (!aws) {
		refuse(error, failure);
		return NULL;
	}
	struct account *account = calloc(1, sizeof *account);
	if (!account)
		os_exhausted();
	account->aws = aws;
	account->region = aws_region(aws);
	sem_init(&account->stores, 0, STORES_AT_ONCE);
	pthread_mutex_init(&account->large, NULL);
	return account;
}

static void
cloud_close(void *context)
{
	struct account *account = context;
	aws_free(account->aws);
	sem_destroy(&account->stores);
	pthread_mutex_destroy(&account->large);
	free(account);
}

struct aws *
cloud_aws_client(void *context)
{
	return ((struct account *)context)->aws;
}

/* --- files --- */

static bool
cloud_check(void *context, struct str bucket, struct failure *failure)
{
	struct account *account = context;
	struct arena arena = {NULL};
	struct aws_error error;
	bool good = s3_ensure_bucket(account->aws, &arena, bucket, false, &error);
	if (!good) {
		fail(account, &error, bucket, failure);
		/* Who may not look into it may still be allowed to store. */
		good = aws_error_is(&error, "AccessDenied");
	}
	arena_free(&arena);
	return good;
}

static bool
is_large(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && status.st_size >= S3_MULTIPART_FROM;
}

static bool
cloud_store(void *context, struct arena *arena, const struct cloud_file *file, struct cloud_stored *stored, struct failure *failure)
{
	struct account *account = context;
	struct s3_watch watch = {file->context, file->moved, file->begun};
	struct s3_object object;
	struct aws_error error;
	struct str bucket, key;
	bool large = is_large(file->path);
	s3_parse(file->url, &bucket, &key);
	if (large)
		pthread_mutex_lock(&account->large);
	while (sem_wait(&account->stores) < 0)
		continue;
	bool done = s3_put_file(account->aws, arena, file->path, bucket, key, PARTS_AT_ONCE, &watch, &object, &error);
	sem_post(&account->stores);
	if (large)
		pthread_mutex_unlock(&account->large);
	if (!done)
		return fail(account, &error, bucket, failure);
	*stored = (struct cloud_stored){object.size, object.sha256};
	return true;
}

static bool
cloud_begin(void *context, struct arena *arena, const struct cloud_file *file, struct cloud_parcel *parcel, struct failure *failure)
{
	struct account *account = context;
	struct s3_watch watch = {file->context, file->moved, file->begun};
	struct aws_error error;
	return s3_offer_begin(account->aws, arena, &watch, parcel, &error) ||
	       fail(account, &error, cloud_bucket(parcel->url), failure);
}

static bool
cloud_offer(void *context, struct arena *arena, struct cloud_parcel *parcel, struct failure *failure)
{
	struct account *account = context;
	struct aws_error error;
	return s3_offer(account->aws, arena, parcel, &error) || fail(account, &error, cloud_bucket(parcel->url), failure);
}

static bool
cloud_accept(
	void *context, struct arena *arena, const struct cloud_parcel *parcel, struct cloud_stored *stored, struct failure *failure)
{
	struct account *account = context;
	struct s3_object object;
	struct aws_error error;
	if (!s3_accept(account->aws, arena, parcel, &object, &error))
		return fail(account, &error, cloud_bucket(parcel->url), failure);
	*stored = (struct cloud_stored){object.size, object.sha256};
	return true;
}

static bool
cloud_drop(void *context, struct str url, struct str upload, struct failure *failure)
{
	struct account *account = context;
	struct arena arena = {NULL};
	struct aws_error error;
	struct str bucket, key;
	bool done = s3_parse(url, &bucket, &key) && s3_abort(account->aws, &arena, bucket, key, upload, &error);
	if (!done)
		fail(account, &error, bucket, failure);
	arena_free(&arena);
	return done;
}

static bool
cloud_list(
	void *context, struct arena *arena, struct str url, struct cloud_object **objects, size_t *count, struct failure *failure)
{
	struct account *account = context;
	struct s3_object *found;
	struct aws_error error;
	struct str bucket, prefix;
	s3_parse(url, &bucket, &prefix);
	if (!s3_list(account->aws, arena, bucket, prefix, &found, count, &error))
		return fail(account, &error, bucket, failure);
	*objects = arena_array(arena, struct cloud_object, *count);
	for (size_t i = 0; i < *count; i++)
		(*objects)[i] = (struct cloud_object){
			.url = str_printf(arena, "s3://%.*s/%.*s", STR_ARG(bucket), STR_ARG(found[i].key)), .size = found[i].size};
	return true;
}

static bool
cloud_lend(void *context, struct arena *arena, struct str url, struct str *get, struct failure *failure)
{
	struct account *account = context;
	struct aws_s3_request request = {.method = "GET"};
	struct aws_error error;
	s3_parse(url, &request.bucket, &request.key);
	return aws_s3_presign(account->aws, arena, &request, LEND_SECONDS, get, &error) ||
	       fail(account, &error, request.bucket, failure);
}

static bool
cloud_remove(void *context, struct str url, struct failure *failure)
{
	struct account *account = context;
	struct arena arena = {NULL};
	struct aws_error error;
	struct str bucket, key;
	s3_parse(url, &bucket, &key);
	bool done = s3_delete(account->aws, &arena, bucket, key, &error) || fail(account, &error, bucket, failure);
	arena_free(&arena);
	return done;
}

/* --- messages --- */

static bool
cloud_subscribe(void *context, struct str topic, struct words addresses, struct failure *failure)
{
	struct account *account = context;
	struct arena arena = {NULL};
	struct aws_error error;
	struct str arn;
	bool done = sns_topic(account->aws, &arena, topic, &arn, &error);
	for (size_t i = 0; done && i < addresses.n; i++)
		done = sns_subscribe_email(account->aws, &arena, arn, addresses.w[i], &error);
	if (!done)
		fail(account, &error, topic, failure);
	arena_free(&arena);
	return done;
}

static bool
cloud_publish(void *context, const struct cloud_message *message, struct failure *failure)
{
	struct account *account = context;
	struct arena arena = {NULL};
	struct aws_error error;
	struct str arn;
	bool done = sns_topic(account->aws, &arena, message->topic, &arn, &error) &&
		    sns_publish(account->aws, &arena, arn, message->subject, message->text, &error);
	if (!done)
		fail(account, &error, message->topic, failure);
	arena_free(&arena);
	return done;
}

const struct cloud cloud_aws = {
	.region = cloud_region,
	.open = cloud_open,
	.close = cloud_close,
	.check = cloud_check,
	.store = cloud_store,
	.part_size = s3_part_size,
	.begin = cloud_begin,
	.offer = cloud_offer,
	.accept = cloud_accept,
	.drop = cloud_drop,
	.list = cloud_list,
	.lend = cloud_lend,
	.remove = cloud_remove,
	.subscribe = cloud_subscribe,
	.publish = cloud_publish,
};
