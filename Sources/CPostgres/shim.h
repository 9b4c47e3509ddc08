// libpq as Swift sees it. The header is found through pkg-config: Debian keeps it in a folder of its own.
#ifndef MILLRACE_CPOSTGRES_H
#define MILLRACE_CPOSTGRES_H

#include <libpq-fe.h>

// Field codes are macros of character constants, which Swift does not import.
enum { MILLRACE_DIAG_SEVERITY = PG_DIAG_SEVERITY_NONLOCALIZED,
       MILLRACE_DIAG_SQLSTATE = PG_DIAG_SQLSTATE,
       MILLRACE_DIAG_MESSAGE = PG_DIAG_MESSAGE_PRIMARY,
       MILLRACE_DIAG_CONSTRAINT = PG_DIAG_CONSTRAINT_NAME };

static inline void millrace_ignore_notice(void *context, const PGresult *notice) {
  (void)context;
  (void)notice;
}

// Notices would go to standard error.
static inline void millrace_ignore_notices(PGconn *connection) {
  PQsetNoticeReceiver(connection, millrace_ignore_notice, NULL);
}

#endif
