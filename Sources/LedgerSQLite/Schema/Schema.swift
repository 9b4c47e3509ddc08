import GRDB
import Ledger

/// The tables, and how an older file gets them.
///
/// - A `request` is a subscriber's row. The one that is sent is its call's leader; others follow it. State changes stay
///   small: bodies have a table of their own.
/// - Results come in any order, and a row that is written in random order costs a page of the log. So what a result brings
///   is appended: an `attempt` with its response, named by `answer_id` when it is the request's outcome, and a place in
///   the `outbox`. Of what lies apart only the request's own row changes, once.
/// - `(call_key, ordinal)` is the only index with random keys, since such an index dominates the cost of accepting. Every
///   other index is partial and holds what is open, or rare, so none grows with what is finished.
/// - Ids are given by the process and continue after the highest, which whoever deletes old rows notes before.
enum Schema {
  /// "MLRC"
  static let applicationID = 0x4D4C_5243
  static let version = 7

  static func migrate(_ db: Database, path: String) throws {
    let found = try check(db, path: path)
    if found == version { return }
    try db.inTransaction(.immediate) {
      if found < 1 { try db.execute(sql: version1) }
      if found < 2 { try db.execute(sql: version2) }
      if found < 3 { try db.execute(sql: version3) }
      if found < 4 { try db.execute(sql: version4) }
      if found < 5 { try db.execute(sql: version5) }
      if found < 6 { try db.execute(sql: version6) }
      if found < 7 { try db.execute(sql: version7) }
      try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);")
      return .commit
    }
  }

  /// The version that is there, if it is a ledger that this program can use.
  static func check(_ db: Database, path: String) throws -> Int {
    let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    guard application == applicationID || tables == 0 else {
      throw LedgerError(
        .unusable, "ledger \(path) is a database of another program; name another file in ledger.url")
    }
    guard found <= version else {
      throw LedgerError(
        .unusable,
        "ledger \(path) has schema version \(found), this program knows up to \(version); run the newer program again")
    }
    return found
  }

  private static let version1 = """
    CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO meta(name, value) VALUES ('epoch', 0);

    CREATE TABLE model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE route(
      id INTEGER PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, UNIQUE(provider, model)
    ) STRICT;

    CREATE TABLE request(
      id INTEGER PRIMARY KEY,
      call_key BLOB NOT NULL,
      ordinal INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      state INTEGER NOT NULL,
      custody INTEGER NOT NULL,
      lane INTEGER,
      endpoint INTEGER,
      model INTEGER,
      route INTEGER,
      tokens INTEGER NOT NULL,
      body_bytes INTEGER NOT NULL,
      model_offset INTEGER NOT NULL,
      model_length INTEGER NOT NULL,
      deadline INTEGER,
      received_at INTEGER NOT NULL,
      not_before INTEGER NOT NULL,
      attempt_no INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      batch_id INTEGER,
      epoch INTEGER,
      ack_generation INTEGER,
      leader_id INTEGER,
      flags INTEGER NOT NULL,
      completed_at INTEGER,
      answer_id INTEGER,
      ledger_id BLOB NOT NULL,
      body_hash BLOB NOT NULL,
      correlation_id BLOB,
      reply_to BLOB,
      tenant TEXT NOT NULL,
      cost_center TEXT,
      user TEXT,
      service TEXT,
      environment TEXT,
      context BLOB,
      replay_nonce TEXT,
      failure_code TEXT,
      failure_message TEXT,
      undeliverable TEXT
    ) STRICT;
    CREATE UNIQUE INDEX request_call ON request(call_key, ordinal);
    CREATE INDEX request_accepted ON request(id, body_bytes) WHERE state = 0;
    CREATE INDEX request_parked ON request(route, not_before, id, body_bytes) WHERE state = 1;
    CREATE INDEX request_claimed ON request(epoch) WHERE state = 2;
    CREATE INDEX request_batch ON request(batch_id) WHERE state = 3;
    CREATE INDEX request_following ON request(leader_id) WHERE state = 4;
    CREATE INDEX request_unacked ON request(call_key, ack_generation) WHERE ack_generation IS NOT NULL;
    CREATE INDEX request_nonce ON request(call_key, replay_nonce, ordinal) WHERE replay_nonce IS NOT NULL;

    CREATE TABLE body(request_id INTEGER PRIMARY KEY, bytes BLOB, properties BLOB) STRICT;

    CREATE TABLE attempt(
      id INTEGER PRIMARY KEY,
      request_id INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      outcome INTEGER NOT NULL,
      batch_id INTEGER,
      input_tokens INTEGER,
      cached_input_tokens INTEGER,
      output_tokens INTEGER,
      cost INTEGER,
      basis INTEGER NOT NULL,
      cost_unknown INTEGER NOT NULL,
      ended_at INTEGER NOT NULL,
      status INTEGER,
      provider_request_id TEXT,
      response BLOB
    ) STRICT;
    CREATE UNIQUE INDEX attempt_ended ON attempt(request_id, attempt) WHERE outcome <> 0;

    CREATE TABLE outbox(seq INTEGER PRIMARY KEY, request_id INTEGER NOT NULL, again INTEGER NOT NULL) STRICT;

    CREATE TABLE batch(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      state INTEGER NOT NULL,
      label TEXT NOT NULL UNIQUE,
      account TEXT NOT NULL,
      lane INTEGER NOT NULL,
      provider TEXT NOT NULL,
      model TEXT NOT NULL,
      endpoint INTEGER NOT NULL,
      deadline_class INTEGER NOT NULL,
      closed_by INTEGER NOT NULL,
      row_count INTEGER NOT NULL,
      tokens INTEGER NOT NULL,
      body_bytes INTEGER NOT NULL,
      model_range_bytes INTEGER NOT NULL,
      custom_id_bytes INTEGER NOT NULL,
      content_hash BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      input_file_id TEXT,
      provider_batch_id TEXT,
      submitted_at INTEGER,
      ended_at INTEGER,
      halvings INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX batch_open ON batch(id) WHERE state <= 2;
    """

  /// What an operator decided about a batch, and how far the retention has come.
  private static let version2 = """
    ALTER TABLE batch ADD COLUMN resolution INTEGER;
    ALTER TABLE batch ADD COLUMN resolution_batch TEXT;
    INSERT INTO meta(name, value) VALUES ('responses_dropped_to', 0), ('highest_request', 0), ('highest_attempt', 0);
    """

  /// Parked rows by class and tenant, how far the turns of the tenants have come, and the limits of accounts.
  private static let version3 = """
    ALTER TABLE request ADD COLUMN call_class INTEGER NOT NULL DEFAULT 0;
    DROP INDEX request_parked;
    CREATE INDEX request_parked ON request(route, call_class, not_before, id, body_bytes) WHERE state = 1;
    CREATE INDEX request_parked_tenant ON request(route, call_class, tenant, not_before, id, tokens) WHERE state = 1;

    CREATE TABLE parked_turn(
      route INTEGER NOT NULL, call_class INTEGER NOT NULL, tenant TEXT NOT NULL, has_begun INTEGER NOT NULL,
      PRIMARY KEY(route, call_class)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tenant_share(
      route INTEGER NOT NULL, call_class INTEGER NOT NULL, tenant TEXT NOT NULL, deficit INTEGER NOT NULL,
      PRIMARY KEY(route, call_class, tenant)
    ) STRICT, WITHOUT ROWID;

    -- The places of batches within the limits of their account, and what batches have taught about those: learned again
    -- if it is lost.
    ALTER TABLE batch ADD COLUMN enqueued_tokens INTEGER;
    ALTER TABLE batch ADD COLUMN asked_at INTEGER;
    CREATE INDEX batch_submitted ON batch(account, submitted_at);

    CREATE TABLE learned(
      account TEXT NOT NULL, model TEXT NOT NULL, what TEXT NOT NULL, value INTEGER NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY(account, model, what)
    ) STRICT, WITHOUT ROWID;
    """

  /// Deadlines: what is due, which attempts run in a batch besides others, and how long batches took.
  private static let version4 = """
    ALTER TABLE request ADD COLUMN running_attempt INTEGER;
    CREATE INDEX request_running ON request(batch_id) WHERE running_attempt IS NOT NULL;
    CREATE INDEX request_due ON request(route, deadline, tokens) WHERE state <= 3 AND deadline IS NOT NULL;

    ALTER TABLE batch ADD COLUMN ran_at INTEGER;
    ALTER TABLE batch ADD COLUMN cancelled_at INTEGER;
    ALTER TABLE batch ADD COLUMN double_spend INTEGER;
    ALTER TABLE batch ADD COLUMN double_spend_at INTEGER;
    CREATE INDEX batch_double_spend ON batch(double_spend_at, double_spend) WHERE double_spend_at IS NOT NULL;
    """

  /// What attempts may cost and did, and what that comes to by day. Sums are texts, since they outgrow 64 bits.
  private static let version5 = """
    ALTER TABLE request ADD COLUMN call_ceiling INTEGER;
    ALTER TABLE request ADD COLUMN batch_ceiling INTEGER;
    ALTER TABLE attempt ADD COLUMN route INTEGER;
    ALTER TABLE attempt ADD COLUMN cache_write_tokens INTEGER;
    ALTER TABLE attempt ADD COLUMN held INTEGER;
    ALTER TABLE attempt ADD COLUMN list_cost INTEGER;
    ALTER TABLE attempt ADD COLUMN full_cost INTEGER;
    ALTER TABLE batch ADD COLUMN price TEXT;

    CREATE TABLE cost(
      day INTEGER NOT NULL, tenant TEXT NOT NULL, cost_center TEXT NOT NULL, user TEXT NOT NULL, service TEXT NOT NULL,
      environment TEXT NOT NULL, route INTEGER NOT NULL, batch INTEGER NOT NULL, sums TEXT NOT NULL,
      PRIMARY KEY(day, tenant, cost_center, user, service, environment, route, batch)
    ) STRICT, WITHOUT ROWID;

    -- Budgets by key and period, what each request has of them, and what waits for them.
    CREATE TABLE budget(
      key TEXT NOT NULL, period INTEGER NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL,
      alerted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(key, period)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE budget_share(
      request_id INTEGER NOT NULL, key TEXT NOT NULL, period INTEGER NOT NULL, reserved INTEGER NOT NULL, spent INTEGER NOT NULL,
      PRIMARY KEY(request_id, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE budget_hold(
      request_id INTEGER NOT NULL, key TEXT NOT NULL, amount INTEGER NOT NULL, blocks INTEGER NOT NULL,
      due INTEGER,
      PRIMARY KEY(request_id, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX budget_hold_key ON budget_hold(key, request_id) WHERE blocks = 1;
    CREATE INDEX budget_hold_due ON budget_hold(due) WHERE blocks = 1 AND due IS NOT NULL;
    CREATE INDEX budget_period ON budget(period);
    CREATE INDEX request_held ON request(id, body_bytes) WHERE state = 6;
    """

  /// Rows of a batch in the order of their prompts, and calls that may answer for others.
  private static let version6 = """
    ALTER TABLE request ADD COLUMN prompt_order INTEGER NOT NULL DEFAULT 0;
    DROP INDEX request_batch;
    CREATE INDEX request_batch ON request(batch_id, prompt_order) WHERE state = 3;

    ALTER TABLE request ADD COLUMN merge_key BLOB;
    CREATE INDEX request_merge ON request(merge_key, id) WHERE state = 0 AND merge_key IS NOT NULL;
    """

  /// How the rows of a batch become lines of its input file.
  private static let version7 = "ALTER TABLE batch ADD COLUMN lines BLOB;"
}
