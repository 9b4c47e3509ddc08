#!/usr/bin/env python3
"""Drives the provider simulator with the official Anthropic SDK.

usage: anthropic_sdk.py http://127.0.0.1:8080

Start the simulator with --zero-latency and without faults. Prints one line for each check and exits with status 1 at
the first that is wrong. Needs `pip install anthropic`. The simulator is reset first: its files and its witness are lost.
"""
import hashlib
import json
import sys
import time
import urllib.request

import anthropic

BASE = sys.argv[1].rstrip("/") if len(sys.argv) == 2 else sys.exit(__doc__)
MODEL = "claude-haiku-5-5"
client = anthropic.Anthropic(base_url=BASE, api_key="sk-integration", max_retries=0)


def check(what, condition, detail=""):
    print(("ok    " if condition else "WRONG ") + what + (f": {detail}" if detail and not condition else ""), flush=True)
    if not condition:
        sys.exit(1)


def refused(what, kind, call, expected):
    try:
        call()
    except kind as error:
        found = (error.body or {}).get("error", {}).get("type")
        check(what, found == expected, f"{found} instead of {expected}")
    except Exception as error:  # noqa: BLE001: whatever else comes is what is wrong
        check(what, False, repr(error))
    else:
        check(what, False, "not refused")


def admin(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{BASE}/_sim/{path}", data=data)) as answer:
        return answer.read()


def echo(text):
    """The rule by which the simulator answers."""
    raw = text.encode()
    prefix = raw[:40].decode(errors="ignore")
    return f"echo {hashlib.sha256(raw).hexdigest()[:16]} " + "".join(" " if c < " " else c for c in prefix)


def params(text, **more):
    return {"model": MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": text}], **more}


def synchronous():
    text = 'Grüße "quoted"\n\tand a long line that is cut after forty bytes'
    message = client.messages.create(**params(text, system="Be brief."))
    check("message: content", message.content[0].text == echo(text), message)
    check("message: shape", (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn"))
    check("message: usage", message.usage.input_tokens > 0 and message.usage.output_tokens > 0)
    check("message: blocks", client.messages.create(**params([{"type": "text", "text": "block"}])).content[0].text == echo("block"))
    short = client.messages.create(**params("cut me", max_tokens=3))
    check("message: cut", short.stop_reason == "max_tokens" and short.usage.output_tokens == 3)
    raw = client.messages.with_raw_response.create(**params("raw"))
    check("message: request id", raw.headers["request-id"].startswith("req_"))
    counted = client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "raw"}])
    check("tokens are counted", counted.input_tokens == raw.parse().usage.input_tokens, counted)


def refusals():
    ask = lambda text, **more: (lambda: client.messages.create(**params(text, **more)))  # noqa: E731
    refused("400", anthropic.BadRequestError, ask("[[sim:reject]]"), "invalid_request_error")
    refused("404", anthropic.NotFoundError, ask("x", model="missing-model"), "not_found_error")
    refused("429", anthropic.RateLimitError, ask("[[sim:429x*]]"), "rate_limit_error")
    refused("500", anthropic.InternalServerError, ask("[[sim:500x*]]"), "api_error")
    refused("529", anthropic.APIStatusError, ask("[[sim:503x*]]"), "overloaded_error")
    stranger = client.with_options(api_key="sk-revoked-1")
    refused("401", anthropic.AuthenticationError, lambda: stranger.messages.create(**params("x")), "authentication_error")
    patient = client.with_options(max_retries=3)
    check("the SDK tries again", patient.messages.create(**params("[[sim:500x2]] again")).content[0].text == echo("[[sim:500x2]] again"))


def finished(batch):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        batch = client.messages.batches.retrieve(batch.id)
        if batch.processing_status == "ended":
            return batch
        time.sleep(0.02)
    check(f"batch {batch.id} ends", False, batch.processing_status)


def batches():
    texts = {f"r-{number}": f"question {number}" for number in range(50)}
    texts["bad"] = "[[sim:reject]]"
    created = client.messages.batches.create(
        requests=[{"custom_id": name, "params": params(text)} for name, text in texts.items()])
    check("batch: created", created.processing_status == "in_progress" and created.request_counts.processing == 51, created)
    batch = finished(created)
    check("batch: counts", (batch.request_counts.succeeded, batch.request_counts.errored) == (50, 1), batch.request_counts)
    check("batch: times", batch.ended_at is not None and batch.expires_at > batch.created_at)
    results = {entry.custom_id: entry.result for entry in client.messages.batches.results(batch.id)}
    check("batch: results", set(results) == set(texts))
    check("batch: each its own", all(results[name].message.content[0].text == echo(text) for name, text in texts.items() if name != "bad"))
    check("batch: error", results["bad"].type == "errored" and results["bad"].error.error.type == "invalid_request_error", results["bad"])
    check("batch: listed", batch.id in [each.id for each in client.messages.batches.list(limit=1)])
    refused("batch: no cancel of what has ended", anthropic.BadRequestError, lambda: client.messages.batches.cancel(batch.id), "invalid_request_error")
    check("batch: deleted", client.messages.batches.delete(batch.id).type == "message_batch_deleted")
    refused("batch: gone", anthropic.NotFoundError, lambda: client.messages.batches.retrieve(batch.id), "not_found_error")
    refused("batch: custom ids are checked", anthropic.BadRequestError, lambda: client.messages.batches.create(
        requests=[{"custom_id": "not allowed", "params": params("x")}]), "invalid_request_error")

    admin("faults", {"batch_min_ms": 60000, "batch_cancel_ms": 50})
    batch = client.messages.batches.create(
        requests=[{"custom_id": f"c-{number}", "params": params(f"c {number}")} for number in range(200)])
    time.sleep(0.3)
    check("cancel: canceling first", client.messages.batches.cancel(batch.id).processing_status == "canceling")
    batch = finished(batch)
    kinds = [entry.result.type for entry in client.messages.batches.results(batch.id)]
    check("cancel: the rest is canceled", len(kinds) == 200 and "canceled" in kinds and batch.request_counts.canceled == kinds.count("canceled"))
    admin("faults", {"batch_min_ms": 0, "batch_cancel_ms": 0})


admin("reset", {})
for part in (synchronous, refusals, batches):
    part()
print("all checks hold")
