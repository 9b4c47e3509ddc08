#include "CLinux.h"

#include <sys/resource.h>
#include <unistd.h>

// Not in the header: Glibc's module has <sys/resource.h> as well, and would then not be the only one.
int millrace_nice_thread(int niceness) { return setpriority(PRIO_PROCESS, (id_t)gettid(), niceness); }
