#include "base/json.h"
#include "base/arena.h"

#include <stddef.h>
#include <stdlib.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

/* --- yajl's memory: in the arena, with its size before each block --- */

union block_size {
	size_t size;
	double aligned;
};

static void *
block_alloc(void *arena, size_t size)
{
	union block_size *block = arena_alloc(arena, sizeof *block + size);
	block->size = size;
	return block + 1;
}

static void *
block_realloc(void *arena, void *old, size_t size)
{
	if (!old)
		return block_alloc(arena, size);
	union block_size *block = (union block_size *)old - 1;
	if (size > block->size) {
		block = arena_grow(arena, block, sizeof *block + block->size, sizeof *block + size);
		block->size = size;
	}
	return block + 1;
}

static void
block_free(void *arena, void *block)
{
	(void)arena;
	(void)block;
}

static yajl_alloc_funcs
memory_in(struct arena *arena)
{
	return (yajl_alloc_funcs){block_alloc, block_realloc, block_free, arena};
}

/* --- reading --- */

/* The tree so far. open[0..depth) are the arrays and objects that the next value is in, keys the names of their members to come. */
struct reader {
	struct arena *arena;
	struct json *root;
	struct json *open[JSON_DEPTH_LIMIT];
	struct str keys[JSON_DEPTH_LIMIT];
	size_t depth;
};

/* A new value, put where it belongs. */
static struct json *
read_value(struct reader *reader, enum json_type type)
{
	struct json *json = arena_new(reader->arena, struct json);
	struct json *parent = reader->depth ? reader->open[reader->depth - 1] : NULL;
	json->type = type;
	if (!parent) {
		reader->root = json;
	} else if (parent->type == JSON_ARRAY) {
		parent->items = arena_more(reader->arena, parent->items, parent->count, sizeof *parent->items);
		parent->items[parent->count++] = json;
	} else {
		*map_at(&parent->members, reader->keys[reader->depth - 1]) = json;
	}
	return json;
}

static int
read_null(void *reader)
{
	read_value(reader, JSON_NULL);
	return 1;
}

static int
read_truth(void *reader, int truth)
{
	read_value(reader, truth ? JSON_TRUE : JSON_FALSE);
	return 1;
}

/* An integer where it is written as one and fits. */
static int
read_number(void *context, const char *text, size_t n)
{
	struct reader *reader = context;
	int64_t integer;
	if (str_integer((struct str){text, n}, &integer)) {
		read_value(reader, JSON_INTEGER)->integer = integer;
		return 1;
	}
	struct arena_mark mark = arena_mark(reader->arena);
	double real = strtod(str_c(reader->arena, (struct str){text, n}), NULL);
	arena_reset(reader->arena, mark);
	read_value(reader, JSON_REAL)->real = real;
	return 1;
}

static int
read_string(void *context, const unsigned char *text, size_t n)
{
	struct reader *reader = context;
	read_value(reader, JSON_STRING)->string = str_dup(reader->arena, (struct str){(const char *)text, n});
	return 1;
}

static int
read_key(void *context, const unsigned char *text, size_t n)
{
	struct reader *reader = context;
	reader->keys[reader->depth - 1] = str_dup(reader->arena, (struct str){(const char *)text, n});
	return 1;
}

static int
read_open(struct reader *reader, enum json_type type)
{
	if (reader->depth == JSON_DEPTH_LIMIT)
		return 0;
	struct json *json = read_value(reader, type);
	json->members.arena = reader->arena;
	reader->open[reader->depth++] = json;
	return 1;
}

static int
read_open_object(void *reader)
{
	return read_open(reader, JSON_OBJECT);
}

static int
read_open_array(void *reader)
{
	return read_open(reader, JSON_ARRAY);
}

static int
read_close(void *context)
{
	struct reader *reader = context;
	reader->depth--;
	return 1;
}

/* What yajl has to say, without its end of line and full stop. */
static struct str
reason(struct arena *arena, yajl_handle yajl)
{
	unsigned char *said = yajl_get_error(yajl, 0, NULL, 0);
	struct str text = str_trim(str_dup(arena, str_from((const char *)said)));
	yajl_free_error(yajl, said);
	return str_ends(text, STR(".")) ? str_part(text, 0, text.n - 1) : text;
}

struct json *
json_read(struct arena *arena, struct str text, struct str *error)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = read_null,
		.yajl_boolean = read_truth,
		.yajl_number = read_number,
		.yajl_string = read_string,
		.yajl_start_map = read_open_object,
		.yajl_map_key = read_key,
		.yajl_end_map = read_close,
		.yajl_start_array = read_open_array,
		.yajl_end_array = read_close,
	};
	struct reader reader = {.arena = arena};
	yajl_alloc_funcs memory = memory_in(arena);
	yajl_handle yajl = yajl_alloc(&callbacks, &memory, &reader);
	yajl_status status = yajl_parse(yajl, (const unsigned char *)text.s, text.n);
	size_t offset = yajl_get_bytes_consumed(yajl);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(yajl);
	if (status == yajl_status_ok && reader.root)
		return reader.root;
	if (status == yajl_status_client_canceled)
		*error = str_printf(arena, "invalid JSON at byte %zu: nested deeper than %d levels", offset, JSON_DEPTH_LIMIT);
	else
		*error = str_printf(arena, "invalid JSON at byte %zu: %.*s", offset, STR_ARG(reason(arena, yajl)));
	return NULL;
}

