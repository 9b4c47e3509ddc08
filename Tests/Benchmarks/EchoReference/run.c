// The reference: what a client on this library has to do for one message, and nothing more.
#include "clock.h"
#include "commands.h"
#include "frames.h"

#include <amqp_framing.h>
#include <stdio.h>
#include <string.h>

enum { PREFETCH = 1000, PATIENCE = 60 };

struct echo {
  struct broker consuming, publishing;
  struct reader deliveries, confirms;
  const char *exchange;
  long received, acknowledged;
};

static void publish(void *context, const struct delivery *delivery) {
  struct echo *echo = context;
  echo->received++;
  // Every delivery is published at once, so that the tag of a delivery is also the number of its publish.
  if (delivery->tag != (uint64_t)echo->received) fail("a delivery is missing before %ld", echo->received);
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.content_type = delivery->properties->content_type;
  properties.correlation_id = delivery->properties->correlation_id;
  broker_publish(&echo->publishing, echo->exchange, properties.correlation_id, &properties, delivery->body);
}

static void acknowledge(void *context, uint64_t tag) {
  struct echo *echo = context;
  broker_acknowledge(&echo->consuming, tag);
  echo->acknowledged++;
}

int run_command(struct address address, const char *queue, const char *exchange, long count) {
  struct echo echo;
  memset(&echo, 0, sizeof echo);
  echo.exchange = exchange;
  broker_open(&echo.consuming, address.host, address.port, "echo-reference consumes");
  broker_open(&echo.publishing, address.host, address.port, "echo-reference publishes");
  broker_confirm_publishes(&echo.publishing);
  reader_open(&echo.deliveries, &echo.consuming, 0);
  reader_open(&echo.confirms, &echo.publishing, (uint64_t)count);
  echo.deliveries.context = echo.confirms.context = &echo;
  echo.deliveries.on_delivery = publish;
  echo.confirms.on_confirm = acknowledge;

  double cpu = cpu_clock(), start = steady_clock();
  broker_consume(&echo.consuming, queue, PREFETCH);
  announce_ready();
  while (echo.acknowledged < count) {
    int more = reader_drain(&echo.deliveries) | reader_drain(&echo.confirms);
    if (more || echo.acknowledged >= count) continue;
    if (!wait_for_input(&echo.consuming, &echo.publishing, PATIENCE))
      fail("nothing came for %d s: %ld received, %ld acknowledged of %ld", PATIENCE, echo.received, echo.acknowledged,
           count);
  }
  uint32_t left = broker_depth(&echo.consuming, queue);
  double seconds = steady_clock() - start;
  printf("{\"count\": %ld, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"left\": %u}\n", count, seconds,
         cpu_clock() - cpu, left);
  reader_close(&echo.deliveries);
  reader_close(&echo.confirms);
  broker_close(&echo.publishing);
  broker_close(&echo.consuming);
  return 0;
}
