"""A backlog of deferred requests for one model does not delay interactive ones of another.

What interactive requests wait with nothing else to do, and while a backlog of deferred requests is taken in, batched and
answered. A second service takes as many at the same time, on queues and a ledger of its own and with no backlog: what it
waits for is the broker's, the simulator's and the machine's, and the difference is the backlog's. So does a plain consumer,
which keeps nothing. MILLRACE_LANES_DEFERRED says how many there are (100,000 is the full size).
"""
import json
import os
import time

from harness.checks import check, wait_until
from harness.jobs import chat, job
from harness.messages import Message
from harness.waits import PlainConsumer, Probe, percentile

DEFERRED = int(os.environ.get("MILLRACE_LANES_DEFERRED", "5000"))
SECONDS = int(os.environ.get("MILLRACE_LANES_SECONDS", "10"))
PER_SECOND = 20
APART = {name: f"apart.{name}" for name in (
    "requests_exchange", "other_exchange", "interactive_queue", "deferred_queue", "results_exchange", "unclaimed_exchange",
    "unclaimed_queue", "dead_letter_exchange", "dead_letter_queue")}
PROBES = {"same": "to the service that has the backlog", "apart": "to a service of their own", "plain": "to a plain consumer"}


def run(bench):
    simulator = bench.simulator(enqueued_tokens=0, batch_per_row_us=20)
    limits = {"requests_per_minute": 1_000_000, "tokens_per_minute": 1_000_000_000, "enqueued_tokens": "unlimited",
              "batch_creates_per_hour": "unlimited"}
    service = bench.service(simulator, start=False, providers={"openai": {"limits": limits}},
                            batching={"deferred": {"max_requests_per_batch": 5000}})
    service.start()
    bench.reply_queues.update(name for kind, name in APART.items() if kind.endswith("queue"))
    bench.service(simulator, name="apart", amqp=APART, providers={"openai": {"limits": limits}})
    answers = bench.collector("integration.deferred", binding=None, niceness=15)
    plain = PlainConsumer(bench.broker, "integration.plain", simulator)
    try:
        measure(bench, answers)
    finally:
        plain.close()


def measure(bench, answers):
    alone = probes(bench, "alone")
    began = time.monotonic()
    backlog = bench.publishing([deferred(number) for number in range(DEFERRED)], connections=2, niceness=15)
    beside = probes(bench, "beside")
    backlog.wait(DEFERRED / 100 + 60)
    wait_until(lambda: f"{DEFERRED} deferred answers; there are {answers.count}",
               lambda: answers.count >= DEFERRED, DEFERRED / 100 + 120, pause=0.2)
    took = time.monotonic() - began
    bench.say(f"{DEFERRED} deferred requests took {took:.0f} s")
    for name, text in PROBES.items():
        bench.say(f"{len(beside[name])} interactive requests {text}: alone {shown(alone[name])}; beside {shown(beside[name])}")
    # Nothing of it stood in the way: whoever waits behind a backlog waits for a good part of it.
    waits = percentile(beside["same"], 0.99)
    check(waits < took / 5, f"interactive requests waited {waits:.2f} s beside a backlog that took {took:.1f} s")


def probes(bench, name):
    """What requests wait, by who answers them."""
    queues = {"same": None, "apart": APART["interactive_queue"], "plain": "integration.plain"}
    running = {
        kind: Probe(bench.broker, [job(number, "interactive", f"{kind}-{name}", kind=0) for number in range(SECONDS * PER_SECOND)],
                    SECONDS, queue=queue, **{"x-tenant": "people"})
        for kind, queue in queues.items()}
    return {kind: probe.waits() for kind, probe in running.items()}


def deferred(number):
    prompt = f"deferred-{number}: tell me."
    return Message(json.dumps(chat("gpt-4.1-mini", prompt)).encode(), "deferred.test", {"x-tenant": "archive"},
                   {"message_id": f"deferred-{number}", "correlation_id": f"deferred-{number}",
                    "reply_to": "integration.deferred"})


def shown(waits):
    return f"p50 {percentile(waits, 0.5) * 1000:.0f} ms, p99 {percentile(waits, 0.99) * 1000:.0f} ms"
