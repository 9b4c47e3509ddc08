"""The kinds of ledger, and how each scenario gets an empty one."""
import threading

from harness.postgres import Postgres as Server


class SQLite:
    """A file, which one process has."""

    name = "sqlite"
    replicas = 1

    def __init__(self, _root, _folder):
        pass

    def start(self):
        pass

    def settings(self, folder):
        return {"ledger": {"url": f"sqlite://{folder / 'ledger.sqlite'}", "min_free_disk": 0}}

    def forget(self, folder):
        pass

    def stop(self):
        pass


class Postgres:
    """A database, which all replicas share."""

    name = "postgres"
    replicas = 3

    def __init__(self, root, folder):
        self.server = Server(root / "Deploy" / "lib" / "postgres.sh", folder / "postgres")
        self.urls = {}
        self.lock = threading.Lock()

    def start(self):
        self.server.start()

    def settings(self, folder):
        with self.lock:
            if folder not in self.urls:
                self.urls[folder] = self.server.database(f"{folder.parent.name} {folder.name}")
            # As short as they may be, since every take-over waits for them.
            return {"ledger": {"url": self.urls[folder], "lease": "3s", "min_free_disk": 0},
                    "execution": {"create_timeout": "1s"}}

    def forget(self, folder):
        """Deletes the databases of a bench."""
        with self.lock:
            for each in [each for each in self.urls if each.parent == folder]:
                self.server.drop(self.urls.pop(each))

    def stop(self):
        self.server.stop()


KINDS = {kind.name: kind for kind in (SQLite, Postgres)}
