"""`millrace plan` prices a file within 5 % of the bill, in both lanes, once answers of its kind were seen.

The file is that of the quick start. The service has seen answers to other requests of that kind, as one that runs has;
without a service the length of answers is assumed, which is said.
"""
import decimal
import json
import pathlib
import subprocess
import sys

from harness.checks import check, equal

REQUESTS = 400
SAMPLE = pathlib.Path(__file__).resolve().parents[3] / "Deploy" / "lib" / "sample.py"


def run(bench):
    simulator = bench.simulator()
    service = bench.service(simulator)
    sample = subprocess.run([sys.executable, SAMPLE, str(REQUESTS)], capture_output=True, text=True, check=True).stdout
    file = bench.folder / "sample.jsonl"
    file.write_text(sample)
    earlier = bench.folder / "earlier.jsonl"
    earlier.write_text("".join(f"{line}\n" for line in sample.replace("Request ", "Earlier ").splitlines()[:100]))

    status, out, error = service.command("plan", file, "--json")
    equal(f"the exit status without a history ({error})", status, 0)
    equal("what is known of answers", {each["output_is"] for each in json.loads(out)["models"]
                                       if not each["model"].startswith("text-embedding")}, {"assumed"})
    send(service, earlier, "deferred")
    status, out, error = service.command("plan", file, "--json")
    equal(f"the exit status ({error})", status, 0)
    plan = json.loads(out)
    equal("requests", plan["total"]["requests"], REQUESTS)
    for lane in ("deferred", "interactive"):
        before = simulator.stats()["pico_usd"]
        send(service, file, lane)
        bill = simulator.stats()["pico_usd"] - before
        planned = int(decimal.Decimal(plan["total"][f"{lane}_usd"]) * 10**12)
        most = int(decimal.Decimal(plan["total"]["at_most_usd"]) * 10**12)
        error = (planned - bill) / bill
        bench.say(f"{lane}: planned {planned}, billed {bill} pico-USD: {error:+.2%}")
        check(abs(error) <= 0.05, f"the plan is {error:+.2%} off the bill of the {lane} lane")
        check(bill <= most, f"{bill} were billed, at most {most} were planned")

    broken = bench.folder / "broken.jsonl"
    broken.write_text('{"model": "gpt-4o-mini"}\nnonsense\n' + sample.splitlines()[0] + "\n")
    status, out, _ = service.command("plan", broken)
    equal("the exit status for lines that cannot be sent", status, 1)
    for words in ("2 lines cannot be sent", "line 1: invalid_request", "line 2: invalid_json"):
        check(words in out, f"the plan does not say '{words}': {out}")


def send(service, file, lane):
    status, _, error = service.command("submit", file, "--lane", lane, seconds=180)
    equal(f"the exit status of submit ({error[-300:]})", status, 0)
