"""Requests for embeddings that share lines of their batch get what each would have got alone, to the byte.

Texts, several at a time, vectors of another length, base64 and token ids, of two tenants, come all mixed up; some of them are
refused by the provider, one for an input that is too long and one for what it says, and each would spoil the line that it is
in. They are sent with `batching.merge_embeddings` and without, on SQLite and on Postgres. Each time the service is killed after
the upload, after the create, within the results and after the first that it recorded, and ends with the option off. The same
answers come to the byte, usage included, no line is paid twice, what the replies say that they cost is what was billed, and
that is the same: what is saved is lines. MILLRACE_MERGED_EMBEDDINGS says how many requests there are.
"""
import json
import os
import random

from harness.answers import pico_usd
from harness.checks import check, equal, wait_until
from harness.messages import Message

REQUESTS = int(os.environ.get("MILLRACE_MERGED_EMBEDDINGS", "600"))
LEDGERS = os.environ.get("MILLRACE_LEDGERS", "sqlite postgres").split()
MODEL = "text-embedding-3-small"
# Where the service is killed, one after the other.
STEPS = ("provider.upload.after", "ledger.submitted.before", "provider.fetch.after", "ledger.record.after")
# Of both, whatever shares a line with them is tried again alone.
BAD = {"embed-too-long", "embed-rejected"}


def run(bench):
    requests = [request(number) for number in range(REQUESTS)]
    # The longest input that is taken has 8,192 tokens.
    requests += [("embed-too-long", {"input": [[7] * 9000, [7] * 3]}), ("embed-rejected", {"input": "[[sim:reject]]"})]
    random.Random(5).shuffle(requests)
    for ledger in LEDGERS:
        alone, merged = (once(bench, ledger, requests, merges) for merges in (False, True))
        for name, answer in alone["answers"].items():
            equal(f"the answer to {name}", merged["answers"][name], answer)
        for what in ("input tokens", "bill"):
            equal(what, merged[what], alone[what])
        bench.say(f"{ledger}: {alone['lines']} lines are {merged['lines']} when merged, for the same "
                  f"{alone['bill'] / 1e12:.9f} USD")
        equal("lines without merging", alone["lines"], REQUESTS)
        # A line of texts and one of token ids are tried again row by row; each of the other shapes takes a few lines.
        check(merged["lines"] < 0.6 * REQUESTS, f"{merged['lines']} lines")


def request(number):
    text = f"embed {number}: the tide at the {number % 7}. lighthouse, Grüße 東京 🚲"
    body = [{"input": text}, {"input": [text, f"more of {number}", "the same"]}, {"input": text, "dimensions": 24},
            {"input": [text], "encoding_format": "base64"}, {"input": [number, 2, 3]}, {"input": text}][number % 6]
    return f"embed-{number}", body


def once(bench, ledger, requests, merges):
    name = f"{ledger} {'merged' if merges else 'alone'}"
    # As long as those of the model are.
    simulator = bench.simulator(name=f"simulator {name}", embedding_dimensions=1536)
    changes = {"batching": {"merge_embeddings": merges, "deferred": {"idle_ms": 1500, "max_age_ms": 15_000}}}
    place = bench.shared_ledger(name) if ledger == "postgres" else {}
    service = bench.service(simulator, start=False, name=name, **place, **changes)
    arm(service, STEPS[0])
    service.wait_ready()
    collector = bench.collector()
    messages = [
        Message(json.dumps({"model": MODEL, **body}, ensure_ascii=False).encode(), "deferred.test",
                {"x-tenant": f"tenant {len(correlation) % 2}"},
                {"correlation_id": correlation, "message_id": "m-" + correlation})
        for correlation, body in requests]
    bench.publishing(messages).wait(120)
    for step, following in zip(STEPS, STEPS[1:] + (None,)):
        wait_until(f"{step} to be hit", lambda: not service.process.running, 60, pause=0.01)
        check(f"failpoint {step}: kill" in service.log_text(), "it ended, but not by the failpoint")
        equal(f"replies at {step}", collector.count, 0)
        # What was sent stays as it is.
        service.config["batching"]["merge_embeddings"] = merges and following is not None
        arm(service, following)
    service.wait_ready()
    collector.wait_for(len(requests), 180, bench.say)
    answers = {}
    for correlation, _ in requests:
        replies = collector.replies_to(correlation)
        equal(f"replies to {correlation}", len(replies), 1)
        reply = replies[0]
        equal(f"what became of {correlation}", reply.status, "failed" if correlation in BAD else "succeeded")
        if correlation in BAD:
            equal(f"the error of {correlation}", reply.error_code, "provider_rejected")
        answers[correlation] = provider_body(reply)
    paid = simulator.paid()
    equal("lines that were paid twice", len(paid) - len({each["custom_id"] for each in paid}), 0)
    bill, tokens = (sum(each[what] for each in paid) for what in ("pico_usd", "input_tokens"))
    replied = [collector.replies_to(correlation)[0] for correlation, _ in requests if correlation not in BAD]
    equal("what the replies say that they cost", sum(pico_usd(each) for each in replied), bill)
    equal("tokens that the replies tell of", sum(each.body["millrace"]["usage"]["input_tokens"] for each in replied), tokens)
    equal("the exit status", service.process.terminate()[0], 0)
    collector.close()
    bench.broker.clear({"integration.replies"})
    bench.say(f"{name}: {len(paid)} lines in {len({each['batch_id'] for each in paid})} batches, {tokens} tokens")
    return {"answers": answers, "bill": bill, "lines": len(paid), "input tokens": tokens}


def arm(service, step):
    service.start(wait=False, environment={"MILLRACE_FAILPOINTS": f"{step}=kill@1"} if step else None)


def provider_body(reply):
    """The provider's body as it stands in the reply."""
    text = reply.raw.decode()
    start = text.index('"body":') + len('"body":')
    return text[start:json.JSONDecoder().raw_decode(text, start)[1]]
