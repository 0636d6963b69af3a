#include "parser/parser.h"
#include "parser/scan.h"

void *
parse_item(struct parser *p, size_t size, enum item_kind kind, struct span span)
{
	struct item *item = arena_alloc(p->arena, size);

	item->kind = (uint8_t)kind;
	item->span = span;
	return item;
}

/* A comment further left than the body belongs to it where more of the body follows, or the else of an if. */
static bool
comment_belongs(struct parser *p, const struct body *body)
{
	enum indent_order order = lex_indent(&p->lex, &p->lex.line, body->start, body->indent);
	const struct line *code = lex_code_line(&p->lex);

	if (order == INDENT_SAME || order == INDENT_DEEPER)
		return true;
	if (code->start >= p->lex.end)
		return body->indent == 0;
	order = lex_indent(&p->lex, code, body->start, body->indent);
	if (order == INDENT_SAME || order == INDENT_DEEPER)
		return true;
	struct str text = {p->lex.text + code->start + code->indent, p->lex.end - code->start - code->indent};
	return body->branch && str_starts(text, STR("else")) &&
	       lex_indent(&p->lex, code, body->header_start, body->header_indent) == INDENT_SAME;
}

/* comment = COMMENT { COMMENT } ; */
static struct item *
parse_comment(struct parser *p, const struct body *body)
{
	struct span first = lex_take_comment(&p->lex), last = first;

	while (!lex_at_end(&p->lex) && p->lex.line.comment && !p->lex.line.blank_before && comment_belongs(p, body))
		last = lex_take_comment(&p->lex);
	return parse_item(p, sizeof(struct item), ITEM_COMMENT, span_join(first, last));
}

static struct span
indentation(struct parser *p, uint32_t start, uint32_t indent)
{
	return (struct span){p->lex.source, start, indent};
}

/* Whether the current line is one of the body's; files and leaves those that are indented wrongly. */
static bool
line_belongs(struct parser *p, const struct body *body, bool *mix_filed)
{
	while (!lex_at_end(&p->lex)) {
		const struct line *line = &p->lex.line;
		if (line->comment)
			return comment_belongs(p, body);
		switch (lex_indent(&p->lex, line, body->start, body->indent)) {
		case INDENT_SAME:
			return true;
		case INDENT_LESS:
			return false;
		case INDENT_MIXED:
			if (line->indent <= body->header_indent)
				return false;
			if (!*mix_filed)
				parse_mixed_indent(p, indentation(p, line->start, line->indent),
					indentation(p, body->start, body->indent), "the body's first line");
			*mix_filed = true;
			return true;
		case INDENT_DEEPER:
			break;
		}
		struct diag *d = diag_error(p->diags, indentation(p, line->start, line->indent), "unexpected indentation");
		diag_hint(
			d, "the lines of one body begin in one column; only a block, an if and an include … as NAME: have a body");
		if (body->indent)
			diag_note(d, indentation(p, body->start, body->indent), "the body's first line");
		lex_leave_deeper(&p->lex, body->start, body->indent);
	}
	return false;
}

static struct item *
parse_lines(struct parser *p, const struct body *body)
{
	struct item *first = NULL, **end = &first;
	bool mix_filed = false;

	while (line_belongs(p, body, &mix_filed)) {
		bool blank_before = p->lex.line.blank_before;
		struct item *item = p->lex.line.comment ? parse_comment(p, body) : body->line(p, body);
		if (!item)
			continue;
		item->blank_before = blank_before;
		*end = item;
		end = &item->next;
	}
	return first;
}

/* body<line> = INDENT line { line } DEDENT ; */
static struct item *
parse_body(struct parser *p, const struct line *header, bool branch, struct item *(*line)(struct parser *, const struct body *))
{
	const struct line *first = lex_code_line(&p->lex);
	enum indent_order order = lex_indent(&p->lex, first, header->start, header->indent);

	if (p->lex.line.comment && order != INDENT_DEEPER) {
		/* Nothing but comments. */
		first = &p->lex.line;
		order = lex_indent(&p->lex, first, header->start, header->indent);
	}
	if (lex_at_end(&p->lex) || order == INDENT_SAME || order == INDENT_LESS || first->indent <= header->indent)
		return NULL;
	if (order == INDENT_MIXED)
		parse_mixed_indent(p, indentation(p, first->start, first->indent), indentation(p, header->start, header->indent),
			"its header");
	if (p->depth == PARSE_DEPTH_LIMIT) {
		struct diag *d = diag_error(p->diags, indentation(p, header->start, header->indent),
			"bodies are nested more than %d deep here", PARSE_DEPTH_LIMIT);
		diag_hint(d, "nothing deeper was read");
		lex_leave_deeper(&p->lex, header->start, header->indent);
		return NULL;
	}
	struct body body = {first->start, first->indent, header->start, header->indent, branch, line};
	p->depth++;
	lex_mark(&p->lex, TOKEN_INDENT);
	struct item *items = parse_lines(p, &body);
	lex_mark(&p->lex, TOKEN_DEDENT);
	p->depth--;
	return items;
}

