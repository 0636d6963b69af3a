#include "aws/retry.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MOST_WAIT_MS 20000
/* How far a server's own wish may go beyond our wait. */
#define MOST_WISH_MS 60000
#define SKEW_MS ((int64_t)4 * 60 * 1000)

/* base_ms × 2^(tries-1), and what it costs. */
static const struct {
	int base_ms, cost;
} kinds[] = {
	[RETRY_NEVER] = {0, 0},
	[RETRY_TRANSIENT] = {50, 14},
	[RETRY_THROTTLED] = {1000, 5},
};

static const char *const throttling[] = {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
	"RequestLimitExceeded", "RequestThrottled", "TooManyRequestsException", "EC2ThrottledException", "SlowDown",
	"BandwidthLimitExceeded", "PriorRequestNotComplete", NULL};
static const char *const transient[] = {"RequestTimeout", "RequestTimeoutException", "InternalError", "InternalFailure",
	"InternalServerError", "ServiceUnavailable", "Unavailable", NULL};
static const char *const clocks[] = {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "SignatureDoesNotMatch",
	"InvalidSignatureException", "AuthFailure", NULL};

/* InsufficientInstanceCapacity and its kin come with status 500, but mean what they say: elsewhere, not again. */
static bool
is_full(const struct aws_error *error)
{
	return str_starts(error->code, STR("Insufficient"));
}

enum retry_kind
retry_classify(const struct aws_error *error)
{
	if (error->cancelled || is_full(error))
		return RETRY_NEVER;
	if (aws_error_among(error, throttling) || error->status == 429)
		return RETRY_THROTTLED;
	bool passing = error->status == 0 || (error->status < 300 && !error->code.n) || error->status == 500 ||
		       (error->status >= 502 && error->status <= 504);
	return passing || aws_error_among(error, transient) ? RETRY_TRANSIENT : RETRY_NEVER;
}

bool
retry_had_no_effect(const struct aws_error *error, bool sent)
{
	if (error->status == 0)
		return !sent;
	return (error->status >= 300 && error->status < 500) || aws_error_among(error, throttling) || is_full(error);
}

bool
retry_take(struct retry_bucket *bucket, enum retry_kind kind)
{
	int cost = kinds[kind].cost;
	if (atomic_fetch_sub(&bucket->tokens, cost) >= cost)
		return true;
	atomic_fetch_add(&bucket->tokens, cost);
	return false;
}

void
retry_give(struct retry_bucket *bucket, enum retry_kind kind)
{
	int back = kind == RETRY_NEVER ? 1 : kinds[kind].cost;
	int had = atomic_load(&bucket->tokens), has;
	do
		has = had + back > RETRY_TOKENS ? RETRY_TOKENS : had + back;
	while (!atomic_compare_exchange_weak(&bucket->tokens, &had, has));
}

int64_t
retry_wait(enum retry_kind kind, int tries, const struct http_response *response, double random)
{
	int64_t most = kinds[kind].base_ms, wish = 0, seconds;
	for (int i = 1; i < tries && most < MOST_WAIT_MS; i++)
		most *= 2;
	int64_t wait = (int64_t)(random * (double)(most < MOST_WAIT_MS ? most : MOST_WAIT_MS));
	/* Retry-After may also be a date; nobody at AWS sends one. */
	if (!str_integer(http_header(response, "x-amz-retry-after"), &wish) &&
		str_integer(http_header(response, "retry-after"), &seconds))
		wish = seconds > MOST_WISH_MS ? MOST_WISH_MS : seconds * 1000;
	if (wish > MOST_WISH_MS)
		wish = MOST_WISH_MS;
	return wish > wait ? wish : wait;
}

double
retry_random(void)
{
	uint32_t bits = 0;
	ssize_t got = getrandom(&bits, sizeof bits, GRND_NONBLOCK);
	(void)got; /* none so early after boot: no wait, once */
	return (double)bits / (double)UINT32_MAX;
}

bool
retry_pause(int64_t ms, const struct os_cancel *cancel)
{
	struct pollfd raised = {.fd = cancel ? cancel->fd : -1, .events = POLLIN};
	for (int64_t end = os_now_ms() + ms, left = ms; left > 0; left = end - os_now_ms())
		if (poll(&raised, 1, left > 60000 ? 60000 : (int)left) > 0)
			break;
	return !os_cancel_raised(cancel);
}

int64_t
retry_skew(const struct aws_error *error, const struct http_response *response, int64_t now_ms)
{
	struct str date = http_header(response, "date");
	struct tm tm = {0};
	char text[40];
	if (!aws_error_among(error, clocks) || !date.n || date.n >= sizeof text)
		return 0;
	memcpy(text, date.s, date.n);
	text[date.n] = 0;
	if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return 0;
	int64_t ahead = (int64_t)timegm(&tm) * 1000 - now_ms;
	return llabs(ahead) > SKEW_MS ? ahead : 0;
}
