"""What the simulator's log of calls says about who worked on which batch."""
import collections
import json
import re

INSTANCE = re.compile(r"\(([0-9a-f]{8})\)$")
STARTS = re.compile(r'"message":"Millrace starts".*?"instance":"([0-9a-f]{8})"')


def instance_of(agent):
    """The process that a User-Agent names."""
    found = INSTANCE.search(agent or "")
    return found and found.group(1)


def instances(log):
    """The processes that have written a service's log, in their order."""
    return STARTS.findall(log)


class Witness:
    """Calls about batches by label since a moment, in the order in which the simulator took them."""

    def __init__(self, simulator, since):
        labels = labels_by_id(simulator.journal())
        self.by_label = collections.defaultdict(list)
        for call in simulator.calls():
            label = labels.get(call["id"])
            if label and call["time"] / 1000 >= since:
                self.by_label[label].append((call["time"] / 1000, call["action"], instance_of(call["agent"])))

    def created_twice(self):
        """Labels under which more than one batch was created."""
        return [label for label, calls in self.by_label.items()
                if sum(action == "create" for _, action, _ in calls) > 1]

    def shared(self, deaths):
        """Labels of batches that a process went on with after another had begun: worked on by two at once.

        What a process had on the wire when it died, the simulator may take after its heir's first call: `deaths`, by
        process, tells it from the calls of the living.
        """
        found = []
        for label, calls in self.by_label.items():
            owners = []
            for time, _, instance in calls:
                if time > deaths.get(instance, time):
                    continue
                if not owners or owners[-1] != instance:
                    owners.append(instance)
            if len(owners) > len(set(owners)):
                found.append(label + ": " + ", ".join(f"{time:.3f} {action} by {who}" for time, action, who in calls))
        return found

    def take_overs(self, deaths):
        """Seconds from the death of a batch's owner to the next call about it. `deaths` is by process."""
        found = []
        for calls in self.by_label.values():
            for (begun, _, owner), (later, _, next_owner) in zip(calls, calls[1:]):
                if owner != next_owner and owner in deaths and begun <= deaths[owner] <= later:
                    found.append(later - deaths[owner])
        return sorted(found)


def labels_by_id(journal):
    """Labels of batches by the ids of the batches and their files."""
    found = {}
    for record in journal:
        if "file" in record:
            name = record["file"].get("filename") or ""
            if name.startswith("mr-"):
                found[record["file"]["id"]] = name.removesuffix(".jsonl")
        if "batch" in record:
            batch = record["batch"]
            metadata = batch.get("metadata") or {}
            metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
            label = next((value for value in metadata.values() if str(value).startswith("mr-")), None)
            for key in ("id", "input_file_id", "output_file_id", "error_file_id"):
                if label and batch.get(key):
                    found[batch[key]] = label
    return found