static void
foreign_operator(struct parser *p, const struct head *head)
{
	struct str text = lex_text(&p->lex, head->op_span);
	struct diag *d = diag_error(p->diags, head->op_span, "'%.*s' is not an operator of an Edccfile", STR_ARG(text));

	if (str_is(text, "!="))
		diag_hint(d, "write %.*s = $(shell COMMAND)", STR_ARG(lex_text(&p->lex, head->name)));
	else
		diag_hint(d, "write = (every value is evaluated once, when it is needed)");
}

/* definition = [ "secret" ] NAME ( "=" | "?=" | "+=" ) [ value ] NEWLINE ; */
struct item *
parse_definition(struct parser *p, const struct head *head)
{
	struct definition *d = parse_item(p, sizeof(*d), ITEM_DEFINITION, head->name);

	d->op = head->op == TOKEN_DEFAULT ? OP_DEFAULT : head->op == TOKEN_ADD ? OP_ADD : OP_SET;
	d->secret = head->secret.length > 0;
	d->name = head->name;
	if (d->secret)
		lex_take_run(&p->lex, TOKEN_NAME, head->secret);
	lex_take_run(&p->lex, TOKEN_NAME, head->name);
	lex_take_run(&p->lex, head->op, head->op_span);
	if (head->foreign)
		foreign_operator(p, head);
	d->value = lex_take_value(&p->lex, head->op_span.offset + head->op_span.length, true);
	d->item.span = span_join(d->secret ? head->secret : head->name, d->value.length ? d->value : head->op_span);
	return &d->item;
}

static const char *
branch_hint(const struct parser *p, const struct branch *branch)
{
	if (!branch->condition)
		return "as in `else:` or `else if $(arch) == arm64:`";
	if (parse_is_word(p, p->lex.token, "&&") || parse_is_word(p, p->lex.token, "||"))
		return "`and` and `or` join two conditions";
	return "as in `if $(arch) == arm64:`";
}

/* branch<line> = ":" NEWLINE body<line> ; */
static void
parse_branch(struct parser *p, const struct line *header, struct branch *branch, const struct body *body)
{
	struct lexer *lex = &p->lex;
	bool right = !lex->failed;

	if (lex->token.kind == TOKEN_COLON) {
		branch->span = span_join(branch->span, lex_take(lex).span);
		right = parse_line_end(p, "':'", "the body stands on the lines below, indented deeper") && right;
	} else if (right) {
		struct str met = parse_met(p, lex->token);
		const char *after = branch->condition ? "the condition" : "else";
		struct diag *d = diag_error(p->diags, lex->token.span, "expected ':' after %s, met %.*s", after, STR_ARG(met));
		diag_hint(d, "%s", branch_hint(p, branch));
	}
	lex_leave_line(lex);
	branch->body = parse_body(p, header, true, body->line);
	if (!branch->body && right && p->depth < PARSE_DEPTH_LIMIT)
		diag_hint(diag_error(p->diags, branch->span, "expected an indented body below this line"), "at least a comment");
}

static bool
at_else(struct parser *p, const struct line *header)
{
	if (lex_at_end(&p->lex) || p->lex.line.comment ||
		lex_indent(&p->lex, &p->lex.line, header->start, header->indent) != INDENT_SAME)
		return false;
	struct head head = lex_head(&p->lex);
	struct str word = lex_text(&p->lex, head.name);
	return head.op == TOKEN_END && (str_is(word, "else") || str_is(word, "elif"));
}

/* conditional<line> = "if" condition<if_test> branch<line> { "else" "if" condition<if_test> branch<line> } [ "else" branch<line> ] ; */
struct item *
parse_conditional(struct parser *p, const struct body *body)
{
	struct conditional *c = parse_item(p, sizeof(*c), ITEM_IF, SPAN_NONE);
	struct branch **end = &c->branches, *branch = NULL, *last = NULL;
	struct line header;

	do {
		header = p->lex.line;
		branch = *end = arena_new(p->arena, struct branch);
		end = &branch->next;
		branch->blank_before = header.blank_before;
		p->terms = 0;
		lex_start(&p->lex, LEX_COLON | LEX_CONDITION, header.start + header.indent);
		struct token first = lex_take(&p->lex);
		branch->span = first.span;
		if (last) {
			struct diag *d = diag_error(p->diags, first.span, "this branch stands after the else");
			diag_hint(d, "else: is the last branch of an if");
			diag_note(d, last->span, "the else stands here");
		}
		bool elif = parse_is_word(p, first, "elif");
		if (elif && !last)
			diag_hint(diag_error(p->diags, first.span, "expected 'else if', met 'elif'"), "write `else if CONDITION:`");
		if (branch != c->branches && !elif && !parse_is_word(p, p->lex.token, "if")) {
			last = last ? last : branch;
		} else {
			if (branch != c->branches && !elif)
				lex_take(&p->lex);
			branch->condition = parse_condition(p, parse_if_test);
			branch->span = branch->condition ? span_join(first.span, branch->condition->span) : first.span;
		}
		parse_branch(p, &header, branch, body);
	} while (at_else(p, &header));
	c->item.span = c->branches->span;
	return &c->item;
}

