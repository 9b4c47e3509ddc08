"""Publishing and collecting with pika, each on connections of its own, as a team's services would."""
import dataclasses
import json
import os
import threading
import time

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from harness.checks import Failed, check, wait_until

# A broker that goes down in the middle of a handshake leaves pika with errors of its connector or of the socket, as they are.
LOST = (pika.exceptions.AMQPError, AMQPConnectorException, OSError)


@dataclasses.dataclass
class Message:
    body: bytes
    routing_key: str = "deferred.test"
    headers: dict | None = None
    properties: dict = dataclasses.field(default_factory=dict)
    exchange: str = "llm.requests"

    def basic_properties(self):
        return pika.BasicProperties(headers=self.headers, **{"delivery_mode": 2, **self.properties})


class Publisher:
    """Publishes with confirms and `mandatory`; after a lost connection it publishes the same message again."""

    def __init__(self, broker):
        self.broker = broker
        self.connection = None
        self.channel = None

    def connect(self):
        if self.channel is None:
            self.connection = self.broker.connect()
            self.channel = self.connection.channel()
            self.channel.confirm_delivery()

    def publish(self, message, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.connect()
                self.channel.basic_publish(
                    message.exchange, message.routing_key, message.body, message.basic_properties(), mandatory=True)
                return
            except pika.exceptions.UnroutableError:
                raise Failed(f"nothing is bound for {message.exchange} {message.routing_key}") from None
            except LOST as error:
                self.close()
                if time.monotonic() > deadline:
                    raise Failed(f"cannot publish for {seconds} s: {error!r}") from None
                time.sleep(0.1)

    def close(self):
        connection, self.connection, self.channel = self.connection, None, None
        try:
            if connection and connection.is_open:
                connection.close()
        except LOST:
            pass


def step_back(niceness):
    """Has the kernel prefer others to the calling thread."""
    if niceness:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


class Publishing:
    """Publishes many messages in the background, over several connections; spread over some seconds at least. With a
    niceness it takes no processor from what is measured beside it, as if it were another machine."""

    def __init__(self, broker, messages, connections=3, over=0, niceness=0):
        self.niceness = niceness
        self.pause = over * connections / max(1, len(messages))
        self.error = None
        self.total = len(messages)
        self.sent = 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._run, args=(broker, messages[start::connections]), daemon=True)
            for start in range(connections)]
        for thread in self.threads:
            thread.start()

    def _run(self, broker, messages):
        step_back(self.niceness)
        publisher = Publisher(broker)
        try:
            for message in messages:
                if self.stopping.is_set():
                    return
                publisher.publish(message)
                if self.pause:
                    time.sleep(self.pause)
                with self.lock:
                    self.sent += 1
        except Exception as error:  # noqa: BLE001: it is raised again where somebody waits
            self.error = error
        finally:
            publisher.close()

    def wait(self, seconds=90):
        """Returns when everything is confirmed."""
        def is_done():
            if self.error:
                raise self.error
            return not any(thread.is_alive() for thread in self.threads)

        wait_until(lambda: f"the broker to confirm {self.total} messages, {self.sent} are", is_done, seconds)
        check(self.sent == self.total, f"published {self.sent} of {self.total}")

    def wait_for(self, count, seconds=90):
        wait_until(f"{count} confirmed messages", lambda: self.error or self.sent >= count, seconds)

    def close(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(5)


@dataclasses.dataclass
class Reply:
    properties: pika.BasicProperties
    body: dict
    routing_key: str
    raw: bytes = b""
    received: float = dataclasses.field(default_factory=time.time)

    @property
    def headers(self):
        return self.properties.headers or {}

    @property
    def status(self):
        return self.headers.get("x-status")

    @property
    def error_code(self):
        return (self.body.get("error") or {}).get("code")


class Collector:
    """Takes replies from a queue of its own, bound to everything in llm.results, and drops what it has seen. For the
    niceness see `Publishing`."""

    def __init__(self, broker, queue="integration.replies", binding="#", niceness=0):
        self.niceness = niceness
        self.broker = broker
        self.queue = queue
        self.binding = binding
        self.by_message_id = {}
        self.by_correlation = {}
        self.copies = 0
        # Copies that say something else, and what is no reply at all.
        self.problems = []
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.declare(broker.connect()).close()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def declare(self, connection):
        channel = connection.channel()
        channel.queue_declare(self.queue, durable=True, arguments={"x-queue-type": "quorum"})
        if self.binding:
            channel.exchange_declare(
                "llm.results", "topic", durable=True, arguments={"alternate-exchange": "llm.results.unclaimed"})
            channel.queue_bind(self.queue, "llm.results", self.binding)
        return connection

    def _run(self):
        step_back(self.niceness)
        while not self.stopping.is_set():
            connection = None
            try:
                connection = self.broker.connect()
                channel = connection.channel()
                channel.basic_qos(prefetch_count=500)
                channel.basic_consume(self.queue, self._take)
                while not self.stopping.is_set():
                    connection.process_data_events(time_limit=0.1)
            except LOST:
                self.stopping.wait(0.2)
            finally:
                try:
                    if connection and connection.is_open:
                        connection.close()
                except LOST:
                    pass

    def _take(self, channel, method, properties, body):
        try:
            self.note(Reply(properties, json.loads(body), method.routing_key, body))
        except ValueError as error:
            self.problems.append(f"a reply that is no JSON: {error}: {body[:200]!r}")
        channel.basic_ack(method.delivery_tag)

    def note(self, reply):
        with self.changed:
            seen = self.by_message_id.setdefault(reply.properties.message_id, reply)
            if seen is reply:
                self.by_correlation.setdefault(reply.properties.correlation_id, []).append(reply)
            else:
                self.copies += 1
                if seen.body != reply.body:
                    self.problems.append(f"two different replies have the message_id {reply.properties.message_id}")
            self.changed.notify_all()

    @property
    def count(self):
        return len(self.by_message_id)

    def wait_for(self, count, seconds, say=None):
        """Waits for so many different replies; `say` is told how many there are now and then."""
        deadline = time.monotonic() + seconds
        told = time.monotonic()
        with self.changed:
            while self.count < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failed(f"{self.count} of {count} replies came within {seconds} s")
                self.changed.wait(min(left, 1))
                if say and time.monotonic() - told > 5:
                    told = time.monotonic()
                    say(f"{self.count} of {count} replies")

    def reply_to(self, correlation_id, seconds=20, number=1):
        """The nth different reply with this correlation ID."""
        def found():
            return len(self.by_correlation.get(correlation_id, [])) >= number

        wait_until(f"reply {number} with the correlation ID {correlation_id}", found, seconds)
        return self.by_correlation[correlation_id][number - 1]

    def replies_to(self, correlation_id):
        return self.by_correlation.get(correlation_id, [])

    def close(self):
        self.stopping.set()
        self.thread.join(10)
