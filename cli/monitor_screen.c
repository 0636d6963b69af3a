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
	int fd; /* the terminal; nothing that is done with it waits */
	pthread_mutex_t mutex; /* for what the signals' thread does: all to `sent` */
	bool away; /* the process is about to be stopped, or to end */
	bool entered;
	struct termios modes; /* as they were */
	bool reads_keys; /* and so changes the modes */
	bool stale; /* what stands on the screen is not what was drawn last */
	struct arena drawn_arena;
	struct str drawn;
	size_t sent; /* so much of it the terminal has taken */
	struct arena frame; /* of the picture and its lines */
	struct picture picture;
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
	bool has_modes = screen->reads_keys && tcgetattr(screen->fd, &screen->modes) == 0;
	screen_changed(screen->fd, LEAVE, has_modes ? &screen->modes : NULL);
	if (has_modes) {
		struct termios raw = screen->modes;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		/* ^S would hold up the picture, and the way back to the shell with it. */
		raw.c_iflag &= ~(tcflag_t)IXON;
		tcsetattr(screen->fd, TCSANOW, &raw);
	}
	screen->entered = screen->stale = true;
	screen->drawn = STR(ENTER);
	screen->sent = 0;
}

/* With the mutex. */
static void
leave(struct screen *screen)
{
	if (screen->entered)
		screen_restore();
	screen->entered = false;
}

static void
on_resized(void *context)
{
	struct screen *screen = context;
	pthread_mutex_lock(&screen->mutex);
	screen->stale = true;
	pthread_mutex_unlock(&screen->mutex);
	eventfd_write(screen->wake, 1);
}

static void
on_stopping(void *context)
{
	struct screen *screen = context;
	pthread_mutex_lock(&screen->mutex);
	screen->away = true;
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
	screen->away = false;
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
	struct screen_size size = screen_size(screen->fd);
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

/* What is to be written next: nothing where nothing has changed. */
static void
redraw(struct screen *screen)
{
	struct arena_mark mark = arena_mark(&screen->frame);
	struct str text = compose(screen);
	if (screen->stale || !str_eq(text, screen->drawn)) {
		arena_free(&screen->drawn_arena);
		screen->drawn = str_dup(&screen->drawn_arena, text);
		screen->sent = 0;
		screen->stale = false;
	}
	arena_reset(&screen->frame, mark);
}

/* Writes what the terminal takes now. */
static void
put(struct screen *screen)
{
	struct str rest = str_part(screen->drawn, screen->sent, screen->drawn.n);
	ssize_t n = rest.n ? write(screen->fd, rest.s, rest.n) : 0;
	if (n > 0)
		screen->sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		screen->over = true;
}

/* What to wait for at the terminal. */
static short
draw(struct screen *screen)
{
	short events = 0;
	pthread_mutex_lock(&screen->mutex);
	if (!screen->entered && !screen->away && screen_is_ours(screen->fd))
		enter(screen);
	if (screen->entered)
		put(screen);
	/* A picture that is half written comes first. */
	if (screen->entered && screen->sent == screen->drawn.n) {
		redraw(screen);
		put(screen);
	}
	if (screen->entered && screen->sent < screen->drawn.n)
		events |= POLLOUT;
	/* In the background what is typed is for others. */
	if (screen->entered && screen->reads_keys)
		events |= POLLIN;
	pthread_mutex_unlock(&screen->mutex);
	return events;
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

static void
read_keys(struct screen *screen)
{
	char bytes[64];
	ssize_t n = read(screen->fd, bytes, sizeof bytes);
	for (struct str keys = {bytes, n > 0 ? (size_t)n : 0}; keys.n;)
		keys = str_part(keys, press(screen, keys), keys.n);
}

/* --- the loop --- */

static void
watch(struct screen *screen, const struct os_cancel *cancel)
{
	struct pollfd waits[] = {{.fd = cancel->fd, .events = POLLIN}, {.fd = screen->wake, .events = POLLIN}, {.fd = screen->fd}};
	int64_t next = 0;
	while (!screen->over && !waits[0].revents) {
		int64_t now = os_now_ms();
		if (now >= next && !screen->frozen)
			look(screen);
		if (now >= next)
			next = now + LOOK_MS;
		waits[2].events = draw(screen);
		eventfd_t count;
		if (poll(waits, 3, (int)(next - now)) <= 0)
			continue;
		if (waits[1].revents)
			eventfd_read(screen->wake, &count);
		if (waits[2].revents & POLLIN)
			read_keys(screen);
		screen->over |= waits[2].revents & (POLLHUP | POLLERR);
	}
}

bool
monitor_screen(struct cli *cli, struct monitor *monitor)
{
	struct screen *screen = arena_new(&cli->arena, struct screen);
	struct signal_calls calls = {screen, NULL, on_resized, on_stopping, on_continued};
	struct os_cancel cancel, let_go;
	*screen = (struct screen){
		.cli = cli,
		.monitor = monitor,
		.fd = screen_open(),
		.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		/* What stands in a file is not meant. */
		.reads_keys = isatty(STDIN_FILENO),
	};
	pthread_mutex_init(&screen->mutex, NULL);
	if (screen->fd < 0) {
		diag_hint(diag_error(&cli->diags, SPAN_NONE, "cannot open the terminal: %m"),
			"--once prints what is now as lines, --json as JSON");
		return false;
	}
	struct signals *signals = screen->wake >= 0 ? signals_start(&calls, &cancel, &let_go) : NULL;
	if (!signals) {
		diag_error(&cli->diags, SPAN_NONE, "cannot listen for signals: %m");
		return false;
	}
	screen_guard();
	watch(screen, &cancel);
	/* For good: before the signals end, so that none of them draws again. */
	on_stopping(screen);
	signals_end(signals);
	screen_unguard();
	arena_free(&screen->frame);
	arena_free(&screen->drawn_arena);
	return true;
}
