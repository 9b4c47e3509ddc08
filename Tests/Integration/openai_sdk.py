#!/usr/bin/env python3
"""Drives the provider simulator with the official OpenAI SDK.

usage: openai_sdk.py http://127.0.0.1:8080/v1

Start the simulator with --zero-latency and without faults. Prints one line for each check and exits with status 1 at
the first that is wrong. Needs `pip install openai`. The simulator is reset first: its files and its witness are lost.
"""
import hashlib
import io
import json
import sys
import time
import urllib.request

import openai

BASE = sys.argv[1].rstrip("/") if len(sys.argv) == 2 else sys.exit(__doc__)
ADMIN = BASE.removesuffix("/v1") + "/_sim"
client = openai.OpenAI(base_url=BASE, api_key="sk-integration", max_retries=0)


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


def admin(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{ADMIN}/{path}", data=data)) as answer:
        return answer.read()


def stats():
    return json.loads(admin("stats"))


def echo(text):
    """The rule by which the simulator answers."""
    raw = text.encode()
    prefix = raw[:40].decode(errors="ignore")
    return f"echo {hashlib.sha256(raw).hexdigest()[:16]} " + "".join(" " if c < " " else c for c in prefix)


def prompt_sha(messages):
    return hashlib.sha256(json.dumps(messages, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def line(custom_id, text, model="gpt-4o-mini", url="/v1/chat/completions"):
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def upload(lines, name="run.jsonl", **more):
    content = "".join(json.dumps(entry) + "\n" for entry in lines).encode()
    return client.files.create(file=(name, content), purpose="batch", **more)


def finished(batch):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        batch = client.batches.retrieve(batch.id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.02)
    check(f"batch {batch.id} ends", False, batch.status)


def run(lines, **more):
    file = upload(lines)
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", **more)
    return finished(batch)


def results(file_id):
    if file_id is None:
        return {}
    content = client.files.content(file_id).text
    return {entry["custom_id"]: entry for entry in map(json.loads, content.splitlines())}


def synchronous():
    text = 'Grüße "quoted"\n\tand a long line that is cut after forty bytes'
    chat = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}])
    check("chat: content", chat.choices[0].message.content == echo(text), chat.choices[0].message.content)
    check("chat: finish", chat.choices[0].finish_reason == "stop" and chat.object == "chat.completion")
    wanted = (len(text.encode()) + 3) // 4 + 3
    check("chat: usage", chat.usage.prompt_tokens == wanted, chat.usage)
    check("chat: totals", chat.usage.total_tokens == chat.usage.prompt_tokens + chat.usage.completion_tokens)
    many = client.chat.completions.create(
        model="gpt-4o", n=3, max_completion_tokens=4,
        messages=[{"role": "system", "content": "be short"}, {"role": "user", "content": [{"type": "text", "text": "parts"}]}])
    check("chat: choices", [choice.index for choice in many.choices] == [0, 1, 2])
    check("chat: cut at the maximum", all(choice.finish_reason == "length" for choice in many.choices))
    check("chat: all choices are counted", many.usage.completion_tokens == 12)
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "raw"}])
    check("chat: request id", raw.headers["x-request-id"].startswith("req_") and raw.parse().model == "gpt-4o-mini")
    answer = client.responses.create(model="gpt-4.1-mini", input="responses text", instructions="be brief")
    check("responses: text", answer.output_text == echo("responses text"), answer.output_text)
    check("responses: usage", answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens)
    answer = client.responses.create(model="gpt-4.1-mini", input=[{"role": "user", "content": "item"}])
    check("responses: items", answer.output_text == echo("item") and answer.status == "completed")
    one = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], dimensions=8)
    check("embeddings: base64, which the SDK asks for", [len(item.embedding) for item in one.data] == [8, 8])
    two = client.embeddings.create(model="text-embedding-3-small", input="two", dimensions=8, encoding_format="float")
    same = all(abs(a - b) < 1e-6 for a, b in zip(one.data[1].embedding, two.data[0].embedding))
    check("embeddings: floats are the same", same and len(set(two.data[0].embedding)) > 1)
    check("embeddings: usage", one.usage.prompt_tokens == 2 and one.usage.total_tokens == 2)
    check("models", "gpt-4o-mini" in [model.id for model in client.models.list()])


