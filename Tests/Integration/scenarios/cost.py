"""Five tenants, three models, both lanes, failures and retries: `millrace cost` is the simulator's bill to the pico-dollar.

Per tenant, model and lane; also after kill -9s: of the deferred lane exactly, of both so that the bill lies between what is
settled and that with what is held, and exactly once the calls in flight at the kills are added from the simulator's log.
On SQLite with one service, and on Postgres with three replicas of which one is killed. MILLRACE_COST_REQUESTS and
MILLRACE_COST_KILLS say how many; the long run is 10 kills and 20,000 requests. MILLRACE_LEDGERS names the ledgers.
"""
import collections
import csv
import decimal
import io
import json
import os
import random
import time

from harness.checks import check, equal, wait_until
from harness.jobs import job

REQUESTS = int(os.environ.get("MILLRACE_COST_REQUESTS", "1200"))
KILLS = int(os.environ.get("MILLRACE_COST_KILLS", "2"))
LEDGERS = os.environ.get("MILLRACE_LEDGERS", "sqlite postgres").split()
TENANTS = ["acme", "globex", "initech", "umbrella", "hooli"]
# Chat with two models, and embeddings.
KINDS = [0, 2, 4]
FAULTS = {"fault_429": 0.03, "fault_5xx": 0.04, "fault_line_error": 0.06}


def run(bench):
    # A call takes long enough that some are in flight at a kill.
    simulator = bench.simulator(latency_ms=40, batch_min_ms=1000, **FAULTS)
    for ledger in LEDGERS:
        quiet(bench, simulator, ledger)
        killed(bench, simulator, ledger, "deferred")
        killed(bench, simulator, ledger, "both")


