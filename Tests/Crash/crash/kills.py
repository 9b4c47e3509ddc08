"""kill -9 of one replica after the other at moments of chance while requests come in, each started again at once."""
import collections
import dataclasses
import threading
import time

from harness.answers import shape_problems
from harness.checks import Problems, check, equal, wait_until
from harness.jobs import answer_problems, job
from harness.messages import Publisher

from crash.load import repeat_problems
from crash.witness import Witness, instance_of, instances

# Milliseconds that the simulator takes for a call, and seconds by which its answer is surely in the ledger.
LATENCY, SLACK = 100, 10
BATCH_ROWS = 200
# Calls that a replica makes at a time. A call is in flight until its answer is committed.
CONCURRENCY = 64


@dataclasses.dataclass
class Kill:
    at: float
    replica: int
    # How many requests were published and not answered.
    open: int
    # The process that died, by its own name; None if it died before it said it.
    instance: str | None


class PacedPublishing:
    """Publishes messages evenly over some seconds."""

    def __init__(self, broker, messages, seconds, connections=2):
        self.sent = 0
        self.error = None
        self.began = time.monotonic()
        self.pause = seconds / len(messages)
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(broker, list(enumerate(messages))[start::connections]),
                                         daemon=True) for start in range(connections)]
        for thread in self.threads:
            thread.start()

    def _run(self, broker, messages):
        publisher = Publisher(broker)
        try:
            for number, message in messages:
                time.sleep(max(0, self.began + number * self.pause - time.monotonic()))
                publisher.publish(message)
                with self.lock:
                    self.sent += 1
        except Exception as error:  # noqa: BLE001: it is raised again where somebody waits
            self.error = error
        finally:
            publisher.close()

    def wait(self, seconds):
        wait_until("the broker to confirm everything", lambda: not any(each.is_alive() for each in self.threads), seconds)
        if self.error:
            raise self.error


def run(bench, ledger, lane, count, kills, say):
    """Returns a line of figures, or fails with what is wrong."""
    chance = bench.chance("kills", lane, ledger)
    replicas = bench.ledgers[ledger].replicas
    bench.simulator.change(latency_ms=LATENCY, batch_min_ms=500)
    scenario = f"{ledger} kills {lane}"
    services = [bench.service(ledger, scenario, f" {number}" if number else "", batching={
        "deferred": {"max_requests_per_batch": BATCH_ROWS}}, execution={
            "worker_concurrency": CONCURRENCY, "interactive_hold_ms": 10_000}) for number in range(replicas)]
    for service in services:
        service.start()
    requests = [job(number, lane, f"{ledger[0]}-{lane}-kill") for number in range(count)]
    began = time.time()
    rows_before = bench.simulator.stats()["batch_rows_accepted"]
    seconds = kills * 0.6
    publishing = PacedPublishing(bench.broker, [each.message() for each in requests], seconds)
    done = []
    known = [[] for _ in services]
    for moment in sorted(chance.uniform(0.3, seconds) for _ in range(kills)):
        # The moment is chance, so here a pause is no synchronisation but the point.
        time.sleep(max(0, publishing.began + moment - time.monotonic()))
        replica = chance.randrange(replicas)
        services[replica].process.need()
        waiting = publishing.sent - bench.collector.count
        services[replica].process.kill()
        now = time.time()
        named = instances(services[replica].log_text())
        instance = named[-1] if len(named) > len(known[replica]) else None
        known[replica] = named
        done.append(Kill(now, replica, waiting, instance))
        services[replica].start(wait=False)
        if len(done) % 10 == 0:
            say(f"{len(done)} kills, {publishing.sent} published, {bench.collector.count} answered")
    publishing.wait(120)
    bench.collector.wait_for(count, 300, say)
    answered = time.monotonic() - publishing.began
    for service in services:
        service.wait_ready()
    for service in services:
        equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
    wait_until("the replies to be taken", lambda: not bench.broker.depth(bench.collector.queue), 20)
    text = verdict(bench, requests, lane, done, began, rows_before)
    bench.check_logs()
    return f"{text}; {answered:.0f} s"


