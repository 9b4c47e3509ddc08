"""Counts what a broker delivers again, on the wire: a witness beside what the service says of itself."""
import collections
import struct
import threading

METHOD, HEADER, BODY = 1, 2, 3
# basic.deliver
DELIVER = struct.pack(">HH", 60, 60)


class Redeliveries:
    """How often a message with this body was delivered as one that was delivered before."""

    def __init__(self):
        self.by_body = collections.Counter()
        self.lock = threading.Lock()

    def of(self, body):
        with self.lock:
            return self.by_body[body]

    def listener(self):
        """Takes what the broker says on one connection, in pieces."""
        return Listener(self._count)

    def _count(self, body):
        with self.lock:
            self.by_body[body] += 1


class Listener:
    def __init__(self, count):
        self.count = count
        self.buffer = bytearray()
        # What is being delivered on a channel: bytes that are still to come, and the body so far.
        self.deliveries = {}

    def __call__(self, data):
        self.buffer += data
        while len(self.buffer) >= 7:
            kind, channel, size = struct.unpack_from(">BHI", self.buffer)
            if len(self.buffer) < size + 8:
                return
            self._frame(kind, channel, bytes(self.buffer[7:7 + size]))
            del self.buffer[:size + 8]

    def _frame(self, kind, channel, payload):
        if kind == METHOD:
            self.deliveries.pop(channel, None)
            # The consumer's tag, the delivery's, and then the bit.
            if payload[:4] == DELIVER and payload[5 + payload[4] + 8] & 1:
                self.deliveries[channel] = [0, b""]
        elif channel in self.deliveries:
            delivery = self.deliveries[channel]
            if kind == HEADER:
                delivery[0] = struct.unpack_from(">Q", payload, 4)[0]
            elif kind == BODY:
                delivery[1] += payload
            if len(delivery[1]) >= delivery[0]:
                self.count(delivery[1])
                del self.deliveries[channel]
