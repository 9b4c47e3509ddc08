#include "requests.h"

#include "clock.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Prompts are made of words, since a run of one letter is no text that a token counter would see.
static const char *const words[64] = {
    "account",  "after",   "answer",  "because", "before",   "between", "billing", "button",   "cannot", "change",
    "city",     "contract", "customer", "date",   "delivery", "device",  "discount", "email",   "error",  "every",
    "figure",   "first",   "history", "invoice", "issue",    "item",    "language", "letter",  "list",   "message",
    "minute",   "month",   "network", "number",  "office",   "order",   "package", "password", "payment", "people",
    "phone",    "please",  "possible", "price",  "problem",  "product", "question", "reason",  "receipt", "record",
    "refund",   "report",  "return",  "second",  "service",  "should",  "summary", "support",  "system", "their",
    "ticket",   "update",  "warehouse", "yesterday"};

static const char *const opening =
    "{\"model\":\"gpt-4o-mini\",\"max_tokens\":64,\"messages\":[{\"role\":\"user\",\"content\":\"Request %09ld:";
static const char closing[] = "\"}]}";

void requests_open(struct requests *requests, const char *exchange, const char *routing_key, size_t size) {
  enum { SMALLEST = 160 };
  if (size < SMALLEST) fail("requests of %zu bytes: at least %d are needed", size, SMALLEST);
  requests->exchange = exchange;
  requests->routing_key = routing_key;
  requests->size = size;
  snprintf(requests->run, sizeof requests->run, "%016llx", (unsigned long long)(wall_clock() * 1e6));
  requests->body = malloc(size + 1);
  if (!requests->body) fail("out of memory for a body of %zu bytes", size);
}

void requests_close(struct requests *requests) { free(requests->body); }

static uint64_t next_random(uint64_t *state) {  // splitmix64
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void write_body(struct requests *requests, long number) {
  size_t end = requests->size - (sizeof closing - 1);
  size_t length = (size_t)snprintf(requests->body, requests->size, opening, number);
  uint64_t state = (uint64_t)number;
  while (length < end) {
    const char *word = words[next_random(&state) % 64];
    requests->body[length++] = ' ';
    while (*word && length < end) requests->body[length++] = *word++;
  }
  memcpy(requests->body + end, closing, sizeof closing);
}

void requests_publish(struct requests *requests, struct broker *broker, long number) {
  char message_id[48], correlation_id[48];
  snprintf(message_id, sizeof message_id, "m-%s-%09ld", requests->run, number);
  snprintf(correlation_id, sizeof correlation_id, "c-%s-%09ld", requests->run, number);
  write_body(requests, number);
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                      AMQP_BASIC_CORRELATION_ID_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.message_id = amqp_cstring_bytes(message_id);
  properties.correlation_id = amqp_cstring_bytes(correlation_id);
  amqp_bytes_t body = {requests->size, requests->body};
  broker_publish(broker, requests->exchange, amqp_cstring_bytes(requests->routing_key), &properties, body);
}

long reply_number(const amqp_basic_properties_t *properties) {
  if (!(properties->_flags & AMQP_BASIC_CORRELATION_ID_FLAG)) return 0;
  const char *text = properties->correlation_id.bytes;
  size_t length = properties->correlation_id.len, start = length;
  while (start > 0 && text[start - 1] >= '0' && text[start - 1] <= '9') start--;
  enum { MOST_DIGITS = 9 };
  if (start == length || length - start > MOST_DIGITS || start == 0 || text[start - 1] != '-') return 0;
  long number = 0;
  for (size_t i = start; i < length; i++) number = number * 10 + (text[i] - '0');
  return number;
}

amqp_bytes_t reply_header(const amqp_basic_properties_t *properties, const char *name) {
  if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG)) return amqp_empty_bytes;
  size_t length = strlen(name);
  for (int i = 0; i < properties->headers.num_entries; i++) {
    const amqp_table_entry_t *entry = &properties->headers.entries[i];
    if (entry->key.len == length && memcmp(entry->key.bytes, name, length) == 0)
      return entry->value.kind == AMQP_FIELD_KIND_UTF8 ? entry->value.value.bytes : amqp_empty_bytes;
  }
  return amqp_empty_bytes;
}

enum reply_status reply_status(const amqp_basic_properties_t *properties) {
  amqp_bytes_t status = reply_header(properties, "x-status");
  if (status.len == 9 && memcmp(status.bytes, "succeeded", 9) == 0) return REPLY_SUCCEEDED;
  if (status.len == 6 && memcmp(status.bytes, "failed", 6) == 0) return REPLY_FAILED;
  return REPLY_UNMARKED;
}
