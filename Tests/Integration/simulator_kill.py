#!/usr/bin/env python3
"""Kills the provider simulator at random moments, and checks that its witness and its files hold together.

usage: simulator_kill.py PATH_OF_PROVIDER_SIMULATOR [KILLS] [SEED]

Callers send synchronous calls and batches, with retries, while the simulator is killed (SIGKILL) and started again on
the same directory. Prints one line for each check and exits with status 1 at the first that is wrong. Needs nothing
but Python.
"""
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

BINARY = sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
ROWS = 3000
chance = random.Random(SEED)


def check(what, condition, detail=""):
    print(("ok    " if condition else "WRONG ") + what + (f": {detail}" if detail and not condition else ""), flush=True)
    if not condition:
        simulator.stop(signal.SIGKILL)
        os._exit(1)


class Simulator:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="simulator-kill-")
        self.port = None
        self.process = None

    def start(self):
        port_file = os.path.join(self.directory, "port")
        if os.path.exists(port_file):
            os.remove(port_file)
        self.process = subprocess.Popen(
            [BINARY, "--listen", f"127.0.0.1:{self.port or 0}", "--state", os.path.join(self.directory, "state"),
             "--port-file", port_file, "--zero-latency", "--batch-min-ms", "400", "--fault-line-missing", "0.02",
             "--fault-line-error", "0.02", "--seed", str(SEED)], stdout=subprocess.DEVNULL)
        while not os.path.exists(port_file):
            if self.process.poll() is not None:
                sys.exit(f"the simulator ended with {self.process.returncode}")
            time.sleep(0.005)
        self.port = int(open(port_file).read())

    def stop(self, number):
        self.process.send_signal(number)
        return self.process.wait()


simulator = Simulator()
simulator.start()
finished = threading.Event()
answered = []  # (request id of the answer's body, prompt)
uploaded = []
created = {}  # batch id -> {custom_id: prompt}
unsure = []  # batches that may or may not have been created, by label
lock = threading.Lock()


def call(method, path, body=None, kind="application/json", timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=timeout)
    try:
        headers = {"Authorization": "Bearer sk-kill"} | ({"Content-Type": kind} if body is not None else {})
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def steady(method, path, body=None):
    """The answer, however often the simulator dies meanwhile. Only for what may be repeated."""
    while True:
        try:
            return call(method, path, body)
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)


def request(text):
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}


def echo(text):
    return f"echo {hashlib.sha256(text.encode()).hexdigest()[:16]} {text[:40]}"


def caller(number):
    count = 0
    while not finished.is_set():
        text = f"call {number} {count}"
        count += 1
        try:
            status, body = call("POST", "/v1/chat/completions", json.dumps(request(text)))
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
            continue
        answer = json.loads(body)
        with lock:
            answered.append((status, text, answer["choices"][0]["message"]["content"]))


def batcher(number):
    count = 0
    while not finished.is_set():
        rows = {f"r-{row}": f"batch {number} {count} {row}" for row in range(ROWS)}
        label = f"{number}-{count}"
        count += 1
        content = "".join(json.dumps({"custom_id": key, "method": "POST", "url": "/v1/chat/completions",
                                      "body": request(text)}) + "\n" for key, text in rows.items())
        form = ('--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--B\r\nContent-Disposition: '
                f'form-data; name="file"; filename="{label}.jsonl"\r\n\r\n{content}\r\n--B--\r\n')
        try:
            status, body = call("POST", "/v1/files", form, "multipart/form-data; boundary=B")
            file = json.loads(body)["id"]
            with lock:
                uploaded.append((file, content.encode()))
            order = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
                     "metadata": {"label": label}}
            with lock:
                unsure.append((label, rows))
            status, body = call("POST", "/v1/batches", json.dumps(order))
            with lock:
                created[json.loads(body)["id"]] = rows
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
            continue
        time.sleep(0.2)


