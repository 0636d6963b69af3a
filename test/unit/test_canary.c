/* What is made of a canary that failed: what its object is for, and the way out. */
#include "unit.h"

#include "base/arena.h"
#include "runtime/canary_hint.h"
#include "runtime/object.h"

#include <elf.h>

#define LOG                                                                                                       \
	"distcc[1] (dcc_gcc_rewrite_fqn) Re-writing call to 'gcc' to 'x86_64-linux-gnu-gcc' to support cross-\n"  \
	"distcc[1] exec on [fd00::2]:3633/1,lzo: x86_64-linux-gnu-gcc -O2 -c edcc-canary.c -o [fd00::2]:3633.o\n" \
	"distcc[1] (dcc_r_result_header) ERROR: server provided no answer.\n"

/* An object of which nothing is there but the beginning. */
static struct str
header(struct arena *arena, unsigned char class, unsigned char data, uint16_t machine)
{
	unsigned char *bytes = arena_array(arena, unsigned char, EI_NIDENT + 4);
	size_t high = data == ELFDATA2LSB ? 1 : 0;
	memcpy(bytes, ELFMAG, SELFMAG);
	bytes[EI_CLASS] = class;
	bytes[EI_DATA] = data;
	bytes[EI_NIDENT + 2 + high] = (unsigned char)(machine >> 8);
	bytes[EI_NIDENT + 2 + !high] = (unsigned char)machine;
	return (struct str){(char *)bytes, EI_NIDENT + 4};
}

static void
architectures(void **state)
{
	(void)state;
	struct arena arena = {0};
	const struct {
		unsigned char class, data;
		uint16_t machine;
		const char *name;
	} cases[] = {
		{ELFCLASS64, ELFDATA2LSB, EM_X86_64, "x86_64"},
		{ELFCLASS32, ELFDATA2LSB, EM_X86_64, "x32"},
		{ELFCLASS32, ELFDATA2LSB, EM_386, "i386"},
		{ELFCLASS64, ELFDATA2LSB, EM_AARCH64, "aarch64"},
		{ELFCLASS32, ELFDATA2LSB, EM_ARM, "arm"},
		{ELFCLASS64, ELFDATA2LSB, EM_PPC64, "powerpc64le"},
		{ELFCLASS64, ELFDATA2MSB, EM_PPC64, "powerpc64"},
		{ELFCLASS64, ELFDATA2MSB, EM_S390, "s390x"},
		{ELFCLASS32, ELFDATA2MSB, EM_ARM, "ELF machine 40, 32 bit, most first"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_text(object_architecture(&arena, header(&arena, cases[i].class, cases[i].data, cases[i].machine)),
			cases[i].name);
	assert_text(object_architecture(&arena, STR("")), "");
	assert_text(object_architecture(&arena, STR("MZ is no ELF file at all")), "");
	assert_text(object_architecture(&arena, str_part(header(&arena, ELFCLASS64, ELFDATA2LSB, EM_386), 0, EI_NIDENT + 3)), "");
	assert_text(object_differs(&arena, header(&arena, ELFCLASS64, ELFDATA2LSB, EM_AARCH64),
			    header(&arena, ELFCLASS64, ELFDATA2LSB, EM_X86_64)),
		"its compiler is for aarch64, this machine's for x86_64");
	arena_free(&arena);
}

static void
names_sent(void **state)
{
	(void)state;
	assert_text(canary_name_sent(STR(LOG)), "x86_64-linux-gnu-gcc");
	assert_text(canary_name_sent(STR("")), "");
	assert_text(canary_name_sent(STR("distcc[1] exec on red")), "");
	assert_text(canary_name_sent(STR("distcc[1] exec on red/1: clang-14")), "clang-14");
}

static void
ways_out(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct project project = {.compiler_set.version = STR("12")};
	struct toolchain gcc = {.kind = STR("gcc"), .cc = STR("gcc-12"), .target = STR("x86_64-linux-gnu")};
	struct toolchain clang = {.kind = STR("clang"), .cc = STR("clang-14"), .target = STR("x86_64-pc-linux-gnu")};
	assert_text(canary_package_hint(&arena, &project, &gcc, STR("x86_64-linux-gnu-gcc-12")),
		"Debian has it in gcc-12 on machines of its own architecture, in gcc-12-x86-64-linux-gnu on others");
	assert_text(canary_package_hint(&arena, &project, &gcc, STR("gcc-12")), "");
	assert_text(canary_package_hint(&arena, &project, &clang, STR("clang-14")), "");
	assert_text(canary_target_hint(&arena, &project, &gcc),
		"'compiler gcc: target = x86_64-linux-gnu' asks it for "
		"x86_64-linux-gnu-gcc-12, which Debian has in gcc-12-x86-64-linux-gnu");
	assert_text(canary_target_hint(&arena, &project, &clang),
		"'compiler clang: target = x86_64-pc-linux-gnu' tells it what to compile for");
	project.compiler_set.target = STR("x86_64-linux-gnu");
	assert_text(canary_target_hint(&arena, &project, &gcc), "");
	project.compiler_set = (struct compiler_settings){.cc = STR("/opt/bin/gcc")};
	assert_text(canary_target_hint(&arena, &project, &gcc), "");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(architectures),
		cmocka_unit_test(names_sent),
		cmocka_unit_test(ways_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
