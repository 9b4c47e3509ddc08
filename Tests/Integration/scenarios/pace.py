"""A burst of interactive requests against an account's limits: hardly ever a 429, and nearly all of what is allowed used.

One replica, three on one Postgres ledger, and three with a SQLite ledger each that share nothing but the queue. The
counts are the simulator's. MILLRACE_PACE_REQUESTS says how many requests there are, of which the limit allows six tenths a
minute; each way leaves a plot of calls a second beside the logs (run with --keep to look at it).
"""
import collections
import os

from harness.checks import check
from harness.jobs import job
from harness.plot import rate_plot

REQUESTS = int(os.environ.get("MILLRACE_PACE_REQUESTS", "1000"))
# Short runs need a higher rate to be about anything but their beginning.
PER_MINUTE = int(os.environ.get("MILLRACE_PACE_RPM", "6000" if REQUESTS >= 5000 else "3000"))
BURST = int(os.environ.get("MILLRACE_PACE_BURST_SECONDS", "1"))
TOKENS = 1_000_000


def run(bench):
    ways = {"one": (one, 0.001), "replicas": (replicas, 0.001), "unshared": (unshared, 0.01)}
    names = os.environ.get("MILLRACE_PACE_WAYS", ",".join(ways)).split(",")
    for name in names:
        way, most = ways[name]
        burst(bench, name, way, most)


def settings():
    return {"amqp": {"prefetch": {"interactive": 512}}, "execution": {"worker_concurrency": 256},
            "providers": {"openai": {"limits": {
                "requests_per_minute": PER_MINUTE, "tokens_per_minute": TOKENS, "concurrency": 256}}}}


def one(bench, simulator):
    return [bench.service(simulator, name="one", **settings())]


def replicas(bench, simulator):
    ledger = bench.shared_ledger()
    return bench.replicas(simulator, ledger, name="shared", **settings())


def unshared(bench, simulator):
    found = [bench.service(simulator, name=f"unshared {number}", start=False,
                           ledger={"allow_unshared_interactive": True}, **settings()) for number in range(3)]
    for each in found:
        each.start(wait=False)
    for each in found:
        each.wait_ready()
    return found


def burst(bench, name, way, most):
    simulator = bench.simulator(
        name=f"simulator {name}", rpm=PER_MINUTE, tpm=TOKENS, burst_seconds=BURST, latency_ms=300,
        # It shares two cores with what it measures.
        token_counting="bytes")
    services = way(bench, simulator)
    collector = bench.collector()
    asked = [job(number, "interactive", f"pace-{name}", kind=0) for number in range(REQUESTS)]
    bench.publishing([each.message() for each in asked]).wait()
    collector.wait_for(REQUESTS, REQUESTS / PER_MINUTE * 60 * 2 + 60)
    bench.verify(asked, collector)
    report(bench, name, simulator, most)
    for each in services:
        each.process.terminate()
    collector.close()
    bench.broker.clear({"integration.replies"})


def report(bench, name, simulator, most):
    paid = simulator.paid()
    times = sorted(entry["time"] for entry in paid)
    counts = simulator.stats()["counters"]
    refused = sum(value for key, value in counts.items() if key.startswith("refused."))
    seconds = (times[-1] - times[0]) / 1000
    # What the account allowed from the first call to the last.
    allowed = PER_MINUTE / 60 * (seconds + BURST)
    timeline = collections.Counter((each - times[0]) // 1000 for each in times)
    rate_plot(bench.folder / f"pace {name}.svg", f"{name}: {len(paid)} calls, {refused} refused", [("accepted", timeline)],
              PER_MINUTE / 60)
    share = refused / (len(paid) + refused)
    bench.say(f"{name}: {len(paid)} calls in {seconds:.1f} s, {refused} refused ({share:.2%}), "
              f"{len(paid) / allowed:.1%} of what was allowed; most in a second {max(timeline.values())}")
    check(share <= most, f"{refused} of {len(paid) + refused} calls were refused: {counts}")
    check(len(paid) / allowed >= 0.95, f"only {len(paid) / allowed:.1%} of what was allowed was used")
