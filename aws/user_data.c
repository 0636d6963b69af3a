#include "aws/user_data.h"

#include "aws/guest.h"
#include "base/arena.h"
#include "base/gzip.h"
#include "project/project.h"

static void
put(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s=%.*s\n", name, STR_ARG(str_shell_quote(out->arena, value)));
}

static void
put_number(struct buf *out, const char *name, int64_t value)
{
	buf_printf(out, "%s=%lld\n", name, (long long)value);
}

static void
put_seconds(struct buf *out, const char *name, int64_t ms)
{
	put_number(out, name, (ms + 999) / 1000);
}

static struct str
yes_or_no(bool value)
{
	return value ? STR("yes") : STR("no");
}

/* What guest/README.md says stands before the script. */
static void
put_settings(struct buf *out, const struct project *project, const struct user_data *data)
{
	const struct compiler_settings *compiler = &project->compiler_set;
	const struct distcc_settings *distcc = &project->distcc;
	put(out, "RUN", data->run);
	put(out, "PROJECT", data->project);
	put(out, "FIRST_IS_HOST", yes_or_no(data->first_is_host));
	put(out, "KEYS", words_join(out->arena, data->public_keys, STR("\n")));
	put(out, "HOST_KEY", str_trim(data->host_key));
	put_seconds(out, "TTL", data->ttl);
	put_seconds(out, "LEASE", data->lease);
	put(out, "SUBNET", data->subnet);
	put(out, "PACKAGES", words_join(out->arena, data->packages, STR(" ")));
	put(out, "COMPILER", project->compiler.n ? project->compiler : STR("gcc"));
	put(out, "COMPILER_VERSION", compiler->version);
	put(out, "COMPILER_TARGET", compiler->target);
	put(out, "CC", compiler->cc);
	put(out, "CXX", compiler->cxx);
	put(out, "TOOLCHAIN_URL", compiler->archive);
	put(out, "TOOLCHAIN_SHA256", compiler->sha256);
	put_number(out, "DISTCC_PORT", distcc->port);
	put_number(out, "SLOTS", distcc->slots);
	put_number(out, "NICE", distcc->nice);
	put(out, "VERBOSITY", distcc->verbosity);
	put(out, "PUMP", data->pump);
	put(out, "CACHE", yes_or_no(project->cached));
}

static size_t
size_of(struct words words)
{
	size_t size = 0;
	for (size_t i = 0; i < words.n; i++)
		size += words.w[i].n + 1;
	return size;
}

bool
user_data_make(
	struct arena *arena, const struct project *project, const struct user_data *data, struct str *text, struct str *error)
{
	struct buf script = buf_sized(arena, guest_boot_size + 4096);
	buf_add(&script, STR("#!/bin/bash\n"));
	put_settings(&script, project, data);
	buf_add(&script, (struct str){guest_boot, guest_boot_size});
	*text = buf_str(&script);
	if (text->n <= USER_DATA_LIMIT)
		return true;
	*text = gzip_text(arena, *text);
	if (text->n <= USER_DATA_LIMIT)
		return true;
	*error = str_printf(arena,
		"what the machines are told at their boot has %zu bytes, compressed, and EC2 takes %zu: the names of %zu packages "
		"have %zu bytes, %zu public keys %zu",
		text->n, USER_DATA_LIMIT, data->packages.n, size_of(data->packages), data->public_keys.n,
		size_of(data->public_keys));
	return false;
}
