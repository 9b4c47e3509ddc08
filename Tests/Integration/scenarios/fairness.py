"""A tenant that sends a hundred times as much as another does not delay it, and tenants share by weight what both want.

What a quiet tenant waits alone, then beside a noisy one that fills the account's limit many times over; then two tenants
with parked requests, one of three times the weight. MILLRACE_FAIRNESS_QUIET says how many requests the quiet one sends.
"""
import os

from harness.checks import Problems, check
from harness.jobs import job
from harness.waits import Trickle, percentile, shown

QUIET = int(os.environ.get("MILLRACE_FAIRNESS_QUIET", "20"))
NOISY = 100 * QUIET
PER_SECOND = 50
# Of the last part: parked requests of each, and how many of all calls are looked at.
PARKED = 300


def run(bench):
    for name, ledger in (("sqlite", {}), ("postgres", bench.shared_ledger())):
        one(bench, name, ledger)


def one(bench, name, ledger):
    simulator = bench.simulator(name=f"simulator {name}", rpm=60 * PER_SECOND, burst_seconds=1, latency_ms=50)
    limits = {"requests_per_minute": 60 * PER_SECOND, "tokens_per_minute": 10_000_000, "concurrency": 64}
    service = bench.service(
        simulator, start=False, name=name, **{key: dict(value) for key, value in ledger.items()},
        tenancy={"weights": {"heavy": 3}}, providers={"openai": {"limits": limits}})
    service.start()
    collector = bench.collector(f"integration.fairness.{name}")
    seconds = QUIET / 2
    alone = Trickle(bench.broker, jobs("alone", name, QUIET), seconds, **{"x-tenant": "quiet"}).waits(collector)

    noise = Trickle(bench.broker, jobs("noisy", name, NOISY), 0, **{"x-tenant": "noisy"})
    quiet = Trickle(bench.broker, jobs("quiet", name, QUIET), seconds, **{"x-tenant": "quiet"})
    beside = quiet.waits(collector)
    noisy = noise.waits(collector, 2 * NOISY / PER_SECOND + 60)
    bench.say(f"{name}: quiet alone {shown(alone)}; beside the noisy one {shown(beside)}; the noisy one {shown(noisy)}")
    bench.verify(noise.jobs + quiet.jobs, _without(collector, "alone"))
    # Its own call, the one that has the turn, and a turn of the other; all of it in places of the limit.
    bound = 3 * percentile(alone, 0.95) + 20 / PER_SECOND
    check(percentile(beside, 0.95) <= bound,
          f"the quiet tenant waited {percentile(beside, 0.95):.2f} s beside the noisy one, more than {bound:.2f} s")
    check(percentile(beside, 0.95) < percentile(noisy, 0.5) / 5, "the quiet tenant waited as if it were in one queue")
    shares(bench, name, simulator, collector)
    service.process.terminate()
    collector.close()


def shares(bench, name, simulator, collector):
    """Requests that the ledger holds are sent three of one to one of the other."""
    before = len(simulator.paid())
    sent = []
    for tenant in ("light", "heavy"):
        asked = jobs(tenant, name, PARKED, lane="deferred")
        sent.append(Trickle(bench.broker, asked, 0, **{"x-tenant": tenant, "x-lane": "interactive"}))
    for each in sent:
        each.waits(collector, 4 * PARKED / PER_SECOND + 60)
    called = [entry["prompt_key"].split("-")[0] for entry in simulator.paid()[before:]]
    # While both had some, and after both were there.
    part = called[PARKED // 5:PARKED]
    heavy = part.count("heavy") / len(part)
    bench.say(f"{name}: of {len(part)} calls while both waited, {heavy:.0%} were of the tenant with three quarters of the weight")
    problems = Problems()
    problems.note(0.68 <= heavy <= 0.82, f"the share of the heavy tenant is {heavy:.2f}, not 0.75")
    problems.equal("calls", len(called), 2 * PARKED)
    problems.raise_any()


def jobs(tenant, name, count, lane="interactive"):
    return [job(number, lane, f"{tenant}-{name}", kind=0) for number in range(count)]


class _without:
    """A collector's replies but for those to requests of a part that was looked at before."""

    def __init__(self, collector, tag):
        self.collector = collector
        self.tag = tag

    @property
    def problems(self):
        return self.collector.problems

    @property
    def by_correlation(self):
        return {key: value for key, value in self.collector.by_correlation.items() if not key.startswith(self.tag)}

    def replies_to(self, correlation_id):
        return self.collector.replies_to(correlation_id)
