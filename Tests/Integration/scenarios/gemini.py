"""Gemini with all its oddities: 2,000 requests a lane are answered rightly and paid once, and so are lost creates.

MILLRACE_GEMINI_REQUESTS is how many requests each lane gets. A create of which nobody knows whether it happened is found by
its name, and what comes later than the service waits for it finds no input file any more. MILLRACE_AMBIGUOUS_ROUNDS and
MILLRACE_AMBIGUOUS_KINDS are as in the scenario ambiguous.
"""
import os
import random

from harness.answers import pico_usd
from harness.checks import check, equal
from harness.gemini import settings
from harness.jobs import job
from scenarios.ambiguous import Ambiguous

COUNT = int(os.environ.get("MILLRACE_GEMINI_REQUESTS", "2000"))


def run(bench):
    if COUNT:
        load(bench)
    pauses(bench)
    lost_creates(bench)


def load(bench):
    simulator = bench.simulator(
        name="load", fault_429=0.02, fault_5xx=0.03, fault_line_error=0.05, fault_control_5xx=0.02,
        fault_control_429=0.02, fault_control_cut=0.02)
    service = bench.service(
        simulator, name="loaded", **settings(
            simulator, execution={"worker_concurrency": 64}, batching={"deferred": {"max_requests_per_batch": 400}}))
    collector = bench.collector()
    # Every fourth in OpenAI's shape, and answered in it.
    wanted = [job(number, lane, f"gemini-{lane}", kind="generate" if number % 4 else "generate translated")
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
    check("x-goog-api-key" not in service.log_text(), "a header of the key is in the log")
    bench.say(f"{len(wanted)} answered rightly and paid once, bill {bill / 1e12:.6f} USD, at most {attempts} attempts, "
              f"{simulator.stats()['batches']} batches")
    service.close()
    bench.broker.clear({"integration.replies"})


def pauses(bench):
    """What a refusal's body says of the time is kept."""
    simulator = bench.simulator(name="pauses")
    kinds = ("call", "upload", "create", "poll", "fetch")
    simulator.change(early_grace_ms=300, file_processing_ms=0,
                     orders=[{"kind": kind, "n": 2, "retry_after_ms": 1000} for kind in kinds])
    service = bench.service(
        simulator, name="waiting", **settings(
            simulator, batching={"deferred": {"idle_ms": 100, "max_requests_per_batch": 1}}))
    collector = bench.collector("integration.pauses")
    wanted = [job(number, lane, f"pauses-{lane}", kind="generate") for number in range(3)
              for lane in ("interactive", "deferred")]
    bench.publishing([each.message() for each in wanted]).wait()
    collector.wait_for(len(wanted), 60, bench.say)
    bench.verify(wanted, collector)
    refused = {kind["kind"]: kind["reasons"].get("ordered_429", 0) for kind in simulator.stats()["traffic"]["kinds"]}
    for kind in kinds:
        check(refused.get(kind), f"no {kind} was told to wait: {refused}")
    equal("calls before the time that they were told", simulator.stats()["early"]["count"], 0)
    bench.say(f"the pauses in bodies were kept: {refused}")
    service.close()


def lost_creates(bench):
    simulator = bench.simulator(name="lost", list_lag_ms=500, hang_ms=3000, batch_min_ms=0)
    simulator.change(file_processing_ms=50)
    service = bench.service(
        simulator, name="asking", **settings(
            simulator, batching={"deferred": {"idle_ms": 250}},
            execution={"poll_interval_ms": 100, "reconcile_grace": "1200ms", "drain_timeout": "10s",
                       "create_timeout": "1s", "backoff_delay_ms": 100, "circuit_breaker": {"open_s": 1}}))
    test = Lost(bench, simulator, service, bench.collector("integration.lost"))
    test.run([
        test.crash_before_accept, test.crash_after_accept, test.crash_before_record, test.timeout_after_accept,
        test.reset_after_accept, test.error_after_accept, test.late_after_crash, test.late_after_timeout,
        *test.killed_at_failpoints])


class Lost(Ambiguous):
    kind = "generate"
