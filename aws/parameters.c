#include "aws/client.h"
#include "aws/sigv4.h"
#include "base/arena.h"

struct aws_parameters
aws_parameters_new(struct arena *arena, const char *action, const char *version)
{
	struct aws_parameters parameters = {buf_new(arena)};
	buf_printf(&parameters.text, "Action=%s&Version=%s", action, version);
	return parameters;
}

static void
add(struct aws_parameters *parameters, struct str name, struct str value)
{
	struct arena *arena = parameters->text.arena;
	buf_printf(&parameters->text, "&%.*s=%.*s", STR_ARG(sigv4_encode(arena, name, false)),
		STR_ARG(sigv4_encode(arena, value, false)));
}

void
aws_parameter(struct aws_parameters *parameters, const char *name, struct str value)
{
	add(parameters, str_from(name), value);
}

void
aws_parameter_printf(struct aws_parameters *parameters, struct str value, const char *name_format, ...)
{
	va_list arguments;
	va_start(arguments, name_format);
	add(parameters, str_vprintf(parameters->text.arena, name_format, arguments), value);
	va_end(arguments);
}
