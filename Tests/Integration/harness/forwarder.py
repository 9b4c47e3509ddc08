"""A way to the broker, or to another server, that can be opened, closed and frozen at will, at a port that stays the same."""
import contextlib
import socket
import threading


class Connection:
    """One connection through a forwarder, both halves of it."""

    def __init__(self, near, far, overhear=None):
        self.near = near
        self.far = far
        self.overhear = overhear
        self.thawed = threading.Event()
        self.thawed.set()
        # Whether what the client says is lost.
        self.deaf = False
        self.ended = False
        # What the client said first, which names its connection.
        self.greeting = b""
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source is self.near and len(self.greeting) < 8192:
                    self.greeting += data
                if source is self.far and self.overhear is not None:
                    self.overhear(data)
                self.thawed.wait()
                if self.deaf and source is self.near:
                    continue
                sink.sendall(data)
        self.ended = True
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
        # Makes what is told all that servers say, a connection each.
        self.listeners = None

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
        found = self._open(name)
        for each in found:
            each.thawed.clear()
        return len(found)

    def deafen(self, name):
        """Loses all that clients say on these connections from now on, as acks that are written and never processed; what
        is said to them still comes. Returns the connections."""
        found = self._open(name)
        for each in found:
            each.deaf = True
        return found

    def cut(self, name):
        """Closes these connections, whatever is under way on them. Returns how many those were."""
        found = self._open(name)
        for each in found:
            each.close()
            self.connections.remove(each)
        return len(found)

    def _open(self, name):
        return [each for each in self.connections
                if name in each.greeting and each.thawed.is_set() and each.near.fileno() >= 0 and not each.ended]

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                # Whoever it leads to is away for now.
                near.close()
                continue
            far.settimeout(None)
            self.connections.append(Connection(near, far, self.listeners() if self.listeners else None))
