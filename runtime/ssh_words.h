/* ssh_words: what ssh's own messages say. */
#ifndef RUNTIME_SSH_WORDS_H
#define RUNTIME_SSH_WORDS_H

#include "base/str.h"

#include <stdbool.h>

bool ssh_words_have(struct str words, const char *text);
/* The first line says what kept it from connecting, the last why a connection ended. */
struct str ssh_words_first(struct str words);
struct str ssh_words_last(struct str words);
/* What a line comes to: "ssh: connect to host 10.0.0.4 port 22: Connection refused" is "Connection refused". */
struct str ssh_words_cause(struct str line);
/* Of the host key that was shown in place of the right one. */
struct str ssh_words_fingerprint(struct str words);

#endif
