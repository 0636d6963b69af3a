#include "aws/sns.h"
#include "base/arena.h"

#define VERSION "2010-03-31"
#define SUBJECT_LIMIT ((size_t)100)
#define MESSAGE_LIMIT ((size_t)256 << 10)

bool
sns_topic(struct aws *aws, struct arena *arena, struct str name_or_arn, struct str *arn, struct aws_error *error)
{
	*arn = name_or_arn;
	if (str_starts(name_or_arn, STR("arn:")))
		return true;
	struct aws_parameters parameters = aws_parameters_new(arena, "CreateTopic", VERSION);
	aws_parameter(&parameters, "Name", name_or_arn);
	const struct xml *answer = aws_query(aws, arena, "sns", &parameters, AWS_SAFE, error);
	*arn = xml_text(answer, "CreateTopicResult/TopicArn");
	return answer != NULL;
}

/* Whether the address is among the topic's subscribers, confirmed or not: asking again would send it another letter. */
static bool
is_subscribed(struct aws *aws, struct arena *arena, struct str arn, struct str address, bool *subscribed, struct aws_error *error)
{
	struct str next = {NULL, 0};
	*subscribed = false;
	do {
		struct aws_parameters parameters = aws_parameters_new(arena, "ListSubscriptionsByTopic", VERSION);
		aws_parameter(&parameters, "TopicArn", arn);
		if (next.n)
			aws_parameter(&parameters, "NextToken", next);
		const struct xml *answer = aws_query(aws, arena, "sns", &parameters, AWS_SAFE, error);
		if (!answer)
			return false;
		const struct xml *result = xml_child(answer, "ListSubscriptionsByTopicResult");
		for (const struct xml *member = xml_child(result, "Subscriptions/member"); member; member = xml_again(member))
			*subscribed |=
				str_is(xml_text(member, "Protocol"), "email") && str_eq(xml_text(member, "Endpoint"), address);
		next = xml_text(result, "NextToken");
	} while (next.n && !*subscribed);
	return true;
}

bool
sns_subscribe_email(struct aws *aws, struct arena *arena, struct str arn, struct str address, struct aws_error *error)
{
	bool subscribed;
	if (!is_subscribed(aws, arena, arn, address, &subscribed, error))
		return false;
	struct aws_parameters parameters = aws_parameters_new(arena, "Subscribe", VERSION);
	aws_parameter(&parameters, "TopicArn", arn);
	aws_parameter(&parameters, "Protocol", STR("email"));
	aws_parameter(&parameters, "Endpoint", address);
	return subscribed || aws_query(aws, arena, "sns", &parameters, AWS_SAFE, error);
}

/* What SNS takes as a subject. */
static struct str
clean_subject(struct arena *arena, struct str subject)
{
	struct buf clean = buf_sized(arena, SUBJECT_LIMIT + 1);
	subject = str_trim(subject);
	for (size_t i = 0; i < subject.n && clean.n < SUBJECT_LIMIT;) {
		unsigned char c = (unsigned char)subject.s[i];
		size_t length = utf8_length(subject.s + i, subject.n - i);
		buf_add_byte(&clean, c < ' ' ? ' ' : c > '~' ? '?' : (char)c);
		i += length ? length : 1;
	}
	return buf_str(&clean);
}

/* As much of it as SNS takes, not ending within a character. */
static struct str
clip_message(struct str message)
{
	if (message.n <= MESSAGE_LIMIT)
		return message;
	size_t n = MESSAGE_LIMIT;
	while (n > MESSAGE_LIMIT - 4 && ((unsigned char)message.s[n] & 0xc0) == 0x80)
		n--;
	return str_part(message, 0, n);
}

bool
sns_publish(struct aws *aws, struct arena *arena, struct str arn, struct str subject, struct str message, struct aws_error *error)
{
	struct aws_parameters parameters = aws_parameters_new(arena, "Publish", VERSION);
	aws_parameter(&parameters, "TopicArn", arn);
	aws_parameter(&parameters, "Subject", clean_subject(arena, subject));
	aws_parameter(&parameters, "Message", clip_message(message));
	/* To hear of it twice is better than not at all. */
	return aws_query(aws, arena, "sns", &parameters, AWS_SAFE, error) != NULL;
}
