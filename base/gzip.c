#include "base/gzip.h"

#include "base/arena.h"
#include "base/os.h"

#include <zlib.h>

/* zlib's word for a gzip header around the largest window, and its default of memory. */
#define GZIP_WINDOW (MAX_WBITS + 16)
#define MEMORY_LEVEL 8

struct str
gzip_text(struct arena *arena, struct str text)
{
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text.s, .avail_in = (uInt)text.n};
	if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		os_exhausted();
	uLong room = deflateBound(&stream, (uLong)text.n);
	char *bytes = arena_text(arena, room);
	stream.next_out = (unsigned char *)bytes;
	stream.avail_out = (uInt)room;
	/* With so much room one call does it all. */
	deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
	return (struct str){bytes, stream.total_out};
}
