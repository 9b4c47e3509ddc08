#!/usr/bin/env python3
"""Drives the provider simulator with the official Mistral SDK.

usage: mistral_sdk.py http://127.0.0.1:8080

Start the simulator with --zero-latency and without faults. Prints one line for each check and exits with status 1 at
the first that is wrong. Needs `pip install mistralai`. The simulator is reset first: its files and its witness are lost.
"""
import datetime
import hashlib
import json
import sys
import time
import urllib.request

from mistralai.client import Mistral, errors

BASE = sys.argv[1].rstrip("/") if len(sys.argv) == 2 else sys.exit(__doc__)
MODEL = "mistral-small-2603"
client = Mistral(api_key="sk-integration", server_url=BASE + "/mistral")


def check(what, condition, detail=""):
    print(("ok    " if condition else "WRONG ") + what + (f": {detail}" if detail and not condition else ""), flush=True)
    if not condition:
        sys.exit(1)


def refused(what, status, call, words=""):
    try:
        call()
    except errors.MistralError as error:
        check(what, error.status_code == status and words in error.body, f"{error.status_code} {error.body}")
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
    return f"echo {hashlib.sha256(text.encode()).hexdigest()[:16]} {text[:40]}"


def ask(text, **more):
    return client.chat.complete(model=more.pop("model", MODEL), messages=[{"role": "user", "content": text}], **more)


def synchronous():
    answer = ask("hello", random_seed=7, safe_prompt=True)
    check("chat: content", answer.choices[0].message.content == echo("hello"), answer)
    check("chat: shape", answer.object == "chat.completion" and answer.choices[0].finish_reason == "stop")
    check("chat: usage", answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0, answer.usage)
    short = ask("cut me", max_tokens=3)
    check("chat: cut", short.choices[0].finish_reason == "length" and short.usage.completion_tokens == 3)
    chunks = ask("think", reasoning_effort="high").choices[0].message.content
    check("chat: thoughts", [chunk.type for chunk in chunks] == ["thinking", "text"] and chunks[1].text == echo("think"))
    found = client.embeddings.create(model="mistral-embed", inputs=["one", "two"], output_dimension=24)
    check("embeddings", [len(each.embedding) for each in found.data] == [24, 24], found)
    check("models are listed", MODEL in [model.id for model in client.models.list().data])


def refusals():
    refused("422", 422, lambda: client.chat.complete(model=MODEL, messages=[{"role": "user", "content": "x"}],
                                                     temperature=1.9), "less_than_equal")
    try:
        ask("x", temperature=1.9)
    except errors.HTTPValidationError as error:
        check("422: the place", error.data.detail[0].loc == ["body", "temperature"], error.data)
    refused("400: the id of a call", 400, lambda: client.chat.complete(model=MODEL, messages=[
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_1", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"}]), "3280")
    refused("400: an unknown model", 400, lambda: ask("x", model="missing-model"), "invalid_model")
    refused("401", 401, lambda: Mistral(api_key="sk-revoked-1", server_url=BASE + "/mistral").chat.complete(
        model=MODEL, messages=[{"role": "user", "content": "x"}]), "Unauthorized")
    refused("429", 429, lambda: ask("[[sim:429x*]]"), "1300")
    refused("500", 500, lambda: ask("[[sim:500x*]]"))
    refused("404", 404, lambda: client.batch.jobs.get(job_id="nothing"), "detail")


def upload(texts, **more):
    lines = [{"custom_id": name, "body": {"messages": [{"role": "user", "content": text}], **more}}
             for name, text in texts.items()]
    # The last line needs no end.
    content = "\n".join(json.dumps(line) for line in lines).encode()
    return client.files.upload(file={"file_name": "run.jsonl", "content": content}, purpose="batch")


def start(texts, **more):
    return client.batch.jobs.create(
        input_files=[upload(texts, **more).id], model=MODEL, endpoint="/v1/chat/completions", metadata={"run": "1"})


def finished(job):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = client.batch.jobs.get(job_id=job.id)
        if job.status not in ("QUEUED", "RUNNING", "CANCELLATION_REQUESTED"):
            return job
        time.sleep(0.02)
    check(f"job {job.id} ends", False, job.status)


def lines_of(file_id):
    return [json.loads(line) for line in client.files.download(file_id=file_id).read().splitlines()]


def jobs():
    texts = {f"r-{number}": f"question {number}" for number in range(50)}
    texts["bad"] = "[[sim:reject]]"
    created = start(texts)
    check("job: created", created.status == "QUEUED" and created.metadata == {"run": "1"}, created)
    job = finished(created)
    check("job: succeeded", job.status == "SUCCESS", job)
    check("job: counts", (job.completed_requests, job.succeeded_requests, job.failed_requests) == (51, 50, 1), job)
    lines = {line["custom_id"]: line for line in lines_of(job.output_file)}
    check("job: a line for each", set(lines) == set(texts))
    check("job: each its own", all(
        lines[name]["response"]["body"]["choices"][0]["message"]["content"] == echo(text)
        for name, text in texts.items() if name != "bad"))
    check("job: the failure among them", lines["bad"]["response"]["status_code"] == 400, lines["bad"])
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    listed = client.batch.jobs.list(page_size=10, created_after=before, order_by="-created")
    check("jobs are listed", listed.total == 1 and listed.data[0].id == job.id, listed)
    after = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
    check("jobs are listed by their time", client.batch.jobs.list(created_after=after).total == 0)
    named = client.files.list(purpose="batch", search="run.jsonl")
    check("files are listed", named.total == 1 and named.data[0].id == job.input_files[0], named)
    check("file: deleted", client.files.delete(file_id=job.input_files[0]).deleted)
    refused("file: gone", 404, lambda: client.files.retrieve(file_id=job.input_files[0]))

    failed = finished(start({"r-1": "x"}, model=MODEL))
    check("job: no model in its lines", failed.status == "FAILED" and failed.errors[0].count == 1, failed)
    refused("job: its time is bounded", 422, lambda: client.batch.jobs.create(
        input_files=["x"], model=MODEL, endpoint="/v1/chat/completions", timeout_hours=168))

    admin("faults", {"batch_min_ms": 60000, "batch_cancel_ms": 50})
    job = start({f"c-{number}": f"c {number}" for number in range(200)})
    time.sleep(0.3)
    check("cancel: requested first", client.batch.jobs.cancel(job_id=job.id).status == "CANCELLATION_REQUESTED")
    job = finished(job)
    check("cancel: nothing is said of the rest", job.status == "CANCELLED"
          and (0 if job.output_file is None else len(lines_of(job.output_file))) == job.succeeded_requests < 200, job)
    admin("faults", {"batch_min_ms": 0, "batch_cancel_ms": 0})


admin("reset", {})
for part in (synchronous, refusals, jobs):
    part()
print("all checks hold")