/* Files what an include lacks. */
static void
include_lacks(struct parser *p, const char *what, const char *hint)
{
	struct str met = parse_met(p, p->lex.token);

	if (!p->lex.failed)
		diag_hint(diag_error(p->diags, p->lex.token.span, "expected %s, met %.*s", what, STR_ARG(met)), "%s", hint);
	p->lex.failed = true;
}

/* PATH [ HASH ] of an include; returns its last token. */
static struct span
include_target(struct parser *p, struct include *include)
{
	struct lexer *lex = &p->lex;

	if (lex->token.kind != TOKEN_WORD) {
		include_lacks(p, "what to include",
			"as in `include std/gcc`, `include ./common.edcc` or `include https://host/x.edcc sha256:HEX`");
		return lex->token.span;
	}
	include->target = lex_take(lex).span;
	struct str path = lex_text(lex, include->target);
	if (!lex->failed && scan_until(path.s, 0, (uint32_t)path.n, CHAR_WORD_STOP) < path.n)
		diag_hint(diag_error(p->diags, include->target, "an include's name is one plain word"),
			"it is read before any value is known, so no $(…) and no quotes, as in `include std/gcc`");
	if (lex->token.kind != TOKEN_WORD || !str_starts(lex_text(lex, lex->token.span), STR("sha256:")))
		return include->target;
	struct span hash = lex_take(lex).span;
	include->hash = (struct span){hash.source, hash.offset + 7, hash.length - 7};
	return hash;
}

/* include = "include" PATH [ HASH ] ( NEWLINE | "as" LABEL NEWLINE | "as" LABEL ":" NEWLINE [ body<setting_line> ] ) ; */
static struct item *
parse_include(struct parser *p)
{
	struct line header = p->lex.line;
	struct include *include = parse_item(p, sizeof(*include), ITEM_INCLUDE, SPAN_NONE);
	struct lexer *lex = &p->lex;

	lex_start(lex, LEX_COLON, header.start + header.indent);
	struct span from = lex_take(lex).span, end = include_target(p, include);
	if (parse_is_word(p, lex->token, "as")) {
		end = lex_take(lex).span;
		struct span name = lex->token.span;
		bool label = lex->token.kind == TOKEN_WORD && char_is(lex->text[name.offset], CHAR_ALPHA) &&
			     parse_label_end(lex->text, name.offset, lex->end) == name.offset + name.length;
		if (label)
			include->as = end = lex_take(lex).span;
		else
			include_lacks(p, "a name for the instance", "letters, digits, - and _, as in `include std/cmake as zstd:`");
	}
	include->item.span = span_join(from, end);
	bool colon = lex->token.kind == TOKEN_COLON;
	if (colon && !include->as.length)
		include_lacks(p, "a name for an include with a body", "as in `include std/cmake as zstd:`");
	if (colon)
		lex_take(lex);
	parse_line_end(p, "an include", "as in `include std/gcc` or `include std/cmake as zstd:`");
	bool failed = lex->failed;
	lex_leave_line(lex);
	if (colon)
		include->body = parse_body(p, &header, false, parse_setting_line);
	else if (failed)
		lex_leave_deeper(lex, header.start, header.indent);
	return &include->item;
}

/* block = ( "build" | "on" ) [ LABEL ] ":" [ value ] NEWLINE [ body<step_line> ]
 *          | "artifacts" [ LABEL ] ":" [ value ] NEWLINE [ body<artifact_line> ]
 *          | KIND [ LABEL ] ":" [ value ] NEWLINE [ body<setting_line> ] ; */
