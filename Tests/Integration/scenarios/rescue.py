"""Deadlines that native batches would miss: at least 99 % answered in time, whatever the tail, and what that costs.

A part of the batches takes far longer than the deadlines are away. Once with a ledger of its own and once with three
replicas on one Postgres ledger, each with cancels, and with urgent requests among many that
would be sent at the list price too if their batch were cancelled, so that the urgent ones are sent twice. Before that `x-lane: auto` goes each
way: by what is assumed first, and by what batches have taught then.
"""
import collections
import datetime
import os

from harness.answers import answer_of, shape_problems
from harness.checks import Problems, check, equal, wait_until
from harness.jobs import job

REQUESTS = int(os.environ.get("MILLRACE_RESCUE_REQUESTS", "1000"))
DEADLINE_MS = int(os.environ.get("MILLRACE_RESCUE_DEADLINE_MS", "20000"))
GROUPS = 20
URGENT_MS = 12_000
BUDGET = 5
# Pico-USD a token of gpt-4o-mini: list, and half of it in a batch.
PRICES = {"call": (150_000, 600_000), "batch": (75_000, 300_000)}
SETTINGS = {
    "rescue": {"assumed_turnaround": "1s", "assumed_cancel": "3s", "buffer": "2s", "max_double_spend": BUDGET},
    "execution": {"poll_interval_ms": 200},
    # Many batches, so that some are in the tail.
    "batching": {"deferred": {"idle_ms": 200, "max_age_ms": 1000, "max_requests_per_batch": REQUESTS // GROUPS}},
}
TAIL = {"batch_min_ms": 1500, "batch_tail_ms": 60_000, "batch_tail_share": 0.25, "batch_cancel_ms": 500}


def run(bench):
    auto(bench)
    for name, start in (("alone", alone), ("replicas", replicas)):
        load(bench, name, start)
        mixed(bench, name, start)
    for each in bench.services:
        each.close()


def alone(bench, simulator, name):
    return [bench.service(simulator, name=name, **SETTINGS)]


def replicas(bench, simulator, name):
    return bench.replicas(simulator, bench.shared_ledger(name), name=name, **SETTINGS)


def asked(tag, number, lane, **headers):
    """A request for the deferred queue, and its message."""
    each = job(number, "deferred", tag, kind=0)
    message = each.message()
    message.headers = {"x-lane": lane, **headers}
    return each, message


def close(bench):
    for each in bench.services:
        each.close()
    bench.services.clear()
    bench.broker.clear({"integration.replies"})


def auto(bench):
    """`x-lane: auto` takes the synchronous way while nobody knows how long a batch takes, and a batch when that is known."""
    simulator = bench.simulator(name="simulator auto", batch_min_ms=500)
    service = bench.service(simulator, name="auto", **SETTINGS)
    collector = bench.collector()
    first = [asked("auto-first", number, "auto", **{"x-deadline-ms": 3_600_000}) for number in range(10)]
    teachers = []
    bench.publishing([message for _, message in first]).wait()
    collector.wait_for(10, 60)
    for number in range(12):
        teachers.append(asked("auto-teacher", number, "auto"))
        bench.publishing([teachers[-1][1]]).wait()
        collector.wait_for(10 + len(teachers), 60)
    wait_until("the turnaround to be learned", lambda: 0 < service.metric(
        "batch_turnaround_seconds", provider="openai", model="gpt-4o-mini", quantile="0.9") < 60, 90)
    second = [asked("auto-second", number, "auto", **{"x-deadline-ms": 3_600_000}) for number in range(10)]
    near = [asked("auto-near", number, "auto", **{"x-deadline-ms": 4000}) for number in range(10)]
    bench.publishing([message for _, message in second + near]).wait()
    collector.wait_for(30 + len(teachers), 60)
    for what, part, lane in (("assumed", first, "interactive"), ("without a deadline", teachers, "deferred"),
                             ("learned", second, "deferred"), ("near", near, "interactive")):
        lanes = collections.Counter(reply_of(collector, each).body["millrace"]["lane"] for each, _ in part)
        equal(f"lanes of auto, {what}", dict(lanes), {lane: len(part)})
    bench.say("auto: synchronous by what is assumed, batch by what was learned, synchronous where the deadline is near")
    collector.close()
    close(bench)


def reply_of(collector, each):
    replies = collector.replies_to(each.correlation_id)
    equal(f"replies to {each.correlation_id}", len(replies), 1)
    return replies[0]


def stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def begin(bench, name, start, **options):
    """A simulator, services and a collector; what a call takes is known to a service that has been up for a while."""
    simulator = bench.simulator(name=f"simulator {name}", **options)
    services = start(bench, simulator, name)
    collector = bench.collector()
    warm = [job(number, "interactive", f"warm-{name}", kind=0) for number in range(30 * len(services))]
    bench.publishing([each.message() for each in warm]).wait()
    collector.wait_for(len(warm), 60)
    return simulator, services, collector, warm


def late_of(collector, parts, deadline):
    """How many answers came late; all of them must be right."""
    problems = Problems()
    late = 0
    for each, _ in parts:
        replies = collector.replies_to(each.correlation_id)
        if not problems.equal(f"replies to {each.correlation_id}", len(replies), 1):
            continue
        reply = replies[0]
        problems.found += shape_problems(reply)
        if reply.status != "succeeded":
            problems.note(False, f"{each.correlation_id} failed: {reply.body['error']}")
            continue
        problems.equal(f"the answer to {each.correlation_id}", answer_of(reply.body["response"]["body"]), each.answer)
        own = reply.body["millrace"]
        late += stamp(own["completed_at"]) - stamp(own["received_at"]) > deadline(each) / 1000
    problems.raise_any()
    check(late <= len(parts) / 100, f"{late} of {len(parts)} answers are late")
    return late


def load(bench, name, start):
    """All deadlines alike: batches in the tail are cancelled."""
    simulator, services, collector, warm = begin(bench, name, start, **TAIL)
    parts = [asked(f"rescue-{name}", number, "deferred", **{"x-deadline-ms": DEADLINE_MS}) for number in range(REQUESTS)]
    # Some that are not urgent travel elsewhere, and are not sent twice for those that are.
    patient = [asked(f"patient-{name}", number, "deferred") for number in range(REQUESTS // 10)]
    bench.publishing([message for _, message in parts]).wait()
    bench.publishing([message for _, message in patient]).wait()
    wait_until("all urgent replies", lambda: all(collector.replies_to(each.correlation_id) for each, _ in parts),
               DEADLINE_MS / 1000 + 90)
    late = late_of(collector, parts, lambda each: DEADLINE_MS)
    keys = {each.key for each, _ in parts}
    paid = [entry for entry in simulator.paid() if entry["prompt_key"] in keys]
    counts = collections.Counter(entry["prompt_key"] for entry in paid)
    equal("requests that were never paid", [key for key in keys if counts[key] == 0][:5], [])
    twice = sum(count - 1 for count in counts.values())
    spent = sum(each.metric("double_spend_picousd") for each in services)
    check(spent <= BUDGET * 10**12, f"{spent} pico-USD were spent twice, the budget is {BUDGET} USD")
    sent_twice = sum(each.metric("rescued_requests", way="send_twice") for each in services)
    check(twice <= sent_twice, f"{twice} payments too many, {sent_twice} were sent twice knowingly")
    cancels = sum(each.metric("rescues", way="cancel") for each in services)
    check(cancels + sum(each.metric("rescues", way="send_twice") for each in services) > 0, "nothing was rescued")
    cost(bench, name, paid, counts, late, twice, cancels, sent_twice)
    collector.wait_for(len(warm) + REQUESTS + len(patient), 120)
    for each, _ in patient:
        equal(f"the answer to {each.correlation_id}",
              answer_of(reply_of(collector, each).body["response"]["body"]), each.answer)
    payments = simulator.payments()
    others = [*warm, *(each for each, _ in patient)]
    equal("others that were not paid once", [each.key for each in others if payments[each.key] != 1], [])
    collector.close()
    close(bench)


def mixed(bench, name, start):
    """A twentieth is urgent among many whose deadlines are later, and too near for another batch: the urgent ones are sent
    twice, the others come in time by themselves."""
    name += " mixed"
    # Every batch takes longer than the urgent can wait, and less than the others can.
    simulator, services, collector, _ = begin(
        bench, name, start, batch_min_ms=URGENT_MS * 2, batch_cancel_ms=500)
    late_ms = URGENT_MS * 6
    parts = [asked(f"mixed-{start.__name__}", number, "deferred", **{"x-deadline-ms": late_ms if number % 20 else URGENT_MS})
             for number in range(REQUESTS)]
    urgent = {each.correlation_id for number, (each, _) in enumerate(parts) if number % 20 == 0}
    bench.publishing([message for _, message in parts]).wait()
    wait_until("all replies", lambda: all(collector.replies_to(each.correlation_id) for each, _ in parts), late_ms / 1000 + 60)
    late = late_of(collector, parts, lambda each: URGENT_MS if each.correlation_id in urgent else late_ms)
    # The batches end after the urgent are answered, and bring their answers once more.
    wait_until("the second answers", lambda: sum(each.metric("superseded") for each in services) >= len(urgent) * 0.9, 60)
    ways = collections.Counter(reply_of(collector, each).body["millrace"]["lane"] for each, _ in parts)
    equal("requests that batches have answered", ways["deferred"], REQUESTS - len(urgent))
    counts = collections.Counter(entry["prompt_key"] for entry in simulator.paid())
    twice = {each.correlation_id for each, _ in parts if counts[each.key] > 1}
    check(twice <= urgent, f"paid twice without need: {sorted(twice - urgent)[:5]}")
    spent = sum(each.metric("double_spend_picousd") for each in services)
    check(0 < spent <= BUDGET * 10**12, f"{spent} pico-USD were spent twice, the budget is {BUDGET} USD")
    equal("requests that were sent twice", sum(each.metric("rescued_requests", way="send_twice") for each in services),
          len(urgent))
    equal("batches that were cancelled", sum(each.metric("rescues", way="cancel") for each in services), 0)
    bench.say(f"{name}: {len(urgent)} urgent of {REQUESTS}, {late} late; {len(twice)} paid twice, {spent / 1e12:.6f} USD as "
              "estimated")
    collector.close()
    close(bench)


def cost(bench, name, paid, counts, late, twice, cancels, sent_twice):
    """What was paid, by the witness, and what the same requests cost all one way."""
    def price(entry, way):
        return entry["input_tokens"] * PRICES[way][0] + entry["output_tokens"] * PRICES[way][1]

    ways = collections.Counter("call" if is_call(entry) else "batch" for entry in paid)
    real = sum(price(entry, "call" if is_call(entry) else "batch") for entry in paid)
    once = list({entry["prompt_key"]: entry for entry in paid}.values())
    all_calls = sum(price(entry, "call") for entry in once)
    all_batch = sum(price(entry, "batch") for entry in once)
    bench.say(f"{name}: {len(once)} requests, deadline {DEADLINE_MS / 1000:g} s, {late} late; {cancels:g} batches cancelled, "
              f"{sent_twice:g} requests sent twice, {twice} paid twice; {ways['batch']} rows and {ways['call']} calls paid")
    bench.say(f"{name}: cost {real / 1e12:.6f} USD, all synchronous {all_calls / 1e12:.6f}, "
              f"all batch {all_batch / 1e12:.6f} ({real / all_calls:.0%} and {real / all_batch:.0%})")


def is_call(entry):
    return not entry.get("batch_id")
