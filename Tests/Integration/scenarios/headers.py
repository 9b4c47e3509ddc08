"""Every property and header that a publisher may set, and the replies' ways back."""
import dataclasses
import datetime
import gzip
import json
import time

from harness.answers import echo, vector
from harness.checks import check, equal, wait_until
from harness.jobs import answer_problems, chat, job
from harness.messages import Message

TAGS = {"x-tenant": "search", "x-cost-center": "cc 42", "x-user": "ana@example.org", "x-service": "indexer",
        "x-environment": "tést"}
TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=a,other=b",
         "x-batch-trace-id": "batch-trace-7"}


def run(bench):
    simulator = bench.simulator()
    service = bench.service(simulator)
    test = Headers(bench, simulator, bench.collector(), bench.publisher())
    for part in (test.lanes, test.deadlines, test.late, test.tags, test.bodies, test.correlation,
                 test.other_routing_key, test.endpoints, test.reply_to, test.direct_reply):
        part()
        bench.say(part.__doc__)
    check(not test.collector.problems, test.collector.problems)
    equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
    # A window that stays open while the cancellation is on its way.
    service.config["batching"]["deferred"] = {"idle_ms": 2000, "max_age_ms": 10_000}
    service.start()
    test.cancel()
    bench.say(test.cancel.__doc__)


