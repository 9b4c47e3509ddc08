"""An account that lets a tenth of the load be enqueued: everything is delivered, no request is refused for it twice.

Nobody tells the service of the cap: the first refusal does. Once with a ledger of its own and a restart in the middle, and
once with three replicas on one Postgres ledger. The counts are the simulator's.
"""
import collections
import json
import os

from harness.checks import check, equal, wait_until
from harness.jobs import job

REQUESTS = int(os.environ.get("MILLRACE_ENQUEUED_REQUESTS", "1000"))
# Files are kept, since they tell which requests were in a batch that was refused.
SETTINGS = {"execution": {"delete_files": False}, "batching": {"deferred": {"max_requests_per_batch": REQUESTS}}}


def run(bench):
    for name, start in (("alone", alone), ("replicas", replicas)):
        load(bench, name, start)
        for each in bench.services:
            each.close()
        bench.broker.clear({"integration.replies"})


def alone(bench, simulator):
    return [bench.service(simulator, name="alone", **SETTINGS)]


def replicas(bench, simulator):
    return bench.replicas(simulator, bench.shared_ledger(), name="shared", **SETTINGS)


def load(bench, name, start):
    asked = [job(number, "deferred", f"enqueued-{name}", kind=0) for number in range(REQUESTS)]
    # Four bytes a token are near enough.
    tokens = sum(-(-len(each.prompt.encode()) // 4) for each in asked)
    cap = tokens // 10
    simulator = bench.simulator(name=f"simulator {name}", enqueued_tokens=cap, batch_min_ms=600)
    services = start(bench, simulator)
    collector = bench.collector()
    bench.publishing([each.message() for each in asked]).wait()
    if len(services) == 1:
        wait_until("a third of the replies", lambda: len(collector.by_correlation) > REQUESTS // 3, 120)
        services[0].process.terminate()
        services[0].start()
    collector.wait_for(REQUESTS, 180)
    bench.verify(asked, collector)
    refused = in_refused_batches(simulator)
    batches = simulator.stats()["batches_by_status"]
    bench.say(f"{name}: {REQUESTS} requests of {tokens} tokens at a cap of {cap}: batches {batches}, "
              f"{len(refused)} requests were in one that was refused")
    check(refused, "no batch was refused: the cap was no cap")
    equal("most refusals of one request", max(refused.values()), 1)
    payments = simulator.payments()
    equal("requests that were not paid once", [each.key for each in asked if payments[each.key] != 1], [])
    check(any(each.metric("enqueued_tokens_limit", provider="openai") <= cap for each in services),
          "no service shows the cap that it learned")
    collector.close()


def in_refused_batches(simulator):
    """How often each request was in a batch that failed for enqueued tokens, by its prompt."""
    batches = {each["batch"]["id"]: each["batch"] for each in simulator.journal() if "batch" in each}
    counts = collections.Counter()
    for batch in batches.values():
        if any(each["code"] == "token_limit_exceeded" for each in (batch["errors"] or {}).get("data", [])):
            lines = (simulator.folder / "simulator" / "files" / batch["input_file_id"]).read_bytes().splitlines()
            counts.update(json.loads(line)["body"]["messages"][0]["content"] for line in lines)
    return counts
