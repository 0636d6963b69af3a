/* A unified diff of two texts by lines (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). */
#include "parser/format.h"

#include "base/arena.h"

#include <string.h>

#define CONTEXT 3
/* Most edits that are looked for; texts that differ in more are shown as one change. */
#define EDIT_LIMIT 2000

struct diff {
	struct arena arena;
	struct words a, b; /* the lines, with their newlines */
	bool *removed, *added; /* of each line of a, of b */
};

static struct words
split_lines(struct arena *arena, struct str text)
{
	size_t n = 0;
	struct words lines;

	for (size_t i = 0; i < text.n; i++)
		n += text.s[i] == '\n';
	lines = (struct words){arena_array(arena, struct str, n + 1), 0};
	while (text.n) {
		size_t end = str_find(text, '\n');
		end += end < text.n;
		lines.w[lines.n++] = str_part(text, 0, end);
		text = str_part(text, end, text.n);
	}
	return lines;
}

/* Marks what differs between a[from..a_end) and b[from..b_end), walking the trace of furthest reaching paths back. */
static void
mark_edits(struct diff *d, size_t from, long x, long y, int **trace, long edits)
{
	for (; edits > 0; edits--) {
		const int *v = trace[edits - 1] + edits - 1;
		long k = x - y;
		bool down = k == -edits || (k != edits && v[k - 1] < v[k + 1]);
		long before = down ? k + 1 : k - 1, old_x = v[before], old_y = old_x - before;
		if (down)
			d->added[from + (size_t)old_y] = true;
		else
			d->removed[from + (size_t)old_x] = true;
		x = old_x;
		y = old_y;
	}
}

static void
compare(struct diff *d)
{
	size_t from = 0, a_end = d->a.n, b_end = d->b.n;
	int *trace[EDIT_LIMIT];

	while (from < a_end && from < b_end && str_eq(d->a.w[from], d->b.w[from]))
		from++;
	while (a_end > from && b_end > from && str_eq(d->a.w[a_end - 1], d->b.w[b_end - 1]))
		a_end--, b_end--;
	long n = (long)(a_end - from), m = (long)(b_end - from);
	int *v = arena_array(&d->arena, int, 2 * EDIT_LIMIT + 3);
	v += EDIT_LIMIT + 1;
	for (long edits = 0; edits < EDIT_LIMIT; edits++) {
		for (long k = -edits; k <= edits; k += 2) {
			long x = k == -edits || (k != edits && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1, y = x - k;
			while (x < n && y >= 0 && y < m && str_eq(d->a.w[from + (size_t)x], d->b.w[from + (size_t)y]))
				x++, y++;
			v[k] = (int)x;
			if (x >= n && y >= m) {
				mark_edits(d, from, x, y, trace, edits);
				return;
			}
		}
		trace[edits] = arena_array(&d->arena, int, 2 * edits + 1);
		memcpy(trace[edits], v - edits, sizeof(int) * (size_t)(2 * edits + 1));
	}
	memset(d->removed + from, true, (size_t)n);
	memset(d->added + from, true, (size_t)m);
}

static void
print_line(struct buf *out, char sign, struct str line)
{
	buf_add_byte(out, sign);
	buf_add(out, line);
	if (!str_ends(line, STR("\n")))
		buf_add_c(out, "\n\\ No newline at end of file\n");
}

/* The hunk that begins with the changed lines at *i and *j: everything up to more than twice the context of equal lines. */
static void
print_hunk(const struct diff *d, struct buf *out, size_t *i, size_t *j)
{
	size_t a = *i, b = *j, equal = 0, lead = a < b ? a : b;

	lead = lead < CONTEXT ? lead : CONTEXT;
	while ((a < d->a.n || b < d->b.n) && equal <= 2 * CONTEXT) {
		if (a < d->a.n && d->removed[a])
			a++, equal = 0;
		else if (b < d->b.n && d->added[b])
			b++, equal = 0;
		else
			a++, b++, equal++;
	}
	size_t extra = equal > CONTEXT ? equal - CONTEXT : 0, x = *i - lead, y = *j - lead;
	a -= extra;
	b -= extra;
	buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", x + (a > x), a - x, y + (b > y), b - y);
	while (x < a || y < b) {
		if (x < a && d->removed[x])
			print_line(out, '-', d->a.w[x++]);
		else if (y < b && d->added[y])
			print_line(out, '+', d->b.w[y++]);
		else
			print_line(out, ' ', d->a.w[x++]), y++;
	}
	*i = a;
	*j = b;
}

struct str
format_diff(struct arena *arena, struct str name, struct str before, struct str after)
{
	struct diff d = {.arena = {0}};
	struct buf out = buf_new(arena);

	if (str_eq(before, after))
		return (struct str){"", 0};
	d.a = split_lines(&d.arena, before);
	d.b = split_lines(&d.arena, after);
	d.removed = arena_array(&d.arena, bool, d.a.n + 1);
	d.added = arena_array(&d.arena, bool, d.b.n + 1);
	compare(&d);
	buf_printf(&out, "--- %.*s\n+++ %.*s\n", STR_ARG(name), STR_ARG(name));
	for (size_t i = 0, j = 0; i < d.a.n || j < d.b.n;) {
		if ((i < d.a.n && d.removed[i]) || (j < d.b.n && d.added[j]))
			print_hunk(&d, &out, &i, &j);
		else
			i++, j++;
	}
	arena_free(&d.arena);
	return buf_str(&out);
}
