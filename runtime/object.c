#include "runtime/object.h"

#include <elf.h>
#include <endian.h>
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

/* Machines by their word size and byte order too, where that tells two of them apart; 0 is any. */
static const struct {
	uint16_t machine;
	unsigned char class, data;
	const char *name;
} architectures[] = {
	{EM_X86_64, ELFCLASS64, 0, "x86_64"},
	{EM_X86_64, ELFCLASS32, 0, "x32"},
	{EM_386, 0, 0, "i386"},
	{EM_AARCH64, 0, ELFDATA2LSB, "aarch64"},
	{EM_ARM, 0, ELFDATA2LSB, "arm"},
	{EM_RISCV, ELFCLASS64, 0, "riscv64"},
	{EM_PPC64, 0, ELFDATA2LSB, "powerpc64le"},
	{EM_PPC64, 0, ELFDATA2MSB, "powerpc64"},
	{EM_S390, ELFCLASS64, 0, "s390x"},
};

struct str
object_architecture(struct arena *arena, struct str object)
{
	Elf32_Ehdr header; /* as far as this is read, a 64 bit header is the same */
	size_t n = offsetof(Elf32_Ehdr, e_version);
	if (object.n < n || memcmp(object.s, ELFMAG, SELFMAG) != 0)
		return STR("");
	memcpy(&header, object.s, n);
	unsigned char class = header.e_ident[EI_CLASS], data = header.e_ident[EI_DATA];
	uint16_t machine = data == ELFDATA2LSB ? le16toh(header.e_machine) : be16toh(header.e_machine);
	for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
		if (architectures[i].machine == machine && (!architectures[i].class || architectures[i].class == class) &&
			(!architectures[i].data || architectures[i].data == data))
			return str_from(architectures[i].name);
	return str_printf(arena, "ELF machine %u, %s bit, %s first", machine, class == ELFCLASS64 ? "64" : "32",
		data == ELFDATA2LSB ? "least" : "most");
}

struct str
object_differs(struct arena *arena, struct str theirs, struct str ours)
{
	struct str there = object_architecture(arena, theirs), here = object_architecture(arena, ours);
	if (there.n && here.n && !str_eq(there, here))
		return str_printf(arena, "its compiler is for %.*s, this machine's for %.*s", STR_ARG(there), STR_ARG(here));
	there = object_maker(theirs);
	here = object_maker(ours);
	if (there.n && here.n && !str_eq(there, here))
		return str_printf(arena, "its compiler is another one: '%.*s' there, '%.*s' here", STR_ARG(there), STR_ARG(here));
	return STR("its compiler is another one");
}
