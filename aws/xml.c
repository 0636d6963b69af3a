#include "aws/xml.h"
#include "base/arena.h"
#include "base/os.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

/* An element that is still open. */
struct frame {
	struct xml *element, *last; /* last: its last child so far */
	struct buf text;
};

struct reader {
	XML_Parser parser;
	struct arena *arena;
	struct xml *root;
	struct frame open[XML_DEPTH_LIMIT];
	size_t depth;
	const char *refused; /* why we, not expat, ended it */
};

static void
refuse(struct reader *reader, const char *why)
{
	reader->refused = why;
	XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL
element_begin(void *context, const XML_Char *name, const XML_Char **attributes)
{
	(void)attributes;
	struct reader *reader = context;
	if (reader->depth == XML_DEPTH_LIMIT) {
		refuse(reader, "it is nested too deep");
		return;
	}
	const char *colon = strrchr(name, ':');
	struct xml *element = arena_new(reader->arena, struct xml);
	element->name = str_dup(reader->arena, str_from(colon ? colon + 1 : name));
	if (reader->depth) {
		struct frame *parent = &reader->open[reader->depth - 1];
		*(parent->last ? &parent->last->next : &parent->element->first) = element;
		parent->last = element;
	} else {
		reader->root = element;
	}
	reader->open[reader->depth++] = (struct frame){.element = element, .text = buf_new(reader->arena)};
}

static void XMLCALL
element_end(void *context, const XML_Char *name)
{
	(void)name;
	struct reader *reader = context;
	struct frame *frame = &reader->open[--reader->depth];
	frame->element->text = buf_str(&frame->text);
}

static void XMLCALL
text_add(void *context, const XML_Char *text, int n)
{
	struct reader *reader = context;
	if (reader->depth)
		buf_add(&reader->open[reader->depth - 1].text, (struct str){text, (size_t)n});
}

/* AWS never declares a document type: HTML does, and so does whoever wants entities expanded. */
static void XMLCALL
doctype_begin(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	refuse(context, "it declares a document type, which AWS's answers never do");
}

struct xml *
xml_read(struct arena *arena, struct str text, struct str *error)
{
	if (!text.n || text.n > INT_MAX) {
		*error = text.n ? STR("it is too large to be read as XML") : STR("it is empty");
		return NULL;
	}
	struct reader reader = {.parser = XML_ParserCreate("UTF-8"), .arena = arena};
	if (!reader.parser)
		os_exhausted();
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, element_begin, element_end);
	XML_SetCharacterDataHandler(reader.parser, text_add);
	XML_SetStartDoctypeDeclHandler(reader.parser, doctype_begin);
	bool done = XML_Parse(reader.parser, text.s, (int)text.n, XML_TRUE) == XML_STATUS_OK;
	if (!done)
		*error = str_printf(arena, "it is not readable XML: %s (byte %ld)",
			reader.refused ? reader.refused : XML_ErrorString(XML_GetErrorCode(reader.parser)),
			(long)XML_GetCurrentByteIndex(reader.parser));
	XML_ParserFree(reader.parser);
	return done ? reader.root : NULL;
}

static const struct xml *
named(const struct xml *element, struct str name)
{
	while (element && !str_eq(element->name, name))
		element = element->next;
	return element;
}

const struct xml *
xml_child(const struct xml *xml, const char *path)
{
	struct str rest = str_from(path), name;
	while (xml && str_split(&rest, '/', &name))
		xml = named(xml->first, name);
	return xml;
}

struct str
xml_text(const struct xml *xml, const char *path)
{
	const struct xml *found = xml_child(xml, path);
	return found ? found->text : (struct str){NULL, 0};
}

int64_t
xml_integer(const struct xml *xml, const char *path, int64_t fallback)
{
	int64_t value;
	return str_integer(xml_text(xml, path), &value) ? value : fallback;
}

const struct xml *
xml_again(const struct xml *xml)
{
	return xml ? named(xml->next, xml->name) : NULL;
}
