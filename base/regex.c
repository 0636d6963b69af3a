#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/regex.h"
#include "base/arena.h"
#include "base/os.h"

#include <pcre2.h>
#include <stdlib.h>

/* What one match may cost: steps, depth of backtracking, KiB of heap. */
#define STEP_LIMIT 1000000
#define DEPTH_LIMIT 100000
#define HEAP_LIMIT 65536

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static const struct {
	char letter;
	uint32_t option;
} flag_options[] = {
	{'i', PCRE2_CASELESS},
	{'m', PCRE2_MULTILINE},
	{'s', PCRE2_DOTALL},
	{'x', PCRE2_EXTENDED},
};

/* The option of a flag, or 0 where there is no such flag. */
static uint32_t
option_of(char letter)
{
	for (size_t i = 0; i < sizeof flag_options / sizeof *flag_options; i++)
		if (flag_options[i].letter == letter)
			return flag_options[i].option;
	return 0;
}

struct regex *
regex_new(struct str pattern, struct str flags, struct str *error, size_t *offset, struct arena *arena)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	*offset = 0;
	for (size_t i = 0; i < flags.n; i++) {
		if (!option_of(flags.s[i])) {
			*error = str_printf(arena, "unknown flag '%c'; flags are i, m, s and x", flags.s[i]);
			return NULL;
		}
		options |= option_of(flags.s[i]);
	}
	int code;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.s : ""), pattern.n, options, &code, offset, NULL);
	if (!compiled) {
		unsigned char message[256];
		pcre2_get_error_message(code, message, sizeof message);
		*error = str_dup(arena, str_from((const char *)message));
		return NULL;
	}
	struct regex *regex = malloc(sizeof *regex);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	if (!regex || !limits)
		os_exhausted();
	pcre2_set_match_limit(limits, STEP_LIMIT);
	pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(limits, HEAP_LIMIT);
	*regex = (struct regex){compiled, limits};
	return regex;
}

static pcre2_match_data *
groups_new(const struct regex *regex)
{
	pcre2_match_data *groups = pcre2_match_data_create_from_pattern(regex->code, NULL);
	if (!groups)
		os_exhausted();
	return groups;
}

/* True where the subject matches from `start` on; the groups then say where. */
static bool
match(const struct regex *regex, struct str subject, size_t start, uint32_t options, pcre2_match_data *groups)
{
	PCRE2_SPTR text = (PCRE2_SPTR)(subject.n ? subject.s : "");
	return pcre2_match(regex->code, text, subject.n, start, options, groups, regex->limits) > 0;
}

/* The text of a group; empty where it did not take part. */
static struct str
group_text(struct str subject, pcre2_match_data *groups, size_t group)
{
	const size_t *ends = pcre2_get_ovector_pointer(groups) + 2 * group;
	if (group >= pcre2_get_ovector_count(groups) || ends[0] == PCRE2_UNSET)
		return STR("");
	return str_part(subject, ends[0], ends[1]);
}

bool
regex_match(const struct regex *regex, struct str subject)
{
	pcre2_match_data *groups = groups_new(regex);
	bool matched = match(regex, subject, 0, 0, groups);
	pcre2_match_data_free(groups);
	return matched;
}

bool
regex_find(const struct regex *regex, struct str subject, struct str *found)
{
	pcre2_match_data *groups = groups_new(regex);
	bool matched = match(regex, subject, 0, 0, groups);
	if (matched)
		*found = group_text(subject, groups, pcre2_get_ovector_count(groups) > 1 ? 1 : 0);
	pcre2_match_data_free(groups);
	return matched;
}

/* Reads "$1" or "${12}" at the start of the text: how many bytes it takes, or 0 where there is none. */
static size_t
group_reference(struct str text, size_t *group)
{
	bool braced = text.n > 1 && text.s[1] == '{';
	size_t start = braced ? 2 : 1, end = start;
	while (end < text.n && end - start < (braced ? 4 : 1) && text.s[end] >= '0' && text.s[end] <= '9')
		end++;
	if (end == start || (braced && (end == text.n || text.s[end] != '}')))
		return 0;
	*group = 0;
	for (size_t i = start; i < end; i++)
		*group = *group * 10 + (size_t)(text.s[i] - '0');
	return braced ? end + 1 : end;
}

static void
add_replacement(struct buf *out, struct str replacement, struct str subject, pcre2_match_data *groups)
{
	while (replacement.n) {
		size_t group, plain = str_find(replacement, '$');
		buf_add(out, str_part(replacement, 0, plain));
		replacement = str_part(replacement, plain, replacement.n);
		size_t length = replacement.n ? group_reference(replacement, &group) : 0;
		if (length)
			buf_add(out, group_text(subject, groups, group));
		else
			buf_add(out, str_part(replacement, 0, 1));
		replacement = str_part(replacement, length ? length : 1, replacement.n);
	}
}

struct str
regex_replace(const struct regex *regex, struct str subject, struct str replacement, struct arena *arena)
{
	struct buf out = buf_new(arena);
	pcre2_match_data *groups = groups_new(regex);
	const size_t *ends = pcre2_get_ovector_pointer(groups);
	size_t done = 0;
	uint32_t options = 0;
	/* After an empty match only one that is not empty may start at the same place. */
	for (size_t at = 0; at <= subject.n;) {
		if (match(regex, subject, at, options, groups) && ends[0] >= done && ends[1] >= ends[0]) {
			buf_add(&out, str_part(subject, done, ends[0]));
			add_replacement(&out, replacement, subject, groups);
			at = done = ends[1];
			options = ends[0] == ends[1] ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
		} else if (options) {
			size_t length = at < subject.n ? utf8_length(subject.s + at, subject.n - at) : 1;
			at += length ? length : 1;
			options = 0;
		} else {
			break;
		}
	}
	buf_add(&out, str_part(subject, done, subject.n));
	pcre2_match_data_free(groups);
	return buf_str(&out);
}

void
regex_free(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_code_free(regex->code);
	free(regex);
}
