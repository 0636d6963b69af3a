#include "runtime/provider.h"

const struct provider *
provider_named(const struct provider *const *providers, struct str name)
{
	for (; *providers; providers++)
		if (str_is(name, (*providers)->name))
			return *providers;
	return NULL;
}
