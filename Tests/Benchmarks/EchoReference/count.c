#include "clock.h"
#include "commands.h"
#include "frames.h"
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
  long count, distinct, duplicates, foreign, succeeded, failed, unmarked;
  double first, last;  // of the distinct replies
  unsigned char *seen;
  char first_error[64];
};

static void note_failure(struct tally *tally, const struct delivery *delivery) {
  if (tally->failed++) return;
  amqp_bytes_t code = reply_header(delivery->properties, "x-error-code");
  size_t length = 0;
  for (; length < code.len && length + 1 < sizeof tally->first_error; length++) {
    char c = ((const char *)code.bytes)[length];
    // It goes into JSON as it is.
    tally->first_error[length] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ? c : '?';
  }
}

static void tally_reply(void *context, const struct delivery *delivery) {
  struct tally *tally = context;
  long number = reply_number(delivery->properties);
  if (number < 1 || number > tally->count) {
    tally->foreign++;
    return;
  }
  unsigned char bit = (unsigned char)(1 << (number & 7));
  if (tally->seen[number >> 3] & bit) {
    tally->duplicates++;
    return;
  }
  tally->seen[number >> 3] |= bit;
  tally->last = steady_clock();
  if (tally->distinct++ == 0) tally->first = tally->last;
  switch (reply_status(delivery->properties)) {
    case REPLY_SUCCEEDED: tally->succeeded++; break;
    case REPLY_FAILED: note_failure(tally, delivery); break;
    case REPLY_UNMARKED: tally->unmarked++; break;
  }
}

int count_command(struct address address, const char *queue, const char *exchange, long count, double patience) {
  // How long a second copy of a reply may take to show itself.
  const double after_the_last = 0.5;
  struct broker broker;
  struct reader reader;
  struct tally tally;
  memset(&tally, 0, sizeof tally);
  tally.count = count;
  tally.seen = calloc((size_t)count / 8 + 1, 1);
  if (!tally.seen) fail("out of memory for %ld replies", count);
  broker_open(&broker, address.host, address.port, "echo-reference count");
  broker_declare_queue(&broker, queue, exchange, "#");
  reader_open(&reader, &broker, 0);
  reader.on_delivery = tally_reply;
  reader.context = &tally;
  broker_consume(&broker, queue, 0);
  announce_ready();

  for (;;) {
    if (reader_drain(&reader)) continue;
    double limit = tally.distinct == count ? after_the_last : patience;
    if (!wait_for_input(&broker, NULL, limit)) break;
  }
  printf("{\"count\": %ld, \"seconds\": %.6f, \"first\": %.6f, \"last\": %.6f, \"missing\": %ld, \"duplicates\": %ld, "
         "\"foreign\": %ld, \"succeeded\": %ld, \"failed\": %ld, \"unmarked\": %ld, \"first_error\": \"%s\", "
         "\"cpu_seconds\": %.6f}\n",
         tally.distinct, tally.last - tally.first, tally.first, tally.last, count - tally.distinct, tally.duplicates,
         tally.foreign, tally.succeeded, tally.failed, tally.unmarked, tally.first_error, cpu_clock());
  reader_close(&reader);
  broker_close(&broker);
  free(tally.seen);
  return 0;
}
