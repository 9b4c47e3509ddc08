"""Mistral with all its oddities: 2,000 requests a lane are answered rightly and paid once, and so are lost creates.

MILLRACE_MISTRAL_REQUESTS is how many requests each lane gets: of its own shape, of OpenAI's, and embeddings. Then a create
of which nobody knows whether it happened, in every way that the scenario ambiguous has: a job carries the label, and its
input file is the fence. At last a failure that does not say whose it is: the request is answered, and not paid again.
"""
import os
import random

from harness.answers import pico_usd
from harness.checks import check, equal
from harness.jobs import job
from harness.mistral import settings
from scenarios.ambiguous import Ambiguous

COUNT = int(os.environ.get("MILLRACE_MISTRAL_REQUESTS", "2000"))
KINDS = ["mistral", "mistral-openai", "mistral", "mistral-embed"]


def run(bench):
    if COUNT:
        load(bench)
    nameless_failure(bench)
    lost_creates(bench)


def load(bench):
    simulator = bench.simulator(
        name="load", fault_429=0.02, fault_5xx=0.03, fault_line_error=0.05, fault_null_output=0.5, fault_control_5xx=0.02,
        fault_control_cut=0.02, fault_expire=0.1)
    service = bench.service(
        simulator, name="loaded", **settings(
            simulator, execution={"worker_concurrency": 64}, batching={"deferred": {"max_requests_per_batch": 400}}))
    status, said, _ = service.command("check")
    check(status == 0 and "provider mistral" in said, f"millrace check: {said}")
    collector = bench.collector()
    wanted = [job(number, lane, f"mistral-{lane}", kind=KINDS[number % 4])
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
    equal("bodies that were refused", simulator.stats()["counters"].get("refused.invalid_request", 0), 0)
    attempts = max(replies[0].body["millrace"]["attempts"] for replies in collector.by_correlation.values())
    check(attempts > 1, "no request needed a second attempt: the faults did not bite")
    translated = next(replies[0] for name, replies in collector.by_correlation.items() if name.endswith("interactive-1"))
    message = translated.body["response"]["body"]["choices"][0]["message"]
    equal("what was thought", message.get("reasoning_content"), "Let me see.")
    bench.say(f"{len(wanted)} answered rightly and paid once, bill {bill / 1e12:.6f} USD, at most {attempts} attempts, "
              f"{simulator.stats()['batches']} batches")
    service.close()
    bench.broker.clear({"integration.replies"})


def nameless_failure(bench):
    simulator = bench.simulator(name="nameless", quirk="mistral_anonymous_errors=on", batch_min_ms=0)
    service = bench.service(simulator, name="guessing", **settings(simulator))
    collector = bench.collector("integration.nameless")
    wanted = [job(number, "deferred", "nameless", kind="mistral") for number in range(9)]
    lost = job(9, "deferred", "nameless", marker="[[sim:reject]]", kind="mistral")
    bench.publishing([each.message() for each in [*wanted, lost]]).wait()
    collector.wait_for(len(wanted) + 1, 60, bench.say)
    error = collector.by_correlation.pop(lost.correlation_id)[0].body["error"]
    equal("the error of the row that nobody named", error["code"], "result_missing")
    bench.verify(wanted, collector)
    equal("payments", len(simulator.paid()), len(wanted))
    bench.say("a failure without a custom_id: its request is answered result_missing, the others rightly")
    service.close()
    bench.broker.clear({"integration.nameless"})


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
        test.reset_after_accept, test.error_after_accept, test.late_after_crash, test.late_after_timeout,
        *test.killed_at_failpoints])


class Lost(Ambiguous):
    kind = "mistral"
