#include "base/arena.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

struct buf
buf_new(struct arena *arena)
{
	return (struct buf){.arena = arena};
}

struct buf
buf_sized(struct arena *arena, size_t capacity)
{
	return (struct buf){.arena = arena, .s = arena_text(arena, capacity), .capacity = capacity};
}

/* Room for `more` bytes behind the text. */
static char *
room(struct buf *buf, size_t more)
{
	if (more > buf->capacity - buf->n) {
		size_t capacity = buf->capacity ? buf->capacity * 2 : 64;
		if (capacity < buf->n + more)
			capacity = buf->n + more;
		buf->s = arena_grow(buf->arena, buf->s, buf->capacity, capacity);
		buf->capacity = capacity;
	}
	return buf->s + buf->n;
}

void
buf_add(struct buf *buf, struct str text)
{
	if (!text.n)
		return;
	memcpy(room(buf, text.n), text.s, text.n);
	buf->n += text.n;
}

void
buf_add_c(struct buf *buf, const char *c_string)
{
	buf_add(buf, str_from(c_string));
}

void
buf_add_byte(struct buf *buf, char byte)
{
	*room(buf, 1) = byte;
	buf->n++;
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	if (length > 0) {
		vsnprintf(room(buf, (size_t)length + 1), (size_t)length + 1, format, again);
		buf->n += (size_t)length;
	}
	va_end(again);
	va_end(arguments);
}

struct str
buf_str(const struct buf *buf)
{
	return (struct str){buf->s ? buf->s : "", buf->n};
}

const char *
buf_c(struct buf *buf)
{
	*room(buf, 1) = 0;
	return buf->s;
}
