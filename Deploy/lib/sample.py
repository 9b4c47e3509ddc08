"""Writes N sample requests, a line each: chat and embeddings, in the three forms that a request may have."""
import json
import sys

TOPICS = ["a lighthouse", "the tide tables", "a letter from Lisbon", "double-entry bookkeeping", "how bees find home",
          "Grüße aus Köln", "東京の朝", "a recipe for rye bread", "the rules of chess", "why the sky is blue"]


def request(number):
    topic = TOPICS[number % len(TOPICS)]
    prompt = f"Request {number}: summarise what you know about {topic} in two sentences."
    model = "gpt-4o-mini" if number % 3 else "gpt-4.1-mini"
    chat = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    kind = number % 8
    if kind == 6:
        return {"model": "text-embedding-3-small", "input": prompt}
    if kind in (4, 5):
        return {"custom_id": f"sample-{number}", "method": "POST", "url": "/v1/chat/completions",
                "body": {**chat, "max_completion_tokens": 60}}
    if kind == 7:
        return {"id": f"sample-{number}", **chat, "maxTokens": 60}
    return chat


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for number in range(1, count + 1):
        print(json.dumps(request(number), ensure_ascii=False))


main()
