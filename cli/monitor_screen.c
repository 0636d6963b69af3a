#include "cli/monitor.h"

#include "base/arena.h"
#include "cli/screen.h"
#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

/* Between two looks. */
#define LOOK_MS 250
/* The other screen of the terminal, so that what stood on this one comes back. What is drawn between 2026h and 2026l is shown at once where the terminal
 * can do that. */
#define ENTER "\033[?1049h" SCREEN_HIDE_CURSOR "\033[2J"
#define LEAVE "\033[?2026l\033[0m" SCREEN_SHOW_CURSOR "\033[?1049l"
#define BEGIN "\033[?2026h\033[H"
#define END "\033[J\033[?2026l"
#define HELP "q ends, space freezes, s: slots or hosts, arrows scroll"

struct screen {
	struct cli *cli;
	struct monitor *monitor;
	pthread_mutex_t mutex; /* for what the signals' thread does: entered, modes, drawn */
	bool entered, has_modes;
	struct termios modes; /* as they were */
	struct arena frame; /* of the picture and its lines */
	struct picture picture;
	struct arena drawn_arena;
	struct str drawn; /* what stands on the screen; none where that is not known */
	int wake; /* an eventfd: readable when it is to be drawn anew */
	bool frozen, over;
	bool chosen; /* the layout, by somebody; else by the room that there is */
	enum monitor_layout layout;
	size_t first; /* the line that stands below the head */
	size_t page; /* lines below the head */
};

/* --- the terminal --- */

/* With the mutex. */
static void
enter(struct screen *screen)
{
	screen->has_modes = tcgetattr(STDIN_FILENO, &screen->modes) == 0;
	screen_changed(STDOUT_FILENO, LEAVE, screen->has_modes ? &screen->modes : NULL);
	if (screen->has_modes) {
		struct termios raw = screen->modes;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	screen->entered = os_write_all(STDOUT_FILENO, STR(ENTER));
	screen->drawn = (struct str){NULL, 0};
}

/* With the mutex. */
static void
leave(struct screen *screen)
{
	if (!screen->entered)
		return;
	os_write_all(STDOUT_FILENO, STR(LEAVE));
	if (screen->has_modes)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->modes);
	screen->entered = false;
	screen_restored();
}

static void
on_resized(void *context)
{
	struct screen *screen = context;
	pthread_mutex_lock(&screen->mutex);
	screen->drawn = (struct str){NULL, 0};
	pthread_mutex_unlock(&screen->mutex);
	eventfd_write(screen->wake, 1);
}

static void
on_stopping(void *context)
{
	struct screen *screen = context;
	pthread_mutex_lock(&screen->mutex);
	leave(screen);
	pthread_mutex_unlock(&screen->mutex);
}

static void
on_continued(void *context)
{
	struct screen *screen = context;
	pthread_mutex_lock(&screen->mutex);
	/* Also after SIGSTOP, which nobody was told of: the shell has had the terminal meanwhile. */
	leave(screen);
	enter(screen);
	pthread_mutex_unlock(&screen->mutex);
	eventfd_write(screen->wake, 1);
}

/* --- drawing --- */

/* What fits: slots, or else hosts. */
static struct monitor_lines
lay_out(struct screen *screen, struct screen_size size)
{
	struct arena *arena = &screen->frame;
	/* One column stays free: what follows a character in the last one is not the same on all terminals. */
	size_t columns = size.columns - 1;
	if (!screen->chosen)
		screen->layout = MONITOR_SLOTS;
	struct monitor_lines lines = monitor_draw(arena, &screen->picture, screen->layout, columns);
	if (screen->chosen || lines.n < size.rows)
		return lines;
	screen->layout = MONITOR_HOSTS;
	return monitor_draw(arena, &screen->picture, screen->layout, columns);
}

static void
put_line(const struct screen *screen, struct buf *out, const char *style, struct str text)
{
	bool coloured = *style && screen->cli->terminal;
	if (coloured)
		buf_add_c(out, style);
	buf_add(out, text);
	buf_add_c(out, coloured ? "\033[0m\033[K\r\n" : "\033[K\r\n");
}

/* The last line: what the keys do, and what there is that does not fit. */
static void
put_foot(const struct screen *screen, struct buf *out, size_t below, size_t columns)
{
	struct buf text = buf_new(out->arena);
	if (screen->frozen)
		buf_add(&text, STR("frozen; "));
	if (screen->first)
		buf_printf(&text, "%zu above%s", screen->first, below ? ", " : "; ");
	if (below)
		buf_printf(&text, "%zu below; ", below);
	buf_add(&text, STR(HELP));
	buf_add_c(out, screen->cli->terminal ? "\033[2m" : "");
	buf_add(out, str_part(buf_str(&text), 0, columns - 1));
	buf_add_c(out, screen->cli->terminal ? "\033[0m\033[K" : "\033[K");
}

