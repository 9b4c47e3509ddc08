"""The account that all ways share: what the simulator is told, and what is assumed by that."""
import hashlib
import random

from harness.answers import echo
from harness.jobs import Job, chat

MODEL = "gpt-4o-mini"
REQUESTS_PER_MINUTE = 30_000
TOKENS_PER_MINUTE = 150_000_000
CONCURRENCY = 512
MAXIMUM_TOKENS = 64
PROMPT_BYTES = 1000

SIMULATOR = {
    # A second's worth at once, as a provider that divides its minute does.
    "rpm": REQUESTS_PER_MINUTE, "tpm": TOKENS_PER_MINUTE, "burst_seconds": 1,
    "concurrency": CONCURRENCY,
    "latency_ms": 400, "latency_per_token_us": 2000, "latency_tail_ms": 2000,
    "token_counting": "bytes",
    "batch_validate_ms": 500, "batch_min_ms": 3000, "batch_per_row_us": 100, "batch_finalize_ms": 500,
}

ASSUMPTIONS = [
    f"The account is OpenAI's tier 5 for {MODEL}: {REQUESTS_PER_MINUTE:,} requests and {TOKENS_PER_MINUTE:,} tokens a minute,"
    f" of which one second's worth may be used at once ({REQUESTS_PER_MINUTE // 60} requests), and {CONCURRENCY} calls at a"
    " time, of which OpenAI publishes nothing. Refused calls do not count against it: with OpenAI they do, and then a crowd of"
    " workers that comes back as soon as it is told to uses up the limit with refusals and never ends.",
    "A call takes 0.4 s, 2 ms for each token of its answer, and an exponential tail that one call of a hundred exceeds by"
    " 2 s: 0.87 s on average.",
    "A batch takes 4 s and 0.1 ms for each row, so that the row of native batches shows what Millrace adds. OpenAI takes"
    " minutes to 24 h.",
    f"Requests are chats of {PROMPT_BYTES} bytes of prompt with max_tokens {MAXIMUM_TOKENS}. Prices are OpenAI's list prices,"
    " $0.15 and $0.60 for a million tokens, and half of that in batches.",
]

WORDS = ("account after answer because before between billing button cannot change city contract customer date delivery "
         "device discount email error every figure first history invoice issue item language letter list message minute "
         "month network number office order package password payment people phone please possible price problem product "
         "question reason receipt record refund report return second service should summary support").split()


def requests(count, lane, tag):
    """As many requests, each with a prompt of its own."""
    chance = random.Random(1)
    found = []
    for number in range(count):
        name = f"{tag}-{number}"
        prompt = name + ":"
        while len(prompt) < PROMPT_BYTES:
            prompt += " " + chance.choice(WORDS)
        body = chat(MODEL, prompt, max_tokens=MAXIMUM_TOKENS)
        found.append(Job(name, lane, MODEL, "/v1/chat/completions", prompt, body, {}, echo(prompt), name))
    return found


def fingerprint(key):
    """What the simulator calls a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]
