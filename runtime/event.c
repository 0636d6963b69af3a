#include "runtime/event.h"
#include "base/arena.h"
#include "base/os.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_LIMIT 4
/* So long a view that nobody reads keeps an interruption from being said, and no longer from being heard. */
#define SAY_SECONDS 1

struct events {
	pthread_mutex_t mutex;
	struct view *views[VIEW_LIMIT];
	size_t view_count;
	struct words secrets;
	struct arena scratch; /* of the event that passes */
	atomic_bool interrupted;
	bool settled;
	bool abandoned;
};

static const char *const names[] = {
#define EVENT(name, text) [EVENT_##name] = text,
	EVENTS(EVENT)
#undef EVENT
};

const char *
event_name(enum event_kind kind)
{
	return names[kind];
}

struct events *
events_new(void)
{
	struct events *events = calloc(1, sizeof *events);
	if (!events)
		os_exhausted();
	pthread_mutex_init(&events->mutex, NULL);
	return events;
}

void
events_add_view(struct events *events, struct view *view)
{
	if (events->view_count < VIEW_LIMIT)
		events->views[events->view_count++] = view;
}

void
events_hide(struct events *events, struct words secrets)
{
	pthread_mutex_lock(&events->mutex);
	events->secrets = secrets;
	pthread_mutex_unlock(&events->mutex);
}

/* The secret that begins at the front of the text, the longest first as project_secrets gives them; none where none does. */
static struct str
secret_at(struct words secrets, struct str text)
{
	for (size_t i = 0; i < secrets.n; i++)
		if (secrets.w[i].n && str_starts(text, secrets.w[i]))
			return secrets.w[i];
	return (struct str){0};
}

static bool
has_secret(struct words secrets, struct str text)
{
	for (size_t i = 0; i < secrets.n; i++)
		if (secrets.w[i].n && text.n >= secrets.w[i].n && memmem(text.s, text.n, secrets.w[i].s, secrets.w[i].n))
			return true;
	return false;
}

struct str
event_blot(struct arena *arena, struct words secrets, struct str text)
{
	if (!has_secret(secrets, text))
		return text;
	struct buf blotted = buf_new(arena);
	size_t kept = 0;
	for (size_t i = 0; i < text.n;) {
		struct str secret = secret_at(secrets, str_part(text, i, text.n));
		if (!secret.n) {
			i++;
			continue;
		}
		buf_add(&blotted, str_part(text, kept, i));
		buf_add(&blotted, STR("***"));
		i += secret.n;
		kept = i;
	}
	buf_add(&blotted, str_part(text, kept, text.n));
	return buf_str(&blotted);
}

/* With the mutex. */
static void
tell(struct events *events, struct event event)
{
	event.time = os_time_ms();
	struct arena_mark mark = arena_mark(&events->scratch);
	event.name = event_blot(&events->scratch, events->secrets, event.name);
	event.text = event_blot(&events->scratch, events->secrets, event.text);
	event.hint = event_blot(&events->scratch, events->secrets, event.hint);
	for (size_t i = 0; i < events->view_count; i++)
		events->views[i]->take(events->views[i], &event);
	arena_reset(&events->scratch, mark);
}

void
event_emit(struct events *events, struct event event)
{
	pthread_mutex_lock(&events->mutex);
	tell(events, event);
	pthread_mutex_unlock(&events->mutex);
}

static void
emit_text(struct events *events, enum event_kind kind, struct str hint, const char *format, va_list arguments)
{
	struct arena arena = {0};
	event_emit(events, (struct event){.kind = kind, .text = str_vprintf(&arena, format, arguments), .hint = hint});
	arena_free(&arena);
}

void
event_note(struct events *events, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	emit_text(events, EVENT_NOTE, (struct str){0}, format, arguments);
	va_end(arguments);
}

void
event_warning(struct events *events, struct str hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	emit_text(events, EVENT_WARNING, hint, format, arguments);
	va_end(arguments);
}

bool
events_interrupt(struct events *events, const char *warning)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SAY_SECONDS;
	if (pthread_mutex_clocklock(&events->mutex, CLOCK_MONOTONIC, &until) != 0) {
		events->interrupted = true;
		return true;
	}
	bool heard = !events->settled;
	if (heard) {
		events->interrupted = true;
		tell(events, (struct event){.kind = EVENT_WARNING, .text = str_from(warning)});
	}
	pthread_mutex_unlock(&events->mutex);
	return heard;
}

bool
events_settle(struct events *events)
{
	pthread_mutex_lock(&events->mutex);
	bool interrupted = events->interrupted;
	events->settled = true;
	pthread_mutex_unlock(&events->mutex);
	return interrupted;
}

void
events_abandon(struct events *events)
{
	pthread_mutex_lock(&events->mutex);
	events->view_count = 0;
	events->abandoned = true;
	pthread_mutex_unlock(&events->mutex);
}

void
events_free(struct events *events)
{
	if (!events || events->abandoned)
		return;
	arena_free(&events->scratch);
	pthread_mutex_destroy(&events->mutex);
	free(events);
}
