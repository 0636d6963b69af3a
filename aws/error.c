#include "aws/error.h"
#include "aws/xml.h"
#include "base/arena.h"
#include "base/http.h"
#include "base/json.h"

/* As much of an answer that nobody can read as goes into a message. */
#define EXCERPT ((size_t)200)

struct str
aws_error_text(struct arena *arena, const struct aws_error *error)
{
	struct buf text = buf_new(arena);
	if (error->service.n)
		buf_printf(&text, "%.*s %.*s: ", STR_ARG(error->service), STR_ARG(error->action));
	if (error->code.n)
		buf_printf(&text, "%.*s%s", STR_ARG(error->code), error->message.n ? ": " : "");
	buf_add(&text, error->message);
	const char *gap = " (";
	if (error->request_id.n) {
		buf_printf(&text, "%srequest %.*s", gap, STR_ARG(error->request_id));
		gap = ", ";
	}
	if (error->tries > 1) {
		buf_printf(&text, "%s%d tries", gap, error->tries);
		gap = ", ";
	}
	if (*gap == ',')
		buf_add_byte(&text, ')');
	return (struct str){buf_c(&text), text.n};
}

/* Where S3 answers a HEAD there is no body to hold a code. */
static struct str
code_of_status(int status)
{
	static const struct {
		int status;
		struct str code;
	} codes[] = {
		{301, {"PermanentRedirect", 17}},
		{304, {"NotModified", 11}},
		{400, {"BadRequest", 10}},
		{403, {"Forbidden", 9}},
		{404, {"NotFound", 8}},
		{409, {"Conflict", 8}},
		{412, {"PreconditionFailed", 18}},
	};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].status == status)
			return codes[i].code;
	return (struct str){NULL, 0};
}

/* <ErrorResponse><Error>, <Response><Errors><Error> and S3's bare <Error>. */
static bool
read_xml(const struct xml *root, struct aws_error *error)
{
	const struct xml *at = xml_child(root, "Error");
	if (!at)
		at = xml_child(root, "Errors/Error");
	if (!at && root && str_is(root->name, "Error"))
		at = root;
	if (!at)
		return false;
	error->code = str_trim(xml_text(at, "Code"));
	error->message = str_trim(xml_text(at, "Message"));
	static const char *const ids[] = {"RequestId", "RequestID"};
	for (size_t i = 0; i < 2 && !error->request_id.n; i++)
		error->request_id = str_trim(xml_text(root, ids[i]));
	return error->code.n > 0;
}

/* {"__type": "com.amazonaws.ssm#ParameterNotFound", "message": …}; the type may be in a header, and end in ":http://…". */
static bool
read_json(struct arena *arena, const struct http_response *response, struct aws_error *error)
{
	struct str ignored, none = {NULL, 0}, type = http_header(response, "x-amzn-errortype");
	const struct json *json = json_read(arena, response->body, &ignored);
	if (!type.n)
		type = json_text(json, "__type", json_text(json, "code", none));
	size_t hash = str_find(type, '#');
	if (hash < type.n)
		type = str_part(type, hash + 1, type.n);
	error->code = str_part(type, 0, str_find(type, ':'));
	error->message = json_text(json, "message", json_text(json, "Message", none));
	return error->code.n > 0;
}

/* The beginning of an answer in no protocol of AWS's: a proxy's page, most often. */
static struct str
excerpt(struct arena *arena, struct str body)
{
	struct buf text = buf_new(arena);
	bool in_tag = false, gap = false;
	for (size_t i = 0; i < body.n && text.n < EXCERPT; i++) {
		unsigned char c = (unsigned char)body.s[i];
		in_tag = c == '<' || (in_tag && c != '>');
		if (in_tag || c == '>' || c <= ' ' || c == 127) {
			gap = text.n > 0;
			continue;
		}
		if (gap)
			buf_add_byte(&text, ' ');
		gap = false;
		buf_add_byte(&text, (char)c);
	}
	return buf_str(&text);
}

void
aws_error_read(struct arena *arena, const struct http_response *response, struct aws_error *error)
{
	static const char *const ids[] = {"x-amzn-requestid", "x-amz-request-id"};
	struct str body = str_trim(response->body), ignored;
	error->status = response->status;
	error->code = error->message = error->request_id = (struct str){NULL, 0};
	for (size_t i = 0; i < 2 && !error->request_id.n; i++)
		error->request_id = http_header(response, ids[i]);
	bool json = str_starts(body, STR("{")) || http_header(response, "x-amzn-errortype").n;
	if (json ? read_json(arena, response, error) : read_xml(body.n ? xml_read(arena, body, &ignored) : NULL, error))
		return;
	struct str says = excerpt(arena, body);
	error->code = body.n ? (struct str){NULL, 0} : code_of_status(response->status);
	error->message = str_printf(arena, says.n ? "the answer has status %d and says: %.*s" : "the answer has status %d",
		response->status, STR_ARG(says));
}

bool
aws_error_is(const struct aws_error *error, const char *code)
{
	return str_is(error->code, code);
}

bool
aws_error_among(const struct aws_error *error, const char *const *codes)
{
	while (*codes && !aws_error_is(error, *codes))
		codes++;
	return *codes != NULL;
}

bool
aws_error_is_missing(const struct aws_error *error)
{
	static const char *const codes[] = {"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "NoSuchEntity", "NotFound",
		"ParameterNotFound", "Gateway.NotAttached", NULL};
	return aws_error_among(error, codes) || str_ends(error->code, STR(".NotFound"));
}
