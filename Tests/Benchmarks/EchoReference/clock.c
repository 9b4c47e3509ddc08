#include "clock.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static double read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double steady_clock(void) { return read_clock(CLOCK_MONOTONIC); }
double wall_clock(void) { return read_clock(CLOCK_REALTIME); }

double cpu_clock(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
