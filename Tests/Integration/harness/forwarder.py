"""A way to the broker that can be opened, closed and frozen at will, at a port that stays the same."""
import contextlib
import socket
import threading


class Connection:
    """One connection through a forwarder, both halves of it."""

    def __init__(self, near, far):
        self.near = near
        self.far = far
        self.thawed = threading.Event()
        self.thawed.set()
        # What the client said first, which names its connection.
        self.greeting = b""
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source is self.near and len(self.greeting) < 8192:
                    self.greeting += data
                self.thawed.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.thawed.set()
        for each in (self.near, self.far):
            # Shut down before it is closed, so that whoever waits on it in another thread wakes up.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Forwarder:
    def __init__(self, port, target):
        self.port = port
        self.target = target
        self.listener = None
        self.connections = []

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self):
        """Refuses new connections and cuts those that are there."""
        listener, self.listener = self.listener, None
        connections, self.connections = self.connections, []
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for each in connections:
            each.close()

    def freeze(self, name):
        """Forwards nothing any more, either way, on the connections with this in their greeting, and closes nothing: each
        side takes the other for silent. Returns how many those are. Later connections are not concerned."""
        found = [each for each in self.connections if name in each.greeting and each.thawed.is_set()]
        for each in found:
            each.thawed.clear()
        return len(found)

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                return
            far.settimeout(None)
            self.connections.append(Connection(near, far))
