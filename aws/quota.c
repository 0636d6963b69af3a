#include "aws/lookup.h"
#include "base/arena.h"

static const char *const codes[] = {
	"L-1216C47A", /* Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances */
	"L-34B43A08", /* All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests */
};

/* GetServiceQuota answers for what was ever raised or set by AWS, the other one for everybody. */
static const char *const targets[] = {
	"ServiceQuotasV20190624.GetServiceQuota",
	"ServiceQuotasV20190624.GetAWSDefaultServiceQuota",
};

bool
aws_cpu_quota(struct aws *aws, struct arena *arena, bool spot, int64_t *cpus, struct aws_error *error)
{
	const struct json *answer = NULL;
	struct json_writer *body = json_writer_new(arena, false);
	json_open_object(body, NULL);
	json_put_text(body, "ServiceCode", STR("ec2"));
	json_put_text(body, "QuotaCode", str_from(codes[spot]));
	json_close(body);
	for (size_t i = 0; !answer && i < sizeof targets / sizeof *targets; i++) {
		answer = aws_json(aws, arena, "servicequotas", targets[i], json_writer_text(body), error);
		if (!answer && !aws_error_is(error, "NoSuchResourceException"))
			return false;
	}
	const struct json *value = json_member(json_member(answer, "Quota"), "Value");
	bool number = value && (value->type == JSON_REAL || value->type == JSON_INTEGER);
	if (answer && !number)
		error->message = STR("the answer has no Quota.Value");
	if (number)
		*cpus = value->type == JSON_REAL ? (int64_t)value->real : value->integer;
	return number;
}