class Headers:
    def __init__(self, bench, simulator, collector, publisher):
        self.bench = bench
        self.simulator = simulator
        self.collector = collector
        self.publisher = publisher
        self.number = 0

    def request(self, lane="interactive", marker="", **headers):
        self.number += 1
        request = job(self.number, lane, "header", marker, kind=0)
        request.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return request

    def ask(self, request, **properties):
        self.publisher.publish(request.message(**properties))
        return self.collector.reply_to(request.correlation_id)

    def answered(self, request, reply, lane=None):
        problems = answer_problems(dataclasses.replace(request, lane=lane or request.lane), reply)
        check(not problems, problems)

    def lanes(self):
        """x-lane decides how a request is sent, whatever its queue"""
        for queue, wish, deadline, lane in (
            ("deferred", "interactive", None, "interactive"), ("interactive", "deferred", None, "deferred"),
            ("interactive", "interactive", None, "interactive"), ("deferred", "deferred", None, "deferred"),
            ("interactive", "auto", None, "deferred"), ("deferred", "auto", 60_000, "interactive"),
            ("interactive", "auto", 60_000, "interactive"),
        ):
            headers = {"x_lane": wish} | ({"x_deadline_ms": deadline} if deadline else {})
            request = self.request(queue, **headers)
            self.answered(request, self.ask(request), lane)

    def deadlines(self):
        """x-deadline and x-deadline-ms in all their forms bound sending, the earlier of both counts"""
        now = int(time.time())
        past, future = (datetime.datetime.fromtimestamp(now + shift, datetime.timezone.utc) for shift in (-60, 7200))
        offset = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
        for lane in ("interactive", "deferred"):
            for headers, properties, is_late in (
                ({"x_deadline": future.isoformat()}, {}, False),
                ({"x_deadline": past.isoformat()}, {}, True),
                ({"x_deadline": past.astimezone(offset).isoformat()}, {}, True),
                ({"x_deadline": future.strftime("%Y-%m-%dT%H:%M:%SZ")}, {}, False),
                # pika writes a datetime as an AMQP timestamp.
                ({"x_deadline": future.replace(tzinfo=None)}, {}, False),
                ({"x_deadline": past.replace(tzinfo=None)}, {}, True),
                ({"x_deadline_ms": 60_000}, {}, False),
                ({"x_deadline_ms": "60000"}, {}, False),
                ({"x_deadline_ms": 0}, {}, True),
                ({"x_deadline_ms": 2**40}, {}, False),
                ({"x_deadline_ms": 30_000}, {"timestamp": now - 60}, True),
                ({"x_deadline_ms": "90000"}, {"timestamp": now - 60}, False),
                ({"x_deadline_ms": 60_000, "x_deadline": past.isoformat()}, {}, True),
                ({"x_deadline_ms": 0, "x_deadline": future.isoformat()}, {}, True),
            ):
                request = self.request(lane, **headers)
                reply = self.ask(request, **properties)
                if not is_late:
                    # One that a batch could not keep is sent synchronously.
                    is_near = int(headers.get("x_deadline_ms", 2**40)) < 600_000
                    self.answered(request, reply, "interactive" if is_near else lane)
                    continue
                equal(f"the code with {headers} {properties}", reply.error_code, "deadline_exceeded")
                equal("payments", self.simulator.payments()[request.key], 0)

    def late(self):
        """what was sent in time and answered after its deadline says x-late"""
        request = self.request(marker="[[sim:slow=1500]] ", x_deadline_ms=700)
        reply = self.ask(request)
        self.answered(request, reply)
        equal("x-late", reply.headers.get("x-late"), True)
        request = self.request(x_deadline_ms=60_000)
        equal("x-late of a timely answer", self.ask(request).headers.get("x-late"), None)

    def tags(self):
        """cost tags and trace context come back"""
        for lane in ("interactive", "deferred"):
            request = self.request(lane)
            request.headers = {**TAGS, **TRACE, "x-something-else": [1, {"a": None}]}
            reply = self.ask(request)
            self.answered(request, reply)
            found = {name: reply.headers.get(name) for name in {**TAGS, **TRACE}}
            equal("tags and trace context", found, {**TAGS, **TRACE})
            failing = self.request(lane, marker="[[sim:reject]] ")
            failing.headers = {**TAGS, **TRACE}
            reply = self.ask(failing)
            equal("the code", reply.error_code, "provider_rejected")
            equal("tags of a failure", {name: reply.headers.get(name) for name in {**TAGS, **TRACE}}, {**TAGS, **TRACE})
        equal("the default tenant", self.ask(self.request()).headers.get("x-tenant"), "default")

    def bodies(self):
        """gzip, line breaks between tokens and line separators in strings are taken"""
        for separator in ("gzip", "\n", "\r\n\t", "\u2028"):
            request = self.request("deferred")
            if separator == "\u2028":
                request.prompt += separator
                request.body["messages"][0]["content"] = request.prompt
                request.answer = echo(request.prompt)
            message = request.message()
            if separator == "gzip":
                message.properties["content_encoding"] = "gzip"
                message.body = gzip.compress(message.body)
            elif separator.isspace() and separator != "\u2028":
                message.body = json.dumps(request.body, indent=1).replace("\n", separator).encode()
            self.publisher.publish(message)
            self.answered(request, self.collector.reply_to(request.correlation_id))

    def correlation(self):
        """the correlation ID is the property, else the body's own id, else the message_id"""
        for properties, own, wanted in (
            ({"correlation_id": "c" * 255, "message_id": "m-1"}, None, "c" * 255),
            ({"correlation_id": "with.dots.#.and * stars", "message_id": "m-1b"}, None, "with.dots.#.and * stars"),
            ({"correlation_id": None, "message_id": "m-2"}, "own-id", "own-id"),
            ({"correlation_id": "", "message_id": "m-3"}, "own-id-2", "own-id-2"),
            ({"correlation_id": None, "message_id": "m-4"}, None, "m-4"),
        ):
            body = chat("gpt-4o-mini", f"correlation {wanted[:20]}")
            if own:
                body = {"custom_id": own, "method": "POST", "url": "/v1/chat/completions", "body": body}
            self.publisher.publish(Message(json.dumps(body).encode(), "interactive.x.y", None, properties))
            reply = self.collector.reply_to(wanted)
            equal("the routing key", reply.routing_key, wanted)
            equal("x-correlation", reply.headers.get("x-correlation"), None)
            equal("custom_id", reply.body["custom_id"], own or wanted)

    def other_routing_key(self):
        """a routing key without a lane is deferred"""
        for key in ("somewhere.else", ""):
            request = self.request("deferred")
            message = request.message()
            message.routing_key = key
            self.publisher.publish(message)
            self.answered(request, self.collector.reply_to(request.correlation_id))

    def endpoints(self):
        """x-endpoint says what the body does not"""
        for path in ("/v1/embeddings", "/embeddings"):
            request = self.request(x_endpoint=path)
            request.body = {"model": "gpt-4o-mini", "input": request.prompt}
            request.answer = vector(request.prompt)
            self.answered(request, self.ask(request))
            last = self.simulator.paid()[-1]
            equal("the endpoint", (last["endpoint"], last["model"]), ("/v1/embeddings", "gpt-4o-mini"))

    def reply_to(self):
        """reply_to sends the reply to that queue alone"""
        own = self.bench.collector("integration.direct", binding=None)
        for lane in ("interactive", "deferred"):
            request = self.request(lane)
            self.publisher.publish(request.message(reply_to="integration.direct"))
            reply = own.reply_to(request.correlation_id)
            reply = dataclasses.replace(reply, routing_key=request.correlation_id)
            self.answered(request, reply)
            equal("replies in llm.results", len(self.collector.replies_to(request.correlation_id)), 0)

    def direct_reply(self):
        """amq.rabbitmq.reply-to reaches whoever asked"""
        connection = self.bench.broker.connect()
        try:
            channel = connection.channel()
            found = {}
            channel.basic_consume(
                "amq.rabbitmq.reply-to", lambda _channel, _method, properties, body: found.update(
                    {properties.correlation_id: json.loads(body)}), auto_ack=True)
            requests = [self.request("interactive"), self.request("deferred")]
            for request in requests:
                message = request.message(reply_to="amq.rabbitmq.reply-to")
                channel.basic_publish(message.exchange, message.routing_key, message.body, message.basic_properties())
            deadline = time.monotonic() + 20
            while len(found) < 2 and time.monotonic() < deadline:
                connection.process_data_events(time_limit=0.1)
            for request in requests:
                check(request.correlation_id in found, f"no direct reply to {request.correlation_id}")
                answer = found[request.correlation_id]["response"]["body"]["choices"][0]["message"]["content"]
                equal("the answer", answer, request.answer)
        finally:
            connection.close()

    def cancel(self):
        """llm.cancel takes back what has not been sent, of its own tenant only"""
        kept, taken = self.request("deferred", x_tenant="kept"), self.request("deferred", x_tenant="taken")
        for request in (kept, taken):
            self.publisher.publish(request.message())
        for request in (kept, taken):
            self.publisher.publish(
                Message(b"", "deferred.cancel", {"x-tenant": "taken"},
                        {"type": "llm.cancel", "correlation_id": request.correlation_id}))
        reply = self.collector.reply_to(taken.correlation_id)
        equal("the code", reply.error_code, "cancelled")
        self.answered(kept, self.collector.reply_to(kept.correlation_id))
        payments = self.simulator.payments()
        equal("payments", (payments[kept.key], payments[taken.key]), (1, 0))
        # Too late: the answer stands.
        copies = self.collector.copies
        self.publisher.publish(
            Message(b"", "deferred.cancel", {"x-tenant": "kept"},
                    {"type": "llm.cancel", "correlation_id": kept.correlation_id}))
        wait_until("the queue to be empty", lambda: self.bench.broker.depth("llm.requests.deferred") == 0, 20)
        self.publisher.publish(kept.message())
        wait_until("the same reply again", lambda: self.collector.copies > copies, 20)
        equal("payments", self.simulator.payments()[kept.key], 1)

