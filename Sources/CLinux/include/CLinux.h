// Shims for Linux calls that Swift's Glibc module does not import.
#ifndef MILLRACE_CLINUX_H
#define MILLRACE_CLINUX_H

#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <sys/eventfd.h>

// <sys/eventfd.h> is not part of the Glibc module map.
static inline int millrace_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// Needs _GNU_SOURCE, which the Glibc module does not set.
static inline int millrace_name_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }

// Has the kernel prefer other threads to this one: on Linux a niceness is a thread's own. Always allowed for more of it.
int millrace_nice_thread(int niceness);

// glibc keeps freed arenas resident; a service calls this when a large batch is done.
static inline int millrace_trim_heap(void) { return malloc_trim(0); }

#endif
