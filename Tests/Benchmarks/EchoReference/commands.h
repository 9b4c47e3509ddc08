// One function for each subcommand. Each prints one line of JSON at the end; those that take part in a measurement
// print the line "ready" first, when they are set up.
#ifndef ECHO_REFERENCE_COMMANDS_H
#define ECHO_REFERENCE_COMMANDS_H

#include <stddef.h>

struct address {
  const char *host;
  int port;
};

int declare_command(struct address address, const char *exchange, const char *queue, const char *binding);
int delete_command(struct address address, const char *queue);
int depth_command(struct address address, const char *queue);

// Publishes as fast as confirms come, or `rate` requests a second if that is above 0.
int fill_command(struct address address, const char *exchange, const char *routing_key, long count, size_t size,
                 double rate);
// The echo loop: consume from a queue, publish to an exchange, acknowledge when the publish is confirmed.
int run_command(struct address address, const char *queue, const char *exchange, long count);
// Counts replies on a queue of its own that is bound to an exchange.
int count_command(struct address address, const char *queue, const char *exchange, long count, double patience);

struct latency_plan {
  const char *requests_exchange, *routing_key;
  const char *replies_exchange, *replies_queue;
  double rate;
  long count, warm_up;
  size_t size;
};
// Publishes at a rate, whether replies come or not, and times each reply.
int latency_command(struct address address, const struct latency_plan *plan);

void announce_ready(void);

#endif
