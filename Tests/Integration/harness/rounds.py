"""Rounds of a submission that is interrupted, and the simulator's log as the witness that each batch ran once."""
import collections
import os
import signal

from harness.checks import Problems, check, equal, wait_until
from harness.jobs import job

ROUNDS = int(os.environ.get("MILLRACE_AMBIGUOUS_ROUNDS", "2"))
ROWS = 5


class Rounds:
    """Takes each kind of interruption in turn: a method that sends, interrupts and goes on, named by its docstring."""

    # Of the requests that are sent.
    kind = 0

    def __init__(self, bench, simulator, service, collector):
        self.bench = bench
        self.simulator = simulator
        self.service = service
        self.collector = collector

    def run(self, kinds):
        wanted = os.environ.get("MILLRACE_AMBIGUOUS_KINDS", "").split(",")
        chosen = [kind for kind in kinds if kind.__name__ in wanted or wanted == [""]]
        check(chosen, f"no kind is named {wanted}; there are {[kind.__name__ for kind in kinds]}")
        for kind in chosen:
            self.repeat(kind)

    def repeat(self, kind):
        executed = needed = 0
        for number in range(ROUNDS):
            tag = f"{kind.__name__}-{number}"
            wanted = [job(row, "deferred", tag, kind=self.kind) for row in range(ROWS)]
            kind(lambda wanted=wanted: self.bench.publishing([each.message() for each in wanted]).wait())
            batches, labels = self.finish(wanted)
            executed += batches
            needed += labels
            self.after_round(kind)
        self.bench.say(f"{kind.__doc__}: {ROUNDS} rounds, batches executed / needed = {executed} / {needed} = "
                       f"{executed / needed:.2f}")
        equal(f"batches executed / needed: {kind.__name__}", executed / needed, 1)

    def after_round(self, kind):
        """What a round leaves is put away here."""

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

    def refusals(self):
        """How many creates the simulator has refused."""
        return sum(count for name, count in self.simulator.stats()["counters"].items() if name.startswith("refused."))

    def arm(self, order):
        """Starts the service anew with this failpoint."""
        equal("the exit status", self.service.process.terminate()[0], 0)
        self.service.start(environment={"MILLRACE_FAILPOINTS": order})

    def killed_at(self, point, send):
        """Sends, with the service killed at the failpoint, and starts it again."""
        self.arm(f"{point}=kill@1")
        send()
        equal("the status", self.service.process.wait(30), -signal.SIGKILL)
        check(f"failpoint {point}: kill" in self.service.log_text(), "it ended, but not by the failpoint")
        self.service.start()

    def killed_before_send(self, send):
        """killed before the create was written"""
        self.killed_at("provider.create.before", send)

    def killed_after_answer(self, send):
        """killed with the create answered, at once"""
        self.killed_at("provider.create.after", send)

    def killed_before_record(self, send):
        """killed with the create answered, before the ledger was told"""
        self.killed_at("ledger.submitted.before", send)

    @property
    def killed_at_failpoints(self):
        """None where the binary has no failpoints: only debug builds have."""
        if self.service.command("failpoints", config=False)[0] != 0:
            self.bench.say("SKIPPED what needs failpoints: this build has none")
            return []
        return [self.killed_before_send, self.killed_after_answer, self.killed_before_record]
