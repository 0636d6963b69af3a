/* cloud: what a run has done for it outside of this machine, whatever its provider is: files stored, messages published. The runtime knows clouds only through
 * a table; which one there is, cli/main.c says. Nothing here is opened, loaded or asked before it is used. */
#ifndef RUNTIME_CLOUD_H
#define RUNTIME_CLOUD_H

#include "base/http.h"
#include "runtime/run.h"

/* Whose account, and where; none where the file does not say: then environment and configuration do. */
struct cloud_place {
	struct str region, profile, endpoint;
};

/* A file to be stored. The calls come from several threads, one at a time. */
struct cloud_file {
	const char *path; /* the site's: relative to the source tree; a cloud's store wants it whole */
	struct str url; /* "s3://bucket/key" */
	int64_t until; /* when, by os_now_ms, another machine's is given up; 0: never */
	void *context;
	void (*moved)(void *context, int64_t done, int64_t total);
	/* There is something now that must be dropped by this name if the store does not end well. False ends it. */
	bool (*begun)(void *context, struct str upload);
};

struct cloud_stored {
	int64_t size;
	struct str sha256;
};

/* A request that stores a part of a parcel: a PUT of its bytes with exactly these headers. Who has the URL may do this one thing for a while: it is a secret. */
struct cloud_put {
	bool stored; /* it has been made, and answered well; by the caller */
	int64_t offset, length;
	struct str url;
	const struct http_header *headers;
	size_t header_count;
	struct str etag; /* what the answer to it said; by the caller */
};

/* A file of another machine, which sends it by itself. */
struct cloud_parcel {
	struct str url;
	int64_t size, part_size; /* by part_size() */
	struct str sha256; /* of the whole, hexadecimal */
	struct str *digests; /* of each part, hexadecimal; as many as there are */
	size_t part_count; /* at least 1 */
	struct cloud_put *puts; /* of each part; by offer() what is not known before */
	struct str upload; /* what must be dropped where it does not end well; none where nothing is begun */
};

/* A file that is stored. */
struct cloud_object {
	struct str url;
	int64_t size;
};

struct cloud_message {
	struct str topic; /* a name, or an ARN */
	struct str subject, text;
};

/* An account is what `open` made; it serves any number of threads. What fails says why in the failure. */
struct cloud {
	/* The region, without the network; none where nothing says. */
	struct str (*region)(struct arena *, struct cloud_place, char *const *environment);
	/* Finds credentials, for which it may use the network. NULL where there are none. Every call ends soon once `cancel` is raised. */
	void *(*open)(struct cloud_place, char *const *environment, const struct os_cancel *cancel, struct failure *);
	void (*close)(void *account);
	/* Whether files can be stored in the bucket; true with a message where that cannot be told. */
	bool (*check)(void *account, struct str bucket, struct failure *);
	/* Stores a file, and looks at what is stored. */
	bool (*store)(void *account, struct arena *, const struct cloud_file *, struct cloud_stored *, struct failure *);
	/* A file of so many bytes is stored in parts of so many each, but for the last. */
	int64_t (*part_size)(int64_t size);
	/* Begins what goes up in parts. It is told through file->begun, and dropped where this fails. */
	bool (*begin)(void *account, struct arena *, const struct cloud_file *, struct cloud_parcel *, struct failure *);
	/* Makes the requests by which another machine may store what is not stored yet. They are good for an hour at most: they are made for the moment, and made
	 * anew when they were of no use. The result is the arena's. */
	bool (*offer)(void *account, struct arena *, struct cloud_parcel *, struct failure *);
	/* They have been made: completes the file, and looks at what is stored. */
	bool (*accept)(void *account, struct arena *, const struct cloud_parcel *, struct cloud_stored *, struct failure *);
	/* Drops what a store has begun, also where `cancel` is raised; what is not there is dropped. */
	bool (*drop)(void *account, struct str url, struct str upload, struct failure *);
	/* What is stored whose URL begins so, sorted by URL; in the arena. */
	bool (*list)(void *account, struct arena *, struct str url, struct cloud_object **, size_t *count, struct failure *);
	/* A URL by which another machine may get it for a while: a secret. */
	bool (*lend)(void *account, struct arena *, struct str url, struct str *get, struct failure *);
	/* What is not there is removed. */
	bool (*remove)(void *account, struct str url, struct failure *);
	/* Makes the topic where it is not there, and subscribes the e-mail addresses that are not yet. */
	bool (*subscribe)(void *account, struct str topic, struct words addresses, struct failure *);
	bool (*publish)(void *account, const struct cloud_message *, struct failure *);
};

/* A URL of a file in a cloud; everything else is a path. */
bool cloud_is_url(struct str destination);
/* "bucket" of "s3://bucket/key". */
struct str cloud_bucket(struct str url);
/* "NAME" of "sns:NAME". */
struct str cloud_topic(struct str notify);

/* Where the file says that the project's cloud is. */
struct cloud_place cloud_place(const struct project *);
/* Completes what was seen by the region, where the project has to do with a cloud. */
void cloud_observe(struct arena *, const struct project *, const struct cloud *, char *const *environment, struct world *);

/* A run's way to its cloud, which may be NULL; in the run's arena. */
struct cloud_link *cloud_link_new(struct run *, const struct cloud *);
void cloud_link_free(struct cloud_link *);
/* The account that all of the run share, opened at the first call (`place`: NULL for the project's). NULL with the failure. */
void *cloud_account(struct run *, const struct cloud_place *place, const struct cloud **, struct failure *);

/* Looks, before anything is built, at a bucket that artifacts go to: "s3 BUCKET". */
extern const struct action_type action_bucket;
/* Makes the topic of notifications ready: "sns TOPIC". That it cannot be is a warning. */
extern const struct action_type action_topic;
/* Adds both to the plan; the first steps wait for the buckets (their indices are added to *ready). */
void cloud_plan(struct arena *, struct plan *, uint32_t **ready, uint32_t *ready_count);

#endif
