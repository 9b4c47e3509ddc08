// libcurl as Swift can call it. The C importer leaves out variadic functions, so each option and each info value gets a
// typed wrapper; one per C type, because a wrong type in a variadic call is undefined behaviour that nothing reports.
#ifndef MILLRACE_CCURL_H
#define MILLRACE_CCURL_H

#include <curl/curl.h>
#include <sys/epoll.h>

// Options that take a long: flags, enumerations, milliseconds.
static inline CURLcode millrace_easy_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

// Options that take a curl_off_t: sizes that may pass 2 GiB.
static inline CURLcode millrace_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

// Options that take a text; libcurl copies it.
static inline CURLcode millrace_easy_set_string(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

// Bytes that libcurl copies, which needs the size before the bytes.
static inline CURLcode millrace_easy_set_copied_body(CURL *easy, const void *bytes, curl_off_t size) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, (const char *)bytes);
}

// Header lines; the list stays the caller's and must outlive the transfer.
static inline CURLcode millrace_easy_set_headers(CURL *easy, struct curl_slist *headers) {
  return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

// CURL_ERROR_SIZE bytes that the caller owns.
static inline CURLcode millrace_easy_set_error_buffer(CURL *easy, char *buffer) {
  return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, buffer);
}

// The pointer that millrace_easy_context gives back.
static inline CURLcode millrace_easy_set_context(CURL *easy, void *context) {
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, context);
}

// Callbacks, each with its own function type and the context that it is called with.
static inline void millrace_easy_on_body(CURL *easy, curl_write_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
}

static inline void millrace_easy_on_header(CURL *easy, curl_write_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
}

static inline void millrace_easy_on_read(CURL *easy, curl_read_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_READDATA, context);
}

static inline void millrace_easy_on_progress(CURL *easy, curl_xferinfo_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, context);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static inline void millrace_easy_on_request(CURL *easy, curl_prereq_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, context);
}

static inline void millrace_easy_on_socket(CURL *easy, curl_sockopt_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, context);
}

static inline void millrace_easy_on_resolve(CURL *easy, curl_resolver_start_callback callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, callback);
  curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, context);
}

// curl_easy_getinfo is variadic too.
static inline void *millrace_easy_context(CURL *easy) {
  char *context = NULL;
  return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context) == CURLE_OK ? context : NULL;
}

// curl_multi_setopt is variadic.
static inline CURLMcode millrace_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

static inline void millrace_multi_on_socket(CURLM *multi, curl_socket_callback callback, void *context) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
}

static inline void millrace_multi_on_timer(CURLM *multi, curl_multi_timer_callback callback, void *context) {
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

// A message holds a union, and its result is valid only for CURLMSG_DONE: the next finished transfer, or NULL.
static inline CURL *millrace_multi_next_done(CURLM *multi, CURLcode *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    if (message->msg == CURLMSG_DONE) {
      *result = message->data.result;
      return message->easy_handle;
    }
  }
  return NULL;
}

// <sys/epoll.h> is not part of the Glibc module map, and its event is a packed struct with a union.
static inline int millrace_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

// Watches `fd` for reading and writing; neither stops watching it. Works whether or not it was watched before.
static inline int millrace_epoll_watch(int epoll, int fd, int read, int write) {
  struct epoll_event event = {.events = (read ? EPOLLIN | EPOLLRDHUP : 0) | (write ? EPOLLOUT : 0), .data.fd = fd};
  if (!read && !write) return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// Fills parallel arrays with descriptors and CURL_CSELECT bits. Returns how many, or -1. A broken socket is both
// readable and writable, never CURL_CSELECT_ERR: a response that came before the break is then read first.
static inline int millrace_epoll_wait(int epoll, int *descriptors, int *bits, int capacity, int timeout_ms) {
  struct epoll_event events[256];
  int count = epoll_wait(epoll, events, capacity < 256 ? capacity : 256, timeout_ms);
  for (int index = 0; index < count; index++) {
    unsigned int seen = events[index].events;
    descriptors[index] = events[index].data.fd;
    bits[index] = (seen & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                  (seen & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_OUT : 0);
  }
  return count;
}

#endif
