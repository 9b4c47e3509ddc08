// A connection to the broker with its one channel, and the calls that set a measurement up.
#ifndef ECHO_REFERENCE_BROKER_H
#define ECHO_REFERENCE_BROKER_H

#include <amqp.h>
#include <stdint.h>

enum { CHANNEL = 1 };

struct broker {
  amqp_connection_state_t handle;
  int descriptor;
};

// Prints a message to standard error and exits with 1.
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// Connects as guest to the virtual host /, and opens the channel. `name` is what the broker lists.
void broker_open(struct broker *broker, const char *host, int port, const char *name);
void broker_close(struct broker *broker);

void broker_declare_exchange(struct broker *broker, const char *exchange);
// Declares a durable quorum queue, empties it, and binds it.
void broker_declare_queue(struct broker *broker, const char *queue, const char *exchange, const char *binding);
void broker_delete_queue(struct broker *broker, const char *queue);
// The number of messages that are ready in a queue. It is also a barrier: the broker has read what was sent before.
uint32_t broker_depth(struct broker *broker, const char *queue);

void broker_confirm_publishes(struct broker *broker);
// Begins to consume. `prefetch` 0: without acknowledgements and without a bound.
void broker_consume(struct broker *broker, const char *queue, int prefetch);

void broker_publish(struct broker *broker, const char *exchange, amqp_bytes_t routing_key,
                    const amqp_basic_properties_t *properties, amqp_bytes_t body);
void broker_acknowledge(struct broker *broker, uint64_t tag);

#endif
