"""Messages without key and message_id, many of them equal byte for byte, while acks are lost: none is taken for another.

The lanes' connections go through a forwarder that at random moments begins to lose what the service says and then closes
them, so that acks were written that the broker never sees. On SQLite with one service, and on Postgres with three.
MILLRACE_NO_KEY_MESSAGES says how many messages each of the two gets; the long run is 10,000.
"""
import collections
import json
import os
import random
import threading

from harness.checks import Problems, check, equal, wait_until
from harness.jobs import chat
from harness.messages import Message

MESSAGES = int(os.environ.get("MILLRACE_NO_KEY_MESSAGES", "1200"))
SEED = int(os.environ.get("MILLRACE_SEED", "1"))
# How many messages are equal to each other.
COPIES = 4


def run(bench):
    simulator = bench.simulator(latency_ms=20, batch_min_ms=500, batch_per_row_us=200)
    for ledger, count in (("sqlite", 1), ("postgres", 3)):
        way = bench.way()
        settings = bench.shared_ledger() if count > 1 else {}
        services = bench.replicas(simulator, settings, count, name=ledger, amqp={"url": bench.url_through(way)})
        lose_acks(bench, simulator, way, ledger, services)
        for each in services:
            each.process.terminate()


def messages(ledger):
    """So many, in an order of chance; equal ones have nothing that tells them apart, not even a correlation_id."""
    found = []
    for number in range(MESSAGES):
        prompt = f"{ledger}-{number // COPIES}: tell me about it."
        lane = "interactive" if number // COPIES % 2 else "deferred"
        found.append(Message(json.dumps(chat("gpt-4o-mini", prompt)).encode(), f"{lane}.test"))
    random.Random(f"{SEED} {ledger}").shuffle(found)
    return found


def lose_acks(bench, simulator, way, ledger, services):
    collector = bench.collector(f"integration.{ledger}")
    sent = messages(ledger)
    cutter = Cutter(way, random.Random(f"{SEED} {ledger} cuts"))
    publishing = bench.publishing(sent)
    cutter.start()
    try:
        wait_until(lambda: f"the broker to confirm {MESSAGES} messages, {publishing.sent} are",
                   lambda: publishing.error or publishing.sent == MESSAGES, 600)
        publishing.wait(10)
        # Some more, while the last are settled.
        cuts = cutter.cuts
        wait_until("two more cuts", lambda: cutter.cuts >= cuts + 2, 60)
    finally:
        cutter.stop()
    collector.wait_for(MESSAGES, 60, bench.say)
    for each in services:
        each.wait_ready()
    settled(bench)
    redelivered = sum(each.metric("deliveries") for each in services) - MESSAGES
    verify(simulator, collector, sent, ledger)
    check(cutter.cuts >= 3, f"there were only {cutter.cuts} cuts")
    check(redelivered > 0, "no ack was lost")
    bench.say(f"{ledger}, {len(services)} services: {MESSAGES} messages, {len({each.body for each in sent})} different, "
              f"{cutter.cuts} cuts, {redelivered:.0f} redeliveries: {collector.count} replies, "
              f"{collector.copies} copies of replies, none collapsed, none called twice")


def settled(bench):
    """Nothing is left at the broker, neither ready nor unacked; what came again has had its turn."""
    def is_empty():
        listing = bench.broker.ctl_text("list_queues", "--silent", "name", "messages")
        counts = dict(line.split("\t") for line in listing.splitlines() if "\t" in line)
        return all(counts.get(f"llm.requests.{lane}") == "0" for lane in ("interactive", "deferred"))

    wait_until("the request queues to be empty", is_empty, 60, pause=0.3)


def verify(simulator, collector, sent, ledger):
    problems = Problems()
    problems.found += collector.problems
    wanted = collections.Counter(json.loads(each.body)["messages"][0]["content"] for each in sent)
    replies = collections.Counter()
    for reply in collector.by_message_id.values():
        if problems.equal("a status", reply.status, "succeeded"):
            replies[answered(reply)] += 1
    paid = simulator.payments()
    for prompt, count in wanted.items():
        problems.equal(f"replies to {prompt!r}", replies[prompt], count)
        problems.equal(f"payments for {prompt!r}", paid[prompt], count)
    equal("different replies", collector.count, len(sent))
    problems.raise_any()


def answered(reply):
    """The prompt, which the simulator's answer ends with."""
    return reply.body["response"]["body"]["choices"][0]["message"]["content"].split(" ", 2)[2]


class Cutter:
    """Loses acks at random moments, until it is stopped."""

    def __init__(self, way, chance):
        self.way = way
        self.chance = chance
        self.cuts = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(self.chance.uniform(0.1, 0.8)):
            lane = self.chance.choice([b"millrace deferred", b"millrace interactive"])
            deaf = self.way.deafen(lane)
            self.stopping.wait(self.chance.uniform(0.01, 0.3))
            for each in deaf:
                each.close()
            self.cuts += bool(deaf)

    def stop(self):
        self.stopping.set()
        self.thread.join(10)
