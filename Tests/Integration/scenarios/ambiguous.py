"""A create of which nobody knows whether it happened, in every way it can come about: each batch runs once.

MILLRACE_AMBIGUOUS_ROUNDS is how often each way is taken (default 2; the long run is 100), MILLRACE_AMBIGUOUS_KINDS
which ones, by name. The simulator's log is the witness.
"""
import signal

from harness.checks import wait_until
from harness.rounds import Rounds


def run(bench):
    # A search shows a batch within a second, which the grace exceeds.
    simulator = bench.simulator(list_lag_ms=500, hang_ms=3000, batch_min_ms=0)
    service = bench.service(
        simulator, batching={"deferred": {"idle_ms": 250}},
        execution={"poll_interval_ms": 100, "reconcile_grace": "1200ms", "drain_timeout": "10s", "create_timeout": "1s",
                   # In many rounds of lost answers it would be open most of the time, which is not what this is about.
                   "circuit_breaker": {"open_s": 1}})
    test = Ambiguous(bench, simulator, service, bench.collector())
    test.run([
        test.crash_before_accept, test.crash_after_accept, test.crash_before_record, test.timeout_after_accept,
        test.reset_after_accept, test.error_after_accept, test.late_after_crash, test.late_after_timeout,
        *test.killed_at_failpoints])


class Ambiguous(Rounds):
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
