"""Budgets on three replicas: they stop at the right request, or have the rest wait, and nobody else is disturbed.

A budget of a tenth of a tenant's load, whose requests all may cost the same: exactly those that fit are sent. It is alerted
once, by one of the replicas. MILLRACE_BUDGET_REQUESTS says how many requests each tenant has.
"""
import os

from harness.checks import check, equal, wait_until
from harness.fleet import Fleet
from harness.jobs import chat, job

REQUESTS = int(os.environ.get("MILLRACE_BUDGET_REQUESTS", "500"))
# Long enough that all requests are accepted before the first batch comes home and gives back what it did not use.
BATCHING = {"deferred": {"idle_ms": 6000, "max_age_ms": 30_000}}


TENANTS = ["probe", "stops", "waits", "other", "users", "more users", "calls"]


def run(bench):
    simulator = bench.simulator(batch_min_ms=500)
    ledger = bench.shared_ledger("budget")
    amount = ceiling(bench, simulator)
    # Dollars with six decimals are what a budget can be.
    limit = -(-amount * REQUESTS // 10 // 10**6) * 10**6
    wanted = limit // amount
    check(REQUESTS / 10 <= wanted < REQUESTS / 2, f"a budget of {limit} pico-USD takes {wanted} requests of {amount}")
    budgets = {
        "stops": {"tenant": "stops", "limit_usd": dollars(limit), "per": "month"},
        "waits": {"tenant": "waits", "limit_usd": dollars(limit), "per": "month", "at_limit": "park"},
        "each": {"user": "*", "limit_usd": dollars(limit), "per": "day"},
        "roomy": {"tenant": "*", "limit_usd": "1000", "per": "day"},
    }
    services = bench.replicas(simulator, ledger, 3, name="budget", batching=BATCHING, budgets=budgets)
    fleet = Fleet(services)
    collector = bench.collector()
    # One of them has the same, of two users.
    tenants = {"stops": {}, "waits": {}, "other": {}, "users": {"x-user": "ann"}, "more users": {"x-user": "bob"}}
    jobs = {name: [request(number, name, headers) for number in range(REQUESTS)] for name, headers in tenants.items()}
    messages = [each.message() for row in zip(*jobs.values()) for each in row]
    bench.publishing(messages).wait(120)

    refused = REQUESTS - wanted
    known = 3 * wanted + 3 * refused + wanted + REQUESTS
    collector.wait_for(known, 240, bench.say)
    for name in ("stops", "users", "more users"):
        check_stopped(bench, simulator, collector, jobs[name], wanted, limit)
    answered = [each for each in jobs["waits"] if collector.replies_to(each.correlation_id)]
    equal("requests that did not wait for their budget", len(answered), wanted)
    equal("replies of the others", sum(status(collector, each) == "succeeded" for each in jobs["other"]), REQUESTS)
    equal("payments for requests that wait", len(paid(simulator, jobs["waits"])), wanted)
    wait_until("the budgets to be alerted", lambda: fleet.alerts("budget") >= 4, 20)
    equal("alerts of budgets by all replicas", fleet.alerts("budget"), 4)
    for service in services:
        share = service.metric("budget_used", budget="roomy")
        check(0 < share < 0.01, f"a budget with room is used to {share}")

    # A period cannot be waited for here; a larger limit lets them go as well.
    for service in services:
        equal("the exit status", service.process.terminate()[0], 0)
        service.config["budgets"]["waits"]["limit_usd"] = "100"
        service.start(wait=False)
    for service in services:
        service.wait_ready()
    collector.wait_for(known + REQUESTS - wanted, 120, bench.say)
    equal("replies after the limit was raised", sum(status(collector, each) == "succeeded" for each in jobs["waits"]),
          REQUESTS)
    equal("payments", len(paid(simulator, jobs["waits"])), REQUESTS)
    bench.say(f"held: 3 replicas: of {REQUESTS} requests a tenant a budget of {dollars(limit)} USD took {wanted}, and so for "
              f"two users; {REQUESTS - wanted} waited and were answered when the limit was raised; others: {REQUESTS}")
    interactive(bench, simulator, services, collector, amount)


def interactive(bench, simulator, services, collector, amount):
    """Calls give back what they did not use, so more may be sent; never for more than the limit."""
    limit = -(-amount * 2 * REQUESTS // 10 // 10**6) * 10**6
    for service in services:
        equal("the exit status", service.process.terminate()[0], 0)
        service.config["budgets"] = {"calls": {"tenant": "calls", "limit_usd": dollars(limit), "per": "day"}}
        service.start(wait=False)
    for service in services:
        service.wait_ready()
    jobs = [request(number, "calls", {}, "interactive") for number in range(REQUESTS)]
    before = collector.count
    bench.publishing([each.message() for each in jobs]).wait(120)
    collector.wait_for(before + REQUESTS, 120, bench.say)
    bill = sum(entry["pico_usd"] for entry in paid(simulator, jobs))
    sent = len(paid(simulator, jobs))
    equal("requests that are neither answered nor refused",
          sum(status(collector, each) not in ("succeeded", "budget_exceeded") for each in jobs), 0)
    equal("answers and payments", sum(status(collector, each) == "succeeded" for each in jobs), sent)
    check(bill <= limit, f"{bill} pico-USD were paid of a budget of {limit}")
    # A call costs twice what a row of a batch does.
    least = limit // (2 * amount)
    check(sent >= least, f"only {sent} of at least {least} calls were sent")
    bench.say(f"held: calls of three replicas: {sent} of {REQUESTS} sent for {bill} of {limit} pico-USD")


def request(number, tenant, headers, lane="deferred"):
    """All of them may cost the same: their prompts have as many tokens."""
    tag = tenant.replace(" ", "_")
    made = job(number, lane, tag, kind=0)
    # Three digits are a token.
    made.prompt = f"{100 + TENANTS.index(tenant)}{number:03}: tell me about the tide."
    made.body = chat("gpt-4o-mini", made.prompt, max_tokens=64)
    made.headers.update({"x-tenant": tenant, **headers})
    return made


def ceiling(bench, simulator):
    """What one of them may cost at most, as a budget reserves it."""
    service = bench.service(simulator, name="probe", batching={"deferred": {"idle_ms": 20_000, "max_age_ms": 20_000}},
                            budgets={"probe": {"tenant": "probe", "limit_usd": "1", "per": "month"}})
    bench.publishing([request(0, "probe", {}).message()]).wait(30)
    used = wait_until("the budget to be used", lambda: service.metric("budget_used", budget="probe"), 30)
    service.process.kill()
    bench.broker.clear({"integration.replies"})
    return round(used * 10**12)


def check_stopped(bench, simulator, collector, jobs, wanted, limit):
    found = [status(collector, each) for each in jobs]
    equal("requests that were sent", found.count("succeeded"), wanted)
    equal("requests that were refused", found.count("budget_exceeded"), len(jobs) - wanted)
    equal("payments", len(paid(simulator, jobs)), wanted)
    bill = sum(entry["pico_usd"] for entry in paid(simulator, jobs))
    check(0 < bill <= limit, f"{bill} pico-USD were paid of a budget of {limit}")


def paid(simulator, jobs):
    keys = {each.key for each in jobs}
    return [entry for entry in simulator.paid() if entry["prompt_key"] in keys]


def status(collector, each):
    replies = collector.replies_to(each.correlation_id)
    if not replies:
        return None
    return "succeeded" if replies[0].status == "succeeded" else replies[0].error_code


def dollars(pico):
    return f"{pico // 10**12}.{pico % 10**12 // 10**6:06}"
