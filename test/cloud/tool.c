/* tool: s3 and sns at a shell, for the tests: `tool WORD URL ARGUMENT…`. Prints what came of it; an error on standard error, and status 1. */
#include "aws/s3.h"
#include "aws/sns.h"
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET_LIMIT 1000

extern char **environ;

static struct arena arena;

static void
print_object(const struct s3_object *object)
{
	printf("%lld %.*s %.*s\n", (long long)object->size, STR_ARG(object->sha256), STR_ARG(object->etag));
}

static void
print_moved(void *context, int64_t done, int64_t total)
{
	(void)context;
	if (done == total)
		printf("all of %lld\n", (long long)total);
}

static bool
print_begun(void *context, struct str upload)
{
	(void)context;
	(void)upload;
	puts("begun");
	return !getenv("REFUSE");
}

static bool
put_file(struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	struct s3_watch watch = {.moved = print_moved, .begun = print_begun};
	return s3_put_file(aws, &arena, words[0], bucket, key, 4, &watch, object, error);
}

static bool
put(struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	bool fresh = words[1] && strcmp(words[1], "new") == 0;
	struct str over = words[1] && !fresh ? str_from(words[1]) : (struct str){NULL, 0};
	return s3_put(aws, &arena, bucket, key, str_from(words[0]), fresh, over, object, error);
}

static bool
get(struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	struct str body;
	if (words[0])
		return s3_get_file(aws, &arena, bucket, key, words[0], object, error);
	bool done = s3_get(aws, &arena, bucket, key, GET_LIMIT, &body, object, error);
	if (done)
		printf("%.*s\n", STR_ARG(body));
	return done;
}

static bool
head(struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	(void)words;
	return s3_head(aws, &arena, bucket, key, object, NULL, error);
}

static bool
list(struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	struct s3_object *objects;
	size_t count;
	(void)words;
	*object = (struct s3_object){.size = 0};
	if (!s3_list(aws, &arena, bucket, key, &objects, &count, error))
		return false;
	for (size_t i = 0; i < count; i++) {
		printf("%.*s\n", STR_ARG(objects[i].key));
		object->size += objects[i].size;
	}
	return true;
}

static bool delete (
	struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	(void)words;
	*object = (struct s3_object){.size = 0};
	return s3_delete(aws, &arena, bucket, key, error);
}

static bool
ensure(struct aws *aws, struct str bucket, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	(void)key;
	*object = (struct s3_object){.size = 0};
	return s3_ensure_bucket(aws, &arena, bucket, words[0] != NULL, error);
}

static bool
publish(struct aws *aws, struct str topic, struct str key, char **words, struct s3_object *object, struct aws_error *error)
{
	struct str arn;
	(void)key;
	*object = (struct s3_object){.size = 0};
	return sns_topic(aws, &arena, topic, &arn, error) &&
	       (!words[2] || sns_subscribe_email(aws, &arena, arn, str_from(words[2]), error)) &&
	       sns_publish(aws, &arena, arn, str_from(words[0]), str_from(words[1]), error);
}

static const struct {
	const char *word;
	bool (*run)(struct aws *, struct str bucket, struct str key, char **words, struct s3_object *, struct aws_error *);
} verbs[] = {
	{"put-file", put_file}, /* URL PATH */
	{"put", put}, /* URL TEXT [new | ETAG] */
	{"get", get}, /* URL [PATH] */
	{"head", head}, /* URL */
	{"list", list}, /* URL */
	{"delete", delete}, /* URL */
	{"ensure", ensure}, /* URL [create] */
	{"publish", publish}, /* s3://TOPIC SUBJECT MESSAGE [ADDRESS] */
};

int
main(int argc, char **argv)
{
	struct aws_options options = {.environment = environ};
	struct aws_error error = {.status = 0};
	struct s3_object object;
	struct str why, bucket, key;
	if (argc < 3 || !s3_parse(str_from(argv[2]), &bucket, &key))
		return 2;
	struct aws *aws = aws_new(&options, &arena, &why);
	if (!aws) {
		fprintf(stderr, "%.*s\n", STR_ARG(why));
		return 1;
	}
	bool done = false;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[1], verbs[i].word) == 0)
			done = verbs[i].run(aws, bucket, key, argv + 3, &object, &error);
	if (done)
		print_object(&object);
	else
		fprintf(stderr, "%.*s\n", STR_ARG(aws_error_text(&arena, &error)));
	aws_free(aws);
	arena_free(&arena);
	return !done;
}
