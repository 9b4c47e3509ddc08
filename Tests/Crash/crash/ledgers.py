"""The kinds of ledger, and how each scenario gets one of its own."""


class SQLite:
    name = "sqlite"
    replicas = 1
    more_settings = {}

    def settings(self, folder):
        return {"url": f"sqlite://{folder / 'ledger.sqlite'}", "min_free_disk": 0}

    def heir(self, bench, scenario, service, name):
        """Who goes on after a service was killed: the same again, since nobody else has the file."""
        return service
