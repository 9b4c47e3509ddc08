"""Many publishers, each on a connection of its own, that publish at one moment."""
import threading

from harness.checks import check
from harness.messages import Publisher


class Crowd:
    def __init__(self, broker, count):
        self.publishers = [Publisher(broker) for _ in range(count)]
        self.errors = []

    def publish(self, messages, seconds=120):
        """Publishes one message each, all at once, and waits for the confirms."""
        start = threading.Barrier(len(messages) + 1)
        threads = [threading.Thread(target=self._one, args=(publisher, message, start), daemon=True)
                   for publisher, message in zip(self.publishers, messages, strict=True)]
        for thread in threads:
            thread.start()
        start.wait(seconds)
        for thread in threads:
            thread.join(seconds)
        check(not self.errors, f"publishers failed: {self.errors[:3]}")
        check(not any(thread.is_alive() for thread in threads), "publishers are not done")

    def _one(self, publisher, message, start):
        try:
            # Connected before, so that they do not come one after the other.
            publisher.connect()
            start.wait(60)
            publisher.publish(message)
        except Exception as error:  # noqa: BLE001: it is told where somebody waits
            self.errors.append(repr(error))

    def close(self):
        for each in self.publishers:
            each.close()
