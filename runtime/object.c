#include "runtime/object.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

/* In the text that compilers put into every object. */
static const char *const makers[] = {"GCC: (", "clang version "};

/* The whole text between zero bytes that has a compiler's mark. */
struct str
object_maker(struct str object)
{
	for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
		const char *mark = object.n ? memmem(object.s, object.n, makers[i], strlen(makers[i])) : NULL;
		if (!mark)
			continue;
		size_t from = (size_t)(mark - object.s), to = from;
		while (from > 0 && (unsigned char)object.s[from - 1] >= ' ')
			from--;
		while (to < object.n && (unsigned char)object.s[to] >= ' ')
			to++;
		return str_part(object, from, to);
	}
	return STR("");
}

/* The same word size, byte order and machine. */
static bool
same_machine(struct str a, struct str b)
{
	Elf32_Ehdr x, y; /* as far as these are, a 64 bit header is the same */
	size_t n = offsetof(Elf32_Ehdr, e_version);
	if (a.n < n || b.n < n || memcmp(a.s, ELFMAG, SELFMAG) != 0 || memcmp(b.s, ELFMAG, SELFMAG) != 0)
		return true;
	memcpy(&x, a.s, n);
	memcpy(&y, b.s, n);
	return x.e_ident[EI_CLASS] == y.e_ident[EI_CLASS] && x.e_ident[EI_DATA] == y.e_ident[EI_DATA] && x.e_machine == y.e_machine;
}

struct str
object_differs(struct arena *arena, struct str theirs, struct str ours)
{
	struct str there = object_maker(theirs), here = object_maker(ours);
	if (!same_machine(theirs, ours))
		return STR("its compiler makes objects for another kind of machine");
	if (there.n && here.n && !str_eq(there, here))
		return str_printf(arena, "its compiler is another one: '%.*s' there, '%.*s' here", STR_ARG(there), STR_ARG(here));
	return STR("its compiler is another one");
}
