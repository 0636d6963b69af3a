#include "runtime/provider.h"

static const struct provider *const providers[] = {
	[PROVIDER_LOCAL] = &provider_local,
	[PROVIDER_HOSTS] = NULL,
	[PROVIDER_AWS] = NULL,
};
#define PROVIDER_COUNT (sizeof providers / sizeof *providers)

const struct provider *
provider_get(enum provider_kind kind)
{
	return (size_t)kind < PROVIDER_COUNT ? providers[kind] : NULL;
}

const struct provider *
provider_named(struct str name)
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++)
		if (providers[i] && str_is(name, providers[i]->name))
			return providers[i];
	return NULL;
}