def refusals():
    messages = [{"role": "user", "content": "x"}]
    refused("unknown model", openai.NotFoundError,
            lambda: client.chat.completions.create(model="missing-model", messages=messages), code="model_not_found")
    refused("no messages", openai.BadRequestError,
            lambda: client.chat.completions.create(model="gpt-4o", messages=[]), param="messages", code="empty_array")
    refused("streaming", openai.BadRequestError,
            lambda: client.chat.completions.create(model="gpt-4o", messages=messages, stream=True), param="stream")
    refused("wrong key", openai.AuthenticationError,
            lambda: client.with_options(api_key="nonsense").models.list(), code="invalid_api_key")
    refused("revoked key", openai.AuthenticationError,
            lambda: client.with_options(api_key="sk-revoked-1").files.list(), code="invalid_api_key")
    broke = client.with_options(api_key="sk-billing-1")
    refused("no credit", openai.RateLimitError,
            lambda: broke.chat.completions.create(model="gpt-4o", messages=messages),
            code="credit_balance_exhausted", type="insufficient_quota")
    refused("marker: reject", openai.BadRequestError, lambda: client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "a [[sim:reject]]"}]), code="invalid_prompt")
    retrying = client.with_options(max_retries=3)
    text = "fails twice [[sim:500x2]]"
    chat = retrying.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
    check("marker: two failures, then the SDK's retry succeeds", chat.choices[0].message.content == echo(text))
    text = "limited [[sim:429]]"
    chat = retrying.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
    check("marker: 429 with retry-after, then success", chat.choices[0].message.content == echo(text))
    refused("marker: hang ends in the client's time-out", openai.APITimeoutError,
            lambda: client.with_options(timeout=0.3).chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "[[sim:hang]]"}]))
    refused("marker: cut within the body", openai.APIConnectionError,
            lambda: client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "[[sim:cut]]"}]))
    check("refused by reason", stats()["counters"]["refused.injected_5xx"] == 2)


