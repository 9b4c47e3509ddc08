"""Native batches go wrong: caps, expiry, hidden files, creates without an answer, refused rows, refused batches.

The parts run on one service, one after the other. Throughout: every request is answered, and no row is paid twice.
"""
from harness.checks import check, equal, wait_until
from harness.jobs import job


def run(bench):
    simulator = bench.simulator(hang_ms=1500)
    service = bench.service(
        simulator, batching={"deferred": {"max_requests_per_batch": 100}},
        models={"missing-*": {"routes": ["openai"]}})
    test = BatchFaults(bench, simulator, service, bench.collector())
    for part in (test.cap, test.expiry, test.hidden_files, test.create_timeout, test.create_error, test.control_faults,
                 test.rejected_rows, test.refused_batch, test.too_many_rows, test.run_out):
        part()
        bench.say(part.__doc__)
    equal("starts of the service", service.starts, 1)
    answer = service.get("readyz")
    check(answer and answer[0] == 200, f"/readyz says {answer}")


class BatchFaults:
    def __init__(self, bench, simulator, service, collector):
        self.bench = bench
        self.simulator = simulator
        self.service = service
        self.collector = collector

    def send(self, tag, count, marker=lambda number: ""):
        """Publishes as many deferred requests for one model and endpoint."""
        wanted = [job(number, "deferred", tag, marker(number), kind=0) for number in range(count)]
        self.bench.publishing([each.message() for each in wanted]).wait()
        return wanted

    def finish(self, wanted, seconds=60, allowed=(), times=1):
        """Waits for the replies, and checks answers and payments. Returns what failed with an allowed code."""
        names = {each.correlation_id for each in wanted}
        wait_until(
            lambda: f"{len(names)} replies, {len(names & set(self.collector.by_correlation))} are there",
            lambda: names <= set(self.collector.by_correlation), seconds)
        failed = self.bench.verify(wanted, self.collector, allowed)
        for name in names:
            del self.collector.by_correlation[name]
        payments = self.simulator.payments()
        excluded = {each.correlation_id for each, _ in failed}
        for each in wanted:
            if each.correlation_id not in excluded:
                equal(f"payments of {each.correlation_id}", payments[each.key], times)
        return failed

    def batches(self, tag):
        """How many batches were created, from the witness of a part's rows."""
        return len({entry["batch_id"] for entry in self.simulator.paid() if entry["prompt_key"].startswith(tag)})

    def cap(self):
        """a cap on enqueued tokens fails batches, which run later"""
        # A batch of 100 has some 2,500 tokens: one fits at a time, and it runs long enough for the next to meet it.
        self.simulator.change(enqueued_tokens=3500, batch_min_ms=2000)
        wanted = self.send("cap", 400)
        wait_until("a batch that is over the cap", lambda: "token_limit_exceeded" in self.service.log_text(), 30)
        self.finish(wanted)
        self.simulator.change(enqueued_tokens=0, batch_min_ms=0)
        check(self.batches("cap") >= 4, "the requests were not in several batches")

    def expiry(self):
        """a batch that expires half way keeps what ran, and the rest runs in another"""
        wanted = self.send("expiry", 90, lambda number: "[[sim:expire]] " if number == 30 else "")
        self.finish(wanted)
        check(self.simulator.stats()["batches_by_status"].get("expired"), "no batch expired")
        check(self.batches("expiry") >= 2, "what expired did not run in another batch")

    def hidden_files(self):
        """a completed batch whose files show later is not sent again"""
        self.simulator.change(fault_null_output=1, null_output_looks=4)
        wanted = self.send("hidden", 40)
        self.finish(wanted)
        self.simulator.change(fault_null_output=0)

    def create_timeout(self):
        """a create that was accepted and never answered is found by its label"""
        self.unanswered("timeout", fault_create_timeout=1)

    def create_error(self):
        """a create that was accepted and answered 500 is found by its label"""
        self.unanswered("error", fault_create_500_after_accept=1)

    def unanswered(self, tag, **fault):
        before = self.simulator.stats()["batches"]
        adopted = self.service.metric("batches", event="adopted")
        self.simulator.change(**fault)
        wanted = self.send(tag, 40)
        self.finish(wanted)
        self.simulator.change(**{name: 0 for name in fault})
        now = self.service.metric("batches", event="adopted")
        check(now > adopted, "no batch was adopted")
        equal("batches at the provider", self.simulator.stats()["batches"] - before, now - adopted)

    def control_faults(self):
        """429s, 500s and cut downloads around a batch are gone through"""
        self.simulator.change(fault_control_429=0.2, fault_control_5xx=0.2, fault_control_cut=0.3)
        wanted = self.send("control", 120)
        self.finish(wanted)
        self.simulator.change(fault_control_429=0, fault_control_5xx=0, fault_control_cut=0)

    def rejected_rows(self):
        """a row that the provider rejects is answered with its response; its neighbours are not touched"""
        for lane in ("deferred", "interactive"):
            tag = f"reject-{lane}"
            wanted = [job(number, lane, tag, "[[sim:reject]] " if number % 10 == 3 else "", kind=0)
                      for number in range(30)]
            self.bench.publishing([each.message() for each in wanted]).wait()
            failed = self.finish(wanted, allowed={"provider_rejected"})
            equal("rejected rows", sorted(each.correlation_id for each, _ in failed),
                  [f"{tag}-{number}" for number in (13, 23, 3)])
            for each, reply in failed:
                equal("the status", reply.body["response"]["status_code"], 400)
                equal("the provider's code", reply.body["response"]["body"]["error"]["code"], "invalid_prompt")
                equal("attempts", reply.body["millrace"]["attempts"], 1)
                equal("payments", self.simulator.payments()[each.key], 0)

    def refused_batch(self):
        """a batch that the provider does not accept because of its line is answered, and nothing waits behind it"""
        bad = [job(number, "deferred", "refused", kind=0) for number in range(3)]
        for request in bad:
            request.body["model"] = "missing-1"
        good = [job(number, "deferred", "beside", kind=0) for number in range(20)]
        self.bench.publishing([each.message() for each in [*bad, *good]]).wait()
        self.finish([*bad, *good], allowed={"provider_rejected"})
        for request in bad:
            equal("payments", self.simulator.payments()[request.key], 0)

    def too_many_rows(self):
        """a batch that is too large for the provider is taken apart"""
        self.simulator.change(max_batch_requests=30)
        wanted = self.send("large", 100)
        self.finish(wanted)
        self.simulator.change(max_batch_requests=50_000)
        check(self.batches("large") >= 4, "the batch was not taken apart")

    def run_out(self):
        """what fails at every attempt is answered, and dead-lettered with its reason"""
        self.bench.broker.drain("llm.dead-letters")
        wanted = [job(0, "deferred", "out", "[[sim:500x*]] ", kind=0),
                  job(1, "interactive", "out", "[[sim:503x*]] ", kind=0)]
        self.bench.publishing([each.message() for each in wanted]).wait()
        failed = self.finish(wanted, allowed={"provider_unavailable"})
        equal("failed", len(failed), 2)
        for each, reply in failed:
            equal(f"attempts of {each.correlation_id}", reply.body["millrace"]["attempts"], 5)
            equal("payments", self.simulator.payments()[each.key], 0)
        wait_until("two dead letters", lambda: self.bench.broker.depth("llm.dead-letters") >= 2, 20)
        letters = {letter[0].message_id: letter for letter in self.bench.broker.drain("llm.dead-letters")}
        for each in wanted:
            message = each.message()
            check(message.properties["message_id"] in letters,
                  f"no dead letter for {each.correlation_id}: {list(letters)}")
            properties, body = letters[message.properties["message_id"]]
            equal("its body", body, message.body)
            equal("its correlation ID", properties.correlation_id, each.correlation_id)
            headers = properties.headers or {}
            equal("x-error-code", headers.get("x-error-code"), "provider_unavailable")
            equal("x-attempts", headers.get("x-attempts"), 5)
            check(headers.get("x-error-message"), "it has no x-error-message")
