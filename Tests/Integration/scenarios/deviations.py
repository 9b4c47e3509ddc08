"""Servers that speak like OpenAI and differ: Together, xAI and Novita, in both lanes, with rows that fail and lost creates.

Each gets 300 requests a lane with 5 % of rows failing for now, then a round whose creates are accepted and never answered.
All are answered rightly and paid once. Then a create of which nobody knows whether it happened, in four ways, at each of
them. MILLRACE_DEVIATIONS_REQUESTS is the number for each server and lane.
"""
import os

from harness.checks import Problems, check, wait_until
from harness.jobs import job
from harness.prices import PRICES
from harness.service import API_KEY
from scenarios.ambiguous import Ambiguous

REQUESTS = int(os.environ.get("MILLRACE_DEVIATIONS_REQUESTS", "300"))
SERVERS = {"gpt-4o-mini": "together", "gpt-4.1-mini": "xai", "gpt-5-mini": "novita"}


def run(bench):
    simulator = bench.simulator(fault_line_error=0.05, hang_ms=3000, quirk="file_processing_ms=300")
    base = simulator.endpoint.removesuffix("/v1")
    service = bench.service(
        simulator, execution={"create_timeout": "1s", "reconcile_grace": "1200ms", "circuit_breaker": {"open_s": 1}},
        providers={name: {"kind": "openai-compatible", "endpoint": f"{base}/{name}/v1", "api_key": API_KEY,
                          "deviations": name, "timeout": "30s"} for name in SERVERS.values()},
        models={model: {"routes": [name]} for model, name in SERVERS.items()}, prices=PRICES)
    status, said, _ = service.command("check")
    check(status == 0 and all(f"provider {name}" in said for name in SERVERS.values()), f"millrace check: {said}")
    collector = bench.collector()

    wanted = [ask(number, lane, "run", model)
              for model in SERVERS for lane in ("deferred", "interactive") for number in range(REQUESTS)]
    bench.publishing([each.message() for each in wanted]).wait(120)
    collector.wait_for(len(wanted), 180, bench.say)
    bench.verify(wanted, collector)
    verify_paid(simulator, wanted)
    bench.say(f"held: {len(wanted)} requests at {len(SERVERS)} servers, "
              f"{simulator.stats()['counters']['batches.created']} batches, each paid once")

    before = simulator.stats()["counters"].get("fault.create_timeout", 0)
    simulator.change(fault_create_timeout=1, fault_line_error=0)
    lost = [ask(number, "deferred", "lost", model) for model in SERVERS for number in range(5)]
    bench.publishing([each.message() for each in lost]).wait()
    wait_until("a create of each server to be lost",
               lambda: simulator.stats()["counters"].get("fault.create_timeout", 0) - before >= len(SERVERS), 60)
    simulator.change(fault_create_timeout=0)
    collector.wait_for(len(wanted) + len(lost), 120, bench.say)
    bench.verify(wanted + lost, collector)
    verify_paid(simulator, wanted + lost)
    bench.say(f"held: {len(SERVERS)} creates without an answer, each found again and run once")
    service.close()
    for name in SERVERS.values():
        ambiguous(bench, name)


def ambiguous(bench, name):
    simulator = bench.simulator(
        name=f"ambiguous {name}", list_lag_ms=500, hang_ms=3000, batch_min_ms=0, quirk="file_processing_ms=100")
    endpoint = f"{simulator.endpoint.removesuffix('/v1')}/{name}/v1"
    service = bench.service(
        simulator, name=f"ambiguous {name}", batching={"deferred": {"idle_ms": 250}},
        execution={"poll_interval_ms": 100, "reconcile_grace": "1200ms", "drain_timeout": "10s", "create_timeout": "1s",
                   "circuit_breaker": {"open_s": 1}},
        providers={name: {"kind": "openai-compatible", "endpoint": endpoint, "api_key": API_KEY, "deviations": name,
                          "timeout": "30s"}},
        models={"gpt-4o-mini": {"routes": [name]}}, prices=PRICES)
    bench.say(f"{name}:")
    test = Ambiguous(bench, simulator, service, bench.collector(f"integration.ambiguous.{name}"))
    test.run([test.crash_before_accept, test.crash_after_accept, test.crash_before_record, test.timeout_after_accept])
    service.close()


def ask(number, lane, tag, model):
    each = job(number, lane, f"{tag}-{SERVERS[model]}-{lane}", kind=0)
    each.model = each.body["model"] = model
    return each


def verify_paid(simulator, wanted):
    problems = Problems()
    paid = simulator.payments()
    for each in wanted:
        problems.equal(f"payments of {each.key}", paid[each.key], 1)
    problems.raise_any()
