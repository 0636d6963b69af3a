#include "aws/ec2_call.h"
#include "aws/endpoint.h"
#include "aws/lookup.h"
#include "base/arena.h"
#include "base/os.h"

#include <time.h>

/* "0.0963" in millionths, rounded; false where it is no such number. */
static bool
read_price(struct str text, int64_t *millionths)
{
	size_t point = str_find(text, '.');
	struct str whole = str_part(text, 0, point), rest = str_part(text, point + 1, text.n);
	int64_t digit = 0;
	if (!str_integer(whole, millionths) || *millionths < 0 || *millionths > 1000000)
		return false;
	for (size_t i = 0; i < 6; i++) {
		digit = i < rest.n ? rest.s[i] - '0' : 0;
		if (digit < 0 || digit > 9)
			return false;
		*millionths = *millionths * 10 + digit;
	}
	*millionths += rest.n > 6 && rest.s[6] >= '5';
	return true;
}

/* --- on demand --- */

/* What makes it one product of the thousands that a type is. */
static struct str
question(struct arena *arena, struct str type, struct str region)
{
	const struct {
		const char *field;
		struct str value;
	} filters[] = {
		{"instanceType", type},
		{"regionCode", region},
		{"operatingSystem", STR("Linux")},
		{"preInstalledSw", STR("NA")},
		{"tenancy", STR("Shared")},
		{"capacitystatus", STR("Used")},
		{"marketoption", STR("OnDemand")},
	};
	struct json_writer *body = json_writer_new(arena, false);
	json_open_object(body, NULL);
	json_put_text(body, "ServiceCode", STR("AmazonEC2"));
	json_put_text(body, "FormatVersion", STR("aws_v1"));
	json_open_array(body, "Filters");
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		json_open_object(body, NULL);
		json_put_text(body, "Type", STR("TERM_MATCH"));
		json_put_text(body, "Field", str_from(filters[i].field));
		json_put_text(body, "Value", filters[i].value);
		json_close(body);
	}
	json_close(body);
	json_close(body);
	return json_writer_text(body);
}

/* Members of an object whose names say nothing. */
static const struct map *
members(const struct json *object)
{
	static const struct map none;
	return object && object->type == JSON_OBJECT ? &object->members : &none;
}

/* The price by the hour in a product's description; false where it has none in dollars. */
static bool
price_of(const struct json *product, int64_t *millionths)
{
	const struct map *terms = members(json_member(json_member(product, "terms"), "OnDemand"));
	for (uint32_t i = 0; i < terms->count; i++) {
		const struct map *dimensions = members(json_member(terms->entries[i].value, "priceDimensions"));
		for (uint32_t k = 0; k < dimensions->count; k++) {
			const struct json *dimension = dimensions->entries[k].value,
					  *price = json_member(dimension, "pricePerUnit");
			struct str none = {NULL, 0};
			if (str_is(json_text(dimension, "unit", none), "Hrs") &&
				read_price(json_text(price, "USD", none), millionths) && *millionths > 0)
				return true;
		}
	}
	return false;
}

bool
aws_price(struct aws *aws, struct arena *arena, struct str type, int64_t *millionths, struct aws_error *error)
{
	struct str region = aws_region(aws), partition = aws_endpoint_partition(region), ignored;
	if (!str_is(partition, "aws")) {
		*error = (struct aws_error){.message = str_printf(arena, "AWS has no list of prices in US dollars for %.*s (%.*s)",
						    STR_ARG(region), STR_ARG(partition))};
		return false;
	}
	const struct json *answer =
		aws_json(aws, arena, "pricing", "AWSPriceListService.GetProducts", question(arena, type, region), error);
	const struct json *list = json_member(answer, "PriceList");
	/* Each product is JSON within JSON. */
	for (size_t i = 0; list && i < list->count; i++)
		if (price_of(json_read(arena, list->items[i]->string, &ignored), millionths))
			return true;
	if (answer)
		error->message = str_printf(arena, "there is no price of %.*s in %.*s", STR_ARG(type), STR_ARG(region));
	return false;
}

/* --- spot --- */

/* A zone's newest price. */
struct spot {
	struct str zone, time, price;
};

struct spots {
	struct arena *arena;
	struct spot *list;
	size_t count;
};

static void
take_spot(struct spots *spots, struct spot spot)
{
	size_t i = 0;
	while (i < spots->count && !str_eq(spots->list[i].zone, spot.zone))
		i++;
	if (i == spots->count) {
		spots->list = arena_more(spots->arena, spots->list, spots->count, sizeof *spots->list);
		spots->list[spots->count++] = spot;
	} else if (str_compare(spot.time, spots->list[i].time) > 0) {
		spots->list[i] = spot;
	}
}

static void
take_spots(void *context, const struct xml *page)
{
	for (const struct xml *item = xml_child(page, "spotPriceHistorySet/item"); item; item = xml_again(item))
		take_spot(context, (struct spot){xml_text(item, "availabilityZone"), xml_text(item, "timestamp"),
					   xml_text(item, "spotPrice")});
}

/* As EC2 reads it; from now on there is what is true now. */
static struct str
now(struct arena *arena)
{
	char text[32];
	struct tm tm;
	time_t seconds = (time_t)(os_time_ms() / 1000);
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return str_dup(arena, str_from(text));
}

bool
aws_spot_price(struct aws *aws, struct arena *arena, struct str type, int64_t *millionths, struct aws_error *error)
{
	struct str products[] = {STR("Linux/UNIX"), STR("Linux/UNIX (Amazon VPC)")};
	struct spots spots = {.arena = arena};
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeSpotPriceHistory");
	aws_parameter(&parameters, "InstanceType.1", type);
	ec2_put_words(&parameters, "ProductDescription", (struct words){products, 2});
	aws_parameter(&parameters, "StartTime", now(arena));
	if (!ec2_pages(aws, arena, &parameters, EC2_PAGE, take_spots, &spots, error))
		return false;
	bool found = false;
	for (size_t i = 0; i < spots.count; i++) {
		int64_t price;
		if (!read_price(spots.list[i].price, &price) || (found && price >= *millionths))
			continue;
		*millionths = price;
		found = true;
	}
	if (!found)
		*error = (struct aws_error){.message = str_printf(arena, "there is no spot price of %.*s in %.*s", STR_ARG(type),
						    STR_ARG(aws_region(aws)))};
	return found;
}
