"""Requests that are published over time, and how long each waits for its reply."""
import json
import pathlib
import subprocess
import sys
import threading
import time

from harness.checks import check
from harness.messages import Publisher


class Trickle:
    """Publishes jobs evenly over some seconds, in the background, and notes when."""

    def __init__(self, broker, jobs, over, **headers):
        self.jobs = jobs
        self.began = {}
        self.error = None
        self.thread = threading.Thread(target=self._run, args=(broker, over, headers), daemon=True)
        self.thread.start()

    def _run(self, broker, over, headers):
        publisher = Publisher(broker)
        start = time.monotonic()
        try:
            for number, job in enumerate(self.jobs):
                time.sleep(max(0, start + number * over / len(self.jobs) - time.monotonic()))
                message = job.message()
                message.headers = {**(message.headers or {}), **headers}
                self.began[job.correlation_id] = time.time()
                publisher.publish(message)
        except Exception as error:  # noqa: BLE001: it is raised again where somebody waits
            self.error = error
        finally:
            publisher.close()

    def waits(self, collector, seconds=60):
        """Seconds from the publication to the reply, sorted; returns when all have theirs."""
        self.thread.join(seconds)
        if self.error:
            raise self.error
        return sorted(collector.reply_to(job.correlation_id, seconds).received - self.began[job.correlation_id]
                      for job in self.jobs)


class Probe:
    """Publishes jobs evenly over some seconds and takes their replies, in a process and on a queue of its own."""

    def __init__(self, broker, jobs, over, patience=60, queue=None, **headers):
        """Goes to the requests' exchange, or right to the queue."""
        messages = []
        for job in jobs:
            message = job.message()
            messages.append({
                "exchange": "" if queue else message.exchange, "routing_key": queue or message.routing_key, "body": message.body.decode(),
                "headers": {**(message.headers or {}), **headers}, "correlation_id": job.correlation_id,
                "message_id": message.properties["message_id"]})
        self.seconds = over + patience + 30
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(pathlib.Path(__file__).with_name("probe.py"))], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        asked = {"url": broker.url, "over": over, "patience": patience, "messages": messages}
        # It is read whole before anything is written.
        self.process.stdin.write(json.dumps(asked))
        self.process.stdin.close()
        self.process.stdin = None

    def waits(self):
        """Seconds from the publication to the reply, sorted; returns when all have theirs."""
        try:
            output, _ = self.process.communicate(timeout=self.seconds)
        finally:
            self.process.kill()
        check(self.process.returncode == 0, f"the probe ended with {self.process.returncode}")
        answer = json.loads(output)
        check(not answer["unanswered"], f"without an answer: {answer['unanswered'][:5]}")
        return answer["waits"]


class PlainConsumer:
    """The plainest consumer, in a process of its own, for comparison."""

    def __init__(self, broker, queue, simulator):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(pathlib.Path(__file__).with_name("plain.py")), broker.url, queue,
             simulator.endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline() == "ready\n", "the plain consumer did not start")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def shown(waits):
    return f"p50 {percentile(waits, 0.5) * 1000:.0f} ms, p95 {percentile(waits, 0.95) * 1000:.0f} ms"