static struct str
compose(struct screen *screen)
{
	struct screen_size size = screen_size(STDOUT_FILENO);
	struct monitor_lines lines = lay_out(screen, size);
	struct buf out = buf_new(&screen->frame);
	size_t room = size.rows - 1, head = lines.head < room ? lines.head : room, body = lines.n - head;
	screen->page = room - head;
	size_t last = body > screen->page ? body - screen->page : 0;
	screen->first = screen->first < last ? screen->first : last;
	buf_add(&out, STR(BEGIN));
	for (size_t i = 0; i < head; i++)
		put_line(screen, &out, lines.list[i].style, lines.list[i].text);
	for (size_t i = 0; i < screen->page; i++) {
		bool there = i < body;
		const struct monitor_line *line = &lines.list[there ? head + screen->first + i : 0];
		put_line(screen, &out, there ? line->style : "", there ? line->text : STR(""));
	}
	put_foot(screen, &out, body - screen->first > screen->page ? body - screen->first - screen->page : 0, size.columns);
	buf_add(&out, STR(END));
	return buf_str(&out);
}

/* Nothing is written where nothing has changed. */
static void
draw(struct screen *screen)
{
	struct arena_mark mark = arena_mark(&screen->frame);
	pthread_mutex_lock(&screen->mutex);
	struct str text = compose(screen);
	if (screen->entered && (!screen->drawn.s || !str_eq(text, screen->drawn))) {
		screen->over |= !os_write_all(STDOUT_FILENO, text);
		arena_free(&screen->drawn_arena);
		screen->drawn = str_dup(&screen->drawn_arena, text);
	}
	pthread_mutex_unlock(&screen->mutex);
	arena_reset(&screen->frame, mark);
}

static void
look(struct screen *screen)
{
	arena_free(&screen->frame);
	screen->picture = monitor_look(screen->monitor, &screen->frame);
}

/* --- keys --- */

static void
scroll(struct screen *screen, bool down, size_t lines)
{
	if (down)
		screen->first += lines;
	else
		screen->first -= lines < screen->first ? lines : screen->first;
}

/* What a key sends, and what it does. */
#define KEYS(KEY)                                           \
	KEY("q", screen->over = true)                       \
	KEY(" ", screen->frozen = !screen->frozen)          \
	KEY("s", change_layout(screen))                     \
	KEY("\033[A", scroll(screen, false, 1))             \
	KEY("\033OA", scroll(screen, false, 1))             \
	KEY("k", scroll(screen, false, 1))                  \
	KEY("\033[B", scroll(screen, true, 1))              \
	KEY("\033OB", scroll(screen, true, 1))              \
	KEY("j", scroll(screen, true, 1))                   \
	KEY("\033[5~", scroll(screen, false, screen->page)) \
	KEY("\033[6~", scroll(screen, true, screen->page))

static void
change_layout(struct screen *screen)
{
	screen->layout = screen->layout == MONITOR_SLOTS ? MONITOR_HOSTS : MONITOR_SLOTS;
	screen->chosen = true;
	screen->first = 0;
}

/* The bytes of one key; unknown ones are passed over one by one. */
static size_t
press(struct screen *screen, struct str keys)
{
#define KEY(bytes, action)                  \
	if (str_starts(keys, STR(bytes))) { \
		action;                     \
		return sizeof bytes - 1;    \
	}
	KEYS(KEY)
#undef KEY
	return 1;
}

/* False where there will be no more. */
static bool
read_keys(struct screen *screen)
{
	char bytes[64];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
	for (struct str keys = {bytes, n > 0 ? (size_t)n : 0}; keys.n;)
		keys = str_part(keys, press(screen, keys), keys.n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* --- the loop --- */

static void
watch(struct screen *screen, const struct os_cancel *cancel)
{
	struct pollfd waits[] = {
		{.fd = cancel->fd, .events = POLLIN},
		{.fd = screen->wake, .events = POLLIN},
		/* Keys are for a terminal only: what stands in a file is not meant. */
		{.fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN},
	};
	int64_t next = 0;
	while (!screen->over && !waits[0].revents) {
		int64_t now = os_now_ms();
		if (now >= next && !screen->frozen)
			look(screen);
		if (now >= next)
			next = now + LOOK_MS;
		draw(screen);
		eventfd_t count;
		if (poll(waits, 3, screen->frozen ? -1 : (int)(next - now)) <= 0)
			continue;
		if (waits[1].revents)
			eventfd_read(screen->wake, &count);
		if (waits[2].revents && !read_keys(screen))
			waits[2].fd = -1;
	}
}

bool
monitor_screen(struct cli *cli, struct monitor *monitor)
{
	struct screen *screen = arena_new(&cli->arena, struct screen);
	struct signal_calls calls = {screen, NULL, on_resized, on_stopping, on_continued};
	struct os_cancel cancel, let_go;
	*screen = (struct screen){.cli = cli, .monitor = monitor, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	pthread_mutex_init(&screen->mutex, NULL);
	struct signals *signals = screen->wake >= 0 ? signals_start(&calls, &cancel, &let_go) : NULL;
	if (!signals) {
		diag_error(&cli->diags, SPAN_NONE, "cannot listen for signals: %m");
		return false;
	}
	screen_guard();
	pthread_mutex_lock(&screen->mutex);
	enter(screen);
	pthread_mutex_unlock(&screen->mutex);
	watch(screen, &cancel);
	signals_end(signals);
	leave(screen);
	screen_unguard();
	arena_free(&screen->frame);
	arena_free(&screen->drawn_arena);
	return true;
}