def files():
    file = upload([line("a", "x")], expires_after={"anchor": "created_at", "seconds": 3600})
    check("file: fields", (file.object, file.purpose, file.filename, file.status) == ("file", "batch", "run.jsonl", "processed"))
    check("file: expiry", file.expires_at - file.created_at == 3600)
    again = client.files.retrieve(file.id)
    check("file: retrieve", again.bytes == file.bytes > 0)
    check("file: content", json.loads(client.files.content(file.id).read())["custom_id"] == "a")
    refused("file: name", openai.BadRequestError, lambda: upload([], name="run.txt"))
    refused("file: another project", openai.NotFoundError,
            lambda: client.with_options(api_key="sk-other").files.retrieve(file.id))
    more = [upload([line("a", "x")], name=f"{number}.jsonl") for number in range(3)]
    listed = [item.id for item in client.files.list(purpose="batch", limit=2)]
    check("file: list, newest first, over pages", listed == [item.id for item in reversed(more)] + [file.id], listed)
    check("file: list ascending", next(iter(client.files.list(order="asc"))).id == file.id)
    check("file: delete", client.files.delete(file.id).deleted)
    refused("file: deleted", openai.NotFoundError, lambda: client.files.retrieve(file.id))
    refused("batch: deleted input", openai.BadRequestError, lambda: client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"), param="input_file_id")
    big = b"".join(json.dumps(line(f"r{number}", "y" * 4000)).encode() + b"\r\n" for number in range(5000))
    file = client.files.create(file=("big.jsonl", io.BytesIO(big)), purpose="batch")
    check("file: 20 MB come back as they went", client.files.content(file.id).read() == big)


def batches():
    before = stats()
    texts = {f"row-{number}": f"question {number} ÄÖ\u2028" for number in range(1000)}
    batch = run([line(key, text) for key, text in texts.items()], metadata={"svc": "test", "key": "01HX"})
    check("batch: completed", batch.status == "completed" and batch.errors is None, batch)
    counts = batch.request_counts
    check("batch: counts", (counts.total, counts.completed, counts.failed) == (1000, 1000, 0), counts)
    check("batch: metadata, model", batch.metadata == {"svc": "test", "key": "01HX"} and batch.model == "gpt-4o-mini")
    check("batch: no error file", batch.error_file_id is None and batch.output_file_id is not None)
    output = results(batch.output_file_id)
    check("batch: every row once", sorted(output) == sorted(texts))
    check("batch: another order", list(output) != list(texts))
    right = all(output[key]["response"]["body"]["choices"][0]["message"]["content"] == echo(text) for key, text in texts.items())
    check("batch: right answers", right)
    tokens = sum(entry["response"]["body"]["usage"]["total_tokens"] for entry in output.values())
    check("batch: usage is the sum of the lines", batch.usage.total_tokens == tokens)
    check("batch: output file", client.files.retrieve(batch.output_file_id).purpose == "batch_output")
    after = stats()
    check("witness: rows", after["batch_rows"] - before["batch_rows"] == 1000)
    check("witness: nothing twice", after["duplicate_payments"] == before["duplicate_payments"])
    log = [json.loads(entry) for entry in admin("log").decode().splitlines()]
    mine = {entry["custom_id"]: entry for entry in log if entry["batch_id"] == batch.id}
    check("witness: a line for each row", sorted(mine) == sorted(texts))
    entry = mine["row-7"]
    check("witness: prompt", entry["prompt_sha"] == prompt_sha([{"role": "user", "content": texts["row-7"]}]), entry)
    price = entry["input_tokens"] * 75_000 + entry["output_tokens"] * 300_000
    check("witness: half of the list price", entry["pico_usd"] == price)
    check("witness: numbered without gaps", [entry["seq"] for entry in log] == list(range(1, len(log) + 1)))


def troubles():
    good = line("good", "good row")
    batch = run([good, line("bad", "[[sim:reject]]"), line("later", "[[sim:500]]"), line("error", "[[sim:lineerror]]"),
                 line("gone", "[[sim:missing]]")])
    errors = results(batch.error_file_id)
    check("partial: output", list(results(batch.output_file_id)) == ["good"])
    check("partial: errors", sorted(errors) == ["bad", "error", "later"], sorted(errors))
    check("partial: a 400", errors["bad"]["response"]["status_code"] == 400)
    check("partial: a 500", errors["later"]["response"]["body"]["error"]["type"] == "server_error")
    check("partial: no response", errors["error"]["response"] is None and errors["error"]["error"]["code"] == "server_error")
    counts = batch.request_counts
    check("partial: counts", (counts.total, counts.completed, counts.failed) == (5, 2, 3), counts)
    batch = run([line("bad", "[[sim:reject]]")])
    check("all failed: completed without output file", batch.status == "completed" and batch.output_file_id is None)
    batch = run([line(f"r{number}", f"e{number}") for number in range(9)] + [line("x", "[[sim:expire]]")])
    errors = results(batch.error_file_id)
    output = results(batch.output_file_id)
    check("expired: partial", batch.status == "expired" and 0 < len(output) < 10 and len(output) + len(errors) == 10)
    check("expired: code", all(entry["error"]["code"] == "batch_expired" for entry in errors.values()))
    check("expired: lines do not count as failed", batch.request_counts.failed == 0)
    broken = {
        "duplicate_custom_id": [good, good],
        "url_mismatch": [line("u", "x", url="/v1/embeddings")],
        "model_mismatch": [good, line("m", "x", model="gpt-4o")],
        "model_not_found": [line("m", "x", model="missing-1")],
        "missing_required_parameter": [{"method": "POST", "url": "/v1/chat/completions", "body": good["body"]}],
        "empty_file": [],
    }
    for code, lines in broken.items():
        batch = run(lines)
        check(f"invalid: {code}", batch.status == "failed" and batch.errors.data[0].code == code, batch.errors)
    check("invalid: nothing ran", batch.output_file_id is None and batch.request_counts.completed == 0)
    file = client.files.create(file=("x.jsonl", json.dumps(good).encode() + b"\n{broken\n"), purpose="batch")
    batch = finished(client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"))
    problem = batch.errors.data[0]
    check("invalid: line is named", (problem.code, problem.line) == ("invalid_json_line", 2), problem)
    admin("faults", {"enqueued_tokens": 10})
    batch = run([line(f"t{number}", "many tokens here") for number in range(5)])
    check("enqueued tokens", batch.errors.data[0].code == "token_limit_exceeded", batch.errors)
    admin("faults", {"enqueued_tokens": 0, "batch_min_ms": 60000, "batch_cancel_ms": 100})
    file = upload([line(f"c{number}", f"c{number}") for number in range(2000)])
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    while client.batches.retrieve(batch.id).request_counts.completed == 0:
        time.sleep(0.01)
    check("cancel: cancelling first", client.batches.cancel(batch.id).status == "cancelling")
    batch = finished(batch)
    output, errors = results(batch.output_file_id), results(batch.error_file_id)
    check("cancel: partial output", batch.status == "cancelled" and 0 < len(output) < 2000 and len(output) + len(errors) == 2000)
    refused("cancel: not what has ended", openai.ConflictError, lambda: client.batches.cancel(batch.id))
    admin("faults", {"batch_min_ms": 0, "batch_cancel_ms": 0, "fault_null_output": 1})
    batch = run([line("n", "null output")])
    check("null output: at first", batch.status == "completed" and batch.output_file_id is None)
    client.batches.retrieve(batch.id)
    check("null output: later there", client.batches.retrieve(batch.id).output_file_id is not None)
    admin("faults", {"fault_null_output": 0, "fault_create_timeout": 1})
    file = upload([line("t", "create without answer")])
    order = dict(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"k": "find me"})
    refused("create: no answer", openai.APITimeoutError, lambda: client.with_options(timeout=0.3).batches.create(**order))
    found = [item for item in client.batches.list() if (item.metadata or {}).get("k") == "find me"]
    check("create: found by its label, once", len(found) == 1)
    admin("faults", {"fault_create_timeout": 0, "fault_create_500_after_accept": 1})
    refused("create: 500 though accepted", openai.InternalServerError, lambda: client.batches.create(**order))
    found = [item for item in client.batches.list() if (item.metadata or {}).get("k") == "find me"]
    check("create: both found", len(found) == 2)
    finished(found[0])
    admin("faults", {"fault_create_500_after_accept": 0})


def listing():
    everything = list(client.batches.list(limit=3))
    check("list: over pages, newest first", len(everything) == stats()["batches"] > 3)
    times = [batch.created_at for batch in everything]
    check("list: order", times == sorted(times, reverse=True) and len({batch.id for batch in everything}) == len(times))
    page = client.batches.list(limit=1)
    check("list: more", page.has_more and page.data[0].id == everything[0].id)
    check("list: own project only", client.with_options(api_key="sk-other").batches.list().data == [])
    refused("batch: unknown", openai.NotFoundError, lambda: client.batches.retrieve("batch_unknown"))


def limits():
    admin("faults", {"rpm": 60, "burst_seconds": 2})
    limited = client.with_options(api_key="sk-limited")
    ask = lambda: limited.chat.completions.with_raw_response.create(  # noqa: E731
        model="gpt-4o", messages=[{"role": "user", "content": f"limit {time.monotonic_ns()}"}])
    first = ask()
    headers = first.headers
    check("limits: headers", (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("60", "1"), dict(headers))
    ask()
    try:
        ask()
        check("limits: the third is refused", False)
    except openai.RateLimitError as error:
        wait = float(error.response.headers["retry-after-ms"])
        check("limits: the third is refused", error.code == "rate_limit_exceeded" and 0 < wait <= 1000)
    time.sleep(wait / 1000)
    check("limits: retry-after is enough", ask().status_code == 200)
    admin("faults", {"rpm": 0, "burst_seconds": 60})


admin("reset", {})
for part in (synchronous, refusals, files, batches, troubles, listing, limits):
    part()
print("all checks hold")
