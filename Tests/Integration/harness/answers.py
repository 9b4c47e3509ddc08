"""The rules by which the simulator answers, and the shape that every reply has."""
import decimal
import hashlib
import re

MASK = (1 << 64) - 1
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
CODES = {
    "invalid_json", "invalid_request", "invalid_header", "unsupported_endpoint", "unknown_model", "too_large",
    "context_length_exceeded", "deadline_exceeded", "idempotency_conflict", "budget_exceeded", "cancelled",
    "provider_rejected", "provider_unavailable", "quota_exhausted", "batch_expired", "result_missing",
    "reply_too_large", "delivery_limit"}


def echo(prompt, maximum_tokens=None):
    """`echo`, the first 16 digits of the prompt's SHA-256, and its first 40 bytes; a token is 4 bytes."""
    raw = prompt.encode()
    head = raw[:40].decode(errors="ignore")
    text = f"echo {hashlib.sha256(raw).hexdigest()[:16]} " + "".join(" " if c < " " else c for c in head)
    if maximum_tokens is not None and (len(text.encode()) + 3) // 4 > maximum_tokens:
        text = text.encode()[:maximum_tokens * 4].decode(errors="ignore")
    return text


def mix(value):
    z = (value + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def vector(text, dimensions=16):
    """Ten-thousandths drawn by a SplitMix64 that is seeded with the first eight bytes of the text's SHA-256."""
    state = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    found = []
    for _ in range(dimensions):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        found.append((mix(state) % 20001 - 10000) / 10000)
    return found


def answer_of(body):
    """What a provider's body answers: the text, or the vector."""
    if body.get("object") == "chat.completion":
        return body["choices"][0]["message"]["content"]
    if body.get("object") == "response":
        return body["output"][0]["content"][0]["text"]
    if body.get("type") == "message":
        return body["content"][0]["text"]
    if "candidates" in body:
        return body["candidates"][0]["content"]["parts"][0]["text"]
    if body.get("object") == "list":
        return body["data"][0]["embedding"]
    return None


def pico_usd(reply):
    """What a reply says that it cost, in 1e-12 USD; None where it says nothing."""
    cost = reply.body["millrace"]["cost"]
    return None if cost is None or cost["usd"] is None else int(decimal.Decimal(cost["usd"]) * 10**12)


def shape_problems(reply):
    """What is wrong with a reply by the contract, whatever it answers."""
    found = []

    def need(condition, text):
        if not condition:
            found.append(f"reply {reply.properties.correlation_id}: {text}")

    body, properties, headers = reply.body, reply.properties, reply.headers
    need(list(body) == ["id", "custom_id", "response", "error", "millrace"], f"its members are {list(body)}")
    if found:
        return found
    need(properties.message_id and properties.message_id == body["id"], "message_id and id differ")
    need(str(body["id"]).startswith("req_"), f"its id is {body['id']!r}")
    need(properties.content_type == "application/json", f"content_type is {properties.content_type!r}")
    need(properties.type == "llm.result", f"type is {properties.type!r}")
    need(properties.delivery_mode == 2, "it is not persistent")
    need(isinstance(body["custom_id"], str), "custom_id is no string")
    need(headers.get("x-status") in ("succeeded", "failed"), f"x-status is {headers.get('x-status')!r}")
    own = body["millrace"]
    for name in ("lane", "provider", "model", "batch_id", "call_id", "attempts", "usage", "cost", "received_at",
                 "completed_at"):
        need(name in own, f"millrace.{name} is missing")
    need(own.get("lane") in ("interactive", "deferred", None), f"the lane is {own.get('lane')!r}")
    for name in ("received_at", "completed_at"):
        need(STAMP.match(own.get(name) or ""), f"{name} is {own.get(name)!r}")
    if headers.get("x-status") == "succeeded":
        need(body["error"] is None, "it succeeded with an error")
        need("x-error-code" not in headers, "it succeeded with x-error-code")
        need((body["response"] or {}).get("status_code") == 200, "it succeeded without a response of status 200")
        need(isinstance((body["response"] or {}).get("body"), dict), "it succeeded without a body")
        need(own.get("attempts", 0) >= 1, f"attempts is {own.get('attempts')!r}")
        usage = own.get("usage") or {}
        need(set(usage) == {"input_tokens", "cached_input_tokens", "output_tokens"}, f"usage is {own.get('usage')!r}")
        cost = own.get("cost") or {}
        need(cost.get("basis") in ("batch", "list", "replay"), f"cost is {own.get('cost')!r}")
        need((own.get("batch_id") is not None) == (own.get("lane") == "deferred"),
             f"batch_id is {own.get('batch_id')!r}")
    else:
        code = (body["error"] or {}).get("code")
        need(code in CODES, f"the error is {body['error']!r}")
        need(bool((body["error"] or {}).get("message")), "the error has no message")
        need(headers.get("x-error-code") == code, f"x-error-code is {headers.get('x-error-code')!r}, not {code!r}")
    return found
