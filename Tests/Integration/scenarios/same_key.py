"""Many publishers send one key at once to three replicas: one provider call, and a reply to each of them.

In both lanes; also with two bodies under one key, and with the replica that calls killed in mid-call.
MILLRACE_PUBLISHERS and MILLRACE_KEYS say how many publishers and how many keys of each lane there are.
"""
import os

from harness.checks import check, equal, wait_until
from harness.crowd import Crowd
from harness.jobs import job

PUBLISHERS = int(os.environ.get("MILLRACE_PUBLISHERS", "100"))
KEYS = int(os.environ.get("MILLRACE_KEYS", "3"))
LANES = ("interactive", "deferred")


def run(bench):
    simulator = bench.simulator(latency_ms=300)
    ledger = bench.shared_ledger()
    replicas = bench.replicas(simulator, ledger, amqp={"prefetch": {"interactive": 64}})
    crowd = Crowd(bench.broker, PUBLISHERS)
    bench.closing.append(crowd)
    test = SameKey(bench, simulator, bench.collector(), crowd)
    for lane in LANES:
        for number in range(KEYS):
            test.one_body(lane, number)
            shares = [sum(each.metric("deliveries", lane=lane) for each in replicas[:count + 1])
                      for count in range(len(replicas))]
            check(shares[-1] > shares[0] or PUBLISHERS < 10, f"one replica had every delivery: {shares}")
        for number in range(KEYS):
            test.two_bodies(lane, number)
        bench.say(f"{lane}: {KEYS} keys with one body and {KEYS} with two, {PUBLISHERS} publishers each: a call a key, "
                  f"{test.collector.copies} copies of replies")
    for number in range(KEYS):
        test.killed(replicas, number)


class SameKey:
    def __init__(self, bench, simulator, collector, crowd):
        self.bench = bench
        self.simulator = simulator
        self.collector = collector
        self.crowd = crowd

    def messages(self, requests, key):
        """A message from each publisher, all with this key: of these requests in turn."""
        found = []
        for number in range(PUBLISHERS):
            message = requests[number % len(requests)].message()
            message.headers = {"x-idempotency-key": key}
            message.properties |= {"correlation_id": f"{key} {number}", "message_id": f"m {key} {number}"}
            found.append(message)
        return found

    def replies(self, key, seconds=60):
        """The reply to each publisher, of which there is one, with a message_id of its own."""
        names = [f"{key} {number}" for number in range(PUBLISHERS)]
        wait_until(lambda: f"replies to {[each for each in names if not self.collector.replies_to(each)][:5]}",
                   lambda: all(self.collector.replies_to(each) for each in names), seconds)
        found = [self.collector.replies_to(each) for each in names]
        equal("replies", [len(each) for each in found], [1] * PUBLISHERS)
        replies = [each[0] for each in found]
        equal("message_ids", len({each.properties.message_id for each in replies}), PUBLISHERS)
        check(not self.collector.problems, self.collector.problems)
        return replies

    def answered(self, replies, request):
        for reply in replies:
            equal(f"the status of {reply.properties.correlation_id}", reply.status, "succeeded")
            equal("the answer", reply.body["response"]["body"]["choices"][0]["message"]["content"], request.answer)
        equal("calls", len({reply.body["millrace"]["call_id"] for reply in replies}), 1)
        equal("replies that cost something", sum(r.body["millrace"]["cost"]["usd"] != "0" for r in replies), 1)

    def paid(self, request):
        return self.simulator.payments()[request.key]

    def one_body(self, lane, number):
        key = f"{lane} same {number}"
        request = job(number, lane, f"{lane}-same", kind=0)
        self.crowd.publish(self.messages([request], key))
        self.answered(self.replies(key), request)
        equal(f"payments for {key}", self.paid(request), 1)

    def two_bodies(self, lane, number):
        """Whoever comes first has the key."""
        key = f"{lane} conflict {number}"
        requests = [job(number, lane, f"{lane}-{name}", kind=0) for name in ("this", "that")]
        self.crowd.publish(self.messages(requests, key))
        replies = self.replies(key)
        payments = [self.paid(request) for request in requests]
        equal("payments for the two bodies", sorted(payments), [0, 1])
        winner = payments.index(1)
        self.answered(replies[winner::2], requests[winner])
        equal("codes of the other body", {each.error_code for each in replies[1 - winner::2]}, {"idempotency_conflict"})

    def killed(self, replicas, number):
        """The replica that makes the call is killed in the middle of it."""
        key = f"killed {number}"
        request = job(number, "interactive", "killed", kind=0)
        self.simulator.change(latency_ms=4000)
        begun = [calls_of(each) for each in replicas]
        self.crowd.publish(self.messages([request], key))
        callers = wait_until(
            "a replica to call",
            lambda: [each for each, calls in zip(replicas, begun, strict=True) if calls_of(each) > calls], 30)
        equal("replicas that call", len(callers), 1)
        wait_until("the call to be accepted", lambda: self.paid(request), 30)
        callers[0].process.kill()
        self.simulator.change(latency_ms=300)
        self.answered(self.replies(key), request)
        payments = self.paid(request)
        check(payments <= 2, f"{payments} payments after one kill")
        self.bench.say(f"the replica that called was killed in mid-call: {PUBLISHERS} answered, {payments} calls")
        callers[0].start()


def calls_of(service):
    """For how many deliveries it has begun a call."""
    return service.metric("deliveries", lane="interactive", result="new")
