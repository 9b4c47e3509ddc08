#!/usr/bin/env python3
"""Drives the simulator's Azure OpenAI with the official SDK: the AzureOpenAI client by dated paths, OpenAI by /openai/v1.

usage: azure_sdk.py http://127.0.0.1:8080

Start the simulator with --zero-latency and without faults. Prints one line for each check and exits with status 1 at the
first that is wrong. Needs `pip install openai`. The simulator is reset first: its files and its witness are lost.
"""
import hashlib
import json
import sys
import time
import urllib.request

import openai

BASE = sys.argv[1].rstrip("/") if len(sys.argv) == 2 else sys.exit(__doc__)
KEY = "sk-integration"
dated = openai.AzureOpenAI(azure_endpoint=BASE, api_key=KEY, api_version="2024-10-21", max_retries=0)
token = openai.AzureOpenAI(
    azure_endpoint=BASE, azure_ad_token_provider=lambda: KEY, api_version="2025-04-01-preview", max_retries=0)
plain = openai.OpenAI(base_url=f"{BASE}/openai/v1", api_key=KEY, max_retries=0)


def check(what, condition, detail=""):
    print(("ok    " if condition else "WRONG ") + what + (f": {detail}" if detail and not condition else ""), flush=True)
    if not condition:
        sys.exit(1)


def refused(what, kind, call, **expected):
    try:
        call()
    except kind as error:
        found = {name: getattr(error, name) for name in expected}
        check(what, found == expected, f"{found} instead of {expected}")
    except Exception as error:  # noqa: BLE001: whatever else comes is what is wrong
        check(what, False, repr(error))
    else:
        check(what, False, "not refused")


def echo(text):
    """The rule by which the simulator answers."""
    return f"echo {hashlib.sha256(text.encode()).hexdigest()[:16]} {text[:40]}"


def line(custom_id, text, url, model="gpt-4o-mini-batch"):
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def processed(client, lines, **more):
    content = "".join(json.dumps(entry) + "\n" for entry in lines).encode()
    file = client.files.create(file=("run.jsonl", content), purpose="batch", **more)
    deadline = time.monotonic() + 30
    while client.files.retrieve(file.id).status != "processed" and time.monotonic() < deadline:
        time.sleep(0.05)
    return file


def run(client, lines, endpoint):
    file = processed(client, lines)
    batch = client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", metadata={"k": "v"})
    deadline = time.monotonic() + 30
    while batch.status.lower() not in ("completed", "failed", "cancelled") and time.monotonic() < deadline:
        batch = client.batches.retrieve(batch.id)
        time.sleep(0.02)
    return batch


def results(client, file_id):
    return {entry["custom_id"]: entry for entry in map(json.loads, client.files.content(file_id).text.splitlines())}


def calls():
    for name, client in (("dated", dated), ("token", token), ("v1", plain)):
        chat = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": f"from {name}"}])
        check(f"{name}: chat", chat.choices[0].message.content == echo(f"from {name}"), chat)
        one = client.embeddings.create(model="text-embedding-3-small", input="one", dimensions=8)
        check(f"{name}: embeddings", len(one.data[0].embedding) == 8)
        refused(f"{name}: a deployment that is not there", openai.NotFoundError, lambda client=client: client.chat.completions.create(
            model="missing-one", messages=[{"role": "user", "content": "x"}]), status_code=404)
        refused(f"{name}: a batch deployment takes no calls", openai.BadRequestError,
                lambda client=client: client.chat.completions.create(
                    model="gpt-4o-mini-batch", messages=[{"role": "user", "content": "x"}]), code="OperationNotSupported")
        check(f"{name}: models", any(model.id == "gpt-4o-mini" for model in client.models.list()))
    answer = plain.responses.create(model="gpt-4.1-mini", input="responses")
    check("v1: responses", answer.output_text == echo("responses"))
    answer = token.responses.create(model="gpt-4.1-mini", input="responses")
    check("dated: responses are not under deployments", answer.output_text == echo("responses"))
    refused("wrong key", openai.AuthenticationError,
            lambda: dated.with_options(api_key="nonsense").files.list(), code="401")


def batches():
    for name, client, url in (("dated", dated, "/chat/completions"), ("v1", plain, "/v1/chat/completions")):
        batch = run(client, [line(f"r-{number}", f"question {number}", url) for number in range(20)], url)
        check(f"{name}: completed", batch.status == "Completed", batch)
        check(f"{name}: counts, metadata", batch.request_counts.completed == 20 and batch.metadata == {"k": "v"}, batch)
        output = results(client, batch.output_file_id)
        right = all(output[f"r-{number}"]["response"]["body"]["choices"][0]["message"]["content"] == echo(f"question {number}")
                    for number in range(20))
        check(f"{name}: every row, rightly", len(output) == 20 and right)
        check(f"{name}: an error file without a byte", client.files.content(batch.error_file_id).read() == b"")
        failed = run(client, [line("r", "x", url, model="gpt-4o-mini")], url)
        check(f"{name}: a deployment that is not for batches", failed.status == "Failed", failed)
        check(f"{name}: its code", failed.errors.data[0].code == "invalid_request", failed.errors)
        check(f"{name}: list", batch.id in [item.id for item in client.batches.list(limit=100)])
    content = json.dumps(line("a", "x", "/v1/chat/completions")).encode()
    file = plain.files.create(file=("run.jsonl", content), purpose="batch")
    check("a file is pending first", file.status == "pending", file.status)
    refused("a batch of it is refused", openai.BadRequestError, lambda: plain.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"), code="invalidPayload")
    check("delete", plain.files.delete(file.id).deleted)


with urllib.request.urlopen(urllib.request.Request(f"{BASE}/_sim/reset", data=b"{}")) as answer:
    answer.read()
for part in (calls, batches):
    part()
print("all checks hold")
