#include "clock.h"
#include "commands.h"
#include "frames.h"
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 30 };

struct timing {
  long count, answered, duplicates, foreign, failed;
  double *published;  // by number; 0: not yet
  double *taken;      // by number; below 0: not yet
};

static void time_reply(void *context, const struct delivery *delivery) {
  double now = steady_clock();
  struct timing *timing = context;
  long number = reply_number(delivery->properties);
  if (number < 1 || number > timing->count || timing->published[number] == 0) {
    timing->foreign++;
    return;
  }
  if (timing->taken[number] >= 0) {
    timing->duplicates++;
    return;
  }
  timing->taken[number] = now - timing->published[number];
  timing->answered++;
  if (reply_status(delivery->properties) == REPLY_FAILED) timing->failed++;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

// The smallest value that at least so many percent of all values do not exceed.
static double percentile(const double *sorted, long count, long percent) {
  return count == 0 ? 0 : sorted[(count * percent + 99) / 100 - 1];
}

static void print_result(struct timing *timing, const struct latency_plan *plan, double lag, double seconds) {
  long kept = 0;
  for (long number = plan->warm_up + 1; number <= timing->count; number++)
    if (timing->taken[number] >= 0) timing->published[kept++] = timing->taken[number];
  double *sorted = timing->published;
  qsort(sorted, (size_t)kept, sizeof *sorted, compare);
  printf("{\"count\": %ld, \"warm_up\": %ld, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, "
         "\"max_ms\": %.3f, \"missing\": %ld, \"duplicates\": %ld, \"foreign\": %ld, \"failed\": %ld, "
         "\"late_publish_ms\": %.3f, \"cpu_seconds\": %.6f}\n",
         kept, plan->warm_up, seconds, percentile(sorted, kept, 50) * 1e3, percentile(sorted, kept, 95) * 1e3,
         percentile(sorted, kept, 99) * 1e3, percentile(sorted, kept, 100) * 1e3, timing->count - timing->answered,
         timing->duplicates, timing->foreign, timing->failed, lag * 1e3, cpu_clock());
}

int latency_command(struct address address, const struct latency_plan *plan) {
  struct broker publishing, consuming;
  struct reader confirms, replies;
  struct requests requests;
  struct timing timing;
  memset(&timing, 0, sizeof timing);
  timing.count = plan->count + plan->warm_up;
  timing.published = calloc((size_t)timing.count + 1, sizeof *timing.published);
  timing.taken = malloc(((size_t)timing.count + 1) * sizeof *timing.taken);
  if (!timing.published || !timing.taken) fail("out of memory for %ld requests", timing.count);
  for (long number = 0; number <= timing.count; number++) timing.taken[number] = -1;

  broker_open(&publishing, address.host, address.port, "echo-reference latency publishes");
  broker_open(&consuming, address.host, address.port, "echo-reference latency consumes");
  broker_declare_queue(&consuming, plan->replies_queue, plan->replies_exchange, "#");
  broker_confirm_publishes(&publishing);
  requests_open(&requests, plan->requests_exchange, plan->routing_key, plan->size);
  reader_open(&confirms, &publishing, (uint64_t)timing.count);
  reader_open(&replies, &consuming, 0);
  replies.on_delivery = time_reply;
  replies.context = &timing;
  broker_consume(&consuming, plan->replies_queue, 0);
  announce_ready();

  double start = steady_clock(), progress = start, lag = 0;
  long sent = 0;
  for (;;) {
    long before = sent + timing.answered;
    int more = reader_drain(&replies) | reader_drain(&confirms);
    if (timing.answered == timing.count) break;
    double due = start + (double)sent / plan->rate, now = steady_clock();
    // One at a time, so that a reply that has come meanwhile is not timed late.
    if (sent < timing.count && due <= now) {
      if (now - due > lag) lag = now - due;
      sent++;
      timing.published[sent] = steady_clock();
      requests_publish(&requests, &publishing, sent);
      due = start + (double)sent / plan->rate;
    }
    if (sent + timing.answered != before) progress = steady_clock();
    if (steady_clock() - progress > PATIENCE) break;
    double pause = sent < timing.count ? due - steady_clock() : 1;
    if (!more) wait_for_input(&consuming, &publishing, pause);
  }
  print_result(&timing, plan, lag, steady_clock() - start);
  requests_close(&requests);
  reader_close(&replies);
  reader_close(&confirms);
  broker_close(&consuming);
  broker_close(&publishing);
  free(timing.published);
  free(timing.taken);
  return 0;
}
