"""Servers without a batch endpoint: what is deferred is served by calls, and the reply says so; on both ledgers.

One has neither files nor batches (404), one takes files and refuses creates (405), one is known to have none (vLLM). With
SQLite one service, with Postgres three. MILLRACE_NO_BATCH_REQUESTS is the number for each server and ledger.
"""
import os

from harness.checks import check, equal, wait_until
from harness.jobs import job
from harness.prices import PRICES
from harness.service import API_KEY

REQUESTS = int(os.environ.get("MILLRACE_NO_BATCH_REQUESTS", "200"))
SERVERS = {"gpt-4o-mini": "nobatch", "gpt-4.1-mini": "nocreate", "gpt-5-mini": "vllm"}


def run(bench):
    for ledger, count in (("sqlite", 1), ("postgres", 3)):
        simulator = bench.simulator(name=f"simulator {ledger}")
        services = bench.replicas(
            simulator, bench.shared_ledger() if count > 1 else {}, count, name=ledger, **servers(simulator))
        collector = bench.collector(f"integration.{ledger}")
        serve(bench, simulator, services, collector, f"{ledger}-first")
        tries = simulator.stats()["counters"].get("files.uploaded", 0)
        # What was learned is known from the first request on.
        serve(bench, simulator, services, collector, f"{ledger}-again")
        equal("files uploaded since", simulator.stats()["counters"].get("files.uploaded", 0), tries)
        # A new process learns it anew, and nothing is lost by that.
        services[0].process.kill()
        services[0].start()
        serve(bench, simulator, services, collector, f"{ledger}-restart")
        equal("batches", simulator.stats()["batches"], 0)
        bench.say(f"held: {ledger}, {count} services: {3 * len(SERVERS) * REQUESTS} deferred requests answered by calls, paid "
                  f"once; {tries} uploads were tried for nothing")
        for service in services:
            equal("the exit status", service.process.terminate()[0], 0)
        collector.close()


def servers(simulator):
    base = simulator.endpoint.removesuffix("/v1")
    common = {"kind": "openai-compatible", "api_key": API_KEY, "timeout": "30s"}
    return {
        "providers": {
            "nobatch": {**common, "endpoint": f"{base}/nobatch/v1"},
            "nocreate": {**common, "endpoint": f"{base}/nocreate/v1"},
            "vllm": {**common, "endpoint": f"{base}/v1", "deviations": "vllm"}},
        "models": {model: {"routes": [name]} for model, name in SERVERS.items()},
        "prices": PRICES}


def serve(bench, simulator, services, collector, tag):
    wanted = []
    for model in SERVERS:
        for number in range(REQUESTS):
            each = job(number, "deferred", f"{tag}-{SERVERS[model]}", kind=0)
            each.model = each.body["model"] = model
            wanted.append(each)
    messages = [each.message() for each in wanted]
    bench.publishing(messages).wait(120)
    names = {each.correlation_id for each in wanted}
    wait_until(lambda: f"{len(names)} replies; {len(names & set(collector.by_correlation))} are there",
               lambda: names <= set(collector.by_correlation), 120, pause=0.2)
    for each in wanted:
        # They were deferred, and the reply says what became of that.
        each.lane = "interactive"
    bench.verify(wanted, collector)
    for name in names:
        reply = collector.by_correlation[name][0]
        check(reply.body["millrace"]["batch_id"] is None, f"{name} names a batch")
        equal(f"attempts of {name}", reply.body["millrace"]["attempts"], 1)
    forget(collector, names)
    paid = simulator.payments()
    twice = [each.key for each in wanted if paid[each.key] != 1]
    check(not twice, f"not paid once: {twice[:5]}")


def forget(collector, names):
    for name in names:
        del collector.by_correlation[name]
