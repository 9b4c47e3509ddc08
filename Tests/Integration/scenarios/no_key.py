"""Messages without key and message_id while acks are lost: none is taken for another, and none is called for twice.

The lanes' connections go through a forwarder that at random moments begins to lose what the service says and then closes
them, so that acks were written that the broker never sees. On SQLite with one service, and on Postgres with three.

Three rounds each: messages that differ, with cuts; messages of which four at a time are equal byte for byte, without; and such
with cuts. Of the last the broker cannot say whether what it delivers again is the one whose ack was lost, or its equal
that was on its way. So what is promised of them is that none is called for twice, and that only such are taken for another as
are delivered again: of equal ones at most as many as the broker, on the wire, was seen to deliver again, and never all.
MILLRACE_NO_KEY_MESSAGES says how many messages each of the two gets; the long run is 10,000. MILLRACE_SEED is of the cuts.
"""
import collections
import json
import os
import random
import threading

from harness.checks import Problems, check, equal, wait_until
from harness.jobs import chat
from harness.messages import Message
from harness.redeliveries import Redeliveries

MESSAGES = int(os.environ.get("MILLRACE_NO_KEY_MESSAGES", "1800"))
SEED = os.environ.get("MILLRACE_SEED", "1")
# How many messages are equal to each other, where some are.
COPIES = 4


def run(bench):
    simulator = bench.simulator(latency_ms=20, batch_min_ms=500, batch_per_row_us=200)
    for ledger, count in (("sqlite", 1), ("postgres", 3)):
        way = bench.way()
        seen = Redeliveries()
        way.listeners = seen.listener
        settings = bench.shared_ledger() if count > 1 else {}
        services = bench.replicas(simulator, settings, count, name=ledger, amqp={"url": bench.url_through(way)})
        test = Round(bench, simulator, way, services, seen)
        test.run(f"{ledger} different", MESSAGES // 2, 1, cuts=True)
        test.run(f"{ledger} equal uncut", MESSAGES // 4, COPIES, cuts=False)
        test.run(f"{ledger} equal", MESSAGES // 4, COPIES, cuts=True)
        for each in services:
            each.process.terminate()


def messages(name, count, copies):
    """So many, in an order of chance; equal ones have nothing that tells them apart, not even a correlation_id."""
    found = []
    for number in range(count):
        prompt = f"{name}-{number // copies}: tell me."
        lane = "interactive" if number // copies % 2 else "deferred"
        found.append(Message(json.dumps(chat("gpt-4o-mini", prompt)).encode(), f"{lane}.test"))
    random.Random(f"{SEED} {name}").shuffle(found)
    return found


class Round:
    def __init__(self, bench, simulator, way, services, seen):
        self.bench = bench
        self.simulator = simulator
        self.way = way
        self.services = services
        self.seen = seen

    def deliveries(self, **labels):
        return sum(each.metric("deliveries", **labels) for each in self.services)

    def run(self, name, count, copies, cuts):
        collector = self.bench.collector(f"integration.{name}")
        sent = messages(name, count, copies)
        delivered, accepted = self.deliveries(), self.deliveries(result="new")
        cutter = Cutter(self.way, random.Random(f"{SEED} {name} cuts"))
        # Long enough that acks are on their way at the cuts.
        publishing = self.bench.publishing(sent, over=4 if cuts else 0)
        if cuts:
            cutter.start()
        try:
            publishing.wait(600)
            # Some more, while the last are settled.
            last = cutter.cuts
            wait_until("two more cuts", lambda: not cuts or cutter.cuts >= last + 2, 60)
        finally:
            cutter.stop()
        for each in self.services:
            each.wait_ready()
        # Before the queues are looked at, whose lengths are some seconds old.
        wait_until("every message to be delivered", lambda: self.deliveries() - delivered >= count, 60, pause=0.2)
        settled(self.bench)
        expected = int(self.deliveries(result="new") - accepted)
        wait_until(lambda: f"{expected} replies of this round; there are {len(self.own(collector, sent))}",
                   lambda: len(self.own(collector, sent)) >= expected, 120)
        redelivered = self.deliveries() - delivered - count
        collapsed = self.verify(collector, sent)
        if cuts:
            check(cutter.cuts >= 2, f"there were only {cutter.cuts} cuts")
            check(redelivered > 0, "no ack was lost")
        equal("redeliveries without a cut", bool(redelivered), cuts)
        self.bench.say(f"held: {name}, {len(self.services)} services: {count} messages, {len({each.body for each in sent})} "
                       f"different, {cutter.cuts} cuts, {redelivered:.0f} redeliveries ({self.again(sent)} on the wire): {collector.count} replies, "
                       f"{collector.copies} copies of replies, {collapsed} taken for another, none called twice")
        collector.close()

    def again(self, sent):
        """How many of these the broker was seen to deliver again."""
        return sum(self.seen.of(body) for body in {each.body for each in sent})

    @staticmethod
    def own(collector, sent):
        """Replies to these messages: copies of an earlier round's may still come."""
        prompts = {json.loads(each.body)["messages"][0]["content"] for each in sent}
        return [reply for reply in list(collector.by_message_id.values())
                if reply.status == "succeeded" and answered(reply) in prompts]

    def verify(self, collector, sent):
        """Returns how many messages were taken for another that is equal."""
        problems = Problems()
        problems.found += collector.problems
        wanted = collections.Counter(json.loads(each.body)["messages"][0]["content"] for each in sent)
        bodies = {json.loads(each.body)["messages"][0]["content"]: each.body for each in sent}
        replies = collections.Counter()
        for reply in list(collector.by_message_id.values()):
            if problems.equal("a status", reply.status, "succeeded"):
                replies[answered(reply)] += 1
        paid = self.simulator.payments()
        for prompt, count in wanted.items():
            # What was not delivered again is a request of its own, and one is left that the others were taken for.
            least = max(1, count - self.seen.of(bodies[prompt]))
            problems.note(least <= replies[prompt] <= count,
                          f"{replies[prompt]} replies to {count} of {prompt!r}; at least {least} were due")
            problems.equal(f"payments for {prompt!r}", paid[prompt], replies[prompt])
        problems.raise_any()
        return len(sent) - len(self.own(collector, sent))


def settled(bench):
    """Nothing is left at the broker, neither ready nor unacked; what came again has had its turn."""
    def is_empty():
        listing = bench.broker.ctl_text("list_queues", "--silent", "name", "messages")
        counts = dict(line.split("\t") for line in listing.splitlines() if "\t" in line)
        return all(counts.get(f"llm.requests.{lane}") == "0" for lane in ("interactive", "deferred"))

    wait_until("the request queues to be empty", is_empty, 60, pause=0.3)


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
        if self.thread.is_alive():
            self.thread.join(10)
