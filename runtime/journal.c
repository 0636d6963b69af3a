#include "runtime/journal.h"
#include "base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct journal {
	pthread_mutex_t mutex;
	int fd;
	struct str run;
	char *path;
	char *folders[2]; /* whose entries must be on disk before the first synced line is of use */
	bool folders_synced;
	struct arena scratch; /* of the line that is being written */
};

static const struct {
	const char *text, *key;
} records[] = {
#define RECORD(name, text, key) [RECORD_##name] = {text, key},
	RECORDS(RECORD)
#undef RECORD
};

const char *
record_name(enum record record)
{
	return records[record].text;
}

bool
record_is(const struct json *line, enum record record)
{
	return str_is(json_text(line, "record", STR("")), record_name(record));
}

static char *
run_path(struct arena *arena, const char *state, struct str run, const char *below)
{
	return str_c(arena, str_printf(arena, "%s/runs/%.*s%s", state, STR_ARG(run), below));
}

static bool
fail(struct arena *arena, const char *doing, const char *path, struct str *error)
{
	*error = str_printf(arena, "cannot %s '%s': %s", doing, path, strerrordesc_np(errno));
	return false;
}

/* A write that a crash has cut short leaves half a line; what is written next must not become its end. */
static bool
cut_torn_line(int fd)
{
	char bytes[4096];
	off_t end = lseek(fd, 0, SEEK_END);
	for (off_t at = end; at > 0;) {
		size_t n = at < (off_t)sizeof bytes ? (size_t)at : sizeof bytes;
		if (pread(fd, bytes, n, at - (off_t)n) != (ssize_t)n)
			return false;
		const char *newline = memrchr(bytes, '\n', n);
		if (newline) {
			off_t whole = at - (off_t)n + (newline - bytes) + 1;
			return whole == end || ftruncate(fd, whole) == 0;
		}
		at -= (off_t)n;
	}
	return end == 0 || (end > 0 && ftruncate(fd, 0) == 0);
}

struct journal *
journal_new(struct arena *arena, const char *state, struct str run, struct str *error)
{
	char *folder = run_path(arena, state, run, "");
	char *path = run_path(arena, state, run, "/journal");
	if (!os_make_folders(arena, folder, true, error))
		return NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || !cut_torn_line(fd)) {
		fail(arena, "write", path, error);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct journal *journal = arena_new(arena, struct journal);
	*journal = (struct journal){.fd = fd, .run = run, .path = path, .folders = {folder, run_path(arena, state, STR(""), "")}};
	pthread_mutex_init(&journal->mutex, NULL);
	return journal;
}

/* Appends the whole line or nothing: a part that went out before the disk was full is taken back. */
static bool
append(int fd, struct str line)
{
	off_t before = lseek(fd, 0, SEEK_END);
	for (size_t done = 0; done < line.n;) {
		ssize_t n = write(fd, line.s + done, line.n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int reason = errno;
			if (ftruncate(fd, before) < 0)
				cut_torn_line(fd);
			errno = reason;
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

static bool
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return synced;
}

/* Outside of the mutex: several threads' syncs become one in the kernel. */
static bool
sync_journal(struct journal *journal)
{
	if (fdatasync(journal->fd) < 0)
		return false;
	if (__atomic_load_n(&journal->folders_synced, __ATOMIC_RELAXED))
		return true;
	for (size_t i = 0; i < 2; i++)
		if (!sync_folder(journal->folders[i]))
			return false;
	__atomic_store_n(&journal->folders_synced, true, __ATOMIC_RELAXED);
	return true;
}

bool
journal_write(struct journal *journal, enum record record, struct str name, bool sync, void (*fill)(struct json_writer *, void *),
	void *context, struct str *error)
{
	pthread_mutex_lock(&journal->mutex);
	struct arena_mark mark = arena_mark(&journal->scratch);
	struct json_writer *writer = json_writer_new(&journal->scratch, false);
	json_open_object(writer, NULL);
	json_put_text(writer, "record", str_from(records[record].text));
	json_put_integer(writer, "time", os_time_ms());
	json_put_text(writer, records[record].key, name);
	if (fill)
		fill(writer, context);
	json_close(writer);
	struct str text = json_writer_text(writer);
	char *line = arena_text(&journal->scratch, text.n + 1);
	memcpy(line, text.s, text.n);
	size_t n = text.n;
	while (n && line[n - 1] == '\n')
		n--;
	line[n++] = '\n';
	bool written = append(journal->fd, (struct str){line, n});
	int reason = errno;
	arena_reset(&journal->scratch, mark);
	pthread_mutex_unlock(&journal->mutex);
	if (written && sync) {
		written = sync_journal(journal);
		reason = errno;
	}
	if (!written)
		*error = (struct str){strerrordesc_np(reason), strlen(strerrordesc_np(reason))};
	return written;
}

void
journal_close(struct journal *journal)
{
	if (!journal)
		return;
	close(journal->fd);
	arena_free(&journal->scratch);
	pthread_mutex_destroy(&journal->mutex);
}

static int
by_name(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

bool
journal_runs(struct arena *arena, const char *state, struct words *runs, struct str *error)
{
	*runs = (struct words){0};
	char *path = str_c(arena, str_printf(arena, "%s/runs", state));
	DIR *folder = opendir(path);
	if (!folder)
		return errno == ENOENT || fail(arena, "read", path, error);
	size_t capacity = 0;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (*entry->d_name == '.')
			continue;
		if (runs->n == capacity) {
			size_t size = sizeof *runs->w;
			runs->w = arena_grow(arena, runs->w, capacity * size, (capacity ? capacity * 2 : 16) * size);
			capacity = capacity ? capacity * 2 : 16;
		}
		runs->w[runs->n++] = str_dup(arena, str_from(entry->d_name));
	}
	closedir(folder);
	if (runs->n)
		qsort(runs->w, runs->n, sizeof *runs->w, by_name);
	return true;
}

bool
journal_ended(const char *state, struct str run)
{
	static const char mark[] = "{\"record\":\"end\"";
	char bytes[1024];
	struct arena arena = {0};
	int fd = open(run_path(&arena, state, run, "/journal"), O_RDONLY | O_CLOEXEC);
	arena_free(&arena);
	if (fd < 0)
		return false;
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof bytes ? end - (off_t)sizeof bytes : 0;
	ssize_t n = pread(fd, bytes, sizeof bytes, from);
	close(fd);
	if (n <= 0 || bytes[n - 1] != '\n')
		return false;
	const char *before = memrchr(bytes, '\n', (size_t)n - 1);
	const char *line = before ? before + 1 : bytes;
	return (size_t)(bytes + n - line) > sizeof mark && memcmp(line, mark, sizeof mark - 1) == 0;
}

void
journal_prune(struct arena *arena, const char *state, size_t keep)
{
	struct words runs;
	struct str error;
	if (!journal_runs(arena, state, &runs, &error) || runs.n <= keep)
		return;
	size_t ended = 0;
	for (size_t i = runs.n; i-- > 0;)
		if (journal_ended(state, runs.w[i]) && ++ended > keep)
			os_remove_tree(arena, run_path(arena, state, runs.w[i], ""), &error);
}
