#include "runtime/ssh_words.h"

#include <string.h>

bool
ssh_words_have(struct str words, const char *text)
{
	return words.n && memmem(words.s, words.n, text, strlen(text));
}

struct str
ssh_words_first(struct str words)
{
	return str_part(words, 0, str_find(words, '\n'));
}

struct str
ssh_words_last(struct str words)
{
	words = str_trim(words);
	const char *newline = words.n ? memrchr(words.s, '\n', words.n) : NULL;
	return newline ? str_part(words, (size_t)(newline - words.s) + 1, words.n) : words;
}

struct str
ssh_words_cause(struct str line)
{
	line = str_trim(line);
	for (size_t i = line.n; i-- > 1;)
		if (line.s[i] == ' ' && line.s[i - 1] == ':')
			return str_part(line, i + 1, line.n);
	return str_ends(line, STR(".")) ? str_part(line, 0, line.n - 1) : line;
}

struct str
ssh_words_fingerprint(struct str words)
{
	const char *start = words.n ? memmem(words.s, words.n, "SHA256:", 7) : NULL;
	if (!start)
		return STR("ssh does not say which");
	struct str print = ssh_words_first(str_part(words, (size_t)(start - words.s), words.n));
	return str_part(print, 0, str_find(print, '.'));
}