threads = [threading.Thread(target=caller, args=(number,)) for number in range(4)]
threads += [threading.Thread(target=batcher, args=(number,)) for number in range(2)]
for thread in threads:
    thread.start()
for _ in range(KILLS):
    time.sleep(chance.uniform(0.05, 0.6))
    simulator.stop(signal.SIGKILL)
    simulator.start()
finished.set()
for thread in threads:
    thread.join()
check(f"{KILLS} kills survived", True)

everything = []
after = ""
while True:
    page = json.loads(steady("GET", f"/v1/batches?limit=100{after}")[1])
    everything += page["data"]
    if not page["has_more"]:
        break
    after = f"&after={page['last_id']}"
labels = dict(unsure)
listed = {batch["id"]: labels[batch["metadata"]["label"]] for batch in everything}
check("every batch whose create was answered is there", set(created) <= set(listed), set(created) - set(listed))
check("no batch is there twice", len(listed) == len(everything) == len({batch["metadata"]["label"] for batch in everything}))
deadline = time.monotonic() + 60 + len(listed)
for identifier in listed:
    while (batch := json.loads(steady("GET", f"/v1/batches/{identifier}")[1]))["status"] != "completed":
        if batch["status"] in ("failed", "expired", "cancelled") or time.monotonic() > deadline:
            check(f"batch {identifier} completes", False, batch)
        time.sleep(0.05)
check("every upload that was answered is there, whole",
      all(steady("GET", f"/v1/files/{file}/content")[1] == content for file, content in uploaded), len(uploaded))

log = [json.loads(line) for line in steady("GET", "/_sim/log")[1].decode().splitlines()]
check("the witness is numbered without gaps", [entry["seq"] for entry in log] == list(range(1, len(log) + 1)))
calls = {entry["prompt_key"] for entry in log if entry["kind"] == "sync"}
check("calls: right answers", all(status == 200 and echo(text) == content for status, text, content in answered))
lost = {text for _, text, _ in answered} - calls
check("calls: every one that was answered is in the witness", not lost, lost)
rows = [(entry["batch_id"], entry["custom_id"]) for entry in log if entry["kind"] == "batch"]
check("rows: none was paid for twice", len(set(rows)) == len(rows), len(rows) - len(set(rows)))
check("nothing else was paid for twice", json.loads(steady("GET", "/_sim/stats")[1])["duplicate_payments"] == 0)
missing = {(entry["batch_id"], entry["custom_id"]) for entry in log if entry["fault"] == "missing"}
for batch in (json.loads(steady("GET", f"/v1/batches/{identifier}")[1]) for identifier in listed):
    texts = listed[batch["id"]]
    results = {}
    for name in ("output_file_id", "error_file_id"):
        for line in steady("GET", f"/v1/files/{batch[name]}/content")[1].splitlines() if batch[name] else []:
            entry = json.loads(line)
            if entry["custom_id"] in results:
                check("rows: one line each", False, entry["custom_id"])
            results[entry["custom_id"]] = entry
    paid = {custom_id for identifier, custom_id in rows if identifier == batch["id"]}
    gone = {custom_id for identifier, custom_id in missing if identifier == batch["id"]}
    good = {key for key, entry in results.items() if (entry["response"] or {}).get("status_code") == 200}
    if good != paid - gone or set(results) | gone != set(texts):
        check("rows: lines and witness agree", False, batch)
    if batch["request_counts"]["completed"] != len(paid):
        check("rows: counts and witness agree", False, batch)
    if any(results[key]["response"]["body"]["choices"][0]["message"]["content"] != echo(texts[key]) for key in good):
        check("rows: right answers", False, batch)
check("rows: lines, witness, counts and answers agree", True)
check("SIGTERM ends it with status 0", simulator.stop(signal.SIGTERM) == 0)
print(f"all checks hold: {KILLS} kills, {len(answered)} calls, {len(listed)} batches, {len(rows)} rows")
