/* Any bytes as an Edccfile: where they are one, laying it out leaves its tree as it is, and laying that out changes nothing. */
#include "base/arena.h"
#include "parser/format.h"
#include "parser/parse.h"

#include <stdint.h>
#include <stdlib.h>

struct reading {
	struct arena arena;
	struct sources sources;
	struct diags diags;
	struct tree *tree;
};

static void
read_text(struct reading *r, struct str text)
{
	*r = (struct reading){.diags = {.sources = &r->sources}};
	r->tree = parse_source(&r->arena, source_add(&r->sources, STR("fuzz"), (struct str){0}, text), &r->diags);
}

static void
free_reading(struct reading *r)
{
	diag_clear(&r->diags);
	sources_free(&r->sources);
	arena_free(&r->arena);
}

static struct str
print(struct reading *r)
{
	return parse_print_tree(&r->arena, &r->sources, r->tree);
}

static struct str
format(struct reading *r)
{
	return format_tree(&r->arena, &r->sources, r->tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct reading first, second;

	read_text(&first, (struct str){(const char *)bytes, n});
	struct str tree = print(&first);
	if (first.diags.error_count == 0) {
		struct str text = format(&first);
		read_text(&second, text);
		if (second.diags.error_count || !str_eq(print(&second), tree) || !str_eq(format(&second), text))
			abort();
		format_diff(&second.arena, STR("fuzz"), (struct str){(const char *)bytes, n}, text);
		free_reading(&second);
	}
	free_reading(&first);
	return 0;
}
