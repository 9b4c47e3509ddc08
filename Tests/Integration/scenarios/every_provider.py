"""One configuration with every provider and twenty models: mixed requests go where they belong, around a route that is down.

MILLRACE_PROVIDERS_REQUESTS is how many there are, over both lanes and all models (10,000 is the full size). A third of the
way the first route of two models goes down for good: their requests are answered by another kind of provider, and each
reply says which one it was. All are answered rightly, and paid once by all witnesses together.
"""
import collections
import dataclasses
import os
import random

from harness.answers import pico_usd
from harness.checks import Problems, check, equal, wait_until
from harness.jobs import job
from harness.prices import price
from harness.service import API_KEY

REQUESTS = int(os.environ.get("MILLRACE_PROVIDERS_REQUESTS", "2000"))
OPENAI = ("gpt-4o-mini", "gpt-5-mini", "gpt-5-nano", "gpt-5.4-mini")
AZURE = ("gpt-4o", "gpt-4.1-mini")
# The first route of these goes down; the next is another kind of provider.
FALLBACK = {"gpt-4.1": ["down", "azure"], "gpt-5.4-nano": ["down", "openai"]}
SERVERS = {"gpt-5": "together", "gpt-5.4": "xai", "gpt-6-luna": "novita", "gpt-6-sol": "nobatch"}
# Those of the servers, whose prices nobody but their user knows.
PRICES = {"gpt-5": price(1.25, 10), "gpt-5.4": price(2.5, 15), "gpt-6-luna": price(0.1, 0.5), "gpt-6-sol": price(2, 10),
          "gpt-4.1": price(2, 8), "gpt-5.4-nano": price(0.2, 1.25)}
# The kinds of requests that a model gets, by what its name begins with.
KINDS = {"text-embedding-3-small": [4], "text-embedding-3-large": [5], "mistral-embed": ["mistral-embed"],
         "claude": ["messages", "translated"], "gemini": ["generate", "generate translated"],
         "mistral-small": ["mistral", "mistral-openai"], "gpt": [0]}
OTHERS = ("text-embedding-3-small", "text-embedding-3-large", "claude-haiku-5-5", "claude-sonnet-5-5",
          "gemini-2.5-flash-lite", "gemini-2.5-flash", "mistral-small-2603", "mistral-embed")
MODELS = [*OPENAI, *AZURE, *FALLBACK, *SERVERS, *OTHERS]


def run(bench):
    equal("models", len(MODELS), 20)
    simulator = bench.simulator(fault_line_error=0.02, fault_5xx=0.01)
    down = bench.simulator(name="down")
    service = bench.service(simulator, **settings(simulator, down))
    status, said, _ = service.command("check")
    check(status == 0, f"millrace check: {said}")
    collector = bench.collector()
    wanted = [ask(number) for number in range(REQUESTS)]
    random.Random(1).shuffle(wanted)
    third = REQUESTS // 3
    bench.publishing([each.message() for each in wanted[:third]]).wait(120)
    collector.wait_for(third, 180, bench.say)
    wait_until("the route that goes down to be paid", lambda: down.paid(), 10)
    before = down.payments()
    down.kill()
    bench.publishing([each.message() for each in wanted[third:]]).wait(120)
    collector.wait_for(REQUESTS, 300, bench.say)
    bench.verify(without_batches(wanted), collector)
    verify_routes(wanted[:third], collector, first=True)
    verify_routes(wanted[third:], collector, first=False)
    verify_paid(simulator, before, wanted, collector)
    answered = collections.Counter(reply.body["millrace"]["provider"] for reply in collector.by_message_id.values())
    bench.say(f"{REQUESTS} requests for {len(MODELS)} models in both lanes, answered by "
              f"{', '.join(f'{name} {count}' for name, count in sorted(answered.items()))}")


def settings(simulator, down):
    base = simulator.endpoint.removesuffix("/v1")

    def provider(kind, endpoint, **more):
        return {"kind": kind, "endpoint": endpoint, "api_key": API_KEY, "timeout": "30s", **more}

    models = {model: {"routes": ["openai"]} for model in OPENAI}
    models |= {model: {"routes": ["azure"]} for model in AZURE}
    models |= {model: {"routes": routes} for model, routes in FALLBACK.items()}
    models |= {model: {"routes": [name]} for model, name in SERVERS.items()}
    models |= {"claude-*": {"routes": ["claude"]}, "gemini-*": {"routes": ["gemini"]}, "mistral-*": {"routes": ["mistral"]},
               "mistral-embed": {"routes": ["mistral"], "mode": "embedding"}}
    deployments = {model: {"batch": f"{model}-batch", "model": model} for model in (*AZURE, "gpt-4.1")}
    return {
        "providers": {
            "openai": provider("openai", simulator.endpoint),
            "azure": provider("azure", base, deployments=deployments),
            "claude": provider("anthropic", base), "gemini": provider("gemini", base),
            "mistral": provider("mistral", f"{base}/mistral"),
            "down": provider("openai-compatible", down.endpoint),
            **{name: provider("openai-compatible", f"{base}/{name}/v1", deviations="none" if name == "nobatch" else name)
               for name in SERVERS.values()}},
        "models": models, "prices": PRICES, "execution": {"worker_concurrency": 64}}


def ask(number):
    model = MODELS[number % len(MODELS)]
    kinds = next(kinds for beginning, kinds in KINDS.items() if model.startswith(beginning))
    round_ = number // len(MODELS)
    each = job(number, "interactive" if round_ % 2 else "deferred", "every", kind=kinds[round_ // 2 % len(kinds)])
    (each.body.get("body") or each.body)["model"] = each.model = model
    return each


def without_batches(wanted):
    """What is deferred where there are no batches is answered by calls, and the reply says so."""
    return [dataclasses.replace(each, lane="interactive") if each.model == "gpt-6-sol" else each for each in wanted]


def verify_routes(wanted, collector, first):
    problems = Problems()
    for each in wanted:
        own = collector.reply_to(each.correlation_id).body["millrace"]
        if each.model in FALLBACK:
            problems.equal(f"{each.correlation_id}: the provider", own["provider"], FALLBACK[each.model][0 if first else 1])
        elif each.model in SERVERS:
            problems.equal(f"{each.correlation_id}: the provider", own["provider"], SERVERS[each.model])
    problems.raise_any()


def verify_paid(simulator, before, wanted, collector):
    problems = Problems()
    paid = simulator.payments()
    for each in wanted:
        problems.equal(f"payments of {each.key}", paid[each.key] + before[each.key], 1)
    problems.raise_any()
    bill = simulator.stats()["pico_usd"]
    elsewhere = sum(pico_usd(reply) for reply in collector.by_message_id.values()
                    if reply.body["millrace"]["provider"] == "down")
    total = sum(pico_usd(reply) for reply in collector.by_message_id.values())
    equal("costs of all replies but those of the route that is gone", total - elsewhere, bill)
