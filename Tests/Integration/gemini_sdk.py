#!/usr/bin/env python3
"""Drives the provider simulator with the official Google Gen AI SDK.

usage: gemini_sdk.py http://127.0.0.1:8080

Start the simulator with --zero-latency and without faults. Prints one line for each check and exits with status 1 at
the first that is wrong. Needs `pip install google-genai`. The simulator is reset first: its files and its witness are
lost.
"""
import hashlib
import io
import json
import sys
import time
import urllib.request

from google import genai
from google.genai import errors, types

BASE = sys.argv[1].rstrip("/") if len(sys.argv) == 2 else sys.exit(__doc__)
MODEL = "gemini-3.8-flash"
ENDED = {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED"}


def client(key="sk-integration", version="v1beta"):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=BASE, api_version=version))


ours = client()


def check(what, condition, detail=""):
    print(("ok    " if condition else "WRONG ") + what + (f": {detail}" if detail and not condition else ""), flush=True)
    if not condition:
        sys.exit(1)


def refused(what, code, status, call):
    try:
        call()
    except errors.APIError as error:
        check(what, (error.code, error.status) == (code, status), f"{error.code} {error.status}")
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


def ask(text, model=MODEL, by=None, **config):
    return (by or ours).models.generate_content(
        model=model, contents=text, config=types.GenerateContentConfig(**config) if config else None)


def synchronous():
    text = 'Grüße "quoted"\n\tand a long line that is cut after forty bytes'
    answer = ask(text, system_instruction="Be brief.", temperature=0.5, stop_sequences=["END"])
    check("answer: text", answer.text == echo(text), answer)
    check("answer: finish", answer.candidates[0].finish_reason == types.FinishReason.STOP)
    usage = answer.usage_metadata
    check("answer: thoughts are counted apart", usage.total_token_count == usage.prompt_token_count
          + usage.candidates_token_count + (usage.thoughts_token_count or 0), usage)
    check("answer: id and model", answer.response_id and answer.model_version == MODEL)
    short = ask("cut me", max_output_tokens=3)
    check("answer: cut", short.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS)
    check("answer: the other version", ask("v1", by=client(version="v1")).text == echo("v1"))
    check("models are listed", f"models/{MODEL}" in [model.name for model in ours.models.list()])


def refusals():
    refused("400", 400, "INVALID_ARGUMENT", lambda: ask("[[sim:reject]]"))
    refused("404", 404, "NOT_FOUND", lambda: ask("x", model="missing-model"))
    refused("429", 429, "RESOURCE_EXHAUSTED", lambda: ask("[[sim:429x*]]"))
    refused("500", 500, "INTERNAL", lambda: ask("[[sim:500x*]]"))
    refused("503", 503, "UNAVAILABLE", lambda: ask("[[sim:503x*]]"))
    refused("a wrong key is a bad request", 400, "INVALID_ARGUMENT", lambda: ask("x", by=client("sk-revoked-1")))
    refused("money", 402, "INVALID_ARGUMENT", lambda: ask("x", by=client("sk-billing-1")))
    try:
        ask("[[sim:429x*]] wait")
    except errors.APIError as error:
        kinds = [detail["@type"].rsplit(".", 1)[1] for detail in error.details["error"]["details"]]
        check("429: the quota is named", "QuotaFailure" in kinds, kinds)


def finished(job):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = ours.batches.get(name=job.name)
        if job.state.name in ENDED and (job.state.name != "JOB_STATE_SUCCEEDED" or job.dest):
            return job
        time.sleep(0.02)
    check(f"batch {job.name} ends", False, job)


def uploaded(rows, name):
    lines = "".join(json.dumps({"key": key, "request": request}) + "\n" for key, request in rows.items())
    file = ours.files.upload(
        file=io.BytesIO(lines.encode()), config=types.UploadFileConfig(display_name=name, mime_type="application/jsonl"))
    deadline = time.monotonic() + 30
    while file.state.name == "PROCESSING" and time.monotonic() < deadline:
        time.sleep(0.02)
        file = ours.files.get(name=file.name)
    check(f"file {name}: active", file.state.name == "ACTIVE" and file.display_name == name, file)
    return file


def rows(texts):
    return {key: {"contents": [{"role": "user", "parts": [{"text": text}]}]} for key, text in texts.items()}


def batches():
    # The SDK looks for results where most batches have them.
    admin("faults", {"gemini_output_in_response": False})
    texts = {f"r-{number}": f"question {number}" for number in range(50)}
    texts["bad"] = "[[sim:reject]]"
    file = uploaded(rows(texts), "fifty")
    job = ours.batches.create(model=MODEL, src=file.name, config={"display_name": "fifty"})
    check("batch: created", job.name.startswith("batches/") and job.display_name == "fifty", job)
    job = finished(job)
    check("batch: succeeded", job.state.name == "JOB_STATE_SUCCEEDED" and job.end_time is not None, job)
    content = ours.files.download(file=job.dest.file_name)
    results = {line["key"]: line for line in map(json.loads, content.decode().splitlines())}
    check("batch: results", set(results) == set(texts))
    texts_of = {key: line["response"]["candidates"][0]["content"]["parts"][0]["text"]
                for key, line in results.items() if "response" in line}
    check("batch: each its own", all(texts_of[key] == echo(text) for key, text in texts.items() if key != "bad"))
    check("batch: error", results["bad"]["error"]["code"] == 3, results["bad"])
    check("batch: listed", job.name in [each.name for each in ours.batches.list()])
    refused("file: what was uploaded cannot be downloaded", 400, "INVALID_ARGUMENT",
            lambda: ours.files.download(file=file.name))
    ours.files.delete(name=file.name)
    refused("file: gone looks forbidden", 403, "PERMISSION_DENIED", lambda: ours.files.get(name=file.name))
    refused("batch: no file", 403, "PERMISSION_DENIED", lambda: ours.batches.create(model=MODEL, src=file.name))
    ours.batches.delete(name=job.name)
    refused("batch: gone", 404, "NOT_FOUND", lambda: ours.batches.get(name=job.name))

    admin("faults", {"batch_min_ms": 60000, "batch_cancel_ms": 50})
    file = uploaded(rows({f"c-{number}": f"c {number}" for number in range(200)}), "cancelled")
    job = ours.batches.create(model=MODEL, src=file.name, config={"display_name": "cancelled"})
    time.sleep(0.3)
    ours.batches.cancel(name=job.name)
    check("cancel: cancelled", finished(job).state.name == "JOB_STATE_CANCELLED")
    admin("faults", {"batch_min_ms": 0, "batch_cancel_ms": 0, "gemini_output_in_response": True})


admin("reset", {})
for part in (synchronous, refusals, batches):
    part()
print("all checks hold")
