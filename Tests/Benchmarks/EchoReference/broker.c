#include "broker.h"

#include <amqp_tcp_socket.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("echo-reference: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static void check_status(int status, const char *action) {
  if (status != AMQP_STATUS_OK) fail("%s: %s", action, amqp_error_string2(status));
}

static void check_reply(amqp_rpc_reply_t reply, const char *action, const char *subject) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    fail("%s %s: %s", action, subject, amqp_error_string2(reply.library_error));
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const amqp_channel_close_t *closed = reply.reply.decoded;
    fail("%s %s: %d %.*s", action, subject, closed->reply_code, (int)closed->reply_text.len,
         (const char *)closed->reply_text.bytes);
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const amqp_connection_close_t *closed = reply.reply.decoded;
    fail("%s %s: %d %.*s", action, subject, closed->reply_code, (int)closed->reply_text.len,
         (const char *)closed->reply_text.bytes);
  }
  fail("%s %s: unexpected answer 0x%x", action, subject, reply.reply.id);
}

static void check_call(struct broker *broker, const char *action, const char *subject) {
  check_reply(amqp_get_rpc_reply(broker->handle), action, subject);
}

// The library announces neither confirms nor cancels by itself.
static amqp_rpc_reply_t log_in(struct broker *broker, const char *name) {
  static const char *const names[] = {"publisher_confirms", "consumer_cancel_notify", "basic.nack"};
  enum { COUNT = sizeof names / sizeof names[0], FRAME_MAX = 131072, NO_HEARTBEAT = 0 };
  amqp_table_entry_t capabilities[COUNT];
  for (int i = 0; i < COUNT; i++) {
    capabilities[i].key = amqp_cstring_bytes(names[i]);
    capabilities[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
    capabilities[i].value.value.boolean = 1;
  }
  amqp_table_entry_t entries[2];
  entries[0].key = amqp_cstring_bytes("capabilities");
  entries[0].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[0].value.value.table.num_entries = COUNT;
  entries[0].value.value.table.entries = capabilities;
  entries[1].key = amqp_cstring_bytes("connection_name");
  entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[1].value.value.bytes = amqp_cstring_bytes(name);
  amqp_table_t properties = {2, entries};
  return amqp_login_with_properties(broker->handle, "/", 0, FRAME_MAX, NO_HEARTBEAT, &properties,
                                    AMQP_SASL_METHOD_PLAIN, "guest", "guest");
}

void broker_open(struct broker *broker, const char *host, int port, const char *name) {
  broker->handle = amqp_new_connection();
  amqp_socket_t *socket = broker->handle ? amqp_tcp_socket_new(broker->handle) : NULL;
  if (!socket) fail("out of memory for a connection");
  struct timeval limit = {10, 0};
  int status = amqp_socket_open_noblock(socket, host, port, &limit);
  if (status != AMQP_STATUS_OK) fail("connect to %s port %d: %s", host, port, amqp_error_string2(status));
  check_reply(log_in(broker, name), "log in to", host);
  struct timeval answer_limit = {60, 0};
  check_status(amqp_set_rpc_timeout(broker->handle, &answer_limit), "set the time limit of calls");
  broker->descriptor = amqp_get_sockfd(broker->handle);
  amqp_channel_open(broker->handle, CHANNEL);
  check_call(broker, "open a channel for", name);
}

void broker_close(struct broker *broker) {
  amqp_connection_close(broker->handle, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(broker->handle);
}

void broker_declare_exchange(struct broker *broker, const char *exchange) {
  amqp_exchange_declare(broker->handle, CHANNEL, amqp_cstring_bytes(exchange), amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                        amqp_empty_table);
  check_call(broker, "declare exchange", exchange);
}

void broker_declare_queue(struct broker *broker, const char *queue, const char *exchange, const char *binding) {
  amqp_table_entry_t type;
  type.key = amqp_cstring_bytes("x-queue-type");
  type.value.kind = AMQP_FIELD_KIND_UTF8;
  type.value.value.bytes = amqp_cstring_bytes("quorum");
  amqp_table_t arguments = {1, &type};
  amqp_queue_declare(broker->handle, CHANNEL, amqp_cstring_bytes(queue), 0, 1, 0, 0, arguments);
  check_call(broker, "declare queue", queue);
  amqp_queue_purge(broker->handle, CHANNEL, amqp_cstring_bytes(queue));
  check_call(broker, "purge queue", queue);
  amqp_queue_bind(broker->handle, CHANNEL, amqp_cstring_bytes(queue), amqp_cstring_bytes(exchange),
                  amqp_cstring_bytes(binding), amqp_empty_table);
  check_call(broker, "bind queue", queue);
}

void broker_delete_queue(struct broker *broker, const char *queue) {
  amqp_queue_delete(broker->handle, CHANNEL, amqp_cstring_bytes(queue), 0, 0);
  check_call(broker, "delete queue", queue);
}

uint32_t broker_depth(struct broker *broker, const char *queue) {
  const amqp_queue_declare_ok_t *answer =
      amqp_queue_declare(broker->handle, CHANNEL, amqp_cstring_bytes(queue), 1, 1, 0, 0, amqp_empty_table);
  check_call(broker, "look at queue", queue);
  return answer ? answer->message_count : 0;
}

void broker_confirm_publishes(struct broker *broker) {
  amqp_confirm_select(broker->handle, CHANNEL);
  check_call(broker, "ask for", "publisher confirms");
}

void broker_consume(struct broker *broker, const char *queue, int prefetch) {
  if (prefetch > 0) {
    amqp_basic_qos(broker->handle, CHANNEL, 0, (uint16_t)prefetch, 0);
    check_call(broker, "set the prefetch of", queue);
  }
  amqp_basic_consume(broker->handle, CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, prefetch == 0, 0,
                     amqp_empty_table);
  check_call(broker, "consume", queue);
}

void broker_publish(struct broker *broker, const char *exchange, amqp_bytes_t routing_key,
                    const amqp_basic_properties_t *properties, amqp_bytes_t body) {
  enum { MANDATORY = 1, NOT_IMMEDIATE = 0 };
  check_status(amqp_basic_publish(broker->handle, CHANNEL, amqp_cstring_bytes(exchange), routing_key, MANDATORY,
                                  NOT_IMMEDIATE, properties, body),
               "publish");
}

void broker_acknowledge(struct broker *broker, uint64_t tag) {
  check_status(amqp_basic_ack(broker->handle, CHANNEL, tag, 0), "acknowledge");
}
