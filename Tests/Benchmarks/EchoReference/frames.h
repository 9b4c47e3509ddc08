// Reads a connection frame by frame, without blocking, and puts deliveries together.
#ifndef ECHO_REFERENCE_FRAMES_H
#define ECHO_REFERENCE_FRAMES_H

#include "broker.h"

#include <stddef.h>
#include <stdint.h>

// Valid only during the call that it is passed to.
struct delivery {
  uint64_t tag;
  const amqp_basic_properties_t *properties;
  amqp_bytes_t body;
};

typedef void delivery_handler(void *context, const struct delivery *delivery);
typedef void confirm_handler(void *context, uint64_t tag);

struct reader {
  struct broker *broker;
  delivery_handler *on_delivery;  // may be NULL where nothing is consumed
  confirm_handler *on_confirm;    // may be NULL where nothing is published
  void *context;

  // The delivery that is being put together.
  int assembling;
  uint64_t tag;
  const amqp_basic_properties_t *properties;
  size_t expected, length, capacity;
  char *body;

  // The confirms so far: every tag up to `confirmed_below`, exclusive, and those marked in `ahead`.
  uint64_t confirmed_below, tags;
  unsigned char *ahead;
};

// `publishes` is the number of confirms that will come at most.
void reader_open(struct reader *reader, struct broker *broker, uint64_t publishes);
void reader_close(struct reader *reader);

// Handles all that has arrived, up to a bound that leaves the other connection its turn. Returns 1 if the bound
// stopped it, so that more may be waiting where poll does not see it.
int reader_drain(struct reader *reader);

// Waits until one of the connections has something to read; the second may be NULL. Returns 0 if nothing came.
int wait_for_input(const struct broker *first, const struct broker *second, double seconds);

#endif
