"""Two services with a SQLite ledger each: one consumes, the other says why it does not, and takes over when it is alone.

The one that came first stays. Two that start at once sort it out between them. A stranger's consumer stops the service
until it leaves. With `ledger.allow_unshared_interactive` both serve the interactive lane, and one the deferred.
"""
import time

from harness.checks import check, equal, wait_until
from harness.jobs import job, jobs

REQUESTS = ("llm.requests.interactive", "llm.requests.deferred")


def run(bench):
    simulator = bench.simulator(latency_ms=20)
    collector = bench.collector()
    asked = []
    in_turn(bench, simulator, collector, asked)
    at_once(bench, simulator, collector, asked)
    stranger(bench, simulator, collector, asked)
    interactive_shared(bench, simulator, collector, asked)
    twice = [key for key, times in simulator.payments().items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")


def ask(bench, collector, asked, tag, lane=None):
    wanted = jobs(60, tag) if lane is None else [job(number, lane, tag) for number in range(60)]
    bench.publishing([each.message() for each in wanted]).wait()
    asked += wanted
    collector.wait_for(len(asked), 60)
    bench.verify(asked, collector)


def in_turn(bench, simulator, collector, asked):
    first = bench.service(simulator, name="first")
    second = bench.service(simulator, name="second", start=False)
    second.start(wait=False)
    line = second.wait_unready("consumers", "other consumer", "postgres")
    bench.say(f"/readyz of the second: {line}")
    ask(bench, collector, asked, "turn")
    equal("deliveries to the second", second.metric("deliveries"), 0)
    answer = first.get("readyz")
    equal("readiness of the first", answer and answer[0], 200)
    began = time.monotonic()
    first.process.terminate()
    second.wait_ready()
    bench.say(f"the second took over {time.monotonic() - began:.1f} s after SIGTERM to the first")
    first.start(wait=False)
    first.wait_unready("consumers", "other consumer")
    ask(bench, collector, asked, "turned")
    bench.broker.restart()
    # Whoever consumed before a restart of the broker does so after it.
    second.wait_ready()
    first.wait_unready("consumers", "other consumer")
    ask(bench, collector, asked, "restarted")
    equal("deliveries to the first in its second life", first.metric("deliveries"), 0)
    for each in (first, second):
        each.process.terminate()


def at_once(bench, simulator, collector, asked):
    pair = [bench.service(simulator, name=name, start=False) for name in ("left", "right")]
    for round in range(5):
        for each in pair:
            each.start(wait=False)
        began = time.monotonic()
        wait_until("one of two to be ready for a while", lambda: settled(pair), 60)
        bench.say(f"round {round}: one of two that started at once is alone after {time.monotonic() - began - 5:.1f} s")
        ask(bench, collector, asked, f"once{round}")
        for each in pair:
            each.process.terminate()


def settled(pair):
    """Whether exactly one is ready, for five seconds."""
    until = time.monotonic() + 5
    first = ready(pair)
    if sum(first) != 1:
        return False
    while time.monotonic() < until:
        if ready(pair) != first:
            return False
        time.sleep(0.1)
    return True


def ready(pair):
    return [bool(answer) and answer[0] == 200 for answer in (each.get("readyz") for each in pair)]


def stranger(bench, simulator, collector, asked):
    service = bench.service(simulator, name="host")
    ask(bench, collector, asked, "before")
    with bench.broker.channel() as channel:
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume("llm.requests.deferred", lambda *_: None)
        line = service.wait_unready("consumers", "llm.requests.deferred", "1 other consumer")
        bench.say(f"/readyz: {line}")
        wait_until("it to leave both queues", lambda: [bench.broker.consumers(queue) for queue in REQUESTS] == [0, 1], 20)
    service.wait_ready()
    ask(bench, collector, asked, "after")
    service.process.terminate()


def interactive_shared(bench, simulator, collector, asked):
    changes = {"ledger": {"allow_unshared_interactive": True}, "amqp": {"prefetch": {"interactive": 2}}}
    pair = [bench.service(simulator, name=name, **changes) for name in ("one", "two")]
    wait_until("one to consume the deferred queue, both the interactive",
               lambda: [bench.broker.consumers(queue) for queue in REQUESTS] == [2, 1], 30)
    equal("readiness of both", ready(pair), [True, True])
    check(any("consumers" in each.get("readyz")[1] for each in pair), "/readyz does not name the lane that waits")
    ask(bench, collector, asked, "shared", "interactive")
    ask(bench, collector, asked, "apart", "deferred")
    interactive = [each.metric("deliveries", lane="interactive") for each in pair]
    deferred = [each.metric("deliveries", lane="deferred") for each in pair]
    bench.say(f"deliveries: interactive {interactive}, deferred {deferred}")
    check(min(interactive) > 0, "one of two serves no interactive requests")
    equal("services with deferred deliveries", sum(count > 0 for count in deferred), 1)
    for each in pair:
        each.process.terminate()
