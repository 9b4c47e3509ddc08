"""Tokens as estimated against those that are billed, before and after learning; after a refusal no batch is too large.

The simulator counts as each model's provider does: with OpenAI's encodings, and for others by a factor that the service
does not know and has to learn. The first lot of each model teaches, the second one tells. The account's cap on enqueued
tokens is a part of a lot, which nobody tells the service either: the first refusal does, and none of the model's batches
that are created after it is too large, those of models whose tokens are expected to be fewer than they are included.
MILLRACE_ESTIMATES_REQUESTS says how many requests each lot of a model has; the long run is 5,000.
"""
import collections
import json
import math
import os
import sqlite3

from harness.answers import echo
from harness.checks import check, equal
from harness.jobs import Job
from harness.prices import price
from harness.prompts import mixed

REQUESTS = int(os.environ.get("MILLRACE_ESTIMATES_REQUESTS", "300"))
# The most that half of the requests, and all but one of a hundred, may be off when the model's count was learned. How
# hosted models are shown a schema is not published: both take it for JSON without whitespace, as it is published for
# OpenAI's open ones.
MODELS = {"gpt-4o-mini": (0.005, 0.02), "gpt-4": (0.005, 0.02), "gpt-6-luna": (0.02, 0.05), "claude-opus-5-5": (0.02, 0.05),
          "gemini-2.5-flash": (0.02, 0.05), "mistral-large-4": (0.02, 0.05)}
# Of those whose encoding is public, also before.
EXACT = {"gpt-4o-mini", "gpt-4"}


def run(bench):
    asked = {(model, lot): [request(model, lot, number) for number in range(REQUESTS)] for model in MODELS for lot in (1, 2)}
    # Four bytes a token are near enough for a cap that is one.
    cap = sum(len(json.dumps(each.body)) for each in asked["gpt-4o-mini", 1]) // 40
    largest = max(len(json.dumps(each.body, ensure_ascii=False).encode()) for each in asked["gpt-4o-mini", 1])
    # Two batches have to fit, and a batch has at least a row.
    cap = max(cap, 2 * largest)
    simulator = bench.simulator(enqueued_tokens=cap, batch_min_ms=300)
    service = bench.service(
        simulator, models={f"{model}*": {"routes": ["openai"]} for model in MODELS},
        prices={model: price(1, 4) for model in MODELS},
        batching={"deferred": {"max_requests_per_batch": REQUESTS}})
    collector = bench.collector()
    count = 0
    for lot in (1, 2):
        jobs = [each for model in MODELS for each in asked[model, lot]]
        count += len(jobs)
        bench.publishing([each.message() for each in jobs]).wait(300)
        collector.wait_for(count, 120 + count // 20, bench.say)
        if lot == 1:
            ratios = learned(service)
    bench.verify([each for jobs in asked.values() for each in jobs], collector)
    estimated, billed = estimates(service), {each["prompt_key"]: each["input_tokens"] for each in simulator.paid()}
    report(bench, asked, estimated, billed, ratios)
    refusals = refused_batches(simulator)
    refused = collections.Counter(refusals.values())
    bench.say(f"{2 * REQUESTS} requests of each model at a cap of {cap} enqueued tokens: batches "
              f"{simulator.stats()['batches_by_status']}, of which refused for their size {dict(refused)}")
    check(refused, "no batch was refused: the cap was no cap")
    equal("batches that were created after a refusal of their model was known, and refused", late(service, refusals), [])


def request(model, lot, number):
    name = f"{model} {lot}-{number}"
    prompt, body = mixed(model, name, number)
    return Job(name, "deferred", model, "/v1/chat/completions", prompt, body, {}, echo(prompt, maximum_tokens=8), name)


def report(bench, asked, estimated, billed, ratios):
    for model, (middle, nearly) in MODELS.items():
        before, after = [], []
        for lot in (1, 2):
            for each in asked[model, lot]:
                real = billed[each.key]
                before.append(abs(estimated[each.correlation_id] / real - 1))
                if lot == 2:
                    after.append(abs(estimated[each.correlation_id] * ratios.get(model, 1) / real - 1))
        bench.say(f"{model}: off by {share(before, 0.5)} (p99 {share(before, 0.99)}) as counted, "
                  f"{share(after, 0.5)} (p99 {share(after, 0.99)}) with the factor {ratios.get(model, 1):.3f} learned")
        for errors in (before, after) if model in EXACT else (after,):
            check(quantile(errors, 0.5) <= middle, f"half of the estimates of {model} are off by {share(errors, 0.5)}")
            check(quantile(errors, 0.99) <= nearly, f"estimates of {model} are off by {share(errors, 0.99)}")


def quantile(values, part):
    return sorted(values)[math.ceil(part * len(values)) - 1]


def share(values, part):
    return f"{quantile(values, part):.2%}"


def read(service, statement):
    with sqlite3.connect(f"file:{service.folder / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
        return ledger.execute(statement).fetchall()


def estimates(service):
    """What the service expected, by correlation ID."""
    return {bytes(name).decode(): tokens for name, tokens in read(service, "SELECT correlation_id, tokens FROM request")}


def learned(service):
    """Tokens that are billed for each estimated one, by model."""
    rows = read(service, "SELECT model, value FROM learned WHERE what = 'token_ratio_thousandths'")
    return {model: value / 1000 for model, value in rows}


def refused_batches(simulator):
    """The models of the batches that failed for enqueued tokens."""
    batches = {each["batch"]["id"]: each["batch"] for each in simulator.journal() if "batch" in each}
    found = {}
    for name, batch in batches.items():
        for problem in (batch["errors"] or {}).get("data", []):
            if problem["code"] == "token_limit_exceeded":
                found[name] = next(model for model in MODELS if f"{model} " in problem["message"])
    return found


def late(service, refusals):
    """Those that the service created when it had taken the model's first refused batch apart."""
    times = {name: (created, ended) for name, created, ended in read(
        service, "SELECT provider_batch_id, submitted_at, ended_at FROM batch WHERE provider_batch_id IS NOT NULL")}
    first = {}
    for name, model in refusals.items():
        first[model] = min(times[name][1], first.get(model, math.inf))
    return [(model, name) for name, model in refusals.items() if times[name][0] > first[model]]
