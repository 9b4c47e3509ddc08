"""What a scenario works with: its folder, the broker, a simulator, a service, publishers and collectors."""
import time
import urllib.parse

from harness.answers import shape_problems
from harness.checks import Problems, check
from harness.forwarder import Forwarder
from harness.jobs import answer_problems
from harness.messages import Collector, Publisher, Publishing
from harness.service import API_KEY, Service, free_port, merge
from harness.simulator import Simulator

FAST = {"latency_ms": 5, "latency_per_token_us": 0, "batch_validate_ms": 50, "batch_min_ms": 200,
        "batch_per_row_us": 50, "batch_finalize_ms": 50, "injected_retry_after_ms": 20}


class Bench:
    def __init__(self, name, folder, binaries, broker, postgres):
        self.name = name
        self.folder = folder
        self.binaries = binaries
        self.broker = broker
        self.postgres = postgres
        self.began = time.monotonic()
        self.closing = []
        self.services = []
        self.reply_queues = {"integration.replies"}

    def prepare(self):
        self.folder.mkdir()

    def say(self, text):
        print(f"      {time.monotonic() - self.began:5.1f} s  {text}", flush=True)

    def simulator(self, name=None, **options):
        """A running simulator that answers fast, but for these options."""
        folder = self.folder if name is None else self.folder / name
        folder.mkdir(exist_ok=True)
        simulator = Simulator(self.binaries / "provider-simulator", folder, {**FAST, **options})
        self.closing.append(simulator)
        simulator.start()
        return simulator

    def service(self, simulator, start=True, name=None, **changes):
        """A running service; the changes go into its configuration."""
        folder = self.folder if name is None else self.folder / name
        folder.mkdir(exist_ok=True)
        endpoint = simulator.endpoint if simulator else "http://127.0.0.1:9/v1"
        service = Service(self.binaries / "millrace", folder, self.broker.url, endpoint, changes)
        self.closing.append(service)
        self.services.append(service)
        if start:
            service.start()
        return service

    def shared_ledger(self, name="ledger", way=None, lease="3s"):
        """Settings of an empty ledger on Postgres, reached through `way` if there is one; leases are short, since whoever
        takes over waits for them."""
        url = self.postgres.database(f"{self.name} {name}")
        if way:
            url = url.replace(f":{urllib.parse.urlsplit(url).port}/", f":{way.port}/")
        return {"ledger": {"url": url, "lease": lease}, "execution": {"create_timeout": "1s"}}

    def replicas(self, simulator, ledger, count=3, name="replica", **changes):
        """Running services that share a ledger and start at once."""
        found = []
        for number in range(1, count + 1):
            service = self.service(simulator, start=False, name=f"{name} {number}", **ledger)
            merge(service.config, changes)
            found.append(service.start(wait=False))
        for each in found:
            each.wait_ready()
        return found

    def way(self, target=None):
        """A forwarder to the broker, or to another port."""
        way = Forwarder(free_port(), target or self.broker.port)
        way.open()
        self.closing.append(way)
        return way

    def url_through(self, way):
        """The broker's URL by this way."""
        return self.broker.url.replace(f":{self.broker.port}/", f":{way.port}/")

    def collector(self, queue="integration.replies", binding="#", **more):
        self.reply_queues.add(queue)
        collector = Collector(self.broker, queue, binding, **more)
        self.closing.append(collector)
        return collector

    def publisher(self):
        publisher = Publisher(self.broker)
        self.closing.append(publisher)
        return publisher

    def publishing(self, messages, **more):
        publishing = Publishing(self.broker, messages, **more)
        self.closing.append(publishing)
        return publishing

    def verify(self, jobs, collector, allowed=()):
        """Every request has one reply, which has the contract's shape and is the answer to it; or which failed with one
        of the allowed codes. Returns the replies that failed so."""
        problems = Problems()
        problems.found += collector.problems
        failed = []
        for job in jobs:
            replies = collector.replies_to(job.correlation_id)
            if not problems.equal(f"replies to {job.correlation_id}", len(replies), 1):
                continue
            problems.found += shape_problems(replies[0])
            if replies[0].error_code in allowed:
                failed.append((job, replies[0]))
            else:
                problems.found += answer_problems(job, replies[0])
        strangers = set(collector.by_correlation) - {job.correlation_id for job in jobs}
        problems.note(not strangers, f"replies to nobody: {sorted(strangers)[:5]}")
        problems.raise_any()
        return failed

    def check_services(self):
        """What no scenario may leave: a crash of the service, or a secret in a log."""
        for service in self.services:
            log = service.log_text()
            check(API_KEY not in log, f"the API key is in {service.log}")
            for sign in ("Fatal error", "Crash:", "*** Signal", "Precondition failed"):
                check(sign not in log, f"'{sign}' is in {service.log}")

    def last_lines(self):
        """The end of every log, for a failure."""
        text = [f"      the logs are in {self.folder}"]
        for log in sorted(self.folder.rglob("*.log")):
            lines = log.read_text(errors="replace").splitlines()
            text.append(f"      --- {log.relative_to(self.folder)}, {len(lines)} lines")
            text += ["      " + line[:400] for line in lines[-8:]]
        return "\n".join(text)

    def close(self):
        """Ends everything, the newest first, and empties the broker."""
        for thing in reversed(self.closing):
            try:
                thing.close()
            except Exception as error:  # noqa: BLE001: the others are to be ended all the same
                self.say(f"cannot end {thing}: {error!r}")
        try:
            self.broker.clear(self.reply_queues)
        except Exception as error:  # noqa: BLE001: the scenario's own problem says more
            self.say(f"cannot empty the broker: {error!r}")
