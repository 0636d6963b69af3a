/* ec2_call: what the files of EC2's calls share: tags and filters in a request, pages of an answer, and the wait for what was just made. */
#ifndef AWS_EC2_CALL_H
#define AWS_EC2_CALL_H

#include "aws/ec2.h"

/* For how long EC2 may not know everywhere what it has just made. */
#define EC2_NEW_MS 60000

struct aws_parameters ec2_parameters(struct arena *, const char *action);
/* Of calls that read or may be repeated. NULL with the error. */
const struct xml *ec2_ask(struct aws *, struct arena *, const struct aws_parameters *, struct aws_error *);
/* The same for a call that names what this run has just made: while EC2 does not know it everywhere (for a minute), or a role's profile (for ten seconds), it
 * is asked again. Every other error is seen at once. */
const struct xml *ec2_ask_of_new(struct aws *, struct arena *, const struct aws_parameters *, struct aws_error *);
/* The text at the path of an answer. False where there is no answer, or no such text in it: then the error says so. */
bool ec2_answer_text(const struct xml *answer, struct arena *, const struct aws_parameters *, const char *path, struct str *text,
	struct aws_error *);

/* Waiting for something, from its first ec2_wait on. */
struct ec2_wait {
	int64_t began, pause; /* ms; 0: not begun */
};
/* A pause, each longer than the one before; false where `most` ms are over or the client is cancelled (then the error says that). */
bool ec2_wait(struct aws *, struct ec2_wait *, int64_t most, struct aws_error *);

/* "NAME.1", "NAME.2", … */
void ec2_put_words(struct aws_parameters *, const char *name, struct words);
/* The filter `number`, from 1 on: values of it, or one. */
void ec2_put_filter_words(struct aws_parameters *, int number, const char *name, struct words);
void ec2_put_filter(struct aws_parameters *, int number, const char *name, struct str value);
/* As filter `number`: everything of a run, or (none) of any run. */
void ec2_put_filter_run(struct aws_parameters *, int number, struct str run);
/* TagSpecification `number`: the tags of what the call makes, "vpc" and the like. */
void ec2_put_tags(struct aws_parameters *, int number, const char *type, const struct ec2_tags *);
/* Of an element with a tagSet. */
struct ec2_tags ec2_read_tags(const struct xml *);

/* What most calls can have on a page. */
#define EC2_PAGE 1000
/* Gives `take` each page of an answer, with at most so much on it. False with the error where one cannot be had. */
bool ec2_pages(struct aws *, struct arena *, struct aws_parameters *, int most, void (*take)(void *context, const struct xml *page),
	void *context, struct aws_error *);

/* Takes as many ids off the front as one call may have. */
struct words ec2_batch(struct words *rest);

/* A word of EC2's for a state; unknown ones are EC2_PENDING, which nobody takes for gone. */
enum ec2_state ec2_read_state(struct str);

#endif
