"""What a team writes without Millrace: workers that take one request after the other and call until it is answered.

After a 429 or an error they wait for half a second, doubled with every try up to 8 s, less a quarter by chance: the back-off
of the official SDK, and what the recipes say. They go on until they have an answer, so that nothing is lost. They do not
read `retry-after-ms`: it tells when one more call fits, all that are waiting come back at that moment, and on loopback, where a
refusal takes no time, 96 of 100 calls were refused then.
"""
import asyncio
import json
import random
import time

from harness.checks import Failed, check


class Connection:
    """One connection that is kept open, as an HTTP client's pool does."""

    def __init__(self, port, key):
        self.port = port
        self.key = key
        self.reader = self.writer = None

    async def post(self, path, body):
        """Status and body of the answer."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = json.dumps(body).encode()
        self.writer.write(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        check("content-length" in headers, f"an answer without a length: {head}")
        return int(head[0].split()[1]), await self.reader.readexactly(int(headers["content-length"]))

    def close(self):
        if self.writer:
            self.writer.close()


def wait_before(attempt):
    return min(8, 0.5 * 2 ** attempt) * (1 - 0.25 * random.random())


async def call_all(jobs, port, key, workers):
    """Seconds from the beginning to each answer."""
    waiting = iter(jobs)
    waits = []
    began = time.monotonic()

    async def work():
        connection = Connection(port, key)
        try:
            for job in waiting:
                attempt = 0
                while True:
                    status, body = await connection.post(job.endpoint, job.body)
                    if status == 200:
                        break
                    if status not in (408, 409, 429) and status < 500:
                        raise Failed(f"{job.correlation_id} was answered {status}: {body[:200]}")
                    await asyncio.sleep(wait_before(attempt))
                    attempt += 1
                waits.append(time.monotonic() - began)
                text = json.loads(body)["choices"][0]["message"]["content"]
                check(text == job.answer, f"{job.correlation_id} was answered {text!r}")
        finally:
            connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return waits


def sequential(jobs, simulator, key, workers):
    try:
        return asyncio.run(call_all(jobs, simulator.port, key, workers))
    except* Failed as failures:
        raise failures.exceptions[0] from None
