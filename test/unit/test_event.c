#include "unit.h"

#include "base/arena.h"
#include "runtime/event.h"

struct ear {
	struct view view;
	struct arena arena;
	struct buf text;
};

static void
take(struct view *view, const struct event *event)
{
	struct ear *ear = (struct ear *)view;
	assert_true(event->time > 0);
	buf_printf(&ear->text, "%s/%.*s/%.*s/%.*s;", event_name(event->kind), STR_ARG(event->name), STR_ARG(event->text),
		STR_ARG(event->hint));
}

static void
secrets_are_blotted_out_of_every_text(void **state)
{
	(void)state;
	struct ear ear = {.view.take = take};
	struct str secrets[] = {STR("hunter2hunter"), STR("hunter2"), STR("")};
	struct events *events = events_new();
	ear.text = buf_new(&ear.arena);
	events_add_view(events, &ear.view);
	events_hide(events, (struct words){secrets, 3});
	event_emit(events, (struct event){.kind = EVENT_OUTPUT, .name = STR("a"), .text = STR("pw=hunter2hunter2 hunter hunter2")});
	event_warning(events, STR("not hunter2"), "%s", "hunter2hunter");
	event_note(events, "nothing here");
	assert_text(buf_str(&ear.text), "output/a/pw=***2 hunter ***/;warning//***/not ***;note//nothing here/;");
	events_free(events);
	events_free(NULL);
	arena_free(&ear.arena);
}

static void
a_text_without_a_secret_is_not_copied(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct str secret = STR("abc"), text = STR("ab cab bc");
	assert_ptr_equal(event_blot(&arena, (struct words){&secret, 1}, text).s, text.s);
	assert_text(event_blot(&arena, (struct words){&secret, 1}, STR("ababcc")), "ab***c");
	arena_free(&arena);
}

static void
who_interrupts_is_heard_until_the_end_is_settled(void **state)
{
	(void)state;
	struct ear ear = {.view.take = take};
	struct events *events = events_new();
	ear.text = buf_new(&ear.arena);
	events_add_view(events, &ear.view);
	assert_true(events_interrupt(events, "stop"));
	assert_true(events_settle(events));
	assert_false(events_interrupt(events, "too late"));
	assert_true(events_settle(events));
	assert_text(buf_str(&ear.text), "warning//stop/;");
	events_free(events);
	events = events_new();
	assert_false(events_settle(events));
	assert_false(events_interrupt(events, "too late"));
	assert_false(events_settle(events));
	events_free(events);
	arena_free(&ear.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_blotted_out_of_every_text),
		cmocka_unit_test(a_text_without_a_secret_is_not_copied),
		cmocka_unit_test(who_interrupts_is_heard_until_the_end_is_settled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