def verdict(bench, requests, lane, kills, began, rows_before):
    problems = Problems()
    problems.found += bench.collector.problems
    paid = collections.defaultdict(list)
    keys = {request.key for request in requests}
    entries = [entry for entry in bench.simulator.paid() if entry["prompt_key"] in keys]
    for entry in entries:
        paid[entry["prompt_key"]].append(entry)
    lost = wrong = 0
    # Calls made again, by the process that made them first.
    repeated = collections.Counter()
    deaths = {kill.instance: kill.at for kill in kills if kill.instance}

    def kills_of(entry):
        death = deaths.get(instance_of(entry["agent"]))
        return [death] if death else []

    for request in requests:
        replies = bench.collector.replies_to(request.correlation_id)
        lost += not replies
        found = [] if len(replies) == 1 else [f"{request.correlation_id} has {len(replies)} replies"]
        for reply in replies[:1]:
            found += shape_problems(reply) or answer_problems(request, reply)
        wrong += bool(replies and found)
        problems.found += found
        mine = paid[request.key]
        if lane == "deferred":
            problems.equal(f"payments of {request.correlation_id}", len(mine), 1)
        elif problems.note(mine, f"{request.correlation_id} was answered and never paid for"):
            repeated.update(instance_of(earlier["agent"]) for earlier in mine[:-1])
            if replies:
                problems.found += repeat_problems(
                    request.correlation_id, mine, kills_of, SLACK, replies[0].received)
    strangers = set(bench.collector.by_correlation) - {request.correlation_id for request in requests}
    problems.note(not strangers, f"replies to nobody: {sorted(strangers)[:5]}")
    check(sum(kill.open > 0 for kill in kills) * 2 >= len(kills), "most kills hit an idle service")
    unequal = len(bench.collector.problems)
    # On a busy machine a process may be killed again and again before it gets to anything, which proves little.
    early = sum(kill.instance is None for kill in kills)
    text = (f"{len(requests)} requests, {len(kills)} kills ({early} before the process had started), {lost} lost, {wrong} wrong, "
            f"{bench.collector.copies} copies by message_id ({unequal} unequal), ")
    if lane == "deferred":
        rows = bench.simulator.stats()["batch_rows_accepted"] - rows_before
        text += (f"rows paid / requests = {len(entries) / len(requests):.4f}, "
                 f"rows in batches / requests = {rows / len(requests):.4f}")
    else:
        answering = sum(kill.at - LATENCY / 1000 <= entry["time"] / 1000 <= kill.at for kill in kills for entry in entries)
        most = max(repeated.values(), default=0)
        problems.note(most <= CONCURRENCY, f"{most} calls of one process were repeated, and {CONCURRENCY} can be in flight")
        text += (f"{repeated.total()} calls repeated, at most {most} for one kill of {CONCURRENCY} that can be in flight; "
                 f"the simulator was answering {answering} at the kills")
    text += together(bench, began, deaths, problems)
    if problems.found:
        problems.found.insert(0, text)
    problems.raise_any()
    return text


def together(bench, began, deaths, problems):
    """Whether two processes worked on one batch, and how long it took until a dead one's batches were taken over."""
    witness = Witness(bench.simulator, began)
    shared, twice = witness.shared(deaths), witness.created_twice()
    problems.note(not shared, f"batches that two processes worked on at once: {shared[:5]}")
    problems.note(not twice, f"labels with two batches: {twice[:5]}")
    text = f"; {len(witness.by_label)} batches, {len(shared)} worked on by two at once"
    taken = witness.take_overs(deaths)
    if taken:
        text += f"; {len(taken)} taken over, after {taken[len(taken) // 2]:.1f} s (median), {taken[-1]:.1f} s (most)"
    return text
