#include "broker.h"
#include "commands.h"

#include <stdio.h>

int declare_command(struct address address, const char *exchange, const char *queue, const char *binding) {
  struct broker broker;
  broker_open(&broker, address.host, address.port, "echo-reference declare");
  broker_declare_exchange(&broker, exchange);
  broker_declare_queue(&broker, queue, exchange, binding);
  puts("{}");
  broker_close(&broker);
  return 0;
}

int delete_command(struct address address, const char *queue) {
  struct broker broker;
  broker_open(&broker, address.host, address.port, "echo-reference delete");
  broker_delete_queue(&broker, queue);
  puts("{}");
  broker_close(&broker);
  return 0;
}

int depth_command(struct address address, const char *queue) {
  struct broker broker;
  broker_open(&broker, address.host, address.port, "echo-reference depth");
  printf("{\"depth\": %u}\n", broker_depth(&broker, queue));
  broker_close(&broker);
  return 0;
}
