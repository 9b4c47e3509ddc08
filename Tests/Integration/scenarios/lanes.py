"""A backlog of deferred requests for one model does not delay interactive ones of another.

What interactive requests wait with nothing else to do, and while a backlog of deferred requests is taken in, batched and
answered. A plain consumer of another queue takes as many at the same time: what it waits for is the broker's, the
simulator's and the machine's. MILLRACE_LANES_DEFERRED says how many there are (100,000 is the full size).
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


def run(bench):
    simulator = bench.simulator(enqueued_tokens=0, batch_per_row_us=20)
    limits = {"requests_per_minute": 1_000_000, "tokens_per_minute": 1_000_000_000, "enqueued_tokens": "unlimited",
              "batch_creates_per_hour": "unlimited"}
    service = bench.service(simulator, start=False, providers={"openai": {"limits": limits}},
                            batching={"deferred": {"max_requests_per_batch": 5000}})
    service.start()
    answers = bench.collector("integration.deferred", binding=None)
    plain = PlainConsumer(bench.broker, "integration.plain", simulator)
    try:
        measure(bench, answers)
    finally:
        plain.close()


def measure(bench, answers):
    alone, plain_alone = probes(bench, "alone")
    began = time.monotonic()
    backlog = bench.publishing([deferred(number) for number in range(DEFERRED)], connections=2)
    waits, plain = probes(bench, "beside")
    backlog.wait(DEFERRED / 100 + 60)
    wait_until(lambda: f"{DEFERRED} deferred answers; there are {answers.count}",
               lambda: answers.count >= DEFERRED, DEFERRED / 100 + 120, pause=0.2)
    took = time.monotonic() - began
    bench.say(f"{len(waits)} interactive requests: alone {shown(alone)}; beside {DEFERRED} deferred ones, which took "
              f"{took:.0f} s, {shown(waits)}")
    bench.say(f"{len(plain)} of a plain consumer at the same time: alone {shown(plain_alone)}; beside {shown(plain)}")
    # Nothing of it stood in the way: whoever waits behind a backlog waits for a good part of it.
    check(percentile(waits, 0.99) < took / 5,
          f"interactive requests waited {percentile(waits, 0.99):.2f} s beside a backlog that took {took:.1f} s")


def probes(bench, name):
    """What the service's requests wait, and the plain consumer's."""
    both = [
        Probe(bench.broker, [job(number, "interactive", f"{kind}-{name}", kind=0) for number in range(SECONDS * PER_SECOND)],
              SECONDS, queue=queue, **{"x-tenant": "people"})
        for kind, queue in (("interactive", None), ("plain", "integration.plain"))]
    return [each.waits() for each in both]


def deferred(number):
    prompt = f"deferred-{number}: tell me."
    return Message(json.dumps(chat("gpt-4.1-mini", prompt)).encode(), "deferred.test", {"x-tenant": "archive"},
                   {"message_id": f"deferred-{number}", "correlation_id": f"deferred-{number}",
                    "reply_to": "integration.deferred"})


def shown(waits):
    return f"p50 {percentile(waits, 0.5) * 1000:.0f} ms, p99 {percentile(waits, 0.99) * 1000:.0f} ms"
