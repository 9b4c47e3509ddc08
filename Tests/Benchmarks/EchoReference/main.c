// echo-reference: fills queues, counts and times replies, and is itself the plain C loop that the service is compared
// with. It speaks AMQP through librabbitmq only.
#include "broker.h"
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: echo-reference COMMAND HOST PORT ARGUMENTS\n"
    "\n"
    "  declare HOST PORT EXCHANGE QUEUE BINDING       a topic exchange with an empty quorum queue bound to it\n"
    "  delete  HOST PORT QUEUE\n"
    "  depth   HOST PORT QUEUE                        messages that are ready\n"
    "  fill    HOST PORT EXCHANGE ROUTINGKEY COUNT SIZE full|rate=N\n"
    "                                                 publishes chat requests of SIZE bytes, with confirms\n"
    "  run     HOST PORT QUEUE EXCHANGE COUNT         echoes: consume, publish, confirm, acknowledge\n"
    "  count   HOST PORT QUEUE EXCHANGE COUNT [patience=SECONDS]\n"
    "                                                 counts replies until none came for so long (60)\n"
    "  latency HOST PORT EXCHANGE ROUTINGKEY QUEUE REPLIES RATE COUNT SIZE [warm-up=N]\n"
    "                                                 publishes RATE a second to EXCHANGE and times the replies that\n"
    "                                                 exchange REPLIES sends to QUEUE, without the first N\n";

static void stop_with_usage(void) {
  fputs(usage, stderr);
  exit(2);
}

static double positive(const char *text, const char *what) {
  char *end;
  errno = 0;
  double value = strtod(text, &end);
  if (errno || end == text || *end || !(value > 0) || value > 1e9) fail("%s: %s is not a number above 0", what, text);
  return value;
}

static long positive_whole(const char *text, const char *what) {
  // The numbers of requests have nine digits.
  const long most = 999999999;
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || end == text || *end || value < 1 || value > most)
    fail("%s: %s is not a whole number from 1 to %ld", what, text, most);
  return value;
}

// The value of an optional argument name=VALUE.
static const char *option(int count, char **arguments, const char *name) {
  if (count == 0) return NULL;
  size_t length = strlen(name);
  if (count > 1 || strncmp(arguments[0], name, length) != 0 || arguments[0][length] != '=') stop_with_usage();
  return arguments[0] + length + 1;
}

static double pace(const char *mode) {
  if (strcmp(mode, "full") == 0) return 0;
  if (strncmp(mode, "rate=", 5) != 0) stop_with_usage();
  return positive(mode + 5, "rate");
}

void announce_ready(void) {
  puts("ready");
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count < 5) stop_with_usage();
  const char *command = arguments[1];
  struct address address = {arguments[2], (int)positive_whole(arguments[3], "PORT")};
  char **rest = arguments + 4;
  int left = count - 4;

  if (strcmp(command, "declare") == 0 && left == 3) return declare_command(address, rest[0], rest[1], rest[2]);
  if (strcmp(command, "delete") == 0 && left == 1) return delete_command(address, rest[0]);
  if (strcmp(command, "depth") == 0 && left == 1) return depth_command(address, rest[0]);
  if (strcmp(command, "fill") == 0 && left == 5)
    return fill_command(address, rest[0], rest[1], positive_whole(rest[2], "COUNT"),
                        (size_t)positive_whole(rest[3], "SIZE"), pace(rest[4]));
  if (strcmp(command, "run") == 0 && left == 3)
    return run_command(address, rest[0], rest[1], positive_whole(rest[2], "COUNT"));
  if (strcmp(command, "count") == 0 && left >= 3) {
    const char *patience = option(left - 3, rest + 3, "patience");
    return count_command(address, rest[0], rest[1], positive_whole(rest[2], "COUNT"),
                         patience ? positive(patience, "patience") : 60);
  }
  if (strcmp(command, "latency") == 0 && left >= 7) {
    const char *warm_up = option(left - 7, rest + 7, "warm-up");
    struct latency_plan plan = {.requests_exchange = rest[0],
                                .routing_key = rest[1],
                                .replies_queue = rest[2],
                                .replies_exchange = rest[3],
                                .rate = positive(rest[4], "RATE"),
                                .count = positive_whole(rest[5], "COUNT"),
                                .size = (size_t)positive_whole(rest[6], "SIZE"),
                                .warm_up = warm_up ? positive_whole(warm_up, "warm-up") : 0};
    return latency_command(address, &plan);
  }
  stop_with_usage();
}
