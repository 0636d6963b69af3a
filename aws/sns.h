/* sns: a topic, who gets its messages, and a message. */
#ifndef AWS_SNS_H
#define AWS_SNS_H

#include "aws/client.h"

/* The topic of that name, made where it is not there (CreateTopic is idempotent); an ARN is taken as it is. */
bool sns_topic(struct aws *, struct arena *, struct str name_or_arn, struct str *arn, struct aws_error *);
/* Subscribes an e-mail address where it is not yet. */
bool sns_subscribe_email(struct aws *, struct arena *, struct str arn, struct str address, struct aws_error *);
/* Subject: at most 100 ASCII characters, no line ends (cut and cleaned here). Message: at most 256 KiB. */
bool sns_publish(struct aws *, struct arena *, struct str arn, struct str subject, struct str message, struct aws_error *);

#endif
