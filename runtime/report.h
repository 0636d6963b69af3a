/* report: a run in words, made of what its journal has. */
#ifndef RUNTIME_REPORT_H
#define RUNTIME_REPORT_H

#include "runtime/run.h"

/* One line and the whole, without secrets. False with *error where the journal cannot be read. */
bool report_write(struct arena *, const struct run *, struct str *subject, struct str *text, struct str *error);
/* Stores the text beside the first artifact that goes to a cloud; *url says where, none where no artifact does. */
bool report_store(struct arena *, struct run *, struct str text, struct str *url, struct failure *);

#endif
