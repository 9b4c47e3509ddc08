"""Azure OpenAI with every oddity on: both kinds of paths, key and token, 2,000 requests a lane, right and paid once.

One resource is reached by /openai/v1 with a key, and by dated paths with a token from a file, which is replaced and the old
one revoked while requests run. Batches have deployments of their own. Then a create of which nobody knows whether it
happened, in six ways; each batch runs once. MILLRACE_AZURE_REQUESTS is the number for each lane.
"""
import hashlib
import os

from harness.answers import pico_usd
from harness.checks import check, equal, wait_until
from harness.jobs import job
from harness.service import API_KEY
from scenarios.ambiguous import Ambiguous

REQUESTS = int(os.environ.get("MILLRACE_AZURE_REQUESTS", "2000"))
TOKENS = ["eyJhbGciOiJub25lIn0.one", "eyJhbGciOiJub25lIn0.two"]
KEYS = [f"{key}=azure" for key in [API_KEY, *TOKENS]]
DEPLOYMENTS = {model: {"batch": f"{model}-batch", "model": model} for model in ("gpt-4o-mini", "gpt-4.1-mini")}


def run(bench):
    requests(bench)
    ambiguous(bench)


def providers(bench, simulator):
    """The same resource twice: by key and /openai/v1, and by token and dated paths."""
    resource = simulator.endpoint.removesuffix("/v1")
    token = bench.folder / "token"
    token.write_text(TOKENS[0] + "\n")
    return {
        "providers": {
            "azure": {"kind": "azure", "endpoint": resource, "api_key": API_KEY, "deployments": DEPLOYMENTS},
            "dated": {"kind": "azure", "endpoint": f"{resource}/openai", "api_version": "2024-10-21",
                      "token_file": str(token), "deployments": DEPLOYMENTS}},
        "models": {"gpt-4o-mini": {"routes": ["azure"]}, "gpt-4.1-mini": {"routes": ["dated"]}}}


def requests(bench):
    simulator = bench.simulator(key=KEYS, fault_line_error=0.02, fault_5xx=0.01)
    settings = providers(bench, simulator)
    service = bench.service(simulator, **settings)
    status, said, _ = service.command("check")
    check(status == 0 and "provider azure" in said and "provider dated" in said, f"millrace check: {said}")
    collector = bench.collector()
    wanted = [job(number, lane, f"azure-{lane}", kind=number % 4)
              for lane in ("interactive", "deferred") for number in range(REQUESTS)]
    # Both halves have all kinds.
    halves = [[each for place, each in enumerate(wanted) if place // 4 % 2 == half] for half in (0, 1)]
    bench.publishing([each.message() for each in halves[0]]).wait(120)
    collector.wait_for(len(halves[0]), 180, bench.say)
    renew(bench, simulator)
    bench.publishing([each.message() for each in halves[1]]).wait(120)
    collector.wait_for(len(wanted), 180, bench.say)
    bench.verify(wanted, collector)

    twice = [key for key, times in simulator.payments().items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")
    paid = simulator.paid()
    equal("payments", len(paid), len(wanted))
    equal("the deployments", {entry["model"] for entry in paid},
          {name for model in DEPLOYMENTS for name in (model, f"{model}-batch")})
    costs = [pico_usd(replies[0]) for replies in collector.by_correlation.values()]
    equal("the costs of all replies", sum(cost or 0 for cost in costs), simulator.stats()["pico_usd"])
    counters = simulator.stats()["counters"]
    # A token that is refused just after it was replaced is tried anew at once, so 401s may be there.
    for reason in ("file_not_processed", "batch_deployment", "not_found", "invalid_request"):
        equal(f"refused: {reason}", counters.get(f"refused.{reason}", 0), 0)
    keys = {entry["key"] for entry in paid}
    check({fingerprint(token) for token in TOKENS} <= keys, f"one of the tokens was not used: {keys}")
    for token in TOKENS:
        check(token not in service.log_text(), "a token is in the log")
    bench.say(f"{len(wanted)} requests in two lanes by two kinds of paths, {counters['batches.created']} batches; all right, "
              f"paid once, bill {simulator.stats()['pico_usd'] / 1e12:.6f} USD")
    equal("the exit status", service.process.terminate()[0], 0)


def fingerprint(key):
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def renew(bench, simulator):
    """Puts another token in place of the first, which is then refused."""
    fresh = bench.folder / "token.new"
    fresh.write_text(TOKENS[1] + "\n")
    fresh.replace(bench.folder / "token")
    simulator.change(revoked_keys=[fingerprint(TOKENS[0])])


def ambiguous(bench):
    simulator = bench.simulator(
        name="ambiguous", key=KEYS, list_lag_ms=500, hang_ms=3000, batch_min_ms=0, quirk="file_processing_ms=100")
    service = bench.service(
        simulator, name="ambiguous", batching={"deferred": {"idle_ms": 250}},
        execution={"poll_interval_ms": 100, "reconcile_grace": "1200ms", "drain_timeout": "10s", "create_timeout": "1s",
                   "circuit_breaker": {"open_s": 1}},
        **providers(bench, simulator))
    test = Ambiguous(bench, simulator, service, bench.collector("integration.ambiguous"))
    test.run([
        test.crash_before_accept, test.crash_after_accept, test.crash_before_record, test.timeout_after_accept,
        test.reset_after_accept, test.error_after_accept])
    wait_until("no batch to be open", lambda: not simulator.stats()["batches_by_status"].get("in_progress"), 30)
