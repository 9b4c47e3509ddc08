"""What can never be sent: the right code for each, the message itself in the dead letters, the others undisturbed."""
import dataclasses
import gzip
import json

from harness.answers import shape_problems
from harness.broker import redeclared
from harness.checks import Problems, check, equal, wait_until
from harness.jobs import chat, job
from harness.messages import Message

LIMIT = 20_000


@dataclasses.dataclass
class Case:
    name: str
    code: str
    body: bytes
    headers: dict | None = None
    properties: dict = dataclasses.field(default_factory=dict)
    # Whether the broker dead-letters the message as it came.
    buried: bool = True
    # What the error's message must name, so that its reader can mend the request.
    says: str = ""
    lane: str = "deferred"

    def message(self):
        name = f"poison-{self.name}-{self.lane}"
        return Message(
            self.body, f"{self.lane}.test", self.headers,
            {"correlation_id": name, "message_id": "m-" + name, "app_id": "integration",
             "content_type": "application/json", "priority": 3, "timestamp": 1_700_000_000, **self.properties})


def encoded(value):
    return json.dumps(value).encode()


def cases(lane):
    good = chat("gpt-4o-mini", "never sent")
    line = {"custom_id": "c", "method": "POST", "url": "/v1/chat/completions", "body": good}
    found = [
        Case("malformed", "invalid_json", b'{"model": "gpt-4o-mini", "messages": [', says="not valid JSON"),
        Case("empty", "invalid_json", b"", says="empty"),
        Case("utf8", "invalid_json", encoded(chat("gpt-4o-mini", "TEXT")).replace(b"TEXT", b"\xff\xfe")),
        Case("deep", "invalid_json", b'{"model": "gpt-4o-mini", "messages": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
        Case("surrogate", "invalid_json", encoded(chat("gpt-4o-mini", "TEXT")).replace(b"TEXT", b"\\ud800")),
        Case("number", "invalid_request", b"42", says="object"),
        Case("array", "invalid_request", encoded([good]), says="object"),
        Case("no-model", "invalid_request", encoded({"messages": good["messages"]}), says="model"),
        Case("model-type", "invalid_request", encoded({**good, "model": 7}), says="model"),
        Case("twice", "invalid_request", b'{"model": "gpt-4o-mini", "messages": [], "model": "gpt-4o"}', says="model"),
        Case("unknown-model", "unknown_model", encoded({**good, "model": "llama-7"}), says="llama-7"),
        Case("neither", "invalid_request", encoded({"model": "gpt-4o-mini", "prompt": "x"}), says="x-endpoint"),
        Case("endpoint", "unsupported_endpoint", encoded({**line, "url": "/v1/images/generations"}), says="/v1/images"),
        Case("x-endpoint", "unsupported_endpoint", encoded(good), {"x-endpoint": "/v1/audio/speech"}, says="/v1/audio"),
        Case("both-endpoints", "invalid_header", encoded(line), {"x-endpoint": "/v1/responses"}, says="/v1/responses"),
        Case("method", "invalid_request", encoded({**line, "method": "GET"}), says="POST"),
        Case("max-tokens", "invalid_request", encoded({**good, "maxTokens": 0}), says="maxTokens"),
        Case("both-limits", "invalid_request", encoded({**good, "maxTokens": 5, "max_tokens": 5}), says="max_tokens"),
        Case("lane-type", "invalid_header", encoded(good), {"x-lane": 5}, says="x-lane"),
        Case("lane-value", "invalid_header", encoded(good), {"x-lane": "fast"}, says="x-lane"),
        Case("tenant-type", "invalid_header", encoded(good), {"x-tenant": {"name": "a"}}, says="x-tenant"),
        Case("deadline-type", "invalid_header", encoded(good), {"x-deadline": True}, says="x-deadline"),
        Case("deadline-text", "invalid_header", encoded(good), {"x-deadline": "tomorrow"}, says="x-deadline"),
        Case("deadline-ms", "invalid_header", encoded(good), {"x-deadline-ms": "-5"}, says="x-deadline-ms"),
        Case("key-empty", "invalid_header", encoded(good), {"x-idempotency-key": ""}, says="x-idempotency-key"),
        Case("replay", "invalid_header", encoded(good), {"x-millrace-replay": "again"}, says="x-millrace-replay"),
        Case("no-reply", "invalid_header", encoded(good), {"x-no-reply": True}, says="x-no-reply"),
        Case("callback", "invalid_header", encoded(good), {"x-callback-url": "ftp://user:pass@host/"},
             says="x-callback-url"),
        Case("oversize", "too_large", encoded(chat("gpt-4o-mini", "x" * LIMIT)), says="amqp.max_message_bytes"),
        Case("bomb", "too_large", gzip.compress(encoded(chat("gpt-4o-mini", "x" * 100 * LIMIT))), None,
             {"content_encoding": "gzip"}, says="amqp.max_message_bytes"),
        Case("bad-gzip", "invalid_request", b"no gzip at all", None, {"content_encoding": "gzip"}, says="gzip"),
        Case("cut-gzip", "invalid_request", gzip.compress(encoded(good))[:-9], None, {"content_encoding": "gzip"},
             says="gzip"),
        Case("encoding", "invalid_request", encoded(good), None, {"content_encoding": "br"}, says="br"),
        # Could have been sent, so it is no poison; it is answered all the same.
        Case("expired", "deadline_exceeded", encoded(good), {"x-deadline": "2020-01-31T12:00:00Z"}, buried=False),
    ]
    for case in found:
        case.lane = lane
    return found


def run(bench):
    simulator = bench.simulator()
    service = bench.service(simulator, amqp={"max_message_bytes": LIMIT})
    collector = bench.collector()
    publisher = bench.publisher()
    poison = cases("deferred") + cases("interactive")
    good = [job(number, "interactive" if number % 2 else "deferred", "good") for number in range(len(poison))]
    for case, request in zip(poison, good):
        publisher.publish(case.message())
        publisher.publish(request.message())
    collector.wait_for(len(poison) + len(good), 60, bench.say)
    bench.say(f"{len(poison)} pieces of poison and {len(good)} requests between them are answered")

    problems = Problems()
    replies = {}
    for case in poison:
        name = case.message().properties["correlation_id"]
        found = collector.by_correlation.pop(name, [])
        if not problems.equal(f"replies to {name}", len(found), 1):
            continue
        replies[name] = found[0]
        problems.found += shape_problems(found[0])
        problems.equal(f"the code of {name}", found[0].error_code, case.code)
        problems.note(case.says in found[0].body["error"]["message"],
                      f"the message of {name} does not name {case.says!r}: {found[0].body['error']['message']!r}")
        problems.equal(f"the response of {name}", found[0].body["response"], None)
    problems.raise_any()
    bench.verify(good, collector)
    equal("payments", len(simulator.paid()), len(good))
    check_dead_letters(bench, poison)
    check_addresses(bench, service, simulator, collector, publisher)
    check_again(bench, poison[0], replies, collector, publisher)


def check_dead_letters(bench, poison):
    """Poison lies in the dead letters as it was published."""
    buried = {case.message().properties["message_id"]: case.message() for case in poison if case.buried}
    late = {case.message().properties["message_id"]: case for case in poison if not case.buried}
    wanted = len(buried) + len(late)
    wait_until(lambda: f"{wanted} dead letters, {bench.broker.depth('llm.dead-letters')} are there",
               lambda: bench.broker.depth("llm.dead-letters") >= wanted, 20, pause=0.2)
    problems = Problems()
    found = {}
    for properties, body in bench.broker.drain("llm.dead-letters"):
        problems.note(properties.message_id not in found, f"two dead letters are {properties.message_id}")
        found[properties.message_id] = True
        if properties.message_id in late:
            problems.equal(f"x-error-code of {properties.message_id}", (properties.headers or {}).get("x-error-code"),
                           late[properties.message_id].code)
            continue
        original = buried.get(properties.message_id)
        if not problems.note(original, f"a dead letter that nobody published: {properties.message_id}"):
            continue
        problems.equal(f"the body of {properties.message_id}", body, original.body)
        problems.equal(f"the properties of {properties.message_id}", redeclared(properties),
                       redeclared(original.basic_properties()))
        problems.note("x-death" in (properties.headers or {}), f"{properties.message_id} was not moved by the broker")
    problems.equal("dead letters that are missing", sorted((set(buried) | set(late)) - set(found)), [])
    problems.raise_any()


def check_addresses(bench, service, simulator, collector, publisher):
    """A missing correlation ID, and a reply queue that is not there."""
    publisher.publish(Message(json.dumps(chat("gpt-4o-mini", "nameless")).encode(), "interactive.test"))
    publisher.publish(Message(b"nameless poison", "interactive.test"))
    wait_until("replies to what has no correlation ID", lambda: len(generated(collector)) >= 2, 20)
    for reply in generated(collector):
        equal("the correlation ID", reply.properties.correlation_id, reply.body["id"])
        equal("the routing key", reply.routing_key, reply.body["id"])
    check({reply.status for reply in generated(collector)} == {"succeeded", "failed"}, "one of the nameless is wrong")

    before = collector.count
    nowhere = job(1, "interactive", "nowhere")
    publisher.publish(nowhere.message(reply_to="no.such.queue"))
    publisher.publish(job(2, "deferred", "nowhere").message(reply_to="no.such.queue"))
    wait_until("two replies in llm.results.unclaimed", lambda: bench.broker.depth("llm.results.unclaimed") >= 2, 20)
    unclaimed = bench.broker.drain("llm.results.unclaimed")
    equal("unclaimed replies", sorted(properties.correlation_id for properties, _ in unclaimed),
          ["nowhere-1", "nowhere-2"])
    for _, body in unclaimed:
        check(json.loads(body)["response"]["status_code"] == 200, f"an unclaimed reply is no answer: {body[:300]}")
    equal("replies that went elsewhere", collector.count - before, 0)


def generated(collector):
    return [reply for reply in collector.by_message_id.values() if reply.headers.get("x-correlation") == "generated"]


def check_again(bench, case, replies, collector, publisher):
    """Poison that comes again gets the same reply, and its own dead letter."""
    bench.broker.drain("llm.dead-letters")
    copies = collector.copies
    publisher.publish(case.message())
    wait_until("the same reply to the same poison", lambda: collector.copies > copies, 20)
    name = case.message().properties["correlation_id"]
    again = collector.replies_to(name)
    check(not again, f"the same poison has another message_id: {again and again[0].properties.message_id}, "
          f"not {replies[name].properties.message_id}")
    wait_until("its dead letter", lambda: bench.broker.depth("llm.dead-letters") == 1, 20)
