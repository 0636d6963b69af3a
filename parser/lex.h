/* lex: a source's lines and tokens, one at a time. What a line is decides how it is read, so the parser says which: the first name and operator of a
 * definition, a value to its end, tokens of a header or a condition, a recipe. */
#ifndef PARSER_LEX_H
#define PARSER_LEX_H

#include "base/diag.h"

enum token_kind {
#define TOKEN(name, text) TOKEN_##name,
#include "parser/token.def"
#undef TOKEN
};

struct token {
	enum token_kind kind;
	struct span span;
};

/* Which tokens a line has beside words. */
enum lex_mode {
	LEX_WORDS = 0,
	LEX_COLON = 1, /* ':' before white space and at the end */
	LEX_ARROW = 2, /* '->' that stands alone */
	LEX_CONDITION = 4, /* comparisons, parentheses and regex literals */
};

/* How a line begins. */
struct line {
	uint32_t start; /* offset of its first byte; the text's end where there is no more line */
	uint32_t indent; /* how many bytes of white space it begins with */
	bool blank_before; /* an empty line stands before it */
	bool comment; /* it holds nothing but a comment */
};

/* How a definition begins; op is TOKEN_END where the line is none. */
struct head {
	struct span secret, name, op_span;
	enum token_kind op;
	bool spaced; /* white space stands before the operator */
	bool foreign; /* the operator is one of make's: := ::= != */
};

struct lexer {
	struct diags *diags;
	const char *text;
	uint32_t source;
	uint32_t end; /* of what is read: before the first bad byte */
	struct line line; /* the one to be read next */
	struct line code; /* the next that is not a comment; valid while it does not stand before `line` */
	uint32_t at; /* in the line that is being read */
	uint32_t limit; /* its end, continuations included; 0 where its reading has not begun */
	enum lex_mode mode;
	bool quiet; /* look ahead: file nothing */
	bool failed; /* a broken quote or $( ) was filed: the rest of the line says nothing */
	struct token token; /* the one looked at */
	struct buf *trace; /* where every token is printed as it is taken; NULL: nowhere */
};

/* Begins with the first line; bytes that no text file has are filed as an error. */
void lex_open(struct lexer *, uint32_t source, struct diags *, struct buf *trace);
static inline bool
lex_at_end(const struct lexer *lex)
{
	return lex->line.start >= lex->end;
}

/* The first line, from the current one on, that is not a comment. */
const struct line *lex_code_line(struct lexer *);
/* The name and operator that the current line begins with, if it does. */
struct head lex_head(const struct lexer *);

enum indent_order {
	INDENT_SAME,
	INDENT_DEEPER,
	INDENT_LESS,
	INDENT_MIXED, /* neither begins with the other */
};

/* How the line's indentation compares with the one that begins at `start` and is `indent` bytes long. */
enum indent_order lex_indent(const struct lexer *, const struct line *, uint32_t start, uint32_t indent);

/* Reads the current line, with the lines that a backslash joins to it, as tokens; lex->token is the first one. */
void lex_start(struct lexer *, enum lex_mode, uint32_t at);
/* Takes the token and looks at the next; TOKEN_NEWLINE again and again at the end. */
struct token lex_take(struct lexer *);
/* Takes a run of characters as one token, without looking at what follows. */
struct span lex_take_run(struct lexer *, enum token_kind, struct span);
/* Takes the rest of the line from `at` as a value and goes to the next line; with `deeper`, the deeper-indented lines below continue it. */
struct span lex_take_value(struct lexer *, uint32_t at, bool deeper);
/* Takes the current line, a comment, and goes to the next. */
struct span lex_take_comment(struct lexer *);
/* Takes lines as a recipe, up to the first that is not indented deeper than the header; goes to the line after it. */
struct span lex_take_recipe(struct lexer *, uint32_t header_start, uint32_t header_indent);
/* The offset of the end of the physical line. */
uint32_t lex_line_end(const struct lexer *, uint32_t at);
/* Whether the physical line from `at` to its end joins the next to itself. */
bool lex_ends_in_backslash(const struct lexer *, uint32_t at, uint32_t end);
/* Goes to the next line, leaving the rest of this one. */
void lex_leave_line(struct lexer *);
/* Leaves every line that is indented deeper than this. */
void lex_leave_deeper(struct lexer *, uint32_t start, uint32_t indent);
/* A token of no extent before the current line. */
void lex_mark(struct lexer *, enum token_kind);

struct str lex_text(const struct lexer *, struct span);

#endif
