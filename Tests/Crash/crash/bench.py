"""What scenarios run on: a part of the broker, a simulator, a collector of replies. One scenario after the other."""
import random
import time

from harness.bench import FAST
from harness.checks import check, wait_until
from harness.messages import Collector, Publisher
from harness.service import API_KEY, Service, merge
from harness.simulator import Simulator

from crash.load import HOLD, RETRY_AFTER

# Milliseconds that a call takes.
LATENCY = 20
# Calls that a service makes at a time.
CONCURRENCY = 8
CRASHES = ("Fatal error", "Crash:", "*** Signal", "Precondition failed")


class Bench:
    def __init__(self, name, folder, binaries, broker, ledgers, seed):
        self.folder = folder / name
        self.folder.mkdir()
        self.binaries = binaries
        self.broker = broker.part(name)
        self.ledgers = ledgers
        self.seed = seed
        self.simulator = Simulator(binaries / "provider-simulator", self.folder,
                                   {**FAST, "latency_ms": LATENCY, "injected_retry_after_ms": RETRY_AFTER})
        self.simulator.start()
        self.publisher = Publisher(self.broker)
        self.collector = None
        self.services = []

    def chance(self, *names):
        """A generator that gives the same in every run with this seed, whatever ran before."""
        return random.Random(" ".join([str(self.seed), *names]))

    def service(self, ledger, scenario, replica="", **changes):
        """A service that is not started, with the scenario's ledger."""
        folder = self.folder / f"{scenario}{replica}"
        folder.mkdir(exist_ok=True)
        settings = {
            # So that the broker takes back what a frozen service holds.
            "amqp": {"heartbeat": "2s"},
            "models": {"missing-*": {"routes": ["openai"]}},
            "batching": {"deferred": {"idle_ms": 200, "max_age_ms": 1000}},
            "execution": {"poll_interval_ms": 100, "reconcile_grace": "500ms", "settle_grace": "2s",
                          "interactive_hold_ms": HOLD, "backoff_delay_ms": 50, "worker_concurrency": CONCURRENCY},
        }
        merge(settings, self.ledgers[ledger].settings(self.folder / scenario))
        merge(settings, changes)
        service = Service(self.binaries / "millrace", folder, self.broker.url, self.simulator.endpoint, settings)
        self.services.append(service)
        return service

    def prepare(self, ledger):
        """Has a service declare what it needs, so that publishers find it."""
        if self.collector:
            return
        service = self.service(ledger, "declares")
        service.start()
        service.process.terminate()
        self.collector = Collector(self.broker, "crash.replies")

    def publish(self, load):
        for message in load.messages:
            self.publisher.publish(message)

    def delete_queue(self, queue):
        connection = self.broker.connect()
        connection.channel().queue_delete(queue)
        connection.close()

    def wait_for(self, names, services, seconds):
        """Waits until each of these has a reply."""
        def all_there():
            for service in services:
                service.process.need()
            return names <= set(self.collector.by_correlation)

        wait_until(lambda: f"replies to {sorted(names - set(self.collector.by_correlation))[:9]}", all_there, seconds)

    def forget(self):
        """Begins the next scenario with an empty broker, whatever the last one left."""
        for service in self.services:
            service.close()
        self.services = []
        for ledger in self.ledgers.values():
            ledger.forget(self.folder)
        for queue in ("llm.requests.interactive", "llm.requests.deferred", "llm.dead-letters",
                      "llm.results.unclaimed"):
            if self.broker.depth(queue):
                self.broker.drain(queue)
        self.simulator.change(**{name: FAST[name] for name in ("batch_min_ms",)}, latency_ms=LATENCY,
                              batch_tail_ms=0, batch_tail_share=0)
        if self.collector:
            wait_until("the replies to be taken", lambda: not self.broker.depth(self.collector.queue), 20)
            self.collector.by_correlation.clear()
            self.collector.by_message_id.clear()
            self.collector.problems.clear()
            self.collector.copies = 0

    def check_logs(self):
        """What no scenario may leave: a crash that it did not ask for, or a secret in a log."""
        for service in self.services:
            log = service.log_text()
            check(API_KEY not in log, f"the API key is in {service.log}")
            for sign in CRASHES:
                check(sign not in log, f"'{sign}' is in {service.log}")

    def close(self):
        if self.simulator.process and not self.simulator.process.running:
            print(f"the simulator of {self.folder.name} ended with {self.simulator.process.child.returncode}", flush=True)
        for thing in [*self.services, self.publisher, *([self.collector] if self.collector else []), self.simulator]:
            try:
                thing.close()
            except Exception as error:  # noqa: BLE001: the others are to be ended all the same
                print(f"cannot end {thing}: {error!r}", flush=True)
