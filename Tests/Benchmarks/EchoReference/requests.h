// The requests that are published, and what can be told from the replies to them.
#ifndef ECHO_REFERENCE_REQUESTS_H
#define ECHO_REFERENCE_REQUESTS_H

#include "broker.h"

#include <stddef.h>

// Publishes chat requests, numbered from 1, that differ in prompt, message_id and correlation_id.
struct requests {
  const char *exchange;
  const char *routing_key;
  size_t size;
  char run[20];  // tells this run from others: the time, so that message ids are ordered by time
  char *body;
};

void requests_open(struct requests *requests, const char *exchange, const char *routing_key, size_t size);
void requests_close(struct requests *requests);
void requests_publish(struct requests *requests, struct broker *broker, long number);

// The number at the end of a reply's correlation id, 0 where there is none.
long reply_number(const amqp_basic_properties_t *properties);

enum reply_status { REPLY_UNMARKED, REPLY_SUCCEEDED, REPLY_FAILED };
// What the header x-status of a reply says.
enum reply_status reply_status(const amqp_basic_properties_t *properties);
// The text of a header, empty where it is missing or no string.
amqp_bytes_t reply_header(const amqp_basic_properties_t *properties, const char *name);

#endif