static struct item *
parse_block(struct parser *p, struct span kind, struct span name, struct span colon)
{
	struct line header = p->lex.line;
	struct block *block = parse_item(p, sizeof(*block), ITEM_BLOCK, SPAN_NONE);
	struct str word = lex_text(&p->lex, kind);
	bool step = str_is(word, "build") || str_is(word, "on");

	block->kind = kind;
	block->name = name;
	lex_take_run(&p->lex, TOKEN_NAME, kind);
	if (name.length)
		lex_take_run(&p->lex, TOKEN_LABEL, name);
	if (colon.length)
		lex_take_run(&p->lex, TOKEN_COLON, colon);
	block->needs = lex_take_value(&p->lex, colon.offset + colon.length, false);
	block->item.span = span_join(kind, block->needs.length ? block->needs : colon);
	size_t faults = p->diags->error_count;
	block->body = parse_body(p, &header, false,
		step                        ? parse_step_line
		: str_is(word, "artifacts") ? parse_artifact_line
					    : parse_setting_line);
	block->faults = (uint32_t)(p->diags->error_count - faults);
	block->end = p->lex.line.start;
	p->headed = block->body || block->faults ? NULL : block;
	p->unindented = false;
	return &block->item;
}

/* Finds KIND [NAME] ':' at the current line. */
static bool
find_header(const struct lexer *lex, struct span *kind, struct span *name, struct span *colon)
{
	uint32_t at = lex->line.start + lex->line.indent, end = scan_over(lex->text, at, lex->end, CHAR_NAME);

	if (!char_is(lex->text[at], CHAR_ALPHA))
		return false;
	*kind = (struct span){lex->source, at, end - at};
	at = scan_blanks(lex->text, end, lex->end, CHAR_BLANK);
	end = at < lex->end && char_is(lex->text[at], CHAR_ALPHA) ? parse_label_end(lex->text, at, lex->end) : at;
	*name = (struct span){lex->source, at, end - at};
	at = scan_blanks(lex->text, end, lex->end, CHAR_BLANK);
	*colon = (struct span){lex->source, at, at < lex->end && lex->text[at] == ':'};
	return colon->length > 0;
}

/* Whether a line that is a header but for its ':' has a body; files that. */
static bool
lacks_colon(struct parser *p, struct span kind, struct span name, struct span *colon)
{
	struct lexer *lex = &p->lex;
	uint32_t end = scan_until(lex->text, colon->offset, lex->end, CHAR_NEWLINE);
	struct lexer below = *lex;

	if (!kind.length || (colon->offset < end && lex->text[colon->offset] != '#'))
		return false;
	lex_leave_line(&below);
	if (lex_at_end(&below) || lex_indent(lex, lex_code_line(&below), lex->line.start, lex->line.indent) != INDENT_DEEPER)
		return false;
	struct span head = name.length ? span_join(kind, name) : kind;
	struct str text = lex_text(lex, head);
	*colon = (struct span){kind.source, head.offset + head.length, 0};
	diag_hint(diag_error(p->diags, *colon, "expected ':' after '%.*s'", STR_ARG(text)),
		"a block's header ends in ':', as in `%.*s:`", STR_ARG(text));
	return true;
}

/* file_line = comment | definition | include | conditional<file_line> | block ; */
struct item *
parse_file_line(struct parser *p, const struct body *body)
{
	struct head head = lex_head(&p->lex);
	struct str word = lex_text(&p->lex, head.name);
	struct span kind = SPAN_NONE, name, colon;
	const struct block *headed = p->headed;

	p->headed = NULL;
	if (head.op != TOKEN_END)
		return parse_definition(p, &head);
	if (str_is(word, "if"))
		return parse_conditional(p, body);
	if (str_is(word, "include"))
		return parse_include(p);
	if (!str_is(word, "else") && (find_header(&p->lex, &kind, &name, &colon) || lacks_colon(p, kind, name, &colon)))
		return parse_block(p, kind, name, colon);
	p->headed = headed;
	return parse_unknown_line(p, "a definition, an include, an if or a block", true);
}

/* setting_line = comment | definition | conditional<setting_line> ; */
struct item *
parse_setting_line(struct parser *p, const struct body *body)
{
	struct head head = lex_head(&p->lex);

	if (head.op != TOKEN_END)
		return parse_definition(p, &head);
	if (str_is(lex_text(&p->lex, head.name), "if"))
		return parse_conditional(p, body);
	return parse_unknown_line(p, "a setting", false);
}

/* file = { file_line } END ; */
static struct tree *
parse_file(struct parser *p)
{
	struct tree *tree = arena_new(p->arena, struct tree);
	struct body body = {.line = parse_file_line, .start = p->lex.line.start};

	tree->source = p->lex.source;
	tree->items = parse_lines(p, &body);
	lex_mark(&p->lex, TOKEN_END);
	return tree;
}

struct tree *
parse_source(struct arena *arena, uint32_t source, struct diags *diags)
{
	struct parser p = {.arena = arena, .diags = diags};

	lex_open(&p.lex, source, diags, NULL);
	return parse_file(&p);
}

struct str
parse_print_tokens(struct arena *arena, uint32_t source, struct diags *diags)
{
	struct parser p = {.arena = arena, .diags = diags};
	struct buf tokens = buf_new(arena);

	lex_open(&p.lex, source, diags, &tokens);
	parse_file(&p);
	return buf_str(&tokens);
}
