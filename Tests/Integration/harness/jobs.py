"""Requests in all forms and for all endpoints, each with a prompt of its own and the answer that it must get."""
import dataclasses
import json
import random

from harness.answers import answer_of, echo, vector
from harness.messages import Message

TOPICS = ["a lighthouse", "the tide tables", "Grüße aus Köln", "東京の朝", "a \"quoted\" word", "a\ttab\nand lines",
          "🚲 bicycles"]


@dataclasses.dataclass
class Job:
    correlation_id: str
    lane: str
    model: str
    endpoint: str
    prompt: str
    body: dict
    headers: dict
    answer: str | list
    # What the reply's own custom_id must be.
    custom_id: str

    @property
    def key(self):
        """What the witness calls this prompt."""
        return self.prompt.encode()[:80].decode(errors="ignore")

    def message(self, **properties):
        return Message(
            json.dumps(self.body, ensure_ascii=False).encode(), f"{self.lane}.test", self.headers or None,
            {"correlation_id": self.correlation_id, "message_id": "m-" + self.correlation_id, **properties})


def chat(model, prompt, **more):
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **more}


def job(number, lane, tag="r", marker="", kind=None):
    """The request with this number: number and tag make its prompt unique, and its form follows from the number."""
    name = f"{tag}-{number}"
    prompt = f"{name}: {marker}tell me about {TOPICS[number % len(TOPICS)]}."
    kind = number % 8 if kind is None else kind
    model, endpoint, headers = "gpt-4o-mini", "/v1/chat/completions", {}
    answer, custom_id = echo(prompt), name
    match kind:
        case 0 | 1:
            body = chat(model, prompt, temperature=0.5, unknown_field={"kept": [1, 2.50, None]})
        case 2:
            model = "gpt-4.1-mini"
            custom_id = f"own {number}"
            body = {"custom_id": custom_id, "method": "POST", "url": endpoint,
                    "body": chat(model, prompt, stream=True, stream_options={"include_usage": True})}
        case 3:
            custom_id = f"short {number}"
            body = {"id": custom_id, **chat(model, prompt), "maxTokens": 8, "callbackUrl": None}
            answer = echo(prompt, maximum_tokens=8)
        case 4:
            model, endpoint, answer = "text-embedding-3-small", "/v1/embeddings", vector(prompt)
            body = {"model": model, "input": prompt}
        case 5:
            model, endpoint, answer = "text-embedding-3-large", "/v1/embeddings", vector(prompt, 24)
            custom_id = f"own {number}"
            body = {"custom_id": custom_id, "method": "POST", "url": endpoint,
                    "body": {"model": model, "input": [prompt], "dimensions": 24}}
        case 6:
            model, endpoint = "gpt-4.1-mini", "/v1/responses"
            headers = {"x-endpoint": endpoint}
            body = {"model": model, "input": prompt}
        case "messages":
            model, endpoint = "claude-haiku-5-5", "/v1/messages"
            body = {"max_tokens": 99, "temperature": 0.5, "system": "Be kind.", **chat(model, prompt)}
        case "translated":
            model, headers = "claude-haiku-5-5", {"x-format": "openai"}
            body = {"temperature": 0.5, "stop": "END", "user": name,
                    "response_format": {"type": "json_schema", "json_schema": {"name": "any", "schema": {"type": "object"}}},
                    "model": model, "messages": [{"role": "system", "content": "Be kind."},
                                                 {"role": "user", "content": [{"type": "text", "text": prompt}]}]}
        case "generate":
            model, endpoint = "gemini-2.5-flash-lite", "/v1/generateContent"
            body = {"model": model, "contents": [{"role": "user", "parts": [{"text": prompt}]}],
                    "systemInstruction": {"parts": [{"text": "Be kind."}]},
                    "generationConfig": {"maxOutputTokens": 99, "temperature": 0.50, "thinkingConfig": {"thinkingBudget": 9}}}
        case "generate translated":
            model = "gemini-2.5-flash-lite"
            body = {"temperature": 0.5, "stop": "END", "reasoning_effort": "low",
                    "response_format": {"type": "json_schema", "json_schema": {"name": "any", "schema": {"type": "object"}}},
                    "model": model, "messages": [{"role": "system", "content": "Be kind."},
                                                 {"role": "user", "content": [{"type": "text", "text": prompt}]}]}
        case "mistral":
            model = "mistral-small-2603"
            body = chat(model, prompt, max_tokens=99, random_seed=number, safe_prompt=False)
        case "mistral-openai":
            model, headers = "mistral-small-2603", {"x-format": "openai"}
            # A conversation with a call of a tool, and thoughts in the answer.
            call = {"id": f"call_{number}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            body = {"seed": number, "max_completion_tokens": 99, "reasoning_effort": "high", "tool_choice": "required",
                    "tools": [{"type": "function", "function": {"name": "look"}}], "model": model, "messages": [
                        {"role": "developer", "content": "Be kind."},
                        {"role": "assistant", "content": None, "tool_calls": [call]},
                        {"role": "tool", "tool_call_id": call["id"], "content": "seen"},
                        {"role": "user", "content": [{"type": "text", "text": prompt}]}]}
        case "mistral-embed":
            model, endpoint, answer = "mistral-embed", "/v1/embeddings", vector(prompt, 24)
            body = {"model": model, "input": [prompt], "output_dimension": 24}
        case 7:
            model, endpoint, custom_id = "gpt-5-mini", "/v1/responses", f"own {number}"
            body = {"custom_id": custom_id, "method": "POST", "url": endpoint,
                    "body": {"model": model, "input": [{"role": "user", "content": prompt}],
                             "instructions": "Be kind."}}
    return Job(name, lane, model, endpoint, prompt, body, headers, answer, custom_id)


def jobs(count, tag, seed=1, **more):
    """As many requests, both lanes alike, shuffled."""
    found = [job(number, "interactive" if number // 8 % 2 else "deferred", tag, **more) for number in range(count)]
    random.Random(seed).shuffle(found)
    return found


def answer_problems(job, reply):
    """Whether a reply that succeeded is the answer to this request and to no other."""
    found = []
    own = reply.body["millrace"]
    if reply.status != "succeeded":
        return [f"{job.correlation_id} ({job.lane}) failed: {reply.body['error']}"]
    answer = answer_of(reply.body["response"]["body"])
    for what, value, wanted in (
        ("the answer", answer, job.answer), ("custom_id", reply.body["custom_id"], job.custom_id),
        ("the routing key", reply.routing_key, job.correlation_id), ("the model", own["model"], job.model),
        ("the lane", own["lane"], job.lane),
        ("the basis", own["cost"]["basis"], "batch" if job.lane == "deferred" else "list"),
    ):
        if value != wanted:
            found.append(f"{job.correlation_id}: {what} is {value!r}, not {wanted!r}")
    return found
