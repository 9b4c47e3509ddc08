"""A create of which nobody knows whether it happened, in every way it can come about: each batch runs once.

MILLRACE_AMBIGUOUS_ROUNDS is how often each way is taken (default 2; the long run is 100), MILLRACE_AMBIGUOUS_KINDS
which ones, by name. The simulator's log is the witness.
"""
import collections
import os
import signal

from harness.checks import Problems, check, equal, wait_until
from harness.jobs import job

ROUNDS = int(os.environ.get("MILLRACE_AMBIGUOUS_ROUNDS", "2"))
ROWS = 5


def run(bench):
    # A search shows a batch within a second, which the grace exceeds.
    simulator = bench.simulator(list_lag_ms=500, hang_ms=3000, batch_min_ms=0)
    service = bench.service(
        simulator, batching={"deferred": {"idle_ms": 250}},
        execution={"poll_interval_ms": 100, "reconcile_grace": "1200ms", "drain_timeout": "10s", "create_timeout": "1s"})
    test = Ambiguous(bench, simulator, service, bench.collector())
    wanted = os.environ.get("MILLRACE_AMBIGUOUS_KINDS", "").split(",")
    kinds = [kind for kind in test.kinds if kind.__name__ in wanted or wanted == [""]]
    check(kinds, f"no kind is named {wanted}; there are {[kind.__name__ for kind in test.kinds]}")
    for kind in kinds:
        test.repeat(kind)


class Ambiguous:
    def __init__(self, bench, simulator, service, collector):
        self.bench = bench
        self.simulator = simulator
        self.service = service
        self.collector = collector
        self.kinds = [
            self.crash_before_accept, self.crash_after_accept, self.crash_before_record, self.timeout_after_accept,
            self.reset_after_accept, self.error_after_accept, self.late_after_crash, self.late_after_timeout]

    def repeat(self, kind):
        executed = needed = 0
        for number in range(ROUNDS):
            tag = f"{kind.__name__}-{number}"
            wanted = [job(row, "deferred", tag, kind=0) for row in range(ROWS)]
            send = self.bench.publishing([each.message() for each in wanted]).wait
            kind(send)
            batches, labels = self.finish(wanted)
            executed += batches
            needed += labels
        self.bench.say(f"{kind.__doc__}: {ROUNDS} rounds, executed / needed = {executed / needed:.2f}")
        equal(f"batches executed / needed: {kind.__name__}", executed / needed, 1)

    def finish(self, wanted):
        """Waits for the replies; returns how many batches ran for them, and how many the service meant to be run."""
        names = {each.correlation_id for each in wanted}
        wait_until(
            lambda: f"{len(names)} replies, {len(names & set(self.collector.by_correlation))} are there",
            lambda: names <= set(self.collector.by_correlation), 60)
        self.bench.verify(wanted, self.collector)
        for name in names:
            del self.collector.by_correlation[name]
        keys = {each.key for each in wanted}
        paid = [entry for entry in self.simulator.paid() if entry["prompt_key"] in keys]
        problems = Problems()
        for key, times in collections.Counter(entry["prompt_key"] for entry in paid).items():
            problems.equal(f"payments of {key}", times, 1)
        problems.raise_any()
        # A custom id begins with the label of its batch.
        return len({entry["batch_id"] for entry in paid}), len({entry["custom_id"].split("_")[0] for entry in paid})

    def counted(self, name):
        return self.simulator.stats()["counters"].get(name, 0)

    def until_counted(self, name, before):
        wait_until(f"the simulator to count {name}", lambda: self.counted(name) > before, 30, pause=0.005)

    def during(self, fault, counter, send):
        """Sends under the fault, and returns with it switched off when it has hit."""
        before = self.counted(counter)
        self.simulator.change(**fault)
        send()
        self.until_counted(counter, before)
        self.simulator.change(**{name: 0 for name in fault})

    def crash(self):
        self.service.process.kill()
        self.service.start()

    def crash_before_accept(self, send):
        """killed with the create written and not accepted"""
        self.during({"fault_create_lost": 1}, "fault.create_lost", send)
        self.crash()

    def crash_after_accept(self, send):
        """killed with the create accepted and not answered"""
        self.during({"fault_create_timeout": 1}, "fault.create_timeout", send)
        self.crash()

    def crash_before_record(self, send):
        """killed with the create answered and the answer not recorded"""
        answered = self.counted("creates.answered")
        self.during({"create_answer_ms": 300}, "batches.created", send)
        # It sleeps while the answer arrives, and never reads it.
        self.service.process.child.send_signal(signal.SIGSTOP)
        self.until_counted("creates.answered", answered)
        self.crash()

    def timeout_after_accept(self, send):
        """the create accepted and never answered: it times out"""
        self.during({"fault_create_timeout": 1}, "fault.create_timeout", send)

    def reset_after_accept(self, send):
        """the create accepted and its connection reset"""
        self.during({"fault_create_reset": 1}, "fault.create_reset", send)

    def error_after_accept(self, send):
        """the create accepted and answered 500"""
        self.during({"fault_create_500_after_accept": 1}, "fault.create_500_after_accept", send)

    def late_after_crash(self, send):
        """killed with the create written; the provider acts on it when the service has given it up"""
        self.late(send, self.crash)

    def late_after_timeout(self, send):
        """the create times out; the provider acts on it when the service has given it up"""
        self.late(send, lambda: None)

    def late(self, send, interrupt):
        # Later than grace, fence and listing lag together: without the deleted input file the batch would run twice.
        arrived = self.counted("creates.arrived")
        self.simulator.change(create_accept_ms=5000)
        send()
        self.until_counted("creates.arrived", arrived)
        self.simulator.change(create_accept_ms=0)
        refused = self.refusals()
        interrupt()
        wait_until("the late create to be refused", lambda: self.refusals() > refused, 30)

    def refusals(self):
        return sum(count for name, count in self.simulator.stats()["counters"].items() if name.startswith("refused."))
