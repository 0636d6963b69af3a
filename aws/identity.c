#include "aws/lookup.h"

bool
aws_identity(struct aws *aws, struct arena *arena, struct str *arn, struct aws_error *error)
{
	struct aws_parameters parameters = aws_parameters_new(arena, "GetCallerIdentity", "2011-06-15");
	const struct xml *answer = aws_query(aws, arena, "sts", &parameters, AWS_SAFE, error);
	*arn = xml_text(answer, "GetCallerIdentityResult/Arn");
	return answer != NULL;
}
