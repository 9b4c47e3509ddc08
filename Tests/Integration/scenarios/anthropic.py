"""Anthropic with all its oddities: 2,000 requests a lane are answered rightly and paid once, and so are lost creates.

MILLRACE_ANTHROPIC_REQUESTS is how many requests each lane gets. A create of which nobody knows whether it happened has no
file that could be taken from it and no label: the batch is known by its results. MILLRACE_AMBIGUOUS_ROUNDS and
MILLRACE_AMBIGUOUS_KINDS are as in the scenario ambiguous; what comes later than the service waits for it is no kind here,
since nothing can hold it back.
"""
import os
import random

from harness.anthropic import settings
from harness.answers import pico_usd
from harness.checks import check, equal
from harness.jobs import job
from scenarios.ambiguous import Ambiguous

COUNT = int(os.environ.get("MILLRACE_ANTHROPIC_REQUESTS", "2000"))


def run(bench):
    if COUNT:
        load(bench)
    lost_creates(bench)


def load(bench):
    simulator = bench.simulator(
        name="load", fault_429=0.02, fault_5xx=0.03, fault_line_error=0.05, fault_null_output=0.5, fault_control_5xx=0.02,
        fault_control_cut=0.02)
    service = bench.service(
        simulator, name="loaded", **settings(
            simulator, execution={"worker_concurrency": 64}, batching={"deferred": {"max_requests_per_batch": 400}}))
    collector = bench.collector()
    # Every fourth in OpenAI's shape, and answered in it.
    wanted = [job(number, lane, f"anthropic-{lane}", kind="messages" if number % 4 else "translated")
              for number in range(COUNT) for lane in ("interactive", "deferred")]
    random.Random(1).shuffle(wanted)
    bench.publishing([each.message() for each in wanted]).wait(120)
    collector.wait_for(len(wanted), 300, bench.say)
    bench.verify(wanted, collector)

    paid = simulator.paid()
    twice = [key for key, times in simulator.payments().items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")
    equal("payments", len(paid), len(wanted))
    equal("rows in batches", sum(entry["kind"] == "batch" for entry in paid), COUNT)
    bill = simulator.stats()["pico_usd"]
    equal("costs of all replies", sum(pico_usd(replies[0]) for replies in collector.by_correlation.values()), bill)
    attempts = max(replies[0].body["millrace"]["attempts"] for replies in collector.by_correlation.values())
    check(attempts > 1, "no request needed a second attempt: the faults did not bite")
    check("x-api-key" not in service.log_text(), "a header of the key is in the log")
    bench.say(f"{len(wanted)} answered rightly and paid once, bill {bill / 1e12:.6f} USD, at most {attempts} attempts, "
              f"{simulator.stats()['batches']} batches")
    service.close()
    bench.broker.clear({"integration.replies"})


def lost_creates(bench):
    simulator = bench.simulator(name="lost", list_lag_ms=500, hang_ms=3000, batch_min_ms=0)
    service = bench.service(
        simulator, name="asking", **settings(
            simulator, batching={"deferred": {"idle_ms": 250}},
            execution={"poll_interval_ms": 100, "reconcile_grace": "1200ms", "drain_timeout": "10s",
                       "create_timeout": "1s", "backoff_delay_ms": 100, "circuit_breaker": {"open_s": 1}}))
    test = Lost(bench, simulator, service, bench.collector("integration.lost"))
    test.run([
        test.crash_before_accept, test.crash_after_accept, test.crash_before_record, test.timeout_after_accept,
        test.reset_after_accept, test.error_after_accept, *test.killed_at_failpoints])


class Lost(Ambiguous):
    kind = "messages"
