"""A provider that is down, a key that is refused, a quota that is used up: nothing is lost, nobody else is disturbed.

By one service, and by three replicas on one Postgres ledger, which are held to the same bounds together. Calls during the
outage are counted: no retry storm. Requests that wait go on by themselves when the provider is back, or take the next route
of their model, or go on when an operator closes the breaker. MILLRACE_OUTAGE_SECONDS says how long it is down, and
MILLRACE_OUTAGE_WAYS which of the ways to run.
"""
import json
import os
import time

from harness.bystander import Bystander
from harness.checks import check, equal, wait_until
from harness.fleet import Fleet
from harness.jobs import job
from harness.prices import PRICES
from harness.service import API_KEY

SECONDS = int(os.environ.get("MILLRACE_OUTAGE_SECONDS", "5"))
REQUESTS = int(os.environ.get("MILLRACE_OUTAGE_REQUESTS", "200"))
OPEN = 2
# Failures until the breaker opens, and what the account may have in flight meanwhile: of the fleet, not of each.
MOST_FAILURES = 20 + 64
# Calls that fail of themselves before the first of them has told the others.
MOST_FAULTS = 64
GATE = {"provider": "openai", "model": "gpt-4o-mini"}


def settings(other, routes, open_s=OPEN):
    return {
        "execution": {"backoff_delay_ms": 1000, "circuit_breaker": {"open_s": open_s}},
        "providers": {
            "openai": {"limits": {"requests_per_minute": 3000, "tokens_per_minute": 10_000_000}},
            "other": {"kind": "openai-compatible", "endpoint": other.endpoint, "api_key": API_KEY},
        },
        "models": {"gpt-4o-mini": {"routes": routes}, "gpt-4.1-mini": {"routes": ["other"]}},
        "prices": PRICES,
    }


def run(bench):
    ways = {"killed": killed, "down": down, "fallback": fallback, "new_key": new_key, "operator": operator, "quota": quota}
    one = ["killed", "fallback", "new_key", "quota"]
    three = ["down", "operator", "quota"]
    wanted = os.environ.get("MILLRACE_OUTAGE_WAYS", "").split(",")
    runs = [(name, 1) for name in one] + [(name, 3) for name in three]
    chosen = [each for each in runs if each[0] in wanted or f"{each[0]}-{each[1]}" in wanted or wanted == [""]]
    check(chosen, f"no way is named {wanted}; there are {[f'{name}-{count}' for name, count in runs]}")
    for name, count in chosen:
        case = Case(bench, f"{name}-{count}", count)
        ways[name](case)
        case.fleet.close()
        bench.broker.clear({"integration.replies"})


class Case:
    """One way to fail, with a simulator that does and one that does not."""

    def __init__(self, bench, name, count):
        self.bench = bench
        self.name = name
        self.count = count
        self.simulator = bench.simulator(name=f"sim {name}", latency_ms=100)
        self.other = bench.simulator(name=f"other {name}", latency_ms=50)

    def start(self, routes=("openai",), open_s=OPEN, **changes):
        changes = {**settings(self.other, list(routes), open_s), **changes}
        if self.count == 1:
            services = [self.bench.service(self.simulator, name=self.name, **changes)]
        else:
            services = self.bench.replicas(
                self.simulator, self.bench.shared_ledger(self.name), self.count, name=self.name, **changes)
        self.fleet = Fleet(services)
        self.collector = self.bench.collector()
        self.bystander = Bystander(self.bench, self.collector, f"by-{self.name}")
        self.bystander.warm_up()

    def ask(self, count=REQUESTS, lane="interactive", start=0):
        asked = [job(number, lane, f"{self.name}-{lane}", kind=0) for number in range(start, start + count)]
        self.bench.publishing([each.message() for each in asked]).wait()
        return asked

    def answered(self, asked):
        return sum(bool(self.collector.replies_to(each.correlation_id)) for each in asked)

    def wait_answered(self, asked, seconds, count=None):
        count = len(asked) if count is None else count
        wait_until(lambda: f"{count} replies; there are {self.answered(asked)}",
                   lambda: self.answered(asked) >= count, seconds)

    def wait_open(self):
        wait_until("the breaker to open", lambda: any(state >= 1 for state in self.fleet.breakers(**GATE)), 30)

    def failed(self, provider="openai"):
        return self.fleet.metric("provider_calls", provider=provider) - self.fleet.metric(
            "provider_calls", provider=provider, disposition="succeeded")

    def refused(self, status):
        """Calls that the simulator refused so, of all of the fleet."""
        return sum(kind["statuses"].get(str(status), 0) for kind in self.simulator.stats()["traffic"]["kinds"])

    def finish(self, asked, began, ended, most, *, closes=True):
        """Nothing is lost, nobody else was disturbed, and it was said once."""
        self.bystander.stop()
        self.wait_answered(self.bystander.asked, 30)
        self.bench.verify(asked + self.bystander.asked, self.collector)
        equal("calls of the other model that failed", self.failed("other"), 0)
        if closes:
            wait_until("the breaker to be closed everywhere", lambda: not any(self.fleet.breakers(**GATE)), 30)
            equal("alerts", self.fleet.alerts("breaker_open"), 1)
        self.bench.say(f"{self.name}: {self.bystander.check_undisturbed(began, ended, most)}")
        self.collector.close()


