#define _GNU_SOURCE  // ppoll
#include "frames.h"

#include <amqp_framing.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

void reader_open(struct reader *reader, struct broker *broker, uint64_t publishes) {
  memset(reader, 0, sizeof *reader);
  reader->broker = broker;
  reader->confirmed_below = 1;
  reader->tags = publishes;
  reader->ahead = calloc(publishes + 1, 1);
  if (!reader->ahead) fail("out of memory for %llu confirms", (unsigned long long)publishes);
}

void reader_close(struct reader *reader) {
  free(reader->ahead);
  free(reader->body);
}

static void confirm_one(struct reader *reader, uint64_t tag) {
  if (tag > reader->tags) fail("the broker confirmed publish %llu, which was never made", (unsigned long long)tag);
  if (tag < reader->confirmed_below || reader->ahead[tag]) return;
  reader->ahead[tag] = 1;
  if (reader->on_confirm) reader->on_confirm(reader->context, tag);
}

static void confirm(struct reader *reader, const amqp_basic_ack_t *ack) {
  uint64_t first = ack->multiple ? reader->confirmed_below : ack->delivery_tag;
  for (uint64_t tag = first; tag <= ack->delivery_tag; tag++) confirm_one(reader, tag);
  while (reader->confirmed_below <= reader->tags && reader->ahead[reader->confirmed_below]) reader->confirmed_below++;
}

static void finish_delivery(struct reader *reader, amqp_bytes_t body) {
  reader->assembling = 0;
  struct delivery delivery = {reader->tag, reader->properties, body};
  if (reader->on_delivery) reader->on_delivery(reader->context, &delivery);
}

static void take_method(struct reader *reader, const amqp_method_t *method) {
  switch (method->id) {
    case AMQP_BASIC_DELIVER_METHOD:
      reader->assembling = 1;
      reader->tag = ((const amqp_basic_deliver_t *)method->decoded)->delivery_tag;
      break;
    case AMQP_BASIC_ACK_METHOD:
      confirm(reader, method->decoded);
      break;
    case AMQP_BASIC_NACK_METHOD:
      fail("the broker refused a publish");
    case AMQP_BASIC_RETURN_METHOD:
      fail("the broker returned a publish: no queue is bound for it");
    case AMQP_BASIC_CANCEL_METHOD:
      fail("the broker cancelled the consumer: its queue is gone");
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const amqp_channel_close_t *closed = method->decoded;
      fail("the broker closed the channel: %d %.*s", closed->reply_code, (int)closed->reply_text.len,
           (const char *)closed->reply_text.bytes);
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const amqp_connection_close_t *closed = method->decoded;
      fail("the broker closed the connection: %d %.*s", closed->reply_code, (int)closed->reply_text.len,
           (const char *)closed->reply_text.bytes);
    }
    default:
      fail("unexpected method 0x%x", method->id);
  }
}

static void take_header(struct reader *reader, const amqp_frame_t *frame) {
  reader->properties = frame->payload.properties.decoded;
  reader->expected = frame->payload.properties.body_size;
  reader->length = 0;
  if (reader->expected == 0) finish_delivery(reader, amqp_empty_bytes);
}

static void take_body(struct reader *reader, amqp_bytes_t fragment) {
  if (reader->length == 0 && fragment.len == reader->expected) {
    finish_delivery(reader, fragment);
    return;
  }
  if (fragment.len > reader->expected - reader->length) fail("a body is longer than its header says");
  if (reader->capacity < reader->expected) {
    reader->body = realloc(reader->body, reader->expected);
    if (!reader->body) fail("out of memory for a body of %zu bytes", reader->expected);
    reader->capacity = reader->expected;
  }
  memcpy(reader->body + reader->length, fragment.bytes, fragment.len);
  reader->length += fragment.len;
  if (reader->length == reader->expected) {
    amqp_bytes_t body = {reader->length, reader->body};
    finish_delivery(reader, body);
  }
}

static void take_frame(struct reader *reader, const amqp_frame_t *frame) {
  switch (frame->frame_type) {
    case AMQP_FRAME_METHOD: take_method(reader, &frame->payload.method); break;
    case AMQP_FRAME_HEADER: take_header(reader, frame); break;
    case AMQP_FRAME_BODY: take_body(reader, frame->payload.body_fragment); break;
    default: break;
  }
}

int reader_drain(struct reader *reader) {
  enum { BOUND = 4000 };
  static const struct timeval at_once = {0, 0};
  for (int count = 0; count < BOUND; count++) {
    amqp_frame_t frame;
    struct timeval limit = at_once;
    int status = amqp_simple_wait_frame_noblock(reader->broker->handle, &frame, &limit);
    if (status == AMQP_STATUS_TIMEOUT) return 0;
    if (status != AMQP_STATUS_OK) fail("read: %s", amqp_error_string2(status));
    take_frame(reader, &frame);
    // The properties of an unfinished delivery lie in the memory that this gives back.
    if (!reader->assembling) amqp_maybe_release_buffers(reader->broker->handle);
  }
  return 1;
}

int wait_for_input(const struct broker *first, const struct broker *second, double seconds) {
  if (seconds < 0) seconds = 0;
  struct timespec limit = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  struct pollfd descriptors[2] = {{first->descriptor, POLLIN, 0}, {second ? second->descriptor : -1, POLLIN, 0}};
  int ready = ppoll(descriptors, second ? 2 : 1, &limit, NULL);
  if (ready < 0 && errno != EINTR) fail("poll: %s", strerror(errno));
  return ready != 0;
}
