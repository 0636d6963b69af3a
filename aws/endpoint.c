#include "aws/endpoint.h"
#include "base/arena.h"
#include "base/os.h"

#include <string.h>

/* Parts of AWS that share nothing, by how their regions begin; the rest is the one that everybody knows. */
static const struct partition {
	const char *prefix, *name, *suffix;
	const char *global; /* region of the services that have one for all */
} partitions[] = {
	{"cn-", "aws-cn", "amazonaws.com.cn", "cn-north-1"},
	{"us-gov-", "aws-us-gov", "amazonaws.com", "us-gov-west-1"},
	{"us-iso-", "aws-iso", "c2s.ic.gov", "us-iso-east-1"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "us-isob-east-1"},
	{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "eu-isoe-west-1"},
	{"us-isof-", "aws-iso-f", "csp.hci.ic.gov", "us-isof-south-1"},
	{"eusc-", "aws-eusc", "amazonaws.eu", "eusc-de-east-1"},
	{"", "aws", "amazonaws.com", "us-east-1"},
};

/* Services whose name in variables and files is not the one in URLs. */
static const struct {
	const char *service, *word;
} words[] = {
	{"servicequotas", "service_quotas"},
};

static const struct partition *
partition_of(struct str region)
{
	const struct partition *partition = partitions;
	while (!str_starts(region, str_from(partition->prefix)))
		partition++;
	return partition;
}

struct str
aws_endpoint_partition(struct str region)
{
	return str_from(partition_of(region)->name);
}

struct str
aws_endpoint_global(struct str arn)
{
	struct str rest = arn, word = {NULL, 0};
	const struct partition *partition = partitions;
	for (int i = 0; i < 2; i++)
		str_split(&rest, ':', &word);
	while (*partition->prefix && !str_is(word, partition->name))
		partition++;
	return str_from(partition->global);
}

/* "https://SERVICE.REGION.SUFFIX", but for those that are in few places. */
static struct aws_endpoint
own(struct arena *arena, const char *service, struct str region)
{
	const struct partition *partition = partition_of(region);
	struct aws_endpoint endpoint = {.region = region};
	const char *prefix = "";
	if (strcmp(service, "pricing") == 0) {
		/* It answers for all regions from a few. */
		bool china = str_starts(region, STR("cn-"));
		bool there = str_is(region, "eu-central-1") || str_is(region, "ap-south-1");
		endpoint.region = china ? STR("cn-northwest-1") : there ? region : STR("us-east-1");
		partition = partition_of(endpoint.region);
		prefix = "api.";
	}
	if (strcmp(service, "iam") == 0) {
		endpoint.region = str_from(partition->global);
		if (!*partition->prefix) {
			endpoint.url = STR("https://iam.amazonaws.com");
			return endpoint;
		}
		if (str_is(region, "us-gov-west-1") || str_is(region, "us-gov-east-1")) {
			endpoint.url = STR("https://iam.us-gov.amazonaws.com");
			return endpoint;
		}
	}
	endpoint.url = str_printf(arena, "https://%s%s.%.*s.%s", prefix, service, STR_ARG(endpoint.region), partition->suffix);
	return endpoint;
}

/* What the environment or the profile says; none where neither does. */
static struct str
configured(struct arena *arena, const struct aws_config *config, const char *service)
{
	char *word = str_c(arena, str_from(service));
	struct str url, none = {NULL, 0};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(service, words[i].service) == 0)
			word = str_c(arena, str_from(words[i].word));
	struct str ignore = os_variable(config->environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	if (!ignore.n)
		ignore = aws_config_get(config, config->profile, "ignore_configured_endpoint_urls");
	if (str_is(ignore, "true"))
		return none;
	struct str section = aws_config_get(config, config->profile, "services"), nested = none;
	aws_config_value(config, "services", section, str_from(word), "endpoint_url", &nested);
	for (char *c = word; *c; c++)
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	url = os_variable(config->environment, str_printf(arena, "AWS_ENDPOINT_URL_%s", word).s);
	if (!url.n)
		url = os_variable(config->environment, "AWS_ENDPOINT_URL");
	if (!url.n && section.n)
		url = nested;
	return url.n ? url : aws_config_get(config, config->profile, "endpoint_url");
}

struct aws_endpoint
aws_endpoint_of(struct arena *arena, const struct aws_config *config, struct str given, const char *service, struct str region)
{
	struct aws_endpoint endpoint = own(arena, service, region);
	struct str url = given.n ? given : configured(arena, config, service);
	while (str_ends(url, STR("/")))
		url.n--;
	endpoint.custom = url.n > 0;
	if (url.n)
		endpoint.url = url;
	return endpoint;
}

/* Without the scheme. */
static struct str
after_scheme(struct str url)
{
	return str_part(url, strlen(str_starts(url, STR("https://")) ? "https://" : "http://"), url.n);
}

struct str
aws_endpoint_host(struct str url)
{
	struct str rest = after_scheme(url), host = str_part(rest, 0, str_find(rest, '/'));
	struct str port = str_starts(url, STR("https://")) ? STR(":443") : STR(":80");
	return str_ends(host, port) ? str_part(host, 0, host.n - port.n) : host;
}

struct str
aws_endpoint_path(struct str url)
{
	struct str rest = after_scheme(url);
	return str_part(rest, str_find(rest, '/'), rest.n);
}
