#include "clock.h"
#include "commands.h"
#include "frames.h"
#include "requests.h"

#include <stdio.h>

enum { WINDOW = 2000, BURST = 64, PATIENCE = 30 };

static void count_confirm(void *context, uint64_t tag) {
  (void)tag;
  ++*(long *)context;
}

// How many more may be published now.
static long allowed(long sent, long confirmed, long count, double rate, double start) {
  long room = WINDOW - (sent - confirmed);
  if (rate > 0) {
    long due = (long)((steady_clock() - start) * rate) + 1 - sent;
    if (due < room) room = due;
  }
  if (room > BURST) room = BURST;
  return room < count - sent ? room : count - sent;
}

int fill_command(struct address address, const char *exchange, const char *routing_key, long count, size_t size,
                 double rate) {
  struct broker broker;
  struct requests requests;
  struct reader reader;
  long sent = 0, confirmed = 0;
  broker_open(&broker, address.host, address.port, "echo-reference fill");
  broker_confirm_publishes(&broker);
  requests_open(&requests, exchange, routing_key, size);
  reader_open(&reader, &broker, (uint64_t)count);
  reader.on_confirm = count_confirm;
  reader.context = &confirmed;

  double start = steady_clock(), progress = start;
  for (;;) {
    long before = sent + confirmed;
    int more = reader_drain(&reader);
    if (confirmed == count) break;
    long burst = allowed(sent, confirmed, count, rate, start);
    for (long i = 0; i < burst; i++) requests_publish(&requests, &broker, ++sent);
    if (sent + confirmed != before) progress = steady_clock();
    if (steady_clock() - progress > PATIENCE)
      fail("no confirm for %d s: %ld published, %ld confirmed of %ld", PATIENCE, sent, confirmed, count);
    if (more || allowed(sent, confirmed, count, rate, start) > 0) continue;
    int paced = rate > 0 && sent < count && sent - confirmed < WINDOW;
    double pause = paced ? start + (double)sent / rate - steady_clock() : 1;
    wait_for_input(&broker, NULL, pause < 1 ? pause : 1);
  }
  double seconds = steady_clock() - start;
  printf("{\"count\": %ld, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", count, seconds, cpu_clock());
  reader_close(&reader);
  requests_close(&requests);
  broker_close(&broker);
  return 0;
}