class Bill:
    """What one run was to cost: the requests, what the simulator was paid for them, and what the ledger says."""

    def __init__(self, bench, simulator, name, lanes, services):
        self.bench, self.simulator, self.name, self.services = bench, simulator, name, services
        self.jobs = []
        for number in range(REQUESTS):
            each = job(number, lanes[number // 15 % len(lanes)], name, kind=KINDS[number % 3])
            each.headers["x-tenant"] = TENANTS[number // 3 % 5]
            self.jobs.append(each)
        random.Random(1).shuffle(self.jobs)
        self.by_key = {each.key: each for each in self.jobs}
        equal("distinct prompts", len(self.by_key), REQUESTS)

    def paid(self):
        return [each for each in self.simulator.paid() if each["prompt_key"] in self.by_key]

    def place(self, entry):
        lane = "deferred" if entry["kind"] == "batch" else "interactive"
        return self.by_key[entry["prompt_key"]].headers["x-tenant"], entry["model"], lane

    def told(self, service):
        """The lines of `millrace cost`, by tenant, model and lane; with every number as a whole one."""
        status, out, error = service.command("cost", "--by", "tenant,model,lane", "--since", "2d", "--json")
        equal(f"the exit status of millrace cost ({error})", status, 0)
        report = json.loads(out)
        equal("lines that are left out", report["left_out"], 0)
        lines = {}
        for line in report["lines"]:
            lines[line["tenant"], line["model"], line["lane"]] = line
        for name in ("usd", "unknown_held_usd"):
            equal(f"the total of {name}", sum(pico(each[name]) for each in lines.values()), pico(report["total"][name]))
        equal("attempts without a price", report["total"]["unpriced_attempts"], 0)
        return lines


def pico(text):
    return int(decimal.Decimal(text) * 10**12)


def start(bench, simulator, ledger, name):
    changes = {"batching": {"deferred": {"idle_ms": 300, "max_age_ms": 1000}}, "execution": {"max_attempts": 10 + KILLS}}
    if ledger == "postgres":
        return bench.replicas(simulator, bench.shared_ledger(name), 3, name=name, **changes)
    return [bench.service(simulator, name=name, **changes)]


def stop(bench, services, collector):
    for each in services:
        equal("the exit status", each.process.terminate()[0], 0)
    collector.close()
    bench.broker.clear({collector.queue} if hasattr(collector, "queue") else {"integration.replies"})


def quiet(bench, simulator, ledger):
    name = f"cost {ledger}"
    services = start(bench, simulator, ledger, name)
    bill = Bill(bench, simulator, name, ["interactive", "deferred"], services)
    collector = bench.collector()
    bench.publishing([each.message() for each in bill.jobs]).wait(120)
    collector.wait_for(REQUESTS, 300, bench.say)
    bench.verify(bill.jobs, collector)
    wanted = collections.Counter()
    paid = bill.paid()
    for entry in paid:
        wanted[bill.place(entry)] += entry["pico_usd"]
    for service in services:
        lines = bill.told(service)
        equal("the costs by tenant, model and lane", {key: pico(line["usd"]) for key, line in lines.items()}, dict(wanted))
        equal("tenants, models, lanes", len(lines), 30)
        equal("what is held", {line["unknown_held_usd"] for line in lines.values()}, {"0"})
    retried = sum(line["attempts"] for line in lines.values()) - REQUESTS
    check(retried > REQUESTS / 50, f"only {retried} attempts failed: the faults did not bite")
    for (_, _, lane), line in lines.items():
        saved = pico(line["saved_by_batches_usd"])
        equal(f"the savings by batches, {lane}", saved, pico(line["usd"]) if lane == "deferred" else 0)
    status, out, _ = services[0].command("cost", "--by", "model", "--csv")
    equal("the exit status", status, 0)
    rows = list(csv.DictReader(io.StringIO(out)))
    equal("the sum of the CSV", sum(pico(row["usd"]) for row in rows), sum(wanted.values()))
    status, out, _ = services[0].command("cost", "--by", "batch")
    check(status == 0 and "TOTAL" in out, f"millrace cost --by batch says {out}")
    status, _, error = services[0].command("cost", "--by", "colour")
    check(status != 0 and "by=colour" in error, f"millrace cost --by colour says {error}")
    bench.say(f"held: {ledger}, {len(services)} services: {len(lines)} sums of {len(paid)} payments and {retried} failed "
              f"attempts are the bill, {sum(wanted.values()) / 1e12:.9f} USD")
    stop(bench, services, collector)


def killed(bench, simulator, ledger, lanes):
    name = f"cost {ledger} {lanes} killed"
    services = start(bench, simulator, ledger, name)
    bill = Bill(bench, simulator, name, ["deferred"] if lanes == "deferred" else ["interactive", "deferred"], services)
    collector = bench.collector()
    victim = services[0]
    dice = random.Random(7)
    portions = [bill.jobs[REQUESTS * part // (KILLS + 1):REQUESTS * (part + 1) // (KILLS + 1)] for part in range(KILLS + 1)]
    sent = 0
    for number, portion in enumerate(portions):
        bench.publishing([each.message() for each in portion]).wait(120)
        sent += len(portion)
        if number == KILLS:
            break
        time.sleep(dice.uniform(0.1, 2.0))
        victim.process.kill()
        victim.start(wait=False)
        victim.wait_ready()
    collector.wait_for(REQUESTS, 300, bench.say)
    bench.verify(bill.jobs, collector)
    wait_until("the queues to be empty", lambda: not bench.broker.depth("llm.requests.interactive"), 60, pause=0.2)

    billed, once, twice = collections.Counter(), collections.Counter(), collections.Counter()
    seen = set()
    for entry in bill.paid():
        place = bill.place(entry)
        billed[place] += entry["pico_usd"]
        # No answer is paid twice but for a kill: each further payment of a prompt was in flight at one.
        (twice if entry["prompt_key"] in seen else once)[place] += entry["pico_usd"]
        seen.add(entry["prompt_key"])
    lines = bill.told(services[-1])
    for place in sorted(set(billed) | set(lines)):
        line = lines.get(place)
        check(line, f"nothing is told of {place}, which was billed {billed[place]}")
        settled, held = pico(line["usd"]), pico(line["unknown_held_usd"])
        check(settled <= billed[place] <= settled + held,
              f"{place}: settled {settled}, billed {billed[place]}, held {held}")
        equal(f"{place}: what is settled and what was in flight at the kills", settled + twice[place], billed[place])
        if place[2] == "deferred":
            equal(f"{place}: the bill of the deferred lane", settled, billed[place])
    unknown = sum(line["unknown_attempts"] for line in lines.values())
    bench.say(f"held: {ledger}, {lanes}: after {KILLS} kill -9 the bill is {sum(billed.values())} pico-USD, settled "
              f"{sum(once.values())}, in flight at the kills {sum(twice.values())}; {unknown} attempts are unknown")
    stop(bench, services, collector)
