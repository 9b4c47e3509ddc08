"""The private broker that all scenarios share, one after the other."""
import contextlib
import copy
import json
import subprocess
import urllib.parse

import pika

from harness.checks import Failed

EXCHANGES = ["llm.requests", "llm.requests.other", "llm.results", "llm.results.unclaimed", "llm.dead-letters"]
QUEUES = ["llm.requests.interactive", "llm.requests.deferred", "llm.results.unclaimed", "llm.dead-letters"]


class Broker:
    def __init__(self, script, folder):
        self.script = script
        self.folder = folder
        self.user, self.password = "guest", "guest"
        self.virtual_host = "/"

    def start(self):
        self._call("start")

    def stop(self):
        if self.folder.exists():
            self._call("stop", fails=False)

    def restart(self):
        self._call("restart")

    @contextlib.contextmanager
    def consumer_timeout(self, milliseconds):
        """How long a delivery may be unacked, on channels that are opened meanwhile."""
        self.ctl("eval", f"application:set_env(rabbit, consumer_timeout, {milliseconds}), "
                 "application:set_env(rabbit, channel_tick_interval, 500).")
        try:
            yield
        finally:
            self.ctl("eval", "application:set_env(rabbit, consumer_timeout, 1800000), "
                     "application:set_env(rabbit, channel_tick_interval, 60000).")

    def ctl(self, *arguments):
        self._call("ctl", "-q", *arguments)

    def ctl_text(self, *arguments):
        return self._call("ctl", "-q", *arguments, text=True)

    @contextlib.contextmanager
    def alarm(self):
        """A memory alarm: the broker reads nothing from whoever publishes."""
        self.ctl("set_vm_memory_high_watermark", "0.000001")
        try:
            yield
        finally:
            self.ctl("set_vm_memory_high_watermark", "0.4")

    @contextlib.contextmanager
    def without_leader(self, *queues):
        """These quorum queues have no leader: what is sent to them is neither done nor refused."""
        names = ", ".join(f'"%2F_{queue}"' for queue in queues)

        def to_all(function):
            self.ctl("eval", f"[ra:{function}(quorum_queues, {{list_to_atom(N), node()}}) || N <- [{names}]].")

        to_all("stop_server")
        try:
            yield
        finally:
            to_all("restart_server")

    def channel(self):
        """A channel whose connection ends with the block."""
        return _Channel(self)

    def consumers(self, queue):
        with self.channel() as channel:
            return channel.queue_declare(queue, passive=True).method.consumer_count

    @property
    def port(self):
        # A restart keeps the port and writes its file anew, which is empty for a moment.
        text = (self.folder / "port").read_text().strip()
        if text:
            self.last_port = int(text)
        return self.last_port

    @property
    def url(self):
        return f"amqp://{self.user}:{self.password}@127.0.0.1:{self.port}/{urllib.parse.quote(self.virtual_host, safe='')}"

    def connect(self):
        parameters = pika.URLParameters(self.url)
        parameters.heartbeat = 30
        parameters.blocked_connection_timeout = 30
        return pika.BlockingConnection(parameters)

    def part(self, name):
        """A virtual host of this broker, which shares nothing with the others."""
        self._call("ctl", "add_vhost", name)
        self._call("ctl", "set_permissions", "-p", name, self.user, ".*", ".*", ".*")
        part = copy.copy(self)
        part.virtual_host = name
        return part

    def clear(self, more_queues=()):
        """Deletes what a scenario left, so that the next finds a broker as after its installation."""
        connection = self.connect()
        try:
            channel = connection.channel()
            for queue in [*QUEUES, *more_queues]:
                channel.queue_delete(queue)
            for exchange in EXCHANGES:
                channel.exchange_delete(exchange)
        finally:
            connection.close()

    def add_user(self, name, password):
        """A user who may do everything; the first of a run is made, later ones are there."""
        self._call("ctl", "eval", f"""
            Name = <<"{name}">>, Password = <<"{password}">>,
            case rabbit_auth_backend_internal:exists(Name) of
              true -> ok;
              false ->
                ok = rabbit_auth_backend_internal:add_user(Name, Password, <<"integration">>),
                rabbit_auth_backend_internal:set_permissions(
                  Name, <<"/">>, <<".*">>, <<".*">>, <<".*">>, <<"integration">>)
            end.""")

    def has_exchange(self, exchange):
        connection = self.connect()
        try:
            connection.channel().exchange_declare(exchange, passive=True)
            return True
        except pika.exceptions.ChannelClosedByBroker:
            return False
        finally:
            connection.close()

    def depth(self, queue):
        """Messages that are ready in a queue; none where there is no such queue."""
        connection = self.connect()
        try:
            return connection.channel().queue_declare(queue, passive=True).method.message_count
        except pika.exceptions.ChannelClosedByBroker:
            return 0
        finally:
            if connection.is_open:
                connection.close()

    def drain(self, queue):
        """Takes everything that is ready in a queue: (properties, body) pairs."""
        found = []
        connection = self.connect()
        try:
            channel = connection.channel()
            while True:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return found
                found.append((properties, body))
        finally:
            connection.close()

    def _call(self, command, *arguments, fails=True, text=False):
        # In a session of its own, since Ctrl-C at the runner must not end a broker half way.
        done = subprocess.run(
            [str(self.script), command, str(self.folder), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if text else subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=180,
            start_new_session=True)
        if fails and done.returncode != 0:
            raise Failed(f"broker.sh {command} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
        return done.stdout


class _Channel:
    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        self.connection = self.broker.connect()
        return self.connection.channel()

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()


def redeclared(properties):
    """The properties of a message as comparable values, without what the broker adds."""
    added = ("x-death", "x-delivery-count", "x-first-death-", "x-last-death-")
    headers = {key: value for key, value in (properties.headers or {}).items() if not key.startswith(added)}
    names = ["content_type", "content_encoding", "delivery_mode", "priority", "correlation_id", "reply_to",
             "expiration", "message_id", "timestamp", "type", "user_id", "app_id"]
    return {name: getattr(properties, name) for name in names}, json.dumps(headers, sort_keys=True, default=repr)
