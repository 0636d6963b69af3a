/* Any bytes as an Edccfile's tokens: each line of what is printed names a place that is in the text. */
#include "base/arena.h"
#include "parser/parse.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena = {0};
	struct sources sources = {0};
	struct diags diags = {.sources = &sources};
	uint32_t source = source_add(&sources, STR("fuzz"), (struct str){0}, (struct str){(const char *)bytes, n});

	struct str tokens = parse_print_tokens(&arena, source, &diags);
	if (!str_ends(tokens, STR(" END\n")))
		abort();
	for (const struct diag *d = diags.first; d; d = d->next)
		if (d->message.n == 0 || d->span.source != source ||
			(size_t)d->span.offset + d->span.length > source_get(&sources, source)->text.n)
			abort();
	diag_clear(&diags);
	sources_free(&sources);
	arena_free(&arena);
	return 0;
}
