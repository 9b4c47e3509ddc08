"""Whoever has nothing to do with what goes wrong: requests of another model at an even pace, and how long each waits."""
import threading
import time

from harness.checks import check, wait_until
from harness.waits import percentile
from harness.jobs import job


class Bystander:
    def __init__(self, bench, collector, tag):
        self.asked = []
        self.sent = {}
        self.publisher = bench.publisher()
        self.collector = collector
        self.tag = tag
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.wait(0.1):
            # Of a model that only the other provider has.
            each = job(8 * len(self.asked) + 2, "interactive", self.tag)
            self.sent[each.correlation_id] = time.time()
            self.asked.append(each)
            self.publisher.publish(each.message())

    def warm_up(self, count=15):
        """Returns when so many have their answer."""
        wait_until(f"{count} answers to the bystander",
                   lambda: sum(bool(self.collector.replies_to(each.correlation_id)) for each in self.asked) >= count, 30)

    def stop(self):
        self.over.set()
        self.thread.join(10)

    def waits(self, began, ended):
        """Seconds from publication to reply of what was published between these times, sorted; all must have one."""
        names = [name for name, sent in list(self.sent.items()) if began <= sent < ended]
        return sorted(self.collector.reply_to(name).received - self.sent[name] for name in names)

    def check_undisturbed(self, began, ended, most):
        """Compares what was sent between these times with what was sent before. Nobody waits for the other's outage: that is
        what the bounds tell apart, not how fast the machine is. Returns both as text."""
        before, during = self.waits(0, began), self.waits(began, ended)
        check(len(before) > 10 and len(during) > 10, "the bystander sent too little to say anything")
        check(during[-1] < most, f"a bystander waited for {during[-1]:.1f} s, which is as long as the others' outage")
        p95 = percentile(before, 0.95), percentile(during, 0.95)
        check(p95[1] <= max(1, 10 * p95[0]), f"the bystander's p95 went from {p95[0]:.3f} s to {p95[1]:.3f} s")
        return f"bystander's p95 {p95[0] * 1000:.0f} ms before, {p95[1] * 1000:.0f} ms during, at most {during[-1] * 1000:.0f} ms"
