"""Who asks twice, by key, message_id, replay or nothing, on both lanes: the provider's log says who was paid."""
import uuid

from harness.checks import check, equal, wait_until
from harness.jobs import job


def run(bench):
    simulator = bench.simulator()
    bench.service(simulator)
    test = Identity(bench, simulator, bench.collector(), bench.publisher())
    for number, lane in enumerate(("interactive", "deferred")):
        test.lane, test.number = lane, 10 + number
        for part in (test.key_again, test.key_attached, test.conflict, test.tenants, test.message_id, test.replay,
                     test.nothing, test.rejected, test.new_generation):
            part()
        bench.say(f"{lane}: all parts")
    check(not test.collector.problems, test.collector.problems)


class Identity:
    def __init__(self, bench, simulator, collector, publisher):
        self.bench = bench
        self.simulator = simulator
        self.collector = collector
        self.publisher = publisher
        self.lane = ""
        self.number = 0

    def request(self, part, marker=""):
        return job(self.number, self.lane, f"{self.lane}-{part}", marker, kind=0)

    def send(self, request, correlation_id, headers=None, message_id=None):
        """Publishes the request under another correlation ID."""
        message = request.message()
        message.headers = headers
        message.properties["correlation_id"] = correlation_id
        message.properties["message_id"] = message_id
        self.publisher.publish(message)

    def ask(self, request, correlation_id, headers=None, message_id=None):
        """Publishes, and returns the next reply with this correlation ID."""
        number = len(self.collector.replies_to(correlation_id)) + 1
        self.send(request, correlation_id, headers, message_id)
        return self.collector.reply_to(correlation_id, number=number)

    def paid(self, request):
        return self.simulator.payments()[request.key]

    def answered(self, reply, request):
        equal("x-status", reply.status, "succeeded")
        equal("the answer", reply.body["response"]["body"]["choices"][0]["message"]["content"], request.answer)

    def key_again(self):
        """The same key and body again, after the answer: one call, a stored answer that costs nothing."""
        request, headers = self.request("again"), {"x-idempotency-key": f"key-{self.lane}"}
        first = self.ask(request, f"{self.lane}-again-a", headers)
        second = self.ask(request, f"{self.lane}-again-b", headers)
        for reply in (first, second):
            self.answered(reply, request)
        one, two = first.body["millrace"], second.body["millrace"]
        check(first.properties.message_id != second.properties.message_id, "two subscribers have one message_id")
        equal("the call", two["call_id"], one["call_id"])
        equal("replayed", (one.get("replayed"), two.get("replayed")), (None, True))
        equal("the cost of a stored answer", two["cost"], {"usd": "0", "basis": "replay"})
        check(one["cost"]["usd"] != "0", "the first answer is free")
        equal("the stored response", second.body["response"], first.body["response"])
        equal("payments", self.paid(request), 1)

    def key_attached(self):
        """The same key and body while the call is under way: one call, both answered."""
        request, headers = self.request("attached", "[[sim:slow=700]] "), {"x-idempotency-key": f"slow-{self.lane}"}
        names = [f"{self.lane}-attached-{letter}" for letter in "abc"]
        for name in names:
            self.send(request, name, headers)
        replies = [self.collector.reply_to(name) for name in names]
        for reply in replies:
            self.answered(reply, request)
        equal("calls", len({reply.body["millrace"]["call_id"] for reply in replies}), 1)
        equal("replies that cost something", sum(r.body["millrace"]["cost"]["usd"] != "0" for r in replies), 1)
        equal("payments", self.paid(request), 1)

    def conflict(self):
        """The same key with another body."""
        headers = {"x-idempotency-key": f"conflict-{self.lane}"}
        first, other = self.request("conflict"), self.request("conflict-other")
        self.answered(self.ask(first, f"{self.lane}-conflict-a", headers), first)
        reply = self.ask(other, f"{self.lane}-conflict-b", headers)
        equal("the code", reply.error_code, "idempotency_conflict")
        equal("payments of the other body", self.paid(other), 0)
        again = self.ask(first, f"{self.lane}-conflict-c", headers)
        self.answered(again, first)
        equal("payments", self.paid(first), 1)

    def tenants(self):
        """The same key of two tenants: two calls."""
        request, key = self.request("tenants"), f"tenants-{self.lane}"
        for tenant in ("red", "blue"):
            reply = self.ask(request, f"{self.lane}-tenant-{tenant}", {"x-idempotency-key": key, "x-tenant": tenant})
            self.answered(reply, request)
            equal("x-tenant", reply.headers.get("x-tenant"), tenant)
        equal("payments", self.paid(request), 2)

    def message_id(self):
        """The same message again: the same reply. The same message_id with another body: another request."""
        request, other = self.request("message"), self.request("message-other")
        name, message_id = f"{self.lane}-message", f"message-{self.lane}"
        first = self.ask(request, name, message_id=message_id)
        copies = self.collector.copies
        self.send(request, name, message_id=message_id)
        wait_until("the same reply again", lambda: self.collector.copies > copies, 20)
        equal("different replies", len(self.collector.replies_to(name)), 1)
        self.answered(first, request)
        self.answered(self.ask(other, name, message_id=message_id), other)
        equal("payments", (self.paid(request), self.paid(other)), (1, 1))

    def replay(self):
        """x-millrace-replay forces a new call, once for each value."""
        request, name = self.request("replay"), f"{self.lane}-replay"
        headers = {"x-idempotency-key": f"replay-{self.lane}"}
        first = self.ask(request, name, headers)
        forced = {**headers, "x-millrace-replay": str(uuid.UUID(int=self.number))}
        second = self.ask(request, name, forced)
        self.answered(second, request)
        check(second.properties.message_id != first.properties.message_id, "the forced call has the old message_id")
        check(second.body["millrace"]["call_id"] != first.body["millrace"]["call_id"], "no new call was made")
        equal("replayed", second.body["millrace"].get("replayed"), None)
        equal("payments", self.paid(request), 2)
        copies = self.collector.copies
        self.send(request, name, forced)
        wait_until("the forced reply again", lambda: self.collector.copies > copies, 20)
        equal("payments after the same value", self.paid(request), 2)

    def nothing(self):
        """Neither key nor message_id: equal messages are two requests."""
        request, name = self.request("nothing"), f"{self.lane}-nothing"
        first = self.ask(request, name)
        second = self.ask(request, name)
        check(first.properties.message_id != second.properties.message_id, "two requests have one message_id")
        equal("payments", self.paid(request), 2)

    def rejected(self):
        """A definite answer of the provider is stored as well."""
        request, headers = self.request("rejected", "[[sim:reject]] "), {"x-idempotency-key": f"rejected-{self.lane}"}
        first = self.ask(request, f"{self.lane}-rejected-a", headers)
        second = self.ask(request, f"{self.lane}-rejected-b", headers)
        equal("the codes", (first.error_code, second.error_code), ("provider_rejected", "provider_rejected"))
        equal("the response", second.body["response"], first.body["response"])
        equal("the status", first.body["response"]["status_code"], 400)
        equal("the call", second.body["millrace"]["call_id"], first.body["millrace"]["call_id"])

    def new_generation(self):
        """After a failure that says nothing about the request, the key may be used anew."""
        request, name = self.request("generation"), f"{self.lane}-generation"
        headers = {"x-idempotency-key": f"generation-{self.lane}"}
        first = self.ask(request, name, {**headers, "x-deadline": "2020-01-01T00:00:00Z"})
        equal("the code", first.error_code, "deadline_exceeded")
        second = self.ask(request, name, headers)
        self.answered(second, request)
        check(second.properties.message_id != first.properties.message_id, "two outcomes have one message_id")
        equal("payments", self.paid(request), 1)
