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

/* As forms are encoded: a space is "+". */
static void
add_encoded(struct buf *text, struct str part)
{
	struct str rest = part, piece;
	for (const char *gap = ""; str_split(&rest, ' ', &piece); gap = "+")
		buf_printf(text, "%s%.*s", gap, STR_ARG(sigv4_encode(text->arena, piece, false)));
}

static void
add(struct aws_parameters *parameters, struct str name, struct str value)
{
	buf_add_byte(&parameters->text, '&');
	add_encoded(&parameters->text, name);
	buf_add_byte(&parameters->text, '=');
	add_encoded(&parameters->text, value);
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