def killed(case):
    """Nobody listens where the provider was."""
    case.start()
    asked = case.ask()
    case.wait_answered(asked, 60, REQUESTS // 4)
    began = time.time()
    case.simulator.kill()
    case.wait_open()
    opened = time.time() - began
    time.sleep(max(0, SECONDS - (time.time() - began)))
    failed = case.failed()
    ended = time.time()
    case.simulator.start()
    case.wait_answered(asked, OPEN * 20 + SECONDS * 2 + 60)
    case.bench.say(f"{case.name}: down for {SECONDS} s, breaker open after {opened:.1f} s, {failed:.0f} calls failed, all of "
                   f"{REQUESTS} answered {time.time() - ended:.1f} s after it was back")
    check(failed <= MOST_FAILURES + 2 + SECONDS / OPEN, f"{failed} calls failed in an outage of {SECONDS} s")
    case.finish(asked, began, ended, SECONDS)


def down(case):
    """The provider cuts every connection, and counts them."""
    case.start()
    asked = case.ask()
    case.wait_answered(asked, 60, REQUESTS // 4)
    began = time.time()
    case.simulator.change(outage=[{"from_ms": 0, "to_ms": 3_600_000, "kind": "refuse", "scope": "all"}])
    case.wait_open()
    opened = time.time()
    time.sleep(max(0, SECONDS - (opened - began)))
    outage = case.simulator.stats()["outage"]
    case.simulator.change(outage=[])
    ended = time.time()
    case.wait_answered(asked, OPEN * 20 + SECONDS * 2 + 60)
    # A probe a fleet at a time, and the pause doubles: in no second more than one, once all know that it is open.
    later = {each["second"]: each["calls"] for each in outage["seconds"] if each["second"] > opened + 1}
    case.bench.say(f"{case.name}: down for {SECONDS} s, breaker open after {opened - began:.1f} s, {outage['calls']} calls of "
                   f"the fleet in it, {sum(later.values())} once it was open, all of {REQUESTS} answered "
                   f"{time.time() - ended:.1f} s after it was back")
    check(outage["calls"] <= MOST_FAILURES + 2 + SECONDS / OPEN, f"{outage['calls']} calls in an outage of {SECONDS} s")
    check(max(later.values(), default=0) <= 1, f"more than one probe in a second: {later}")
    check(sum(later.values()) <= 1 + SECONDS / OPEN, f"too many probes: {later}")
    case.finish(asked, began, ended, SECONDS)


def fallback(case):
    """Down for good, with another route."""
    case.start(["openai", "other"])
    asked = case.ask()
    case.wait_answered(asked, 60, REQUESTS // 4)
    began = time.time()
    case.simulator.kill()
    deferred = case.ask(60, "deferred")
    asked += deferred
    case.wait_answered(asked, 90)
    ended = time.time()

    def provider(each):
        return case.collector.replies_to(each.correlation_id)[0].body["millrace"]["provider"]

    equal("providers of the batches", {provider(each) for each in deferred}, {"other"})
    providers = [provider(each) for each in asked]
    case.bench.say(f"{case.name}: {providers.count('openai')} answered by the first route, {providers.count('other')} by the "
                   f"next, {case.fleet.metric('rerouted'):.0f} sent another way, {case.failed():.0f} calls failed")
    check(providers.count("other") > 0, "nothing was answered by the next route")
    check(case.failed() <= MOST_FAILURES + 10, f"{case.failed()} calls failed")
    case.finish(asked, began, ended, 10, closes=False)


def new_key(case):
    """The key is refused for good, until the service is started with another."""
    case.simulator.change(revoked_keys=[API_KEY])
    case.start()
    began = time.time()
    asked = case.ask(100)
    case.wait_open()
    time.sleep(SECONDS)
    calls = case.refused(401)
    ended = time.time()
    equal("replies while the key is refused", case.answered(asked), 0)
    ready = case.fleet.first.get("readyz")[1]
    check("the key is refused" in ready, f"/readyz does not say why: {ready}")
    case.bench.say(f"{case.name}: {calls} calls in {SECONDS} s, 100 requests wait")
    check(calls <= 16 + 6, f"{calls} calls with a key that is refused")
    case.fleet.terminate()
    equal("alerts", case.fleet.alerts("breaker_open"), 1)
    service = case.fleet.first
    service.config["providers"]["openai"]["api_key"] = API_KEY + "-new"
    service.start()
    case.wait_answered(asked, 60)
    case.finish(asked, began, ended, SECONDS, closes=False)


def operator(case):
    """The key is refused, and probes are far away: an operator says that it is good again."""
    case.start(open_s=600)
    asked = case.ask()
    case.wait_answered(asked, 60, REQUESTS // 4)
    began = time.time()
    case.simulator.change(revoked_keys=[API_KEY])
    # However late this was: these come after it.
    asked += case.ask(REQUESTS // 4, start=REQUESTS)
    case.wait_open()
    time.sleep(SECONDS)
    calls = case.refused(401)
    ended = time.time()
    case.simulator.change(revoked_keys=[])
    before = case.answered(asked)
    check(before < len(asked), "all were answered with a key that is refused")
    # One that may not have seen it answers for all of them.
    service = case.fleet.services[-1]
    status, text, errors = service.command("breakers", "list", "--json")
    equal("the status of breakers list", (status, errors), (0, ""))
    listed = [each for each in json.loads(text)["breakers"] if each["model"] == "gpt-4o-mini"]
    equal("breakers of the model", [(each["provider"], each["state"], each["reason"]) for each in listed],
          [("openai", "open", "unauthorised")])
    check(listed[0]["next_probe_seconds"] > 300 and SECONDS - 2 <= listed[0]["age_seconds"] < 120, f"{listed}")
    status, text, _ = service.command("breakers", "list")
    check(status == 0 and API_KEY not in text and "unauthorised" in text, f"breakers list says {text}")
    status, _, errors = service.command("breakers", "close", "nobody")
    check(status == 1 and "no breaker of account nobody is open" in errors and errors.count("\n") == 1, errors)
    closed = time.time()
    status, text, errors = service.command("breakers", "close", listed[0]["account"], "gpt-4o-mini")
    equal("breakers close", (status, text, errors), (0, f"closed {listed[0]['account']} gpt-4o-mini\n", ""))
    case.wait_answered(asked, 60)
    case.bench.say(f"{case.name}: {calls} calls of the fleet in {SECONDS} s, {len(asked) - before} requests waited, all answered "
                   f"{time.time() - closed:.1f} s after an operator closed the breaker")
    check(calls <= MOST_FAULTS, f"{calls} calls with a key that is refused")
    equal("breakers list at the end", service.command("breakers", "list")[1], "no breaker is open\n")
    case.finish(asked, began, ended, SECONDS)


def quota(case):
    """The money is used up in the middle, and there is more later."""
    case.start()
    case.simulator.change(quota_after_calls=REQUESTS // 4)
    began = time.time()
    asked = case.ask()
    case.wait_open()
    time.sleep(SECONDS)
    calls = case.refused(429)
    ended = time.time()
    # Calls that come together may all find something left.
    check(REQUESTS // 4 <= case.answered(asked) <= REQUESTS // 4 + 16,
          f"{case.answered(asked)} replies with a quota of {REQUESTS // 4}")
    case.simulator.change(quota_after_calls=0)
    case.wait_answered(asked, OPEN * 20 + 60)
    case.bench.say(f"{case.name}: gone after {REQUESTS // 4} calls, {calls} calls of the fleet refused in {SECONDS} s, all of "
                   f"{REQUESTS} answered {time.time() - ended:.1f} s after it was back")
    check(calls <= MOST_FAULTS + 6, f"{calls} calls without quota")
    case.finish(asked, began, ended, SECONDS)
