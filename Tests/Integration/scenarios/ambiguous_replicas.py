"""Replicas on Postgres, one killed or frozen in a create, and another that takes over: each batch runs once.

Whoever was frozen starts anew and works on.
MILLRACE_AMBIGUOUS_ROUNDS and MILLRACE_AMBIGUOUS_KINDS as for the scenario ambiguous.
"""
import pathlib
import re
import signal

from harness.checks import check, equal, wait_until
from harness.postgres import Postgres
from harness.rounds import Rounds

STARTS = re.compile(r'"message":"Millrace starts".*?"instance":"([0-9a-f]{8})"')
ANEW = "another took its work over; starting anew"
# Longer than a take-over, a fence and a second create take together.
LATE_MS = 10_000


def run(bench):
    postgres = Postgres(pathlib.Path(__file__).parents[3] / "Deploy" / "lib" / "postgres.sh", bench.folder / "postgres")
    postgres.start()
    try:
        simulator = bench.simulator(list_lag_ms=0, hang_ms=3000, batch_min_ms=0)
        url = postgres.database("ambiguous")
        services = [bench.service(
            simulator, name=name, start=False, amqp={"heartbeat": "2s"}, ledger={"url": url, "lease": "3s"},
            batching={"deferred": {"idle_ms": 250}},
            execution={"poll_interval_ms": 100, "reconcile_grace": "500ms", "drain_timeout": "10s",
                       "create_timeout": "1s", "circuit_breaker": {"open_s": 1}}) for name in ("one", "two")]
        services[0].start()
        test = Replicas(bench, simulator, services[0], bench.collector())
        test.other = services[1]
        points = test.killed_at_failpoints
        test.run([*points, *([test.frozen_before_send, test.frozen_after_answer, test.frozen_and_woken_early]
                             if points else []), test.frozen_when_read])
        for service in services:
            if service.process and service.process.running:
                equal("the exit status", service.process.terminate()[0], 0)
    finally:
        for service in bench.services:
            service.close()
        postgres.stop()


class Replicas(Rounds):
    """`service` is what is interrupted; `other` is the replica that takes over."""

    other = None
    # The failpoint that the service has, also when it has started anew.
    armed = None
    # What the frozen process of this round calls itself, and what the simulator had been asked when it was frozen.
    frozen = None
    called = refused = 0
    # Rounds in which the create of the frozen process came after the second one, and was refused.
    late = 0

    def frozen_before_send(self, send):
        """frozen before the create was written, and let go on when another has resubmitted"""
        self.freeze_at("provider.create.before", send)
        self.other.start()
        self.await_create()
        self.wake()
        self.late += self.refusals() > self.refused

    def frozen_after_answer(self, send):
        """frozen with the create answered, and let go on when another has adopted it"""
        self.freeze_at("provider.create.after", send)
        self.other.start()
        self.await_search()
        self.wake()

    def frozen_and_woken_early(self, send):
        """frozen before the create was written, and let go on when another has taken over and searches"""
        self.freeze_at("provider.create.before", send)
        self.other.start()
        self.await_search()
        self.wake()

    def frozen_when_read(self, send):
        """frozen with the create read and not accepted, beside a replica that works; accepted after a second create"""
        if self.armed:
            self.stop(self.service)
            self.service.start()
            self.armed = None
        if not self.other.process or not self.other.process.running:
            self.other.start()
        arrived = self.counted("creates.arrived")
        self.simulator.change(create_accept_ms=LATE_MS)
        send()
        self.until_counted("creates.arrived", arrived)
        uploader = self.uploader()
        if uploader == self.instance(self.other):
            self.service, self.other = self.other, self.service
        equal("the process that creates", self.instance(self.service), uploader)
        self.service.process.child.send_signal(signal.SIGSTOP)
        self.simulator.change(create_accept_ms=0)
        self.note_frozen()
        self.await_create()
        self.wake()
        wait_until("the late create to be refused", lambda: self.refusals() > self.refused, 40)
        self.late += 1

    def freeze_at(self, point, send):
        """Freezes the service, which works alone, at the failpoint."""
        # Each time: a process that stood still starts anew without its failpoint.
        self.stop(self.other)
        self.arm(f"{point}=stop@1")
        self.armed = point
        send()
        wait_until(f"the service to stand still at {point}", lambda: self.service.process.is_stopped, 30, pause=0.005)
        check(f"failpoint {point}: stop" in self.service.log_text(), "it stands still, but not at the failpoint")
        self.note_frozen()

    def note_frozen(self):
        self.frozen = self.instance(self.service)
        self.refused = self.refusals()
        self.called = len(self.simulator.calls())

    def calls_since(self):
        """Calls since the freeze: those of the frozen process, and those of others."""
        mine, others = [], []
        for call in self.simulator.calls()[self.called:]:
            (mine if instance_of(call) == self.frozen else others).append(call)
        return mine, others

    def await_create(self):
        wait_until("another replica to create", lambda: any(
            call["action"] == "create" for call in self.calls_since()[1]), 40)

    def await_search(self):
        wait_until("another replica to search", lambda: any(
            call["action"] == "list" for call in self.calls_since()[1]), 40, pause=0.005)

    def wake(self):
        """Lets the frozen process go on, which must find that it is no longer wanted."""
        log = self.service.log_text()
        anew, starts = log.count(ANEW), len(STARTS.findall(log))
        self.service.process.child.send_signal(signal.SIGCONT)
        wait_until("the frozen replica to start anew", lambda: self.service.log_text().count(ANEW) > anew, 30)
        wait_until("the frozen replica to be there again",
                   lambda: len(STARTS.findall(self.service.log_text())) > starts, 30)
        self.service.wait_ready()
        # It may have looked at something before it knew. A create that was refused is no call here.
        actions = [call["action"] for call in self.calls_since()[0]]
        check(set(actions) <= {"create", "list", "retrieve"} and actions.count("create") <= 1,
              f"the frozen process went on: {actions}")

    def after_round(self, kind):
        # Alone again, so that what gets the next round is what is to be frozen.
        if self.armed:
            self.stop(self.other)

    def stop(self, service):
        if service.process and service.process.running:
            equal(f"the exit status of {service.folder.name}", service.process.terminate()[0], 0)

    def arm(self, order):
        self.armed = None
        super().arm(order)

    def repeat(self, kind):
        self.late = 0
        super().repeat(kind)
        if self.late:
            self.bench.say(f"{self.late} creates of a frozen process came after the second one, and were refused")

    def instance(self, service):
        return (STARTS.findall(service.log_text()) or [None])[-1]

    def uploader(self):
        """The process that uploaded last."""
        return instance_of([call for call in self.simulator.calls() if call["action"] == "upload"][-1])


def instance_of(call):
    return (call["agent"] or "").rpartition("(")[2].rstrip(")")