const struct json *
json_member(const struct json *json, const char *name)
{
	return json && json->type == JSON_OBJECT ? map_get(&json->members, str_from(name)) : NULL;
}

struct str
json_text(const struct json *json, const char *name, struct str fallback)
{
	const struct json *member = json_member(json, name);
	return member && member->type == JSON_STRING ? member->string : fallback;
}

int64_t
json_integer(const struct json *json, const char *name, int64_t fallback)
{
	const struct json *member = json_member(json, name);
	return member && member->type == JSON_INTEGER ? member->integer : fallback;
}

bool
json_truth(const struct json *json, const char *name, bool fallback)
{
	const struct json *member = json_member(json, name);
	return member && (member->type == JSON_TRUE || member->type == JSON_FALSE) ? member->type == JSON_TRUE : fallback;
}

/* --- writing --- */

/* Deepest nesting that yajl writes. */
#define WRITER_DEPTH 128

struct json_writer {
	struct buf text;
	yajl_gen yajl;
	yajl_alloc_funcs memory;
	size_t depth;
	bool is_array[WRITER_DEPTH];
};

static void
writer_print(void *context, const char *text, size_t n)
{
	struct json_writer *writer = context;
	buf_add(&writer->text, (struct str){text, n});
}

struct json_writer *
json_writer_new(struct arena *arena, bool indented)
{
	struct json_writer *writer = arena_new(arena, struct json_writer);
	writer->text = buf_new(arena);
	writer->memory = memory_in(arena);
	writer->yajl = yajl_gen_alloc(&writer->memory);
	yajl_gen_config(writer->yajl, yajl_gen_beautify, indented);
	yajl_gen_config(writer->yajl, yajl_gen_indent_string, "  ");
	yajl_gen_config(writer->yajl, yajl_gen_print_callback, writer_print, writer);
	return writer;
}

/* A string, with U+FFFD for each byte that is not UTF-8. */
static void
put_string(struct json_writer *writer, struct str text)
{
	struct buf clean = buf_new(writer->text.arena);
	size_t from = 0;
	for (size_t i = 0, length; i < text.n; i += length ? length : 1) {
		length = utf8_length(text.s + i, text.n - i);
		if (length)
			continue;
		buf_add(&clean, str_part(text, from, i));
		buf_add(&clean, STR("\xEF\xBF\xBD"));
		from = i + 1;
	}
	struct str rest = str_part(text, from, text.n);
	if (from) {
		buf_add(&clean, rest);
		rest = buf_str(&clean);
	}
	yajl_gen_string(writer->yajl, (const unsigned char *)(rest.n ? rest.s : ""), rest.n);
}

static void
put_name(struct json_writer *writer, const char *name)
{
	if (name)
		put_string(writer, str_from(name));
}

static void
writer_open(struct json_writer *writer, const char *name, bool array)
{
	put_name(writer, name);
	if (array)
		yajl_gen_array_open(writer->yajl);
	else
		yajl_gen_map_open(writer->yajl);
	if (writer->depth < WRITER_DEPTH)
		writer->is_array[writer->depth] = array;
	writer->depth++;
}

void
json_open_object(struct json_writer *writer, const char *name)
{
	writer_open(writer, name, false);
}

void
json_open_array(struct json_writer *writer, const char *name)
{
	writer_open(writer, name, true);
}

void
json_close(struct json_writer *writer)
{
	writer->depth--;
	if (writer->depth < WRITER_DEPTH && writer->is_array[writer->depth])
		yajl_gen_array_close(writer->yajl);
	else
		yajl_gen_map_close(writer->yajl);
}

void
json_put_text(struct json_writer *writer, const char *name, struct str text)
{
	put_name(writer, name);
	put_string(writer, text);
}

void
json_put_integer(struct json_writer *writer, const char *name, int64_t integer)
{
	put_name(writer, name);
	yajl_gen_integer(writer->yajl, integer);
}

void
json_put_truth(struct json_writer *writer, const char *name, bool truth)
{
	put_name(writer, name);
	yajl_gen_bool(writer->yajl, truth);
}

void
json_put_null(struct json_writer *writer, const char *name)
{
	put_name(writer, name);
	yajl_gen_null(writer->yajl);
}

void
json_put_words(struct json_writer *writer, const char *name, struct words words)
{
	json_open_array(writer, name);
	for (size_t i = 0; i < words.n; i++)
		json_put_text(writer, NULL, words.w[i]);
	json_close(writer);
}

struct str
json_writer_text(struct json_writer *writer)
{
	return buf_str(&writer->text);
}
