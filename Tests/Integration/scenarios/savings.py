"""Batches in the order of their prompts meet the prompt cache, identical requests are sent once: the bill shows it.

Prompts of many kinds, each kind with a long beginning of its own, come all mixed up. The simulator caches as OpenAI does:
beginnings of 1,024 tokens and of each 128 more, for the price of cached input, and only the few that were used last. The
same requests are sent with `batching.order_by_prefix` and without, on SQLite and on Postgres. The answers are the same to
the byte, and what the replies say that they cost is what was billed. Then requests of which many ask the same with
temperature 0, of two tenants, with `batching.merge_identical` and without, and with a kill -9 before they are sent: one
payment for each question of a tenant, and a reply for each request. MILLRACE_SAVINGS_REQUESTS says how many there are.
"""
import collections
import json
import os
import random

from harness.answers import echo, pico_usd
from harness.checks import check, equal, wait_until
from harness.jobs import Job, chat

REQUESTS = int(os.environ.get("MILLRACE_SAVINGS_REQUESTS", "600"))
LEDGERS = os.environ.get("MILLRACE_LEDGERS", "sqlite postgres").split()
KINDS = 20
# Fewer than there are kinds: what comes all mixed up seldom finds anything in it.
CACHED = 4
MODEL = "gpt-4.1-mini"
QUESTIONS = 25
WORDS = ("account answer because before between billing button cannot change city contract customer date delivery device "
         "discount email error every figure first history invoice issue item language letter list message minute month").split()


def run(bench):
    jobs = [request(number) for number in range(REQUESTS)]
    random.Random(3).shuffle(jobs)
    for ledger in LEDGERS:
        plain, ordered = (once(bench, ledger, jobs, orders) for orders in (False, True))
        for what in ("input tokens", "output tokens", "answers"):
            equal(what, ordered[what], plain[what])
        bench.say(f"{ledger}: saved {1 - ordered['bill'] / plain['bill']:.0%}")
        check(ordered["bill"] < 0.7 * plain["bill"], "what is ordered costs hardly less")
    for ledger in LEDGERS:
        alone, merged = (alike(bench, ledger, merges) for merges in (False, True))
        equal("answers", merged["answers"], alone["answers"])
        bench.say(f"{ledger}: {REQUESTS} requests were {alone['payments']} payments, and are {merged['payments']} when merged: "
                  f"saved {1 - merged['bill'] / alone['bill']:.0%}")
        equal("payments without merging", alone["payments"], REQUESTS)
        # One for each question of each tenant; what came after the kill may have missed the window of its like.
        check(2 * QUESTIONS <= merged["payments"] <= 4 * QUESTIONS, f"{merged['payments']} payments")


def request(number):
    kind = number % KINDS
    chance = random.Random(kind)
    beginning = f"Kind {kind}. " + " ".join(chance.choice(WORDS) for _ in range(1400))
    name = f"saving-{number}"
    body = chat(MODEL, f"{name}: what now?", max_tokens=8)
    body["messages"].insert(0, {"role": "system", "content": beginning})
    prompt = body["messages"][1]["content"]
    return Job(name, "deferred", MODEL, "/v1/chat/completions", prompt, body, {}, echo(prompt, maximum_tokens=8), name)


def once(bench, ledger, jobs, orders):
    name = f"{ledger} {'ordered' if orders else 'as they come'}"
    simulator = bench.simulator(name=f"simulator {name}", prompt_cache_prefixes=CACHED)
    service = start(bench, simulator, ledger, name, order_by_prefix=orders)
    collector = bench.collector()
    bench.publishing([each.message() for each in jobs]).wait(120)
    collector.wait_for(len(jobs), 180, bench.say)
    bench.verify(jobs, collector)
    paid = simulator.paid()
    equal("payments", len(paid), len(jobs))
    bill, replies = settle(jobs, collector, paid)
    cached = sum(each["cached_tokens"] for each in paid)
    told = sum(each.body["millrace"]["usage"]["cached_input_tokens"] for each in replies.values())
    equal("cached tokens that the replies tell of", told, cached)
    found = {"bill": bill, "input tokens": sum(each["input_tokens"] for each in paid),
             "output tokens": sum(each["output_tokens"] for each in paid),
             "answers": {key: content(each) for key, each in replies.items()}}
    batches = collections.Counter(each["batch_id"] for each in paid)
    bench.say(f"{name}: {bill / 1e12:.6f} USD for {found['input tokens']} input tokens, of which "
              f"{cached / found['input tokens']:.0%} cached, in batches of {sorted(batches.values(), reverse=True)}")
    stop(bench, service, collector)
    return found


def alike(bench, ledger, merges):
    """Many that ask the same, half of them before a kill and half of them after it."""
    name = f"{ledger} {'merged' if merges else 'alone'}"
    simulator = bench.simulator(name=f"simulator {name}")
    service = start(bench, simulator, ledger, name, idle_ms=3000, merge_identical=merges)
    jobs = []
    for number in range(REQUESTS):
        prompt = f"question {number % QUESTIONS}: how much is it?"
        body = chat(MODEL, prompt, temperature=0, max_tokens=8)
        jobs.append(Job(f"alike-{number}", "deferred", MODEL, "/v1/chat/completions", prompt, body,
                        {"x-tenant": f"tenant {number // QUESTIONS % 2}"}, echo(prompt, maximum_tokens=8), f"alike-{number}"))
    collector = bench.collector()
    half = REQUESTS // 2
    bench.publishing([each.message() for each in jobs[:half]]).wait(120)
    wait_until("the first half to be taken in", lambda: not bench.broker.depth("llm.requests.deferred"), 60, pause=0.1)
    service.process.kill()
    service.start(wait=False)
    bench.publishing([each.message() for each in jobs[half:]]).wait(120)
    service.wait_ready()
    collector.wait_for(len(jobs), 180, bench.say)
    for each in jobs:
        replies = collector.replies_to(each.correlation_id)
        equal(f"replies to {each.correlation_id}", len(replies), 1)
        equal(f"the answer to {each.correlation_id}", replies[0].body["response"]["body"]["choices"][0]["message"]["content"],
              each.answer)
    paid = simulator.paid()
    bill, replies = settle(jobs, collector, paid)
    equal("message ids", len({each.properties.message_id for each in replies.values()}), len(jobs))
    stop(bench, service, collector)
    return {"bill": bill, "payments": len(paid), "answers": {key: content(each) for key, each in replies.items()}}


def start(bench, simulator, ledger, name, idle_ms=1500, **batching):
    changes = {"batching": {**batching, "deferred": {"idle_ms": idle_ms, "max_age_ms": 15_000}}}
    if ledger == "postgres":
        return bench.replicas(simulator, bench.shared_ledger(name), 1, name=name, **changes)[0]
    return bench.service(simulator, name=name, **changes)


def stop(bench, service, collector):
    equal("the exit status", service.process.terminate()[0], 0)
    collector.close()
    bench.broker.clear({"integration.replies"})


def settle(jobs, collector, paid):
    """The bill, which is what the replies say that they cost, and the replies."""
    bill = sum(each["pico_usd"] for each in paid)
    replies = {each.correlation_id: collector.replies_to(each.correlation_id)[0] for each in jobs}
    equal("what the replies say that they cost", sum(pico_usd(each) for each in replies.values()), bill)
    return bill, replies


def content(reply):
    """What the model said: beside it a body has ids and times, and how much was cached."""
    return json.dumps(reply.body["response"]["body"]["choices"], ensure_ascii=False)
