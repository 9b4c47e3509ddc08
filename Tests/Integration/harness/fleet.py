"""Services that work together, seen as one."""
from harness.checks import check


class Fleet:
    def __init__(self, services):
        self.services = services

    @property
    def first(self):
        return self.services[0]

    def metric(self, name, **labels):
        return sum(each.metric(name, **labels) for each in self.services)

    def breakers(self, **labels):
        """The gauge of each: 0 closed, 1 open, 2 probing."""
        return [each.metric("breaker_state", **labels) for each in self.services]

    def alerts(self, kind):
        """How often it was said that something is to be seen to, by any of them."""
        return sum(f'"alert":"{kind}"' in line and '"level":"error"' in line
                   for each in self.services for line in each.log_text().splitlines())

    def terminate(self):
        for each in self.services:
            status, _ = each.process.terminate()
            check(status == 0, f"{each.folder.name} ended with {status}")

    def close(self):
        for each in self.services:
            each.close()
