#include "base/source.h"
#include "base/os.h"

#include <stdlib.h>

struct span
span_join(struct span from, struct span to)
{
	return (struct span){from.source, from.offset, to.offset + to.length - from.offset};
}

uint32_t
source_add(struct sources *sources, struct str name, struct str path, struct str text)
{
	if (!sources->count)
		sources->count = 1;
	if (sources->count >= sources->capacity) {
		uint32_t capacity = sources->capacity ? sources->capacity * 2 : 8;
		sources->list = arena_grow(&sources->arena, sources->list, sources->capacity * sizeof *sources->list,
			capacity * sizeof *sources->list);
		sources->capacity = capacity;
	}
	sources->list[sources->count] = (struct source){.name = name, .path = path, .text = text};
	return sources->count++;
}

struct source *
source_get(const struct sources *sources, uint32_t number)
{
	return number && number < sources->count ? &sources->list[number] : NULL;
}

struct str
source_text(const struct sources *sources, struct span span)
{
	struct source *source = source_get(sources, span.source);
	return source ? str_part(source->text, span.offset, (size_t)span.offset + span.length) : (struct str){NULL, 0};
}

/* Lines end at \n; the last one may lack it. */
static void
find_lines(struct source *source)
{
	struct str text = source->text;
	uint32_t count = 1;
	for (size_t i = str_find(text, '\n'); i < text.n; i += 1 + str_find(str_part(text, i + 1, text.n), '\n'))
		count++;
	uint32_t *lines = malloc(count * sizeof *lines);
	if (!lines)
		os_exhausted();
	size_t at = 0;
	for (uint32_t i = 0; i < count; i++) {
		lines[i] = (uint32_t)at;
		at += 1 + str_find(str_part(text, at, text.n), '\n');
	}
	source->lines = lines;
	source->line_count = count;
}

/* The index of the line that has the byte. */
static uint32_t
line_at(const struct source *source, uint32_t offset)
{
	uint32_t low = 0, high = source->line_count;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Characters in the text; a byte that is not UTF-8 counts as one. */
static uint32_t
count_characters(struct str text)
{
	uint32_t count = 0;
	for (size_t i = 0, length; i < text.n; i += length ? length : 1, count++)
		length = utf8_length(text.s + i, text.n - i);
	return count;
}

struct source_place
source_place(const struct sources *sources, struct span span)
{
	struct source *source = source_get(sources, span.source);
	if (!source)
		return (struct source_place){.line = 0};
	if (!source->lines)
		find_lines(source);
	uint32_t offset = span.offset < source->text.n ? span.offset : (uint32_t)source->text.n;
	uint32_t line = line_at(source, offset);
	uint32_t start = source->lines[line];
	size_t end = line + 1 < source->line_count ? source->lines[line + 1] - 1 : source->text.n;
	if (end > start && end < source->text.n && source->text.s[end - 1] == '\r')
		end--;
	return (struct source_place){
		.name = source->name,
		.line = line + 1,
		.column = count_characters(str_part(source->text, start, offset)) + 1,
		.line_text = str_part(source->text, start, end),
		.line_offset = start,
	};
}

void
sources_free(struct sources *sources)
{
	for (uint32_t i = 1; i < sources->count; i++)
		free(sources->list[i].lines);
	arena_free(&sources->arena);
	*sources = (struct sources){.count = 0};
}
