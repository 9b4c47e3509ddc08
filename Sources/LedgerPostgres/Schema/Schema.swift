/// The tables, in a schema of their own, and the steps by which an older one gets them.
///
/// They mirror the SQLite ledger's: a `request` is a subscriber's row, what a result brings is appended, and the indexes
/// that claims walk hold what is open, so that none costs more because of what is finished. `request_finished` and
/// `batch_ended` grow at their ends and shrink at their fronts; only the retention reads them.
/// Beside them stands who works on what:
///
/// - `replica` has a row for each process that lives, which counts its renewals: who sees the count stand still for a lease
///   takes it for gone, so that no clock which is set says anything. A write transaction holds its replica's row, so a row
///   that could be deleted has nothing under way.
/// - `commit_mark` has the number of each one's last commit: whose answer was lost looks there. The number of a transaction
///   would not do, since a server that crashed gives out again what it had not written yet.
/// - `gone` names processes whose row was deleted, until the last of their work is another's.
/// - `owner` of a batch, a claim, a reply and a window is the replica that works on it.
enum Schema {
  static let version: Int64 = 1

  /// From the version before to the one at this index plus one.
  static let steps = [version1]

  private static let version1 = """
    CREATE TABLE model(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE route(
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, provider text NOT NULL, model text NOT NULL,
      UNIQUE(provider, model)
    );

    CREATE TABLE replica(
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      process text NOT NULL,
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      lease_ms bigint NOT NULL,
      renewals bigint NOT NULL DEFAULT 0,
      renewed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE TABLE commit_mark(replica bigint PRIMARY KEY, number bigint NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE gone(id bigint PRIMARY KEY, since timestamptz NOT NULL DEFAULT clock_timestamp());

    CREATE SEQUENCE request_ids INCREMENT BY 1024;
    CREATE SEQUENCE attempt_ids INCREMENT BY 1024;
    CREATE SEQUENCE outbox_places INCREMENT BY 1024;

    CREATE TABLE request(
      id bigint PRIMARY KEY,
      call_key bytea NOT NULL,
      ordinal bigint NOT NULL,
      kind smallint NOT NULL,
      state smallint NOT NULL,
      custody smallint NOT NULL,
      lane smallint,
      endpoint smallint,
      model integer,
      route integer,
      tokens bigint NOT NULL,
      body_bytes bigint NOT NULL,
      model_offset bigint NOT NULL,
      model_length bigint NOT NULL,
      deadline bigint,
      received_at bigint NOT NULL,
      not_before bigint NOT NULL,
      attempt_no bigint NOT NULL,
      attempts bigint NOT NULL,
      batch_id bigint,
      owner bigint,
      ack_generation bigint,
      leader_id bigint,
      flags bigint NOT NULL,
      completed_at bigint,
      answer_id bigint,
      ledger_id bytea NOT NULL,
      body_hash bytea NOT NULL,
      correlation_id bytea,
      reply_to bytea,
      tenant text NOT NULL,
      cost_center text,
      user_tag text,
      service text,
      environment text,
      context bytea,
      replay_nonce text,
      failure_code text,
      failure_message text,
      undeliverable text
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
    CREATE UNIQUE INDEX request_call ON request(call_key, ordinal);
    CREATE INDEX request_accepted ON request(id) WHERE state = 0;
    CREATE INDEX request_parked ON request(route, not_before, id) WHERE state = 1;
    CREATE INDEX request_claimed ON request(owner) WHERE state = 2;
    CREATE INDEX request_batch ON request(batch_id, id) WHERE state = 3;
    CREATE INDEX request_following ON request(leader_id, id) WHERE state = 4;
    CREATE INDEX request_finished ON request(completed_at, id) WHERE state = 5;
    CREATE INDEX request_unacked ON request(call_key, ack_generation) WHERE ack_generation IS NOT NULL;
    CREATE INDEX request_nonce ON request(call_key, replay_nonce, ordinal) WHERE replay_nonce IS NOT NULL;

    CREATE TABLE body(request_id bigint PRIMARY KEY, bytes bytea, properties bytea);

    CREATE TABLE attempt(
      id bigint PRIMARY KEY,
      request_id bigint NOT NULL,
      attempt bigint NOT NULL,
      outcome smallint NOT NULL,
      batch_id bigint,
      input_tokens bigint,
      cached_input_tokens bigint,
      output_tokens bigint,
      cost bigint,
      basis smallint NOT NULL,
      cost_unknown boolean NOT NULL,
      ended_at bigint NOT NULL,
      status bigint,
      provider_request_id text,
      response bytea
    );
    CREATE UNIQUE INDEX attempt_ended ON attempt(request_id, attempt) WHERE outcome <> 0;

    CREATE TABLE outbox(
      owner bigint NOT NULL, seq bigint NOT NULL, request_id bigint NOT NULL, again boolean NOT NULL,
      PRIMARY KEY(owner, seq)
    ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
    CREATE INDEX outbox_request ON outbox(request_id);

    CREATE TABLE batch(
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      owner bigint NOT NULL,
      state smallint NOT NULL,
      label text NOT NULL UNIQUE,
      account text NOT NULL,
      lane smallint NOT NULL,
      provider text NOT NULL,
      model text NOT NULL,
      endpoint smallint NOT NULL,
      deadline_class smallint NOT NULL,
      closed_by smallint NOT NULL,
      row_count bigint NOT NULL,
      tokens bigint NOT NULL,
      body_bytes bigint NOT NULL,
      model_range_bytes bigint NOT NULL,
      custom_id_bytes bigint NOT NULL,
      content_hash bytea NOT NULL,
      created_at bigint NOT NULL,
      input_file_id text,
      provider_batch_id text,
      submitted_at bigint,
      ended_at bigint,
      halvings bigint NOT NULL,
      resolution smallint,
      resolution_batch text
    );
    CREATE INDEX batch_open ON batch(owner, id) WHERE state <= 2;
    CREATE INDEX batch_ended ON batch(ended_at, id) WHERE state >= 3;

    CREATE TABLE window_owner(key text PRIMARY KEY, owner bigint NOT NULL);
    CREATE TABLE window_offer(
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner bigint NOT NULL, request_ids bigint[] NOT NULL
    );
    CREATE INDEX window_offer_owner ON window_offer(owner, id);
    """
}
