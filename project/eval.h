/* eval: values. Each variable is evaluated once, when it is first needed, without recursion from one variable to the next. */
#ifndef PROJECT_EVAL_H
#define PROJECT_EVAL_H

#include "parser/value.h"
#include "project/collect.h"

struct evaluator *eval_new(struct loader *);
/* The value of a span, as seen from the space. What is wrong is filed, and the value is then unknown. */
struct value eval_span(struct loader *, struct span, const struct space *, enum value_mode);
/* What a binding's definitions come to together; the span is the first one's value. */
struct value eval_binding(struct loader *, const struct binding *);
/* Evaluates every variable of every scope. */
void eval_variables(struct loader *);
/* The value as one text, its words joined by a space. */
struct str eval_text(struct loader *, const struct value *);
/* The evaluated variable, looked up from the space outwards; NULL where there is none. */
const struct variable *eval_find(struct loader *, const struct space *, struct str name);
/* The condition that has read the variable, if any did. */
bool eval_was_read(const struct loader *, const struct space *, uint32_t place, struct span *condition);

#endif
