"""The file that says of every scenario whether it holds."""
HEADER = """# What every scenario of the crash tests does: it holds, or it is known to be broken. Written by `Tests/Crash/run --record`.
# A scenario that does otherwise than it says here fails the run, and so does one that is missing here.
"""
STATES = ("held", "broken")


class Record:
    def __init__(self, path):
        self.path = path
        self.states = {}
        self.problems = []
        for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 3 or words[2] not in STATES:
                self.problems.append(f"{path.name}:{number}: wanted is 'SCENARIO LEDGER held|broken', not {line!r}")
            elif (words[0], words[1]) in self.states:
                self.problems.append(f"{path.name}:{number}: {words[0]} {words[1]} is named twice")
            else:
                self.states[words[0], words[1]] = words[2]

    def completeness_problems(self, scenarios, ledgers):
        """What the file does not name of these ledgers, and what it names that is not there."""
        missing = {each for each in scenarios if each[1] in ledgers} - set(self.states)
        return (self.problems
                + [f"{self.path.name} does not name {' '.join(each)}" for each in sorted(missing)]
                + [f"{self.path.name} names {' '.join(each)}, which does not exist"
                   for each in sorted(set(self.states) - set(scenarios))])

    def verdict(self, scenario, held):
        """None if the scenario does what the file says, else what is to be done about it."""
        known = self.states.get(scenario)
        if known == ("held" if held else "broken"):
            return None
        if known is None:
            return "it is not in the file"
        return "it held before" if known == "held" else "it is known as broken and holds now: record that"

    def write(self, results, scenarios):
        """Notes what was run; of the rest, what is known."""
        states = {each: state for each, state in self.states.items() if each in set(scenarios)}
        states.update({each: "held" if held else "broken" for each, held in results.items()})
        width = max(len(name) for name, _ in states)
        order = {each: number for number, each in enumerate(scenarios)}
        lines = [f"{name:{width}} {ledger:8} {states[name, ledger]}"
                 for name, ledger in sorted(states, key=lambda each: order[each])]
        self.path.write_text(HEADER + "\n".join(lines) + "\n")
