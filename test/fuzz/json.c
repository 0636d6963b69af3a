/* Any bytes as JSON: what is read can be written again, and reads back as the same. */
#include "base/arena.h"
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>

static void
write_value(struct json_writer *out, const char *name, const struct json *value)
{
	switch (value->type) {
	case JSON_NULL:
		json_put_null(out, name);
		return;
	case JSON_FALSE:
	case JSON_TRUE:
		json_put_truth(out, name, value->type == JSON_TRUE);
		return;
	case JSON_INTEGER:
	case JSON_REAL:
		json_put_integer(out, name, value->integer);
		return;
	case JSON_STRING:
		json_put_text(out, name, value->string);
		return;
	case JSON_ARRAY:
		json_open_array(out, name);
		for (size_t i = 0; i < value->count; i++)
			write_value(out, NULL, value->items[i]);
		json_close(out);
		return;
	case JSON_OBJECT:
		json_open_object(out, name);
		for (uint32_t i = 0; i < value->members.count; i++) {
			char member[256];
			struct str key = value->members.entries[i].key;
			size_t n = key.n < sizeof(member) - 1 ? key.n : sizeof(member) - 1;
			for (size_t k = 0; k < n; k++)
				member[k] = key.s[k];
			member[n] = '\0';
			write_value(out, member, value->members.entries[i].value);
		}
		json_close(out);
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena = {0};
	struct str error = {0};
	struct json *value = json_read(&arena, (struct str){(const char *)bytes, n}, &error);
	if (value == NULL) {
		if (error.n == 0)
			abort();
	} else {
		struct json_writer *out = json_writer_new(&arena, false);
		write_value(out, NULL, value);
		struct json *again = json_read(&arena, json_writer_text(out), &error);
		if (again == NULL || again->type != (value->type == JSON_REAL ? JSON_INTEGER : value->type))
			abort();
	}
	arena_free(&arena);
	return 0;
}
