/* screen: the terminal that a view draws on: its size, and what puts it right again when a crash ends the process. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct termios;

#define SCREEN_SHOW_CURSOR "\033[?25h"
#define SCREEN_HIDE_CURSOR "\033[?25l"

struct screen_size {
	size_t columns, rows;
};

/* As it is now; 80×24 where the terminal does not say. */
struct screen_size screen_size(int fd);

/* Opens the terminal of standard output once more, so that neither reading nor writing ever waits: a terminal that nobody reads must not hold up who is told
 * to end. −1 where that cannot be, errno says why. */
int screen_open(void);
/* Whether the terminal is this process's to change: it is not while a shell has sent it to the background. */
bool screen_is_ours(int fd);

/* From now on a signal that ends the process, or the end of memory, first puts right what screen_changed has said. */
void screen_guard(void);
void screen_unguard(void);
/* What puts the terminal right: `restore` is written and, where not NULL, the modes are set. Both must last until screen_restored or screen_restore. */
void screen_changed(int fd, const char *restore, const struct termios *modes);
/* It has been put right … */
void screen_restored(void);
/* … or is now, as a crash would have it: what was written and nobody has read makes way where there is no room. */
void screen_restore(void);

#endif
