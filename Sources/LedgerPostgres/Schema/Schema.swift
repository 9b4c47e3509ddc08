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
  static let version: Int64 = 6

  /// From the version before to the one at this index plus one.
  static let steps = [version1, version2, version3, version4, version5, version6]

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

  /// Parked rows by class and tenant, how far the turns of the tenants have come, and the limits of accounts.
  private static let version2 = """
    ALTER TABLE request ADD COLUMN call_class smallint NOT NULL DEFAULT 0;
    DROP INDEX request_parked;
    CREATE INDEX request_parked ON request(route, call_class, not_before, id) WHERE state = 1;
    CREATE INDEX request_parked_tenant ON request(route, call_class, tenant, not_before, id) INCLUDE (tokens)
      WHERE state = 1;

    CREATE TABLE parked_turn(
      route integer NOT NULL, call_class smallint NOT NULL, tenant text NOT NULL, has_begun boolean NOT NULL,
      PRIMARY KEY(route, call_class)
    ) WITH (fillfactor = 50);
    CREATE TABLE tenant_share(
      route integer NOT NULL, call_class smallint NOT NULL, tenant text NOT NULL, deficit bigint NOT NULL,
      PRIMARY KEY(route, call_class, tenant)
    ) WITH (fillfactor = 50);

    -- Gates that replicas share. Their state is lost with the table without harm: it is learned again.
    CREATE TABLE gate(
      account text NOT NULL, model text NOT NULL, version bigint NOT NULL, state text NOT NULL,
      PRIMARY KEY(account, model)
    ) WITH (fillfactor = 50);

    -- The places of batches within the limits of their account, and what batches have taught about those.
    ALTER TABLE batch ADD COLUMN enqueued_tokens bigint;
    ALTER TABLE batch ADD COLUMN asked_at bigint;
    CREATE INDEX batch_submitted ON batch(account, submitted_at);

    CREATE TABLE learned(
      account text NOT NULL, model text NOT NULL, what text NOT NULL, value bigint NOT NULL, at bigint NOT NULL,
      PRIMARY KEY(account, model, what)
    ) WITH (fillfactor = 50);
    """

  /// Deadlines: what is due, which attempts run in a batch besides others, and how long batches took.
  private static let version3 = """
    ALTER TABLE request ADD COLUMN running_attempt bigint;
    CREATE INDEX request_running ON request(batch_id) WHERE running_attempt IS NOT NULL;
    CREATE INDEX request_due ON request(route, deadline) INCLUDE (tokens) WHERE state <= 3 AND deadline IS NOT NULL;

    ALTER TABLE batch ADD COLUMN ran_at bigint;
    ALTER TABLE batch ADD COLUMN cancelled_at bigint;
    ALTER TABLE batch ADD COLUMN double_spend bigint;
    ALTER TABLE batch ADD COLUMN double_spend_at bigint;
    CREATE INDEX batch_double_spend ON batch(double_spend_at) WHERE double_spend_at IS NOT NULL;
    """

  /// What attempts may cost and did, and what that comes to by day and replica.
  private static let version4 = """
    ALTER TABLE request ADD COLUMN call_ceiling bigint;
    ALTER TABLE request ADD COLUMN batch_ceiling bigint;
    ALTER TABLE attempt ADD COLUMN route integer;
    ALTER TABLE attempt ADD COLUMN cache_write_tokens bigint;
    ALTER TABLE attempt ADD COLUMN held bigint;
    ALTER TABLE attempt ADD COLUMN list_cost bigint;
    ALTER TABLE attempt ADD COLUMN full_cost bigint;
    ALTER TABLE batch ADD COLUMN price text;

    CREATE TABLE cost(
      replica bigint NOT NULL, day bigint NOT NULL, tenant text NOT NULL, cost_center text NOT NULL,
      user_tag text NOT NULL, service text NOT NULL, environment text NOT NULL, route integer NOT NULL,
      batch bigint NOT NULL,
      attempts numeric NOT NULL, unknown numeric NOT NULL, unpriced numeric NOT NULL, superseded numeric NOT NULL,
      input_tokens numeric NOT NULL, cached_input_tokens numeric NOT NULL, cache_write_tokens numeric NOT NULL,
      output_tokens numeric NOT NULL, cost numeric NOT NULL, superseded_cost numeric NOT NULL, held numeric NOT NULL,
      list_cost numeric NOT NULL, full_cost numeric NOT NULL, answers numeric NOT NULL, estimated_tokens numeric NOT NULL,
      PRIMARY KEY(day, tenant, cost_center, user_tag, service, environment, route, batch, replica)
    ) WITH (fillfactor = 70);

    -- Budgets by key and period, what each request has of them, and what waits for them.
    CREATE TABLE budget(
      key text NOT NULL, period bigint NOT NULL, spent bigint NOT NULL, reserved bigint NOT NULL,
      alerted boolean NOT NULL DEFAULT false, PRIMARY KEY(key, period)
    ) WITH (fillfactor = 70);
    CREATE TABLE budget_share(
      request_id bigint NOT NULL, key text NOT NULL, period bigint NOT NULL, reserved bigint NOT NULL, spent bigint NOT NULL,
      PRIMARY KEY(request_id, key)
    ) WITH (fillfactor = 70);
    CREATE TABLE budget_hold(
      request_id bigint NOT NULL, key text NOT NULL, amount bigint NOT NULL, blocks boolean NOT NULL,
      due bigint,
      PRIMARY KEY(request_id, key)
    ) WITH (fillfactor = 70);
    CREATE INDEX budget_hold_key ON budget_hold(key, request_id) WHERE blocks;
    CREATE INDEX budget_hold_due ON budget_hold(due) WHERE blocks AND due IS NOT NULL;
    CREATE INDEX budget_period ON budget(period);
    """

  /// Rows of a batch in the order of their prompts, and calls that may answer for others.
  private static let version5 = """
    ALTER TABLE request ADD COLUMN prompt_order bigint NOT NULL DEFAULT 0;
    DROP INDEX request_batch;
    CREATE INDEX request_batch ON request(batch_id, prompt_order, id) WHERE state = 3;

    ALTER TABLE request ADD COLUMN merge_key bytea;
    CREATE INDEX request_merge ON request(merge_key, id) WHERE state = 0 AND merge_key IS NOT NULL;
    """

  /// How the rows of a batch become lines of its input file.
  private static let version6 = "ALTER TABLE batch ADD COLUMN lines bytea;"
}
