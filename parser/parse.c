#include "parser/parser.h"
#include "parser/scan.h"

#include <string.h>

void *
parse_item(struct parser *p, size_t size, enum item_kind kind, struct span span)
{
	struct item *item = arena_alloc(p->arena, size);

	item->kind = (uint8_t)kind;
	item->span = span;
	return item;
}

static struct span
span_to(struct span from, struct span to)
{
	return (struct span){from.source, from.offset, to.offset + to.length - from.offset};
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
	return parse_item(p, sizeof(struct item), ITEM_COMMENT, span_to(first, last));
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
		diag_hint(p->diags, d,
			"the lines of one body begin in one column; only a block, an if and an include … as have a body");
		if (body->indent)
			diag_note(p->diags, d, indentation(p, body->start, body->indent), "the body's first line");
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
struct item *
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
		diag_hint(p->diags, d, "nothing deeper was read");
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
		diag_hint(p->diags, d, "write %.*s = $(shell COMMAND)", STR_ARG(lex_text(&p->lex, head->name)));
	else
		diag_hint(p->diags, d, "write = (every value is evaluated once, when it is needed)");
}

/* definition = [ "secret" ] NAME ( "=" | "?=" | "+=" ) [ VALUE ] NEWLINE ; */
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
	d->item.span = span_to(d->secret ? head->secret : head->name, d->value.length ? d->value : head->op_span);
	return &d->item;
}

/* branch<line> = "if" condition ":" NEWLINE body<line> | "else" "if" condition ":" NEWLINE body<line> | "else" ":" NEWLINE body<line> ; */
static struct branch *
parse_branch(struct parser *p, const struct body *body, bool *last)
{
	struct branch *branch = arena_new(p->arena, struct branch);
	struct line header = p->lex.line;
	struct span from, end;
	bool right = true;

	branch->blank_before = header.blank_before;
	lex_start(&p->lex, LEX_COLON | LEX_CONDITION, header.start + header.indent);
	from = end = p->lex.token.span;
	*last = parse_is_word(p, p->lex.token, "else");
	if (*last)
		end = lex_take(&p->lex).span;
	if (parse_is_word(p, p->lex.token, "if")) {
		lex_take(&p->lex);
		*last = false;
		branch->condition = parse_condition(p, false);
		right = branch->condition != NULL;
		end = right ? branch->condition->span : end;
	}
	if (right && p->lex.token.kind != TOKEN_COLON) {
		struct str met = parse_met(p, p->lex.token);
		struct diag *d = diag_error(p->diags, p->lex.token.span, "expected ':' after the %s, met %.*s",
			branch->condition ? "condition" : "else", STR_ARG(met));
		diag_hint(p->diags, d,
			branch->condition ? "as in `if $(arch) == arm64:`" : "as in `else:` or `else if $(arch) == arm64:`");
	} else if (right) {
		end = lex_take(&p->lex).span;
		parse_line_end(p, "':'; the body stands on the lines below");
	}
	branch->span = span_to(from, end);
	lex_leave_line(&p->lex);
	branch->body = parse_body(p, &header, true, body->line);
	if (!branch->body && right && p->depth < PARSE_DEPTH_LIMIT)
		diag_hint(p->diags, diag_error(p->diags, branch->span, "expected an indented body below this line"),
			"at least a comment");
	return branch;
}

static bool
at_else(struct parser *p, const struct line *header)
{
	struct head head;

	if (lex_at_end(&p->lex) || p->lex.line.comment ||
		lex_indent(&p->lex, &p->lex.line, header->start, header->indent) != INDENT_SAME)
		return false;
	head = lex_head(&p->lex);
	return head.op == TOKEN_END && str_is(lex_text(&p->lex, head.name), "else");
}

/* conditional<line> = branch<line> { branch<line> } ; */
struct item *
parse_conditional(struct parser *p, const struct body *body)
{
	struct line header = p->lex.line;
	struct conditional *c = parse_item(p, sizeof(*c), ITEM_IF, SPAN_NONE);
	struct branch **end = &c->branches, *branch = NULL;
	bool last = false;

	do {
		if (last) {
			struct span word = indentation(p, p->lex.line.start + p->lex.line.indent, 4);
			struct diag *d = diag_error(p->diags, word, "this branch stands after the else");
			diag_hint(p->diags, d, "else: is the last branch of an if");
			diag_note(p->diags, d, branch->span, "the else stands here");
		}
		branch = *end = parse_branch(p, body, &last);
		end = &branch->next;
	} while (at_else(p, &header));
	c->item.span = c->branches->span;
	return &c->item;
}

