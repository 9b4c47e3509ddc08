"""The broker's connections are lost in the middle of 64 interactive calls: 64 calls are made, and 64 replies come.

A lost connection ends no call: the redelivery is attached to it, whichever replica gets it. The connections of the lane
are cut, and then the broker is restarted, on SQLite with one service and on Postgres with three.
MILLRACE_CALL_MS says how long a call takes; the long run has 10,000.
"""
import os

from harness.checks import check, wait_until
from harness.jobs import job

CALLS = 64
CALL_MS = int(os.environ.get("MILLRACE_CALL_MS", "4000"))
QUEUE = "llm.requests.interactive"


def run(bench):
    simulator = bench.simulator(latency_ms=CALL_MS)
    collector = bench.collector()
    asked = []
    for ledger, count in (("sqlite", 1), ("postgres", 3)):
        way = bench.way()
        settings = bench.shared_ledger() if count > 1 else {}
        # Calls stay with the broker, however long they take.
        services = bench.replicas(
            simulator, settings, count, name=ledger, amqp={"url": bench.url_through(way)},
            execution={"interactive_hold_ms": 60000})
        losses = [(f"cut {number}", lambda way=way: check(way.cut(b"millrace interactive"), "no connection was cut"))
                  for number in (1, 2, 3)]
        for what, lose in [*losses, ("restart", bench.broker.restart)]:
            # An account that is new is given more calls by the second, so the last may begin when the first has ended.
            check(any(cut(bench, simulator, collector, asked, services, ledger, f"{what}, try {number}", lose)
                      for number in (1, 2, 3)), f"{ledger}, {what}: {CALLS} calls were never under way together")
        for each in services:
            each.process.terminate()


def cut(bench, simulator, collector, asked, services, ledger, what, lose):
    """Returns whether the connections were lost, which they are where all calls were under way together."""
    wanted = [job(number, "interactive", f"{ledger} {what}", kind=0) for number in range(CALLS)]
    asked += wanted
    before = len(simulator.paid())
    delivered = sum(each.metric("deliveries", lane="interactive") for each in services)
    bench.publishing([each.message(message_id=None) for each in wanted], connections=8).wait()
    wait_until("all calls to be under way", lambda: len(simulator.paid()) >= before + CALLS, 30)
    if collector.count > len(asked) - CALLS:
        bench.say(f"{ledger}, {what}: a call ended before the last began")
        collector.wait_for(len(asked), 30 + CALL_MS / 1000)
        return False
    lose()
    collector.wait_for(len(asked), 30 + CALL_MS / 1000)
    for each in services:
        each.wait_ready()

    def again():
        return sum(each.metric("deliveries", lane="interactive") for each in services) - delivered - CALLS

    # A broker that takes long to come back has the replies before it delivers again what they answer.
    wait_until("redeliveries", lambda: again() > 0, 30, pause=0.2)
    wait_until("the queue to be empty", lambda: not bench.broker.depth(QUEUE), 20, pause=0.2)
    bench.verify(asked, collector)
    payments = simulator.payments()
    unequal = [each.correlation_id for each in wanted if payments[each.key] != 1]
    check(not unequal, f"{ledger}, {what}: not called once: {unequal[:5]}")
    bench.say(f"{ledger}, {len(services)} services, {what}: {CALLS} calls of {CALL_MS / 1000:.0f} s, {again():.0f} "
              f"redeliveries: {len(simulator.paid()) - before} calls, {CALLS} replies, {collector.copies} copies of replies")
    return True
