"""The prompt cache: rows of a batch whose prompts begin alike are neighbours, which the bill shows; nothing else changes.

Prompts of many kinds, each kind with a long beginning of its own, come all mixed up. The simulator caches as OpenAI does:
beginnings of 1,024 tokens and of each 128 more, for the price of cached input, and only the few that were used last. The
same requests are sent with `batching.order_by_prefix` and without, on SQLite and on Postgres. The answers are the same to
the byte, and what each reply says that it cost is what was billed. MILLRACE_SAVINGS_REQUESTS says how many there are.
"""
import collections
import json
import os
import random

from harness.answers import echo, pico_usd
from harness.checks import check, equal
from harness.jobs import Job, chat

REQUESTS = int(os.environ.get("MILLRACE_SAVINGS_REQUESTS", "600"))
LEDGERS = os.environ.get("MILLRACE_LEDGERS", "sqlite postgres").split()
KINDS = 20
# Fewer than there are kinds: what comes all mixed up seldom finds anything in it.
CACHED = 4
MODEL = "gpt-4.1-mini"
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
    changes = {"batching": {"order_by_prefix": orders, "deferred": {"idle_ms": 1500, "max_age_ms": 10_000}}}
    if ledger == "postgres":
        service = bench.replicas(simulator, bench.shared_ledger(name), 1, name=name, **changes)[0]
    else:
        service = bench.service(simulator, name=name, **changes)
    collector = bench.collector()
    bench.publishing([each.message() for each in jobs]).wait(120)
    collector.wait_for(len(jobs), 180, bench.say)
    bench.verify(jobs, collector)
    paid = simulator.paid()
    equal("payments", len(paid), len(jobs))
    bill = sum(each["pico_usd"] for each in paid)
    replies = {each.correlation_id: collector.replies_to(each.correlation_id)[0] for each in jobs}
    equal("what the replies say that they cost", sum(pico_usd(each) for each in replies.values()), bill)
    cached = sum(each["cached_tokens"] for each in paid)
    told = sum(each.body["millrace"]["usage"]["cached_input_tokens"] for each in replies.values())
    equal("cached tokens that the replies tell of", told, cached)
    found = {"bill": bill, "input tokens": sum(each["input_tokens"] for each in paid),
             "output tokens": sum(each["output_tokens"] for each in paid),
             "answers": {key: content(each) for key, each in replies.items()}}
    batches = collections.Counter(each["batch_id"] for each in paid)
    bench.say(f"{name}: {bill / 1e12:.6f} USD for {found['input tokens']} input tokens, of which "
              f"{cached / found['input tokens']:.0%} cached, in batches of {sorted(batches.values(), reverse=True)}")
    equal("the exit status", service.process.terminate()[0], 0)
    collector.close()
    bench.broker.clear({"integration.replies"})
    return found


def content(reply):
    """What the model said: beside it a body has ids and times, and how much was cached."""
    return json.dumps(reply.body["response"]["body"]["choices"], ensure_ascii=False)