/* include = "include" WORD [ WORD ] [ "as" LABEL [ ":" ] ] NEWLINE [ body<setting_line> ] ; */
static struct item *
parse_include(struct parser *p)
{
	struct line header = p->lex.line;
	struct include *include = parse_item(p, sizeof(*include), ITEM_INCLUDE, SPAN_NONE);
	struct lexer *lex = &p->lex;

	lex_start(lex, LEX_COLON, header.start + header.indent);
	struct span from = lex_take(lex).span, end = from;
	if (lex->token.kind == TOKEN_WORD) {
		include->target = end = lex_take(lex).span;
		struct str text = lex_text(lex, include->target);
		if (!lex->failed && scan_until(text.s, 0, (uint32_t)text.n, CHAR_WORD_STOP) < text.n)
			diag_hint(p->diags, diag_error(p->diags, include->target, "an include's name is one plain word"),
				"it is read before any value is known, so no $(…) and no quotes, as in `include std/gcc`");
	} else {
		struct str met = parse_met(p, lex->token);
		diag_hint(p->diags, diag_error(p->diags, lex->token.span, "expected what to include, met %.*s", STR_ARG(met)),
			"as in `include std/gcc`, `include ./common.edcc` or `include https://host/x.edcc sha256:HEX`");
		lex->failed = true;
	}
	if (lex->token.kind == TOKEN_WORD && str_starts(lex_text(lex, lex->token.span), STR("sha256:"))) {
		end = lex_take(lex).span;
		include->hash = (struct span){end.source, end.offset + 7, end.length - 7};
	}
	if (parse_is_word(p, lex->token, "as")) {
		end = lex_take(lex).span;
		struct str name = lex_text(lex, lex->token.span);
		if (lex->token.kind == TOKEN_WORD && char_is(name.s[0], CHAR_ALPHA) &&
			parse_label_end(lex->text, lex->token.span.offset, lex->end) == lex->token.span.offset + name.n) {
			include->as = end = lex_take(lex).span;
		} else {
			struct str met = parse_met(p, lex->token);
			diag_hint(p->diags,
				diag_error(p->diags, lex->token.span, "expected a name for the instance, met %.*s", STR_ARG(met)),
				"letters, digits, - and _, as in `include std/cmake as zstd:`");
			lex->failed = true;
		}
	}
	include->item.span = span_to(from, end);
	bool colon = lex->token.kind == TOKEN_COLON;
	struct span colon_span = lex->token.span;
	if (colon)
		lex_take(lex);
	parse_line_end(p, "an include");
	bool failed = lex->failed;
	lex_leave_line(lex);
	if (colon && !include->as.length && !failed)
		diag_hint(p->diags, diag_error(p->diags, colon_span, "an include with a body needs a name"),
			"as in `include std/cmake as zstd:`");
	if (colon)
		include->body = parse_body(p, &header, false, parse_setting_line);
	else if (failed)
		lex_leave_deeper(lex, header.start, header.indent);
	return &include->item;
}

/* block = "artifacts" ":" NEWLINE [ body<artifact_line> ] | ( "build" | "on" ) LABEL ":" [ VALUE ] NEWLINE [ body<step_line> ]
 *       | NAME [ LABEL ] ":" [ VALUE ] NEWLINE [ body<setting_line> ] ; */
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
	block->item.span = span_to(kind, block->needs.length ? block->needs : colon);
	block->body = parse_body(p, &header, false,
		step                        ? parse_step_line
		: str_is(word, "artifacts") ? parse_artifact_line
					    : parse_setting_line);
	p->headed = block->body ? NULL : block;
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
	at = scan_over(lex->text, end, lex->end, CHAR_BLANK);
	end = at < lex->end && char_is(lex->text[at], CHAR_ALPHA) ? parse_label_end(lex->text, at, lex->end) : at;
	*name = (struct span){lex->source, at, end - at};
	at = scan_over(lex->text, end, lex->end, CHAR_BLANK);
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
	struct span head = name.length ? span_to(kind, name) : kind;
	struct str text = lex_text(lex, head);
	*colon = (struct span){kind.source, head.offset + head.length, 0};
	diag_hint(p->diags, diag_error(p->diags, *colon, "expected ':' after '%.*s'", STR_ARG(text)),
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
	return parse_unknown_line(p, "a definition, an include, an if or a block");
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
	return parse_unknown_line(p, "a setting");
}

/* file = { file_line } END ; */
static struct tree *
parse_file(struct parser *p)
{
	struct tree *tree = arena_new(p->arena, struct tree);
	struct body body = {.line = parse_file_line, .start = p->lex.line.start};

	tree->source = p->lex.source;
	tree->items = parse_lines(p, &body);
	if (tree->items && tree->items->kind == ITEM_COMMENT)
		tree->documentation = tree->items->span;
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

void
parse_value(uint32_t source, struct span value, struct diags *diags)
{
	struct value_cursor c = value_open(diags->sources, value, VALUE_WORDS);

	c.source = source;
	value_check(&c, 0, diags, NULL);
}
