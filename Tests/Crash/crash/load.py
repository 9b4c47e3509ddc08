"""A small load that makes the service take every step that it has, and what must have come of it."""
import collections
import dataclasses

from harness.answers import shape_problems
from harness.checks import Problems
from harness.jobs import answer_problems, job
from harness.messages import Message

# Milliseconds. An interactive request waits less than that before it is parked, and a 429 asks for more.
HOLD, RETRY_AFTER = 100, 300
# The deadline of what a batch would bring too late, and how long before it that is rescued: a recovery needs a while.
URGENT, SPARE = 25_000, 13_000


class Load:
    """Messages under names that begin with the tag, and for each name what its reply and its bill may be."""

    def __init__(self, tag):
        self.tag = tag
        self.messages = []
        self.jobs = {}
        # Names and codes: one of these failures is the right answer, beside the answer itself where None is in it.
        self.failures = {}
        self.poison = set()
        # Names of requests that are answered by whichever way is first.
        self.either = set()

    def add(self, job, *failures, routing_key=None, headers=None, identified=True, **properties):
        message = job.message(**properties)
        if routing_key:
            message.routing_key = routing_key
        if headers:
            message.headers = {**(message.headers or {}), **headers}
        if not identified:
            # Only a fingerprint tells it from others, so that its ack has to be known to have been processed.
            del message.properties["message_id"]
        self.messages.append(message)
        self.jobs[job.correlation_id] = job
        if failures:
            self.failures[job.correlation_id] = set(failures)

    def mixed(self):
        tag = self.tag
        for number in range(12):
            self.add(job(number, "deferred", tag, kind=(0, 2, 4)[number % 3]), identified=number % 4 != 0)
        for number in range(20, 28):
            self.add(job(number, "interactive", tag, kind=(0, 2, 4)[number % 3]), identified=number % 4 != 0)
        # Rows and calls that fail once, and such that the provider rejects.
        for number, lane in ((40, "deferred"), (41, "interactive")):
            self.add(job(number, lane, tag, "[[sim:500]] ", kind=0))
        for number, lane in ((42, "deferred"), (43, "interactive")):
            self.add(job(number, lane, tag, "[[sim:reject]] ", kind=0), "provider_rejected")
        # A batch that expires half way: what did not run goes into another.
        for number in range(50, 54):
            self.add(job(number, "deferred", tag, "[[sim:expire]] " if number == 52 else "", kind=7))
        # A batch that the provider refuses as a whole, so that it is taken apart.
        for number in (55, 56):
            refused = job(number, "deferred", tag, kind=0)
            refused.body["model"] = refused.model = "missing-1"
            self.add(refused, "provider_rejected")
        # A closed gate: calls are parked. And calls that the ledger has from the beginning.
        for number in (60, 61):
            self.add(job(number, "interactive", tag, "[[sim:429x2]] ", kind=0))
        for number in (62, 63):
            self.add(job(number, "interactive", tag, kind=0), routing_key="deferred.test",
                     headers={"x-lane": "interactive"})
        # Its gate opens after its deadline.
        self.add(job(64, "interactive", tag, "[[sim:429x9]] ", kind=0), "deadline_exceeded",
                 headers={"x-deadline-ms": 2 * RETRY_AFTER})
        # Cancelled, if that comes before it is sent.
        self.add(job(70, "deferred", tag, kind=6), "cancelled", None)
        self.messages.append(Message(b"", "deferred.test", None, {
            "correlation_id": f"{tag}-70", "message_id": f"cancel-{tag}", "type": "llm.cancel"}))
        for number, lane in ((80, "deferred"), (81, "interactive")):
            name = f"{tag}-{number}"
            self.messages.append(Message(b'{"model": ', f"{lane}.test", None, {
                "correlation_id": name, "message_id": "m-" + name}))
            self.failures[name] = {"invalid_json"}
            self.poison.add(name)
        return self

    def urgent(self):
        """Requests that a batch would bring too late: they leave it and are sent synchronously, in time or not at all."""
        for number in range(6):
            self.add(job(number, "interactive", self.tag, kind=(0, 2, 4)[number % 3]), "deadline_exceeded", None,
                     routing_key="deferred.test", headers={"x-lane": "deferred", "x-deadline-ms": URGENT})
        self.either = set(self.jobs)
        return self

    @property
    def names(self):
        return set(self.jobs) | self.poison

    def reply_problems(self, collector):
        """What is wrong with the replies that are there."""
        problems = Problems()
        problems.found += collector.problems
        for name in sorted(self.names):
            replies = collector.replies_to(name)
            if not problems.equal(f"replies to {name}", len(replies), 1):
                continue
            reply = replies[0]
            problems.found += shape_problems(reply)
            allowed = self.failures.get(name, {None})
            if not problems.note(reply.error_code in allowed, f"{name} is answered with {reply.body['error']}"):
                continue
            if reply.error_code is None:
                found = self.jobs[name]
                if name in self.either:
                    # It may have run before its batch was cancelled.
                    found = dataclasses.replace(found, lane=reply.body["millrace"]["lane"])
                problems.found += answer_problems(found, reply)
        strangers = set(collector.by_correlation) - self.names
        problems.note(not strangers, f"replies to nobody: {sorted(strangers)[:5]}")
        return problems.found

    def bill_problems(self, paid, collector, kills_of, slack):
        """What is wrong with what the simulator was paid for.

        `kills_of` gives the moments at which whoever made a call was killed: an interactive call that was in flight then,
        or whose answer was on its way into the ledger for at most `slack` seconds, may be made again. Nothing else may.
        Without it an interactive call may have been made again at any time.
        """
        problems = Problems()
        by_key = collections.defaultdict(list)
        for entry in paid:
            by_key[entry["prompt_key"]].append(entry)
        for name, job in self.jobs.items():
            entries = by_key.get(job.key, [])
            replies = collector.replies_to(name)
            if replies and replies[0].error_code is not None:
                problems.equal(f"payments of {name}, answered with {replies[0].error_code}", len(entries), 0)
            elif job.lane == "deferred":
                problems.equal(f"payments of {name}", len(entries), 1)
            elif problems.note(entries, f"{name} was answered and never paid for"):
                problems.found += repeat_problems(
                    name, entries, kills_of, slack, replies[0].received) if kills_of and replies else []
        return problems.found

    def repeated(self, paid):
        """How many interactive calls were made again."""
        counts = collections.Counter(entry["prompt_key"] for entry in paid)
        return sum(max(0, counts[job.key] - 1) for job in self.jobs.values() if job.lane == "interactive")


def repeat_problems(name, entries, kills_of, slack, answered):
    """Each payment after the first needs a kill while the one before it was in flight, and comes before the answer.

    `kills_of` gives the moments of the kills that can have hit whoever made a payment.
    """
    found = []
    # A busy simulator takes what is on the wire a while after the kill.
    wire = 5
    for earlier, later in zip(entries, entries[1:]):
        begun = earlier["time"] / 1000
        kills = kills_of(earlier)
        if not any(begun - wire <= kill <= min(begun + slack, later["time"] / 1000 + 0.002) for kill in kills):
            found.append(f"{name} was paid again {later['time'] - earlier['time']} ms later, without a kill in flight; "
                         f"paid at {begun:.3f}, killed at {[round(kill, 3) for kill in kills]}")
    if entries[-1]["time"] / 1000 > answered + 0.1:
        found.append(f"{name} was paid again {entries[-1]['time'] / 1000 - answered:.1f} s after it was answered")
    return found
