"""A provider that asks for a pause is left alone that long: every kind of call, in each way of saying it.

Each kind and each way has an account of its own, so that all of them wait at the same time. The simulator counts who comes
before the time, by its clock; what was on its way already does not count. MILLRACE_RETRY_AFTER_MS says how long, as a list.
"""
import os

from harness.checks import check, equal, wait_until
from harness.jobs import job
from harness.prices import PRICES
from harness.service import API_KEY

PAUSES = [int(each) for each in os.environ.get("MILLRACE_RETRY_AFTER_MS", "1000").split(",")]
KINDS = ["upload", "create", "poll", "fetch", "list", "delete", "call"]
STYLES = ["seconds", "date", "ms"]
# What may be under way when the first is told to wait.
GRACE_MS = 300
REQUESTS = 3


class Account:
    """A provider that is told nothing but this."""

    def __init__(self, bench, kind, style):
        self.kind = kind
        self.style = style
        self.name = f"{kind}-{style}"
        options = {"retry_after_style": style, "early_grace_ms": GRACE_MS, "hang_ms": 500}
        if kind == "list":
            # Only a create without an answer has anybody look at lists.
            options["fault_create_timeout"] = 1
        self.simulator = bench.simulator(name=f"simulator {self.name}", **options)

    def jobs(self, round):
        lane = "interactive" if self.kind == "call" else "deferred"
        for number in range(REQUESTS):
            each = job(number, lane, f"{self.name}-{round}", kind=0)
            each.model = f"gpt-{self.name}"
            each.body["model"] = each.model
            yield each

    def order(self, milliseconds):
        self.simulator.change(orders=[{"kind": self.kind, "n": 2, "retry_after_ms": milliseconds}])

    def seen(self):
        """How many calls of the kind were refused so, and how many were served."""
        found = [each for each in self.simulator.stats()["traffic"]["kinds"] if each["kind"] == self.kind]
        return (sum(each["reasons"].get("ordered_429", 0) for each in found), sum(each["accepted"] for each in found))


def run(bench):
    accounts = [Account(bench, kind, style) for kind in KINDS for style in STYLES]
    service = bench.service(
        accounts[0].simulator,
        # One request a batch, so that others of the account have to wait too.
        batching={"deferred": {"max_requests_per_batch": 1}},
        execution={"create_timeout": "400ms", "max_retry_after": "1h", "worker_concurrency": 256},
        providers={each.name: {"kind": "openai-compatible", "endpoint": each.simulator.endpoint, "api_key": API_KEY}
                   for each in accounts},
        models={f"gpt-{each.name}": {"routes": [f"{each.name}:gpt-4o-mini"]} for each in accounts},
        prices=PRICES)
    collector = bench.collector()
    asked = []
    for round, pause in enumerate(PAUSES, 1):
        for each in accounts:
            each.order(pause)
        sent = [request for each in accounts for request in each.jobs(round)]
        asked += sent
        bench.publishing([each.message() for each in sent]).wait()
        # Two pauses, a tenth more of each, and what the work takes.
        collector.wait_for(len(asked), pause / 1000 * 2.3 + 60)
        wait_until("the last of all kinds", lambda: all(
            each.seen()[0] == 2 * round and each.seen()[1] > 0 for each in accounts), pause / 1000 * 2.3 + 30)
        early = {each.name: each.simulator.stats()["early"] for each in accounts}
        wrong = {name: found for name, found in early.items() if found["count"]}
        bench.say(f"{pause} ms: {2 * len(accounts)} refusals of {len(accounts)} kinds and ways, early calls: {wrong or 0}")
        equal("calls before their time", wrong, {})
    verify(collector, asked)


def verify(collector, asked):
    for each in asked:
        replies = collector.replies_to(each.correlation_id)
        equal(f"replies to {each.correlation_id}", len(replies), 1)
        check(not replies[0].error_code, f"{each.correlation_id} failed with {replies[0].error_code}")
