// librabbitmq as Swift sees it, and wrappers for what Swift cannot call. Each wrapper says why it is there.
#ifndef MILLRACE_CRABBITMQ_H
#define MILLRACE_CRABBITMQ_H

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

// amqp_login_with_properties is variadic, and a table entry is a union that is clumsy to build in Swift. The library
// advertises neither consumer_cancel_notify nor connection.blocked by itself.
static inline amqp_rpc_reply_t millrace_amqp_login(amqp_connection_state_t connection, const char *vhost,
                                                   int frame_max, int heartbeat, const char *user,
                                                   const char *password, const char *connection_name) {
  static const char *const names[] = {"consumer_cancel_notify", "connection.blocked", "basic.nack",
                                      "publisher_confirms",     "authentication_failure_close",
                                      "exchange_exchange_bindings"};
  enum { count = sizeof names / sizeof names[0] };
  amqp_table_entry_t capabilities[count];
  for (int i = 0; i < count; i++) {
    capabilities[i].key = amqp_cstring_bytes(names[i]);
    capabilities[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
    capabilities[i].value.value.boolean = 1;
  }
  amqp_table_entry_t entries[3];
  entries[0].key = amqp_cstring_bytes("capabilities");
  entries[0].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[0].value.value.table.num_entries = count;
  entries[0].value.value.table.entries = capabilities;
  entries[1].key = amqp_cstring_bytes("connection_name");
  entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[1].value.value.bytes = amqp_cstring_bytes(connection_name);
  entries[2].key = amqp_cstring_bytes("product");
  entries[2].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[2].value.value.bytes = amqp_cstring_bytes("Millrace");
  amqp_table_t properties = {3, entries};
  return amqp_login_with_properties(connection, vhost, 0, frame_max, heartbeat, &properties,
                                    AMQP_SASL_METHOD_PLAIN, user, password);
}

// What a TLS handshake leaves behind: the session, which the library hides, and why verification failed.
typedef struct {
  SSL *ssl;
  long error;
  int read_wanted;
} millrace_tls;

// A C callback with a static address; SSL_CTX_set_app_data and SSL_CTX_get_app_data are macros.
static inline int millrace_tls_on_verify(int ok, X509_STORE_CTX *context) {
  SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
  millrace_tls *tls = ssl ? (millrace_tls *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : 0;
  if (tls) {
    tls->ssl = ssl;
    if (!ok && tls->error == X509_V_OK) tls->error = X509_STORE_CTX_get_error(context);
  }
  return ok;
}

// SSL_CTX_set_app_data and SSL_CTX_set_mode are macros. The name is checked by OpenSSL itself as part of the chain,
// since the library's own matcher knows no IP addresses. `tls` must outlive the socket.
static inline int millrace_tls_prepare(amqp_socket_t *socket, millrace_tls *tls, const char *host, int verify,
                                       int use_default_paths) {
  SSL_CTX *context = (SSL_CTX *)amqp_ssl_socket_get_context(socket);
  SSL_CTX_set_app_data(context, tls);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, millrace_tls_on_verify);
  // Our buffer grows and moves between two tries of one write.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  amqp_ssl_socket_set_verify_peer(socket, verify);
  amqp_ssl_socket_set_verify_hostname(socket, 0);
  if (!verify) return 1;
  X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (!X509_VERIFY_PARAM_set1_ip_asc(parameters, host) && !X509_VERIFY_PARAM_set1_host(parameters, host, 0)) return 0;
  return use_default_paths ? SSL_CTX_set_default_verify_paths(context) : 1;
}

// Reads the OpenSSL error queue, which is filled by the call just before.
static inline const char *millrace_tls_last_error(void) {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason ? reason : "unknown reason";
}

// Like send(): the bytes written, 0 if there is no room now, -1 if the connection is broken. SSL_get_error needs the
// error queue to be empty before the call.
static inline long millrace_tls_write(millrace_tls *tls, const void *bytes, int count) {
  ERR_clear_error();
  int written = SSL_write(tls->ssl, bytes, count);
  if (written > 0) return written;
  int reason = SSL_get_error(tls->ssl, written);
  tls->read_wanted = reason == SSL_ERROR_WANT_READ;
  return reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ ? 0 : -1;
}

// The TCP_* names need <netinet/tcp.h>, which the Glibc module does not offer. A peer that is gone is noticed by the
// kernel even while nothing is written.
static inline void millrace_tune_socket(int descriptor, int idle_seconds) {
  int one = 1, interval = idle_seconds / 3 > 0 ? idle_seconds / 3 : 1, probes = 3;
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

#endif
