"""Runs the scenarios one after the other and says what came of each. Started by the script `run`."""
import argparse
import importlib
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

from harness.bench import Bench
from harness.broker import Broker
from harness.checks import Failed
from harness.postgres import Postgres

NAMES = ["main_job", "poison", "identity", "headers", "broker_restart", "simulator_restart", "service_restart",
         "batch_faults", "errors", "broker_faults", "half_open", "unshared_ledger", "store_faults", "restarts", "ambiguous",
         "ambiguous_replicas", "key_rotation", "key_rotation_replicas", "same_key", "no_key", "reconnect", "postgres_faults",
         "pace", "outage", "fairness", "lanes", "enqueued", "estimates", "retry_after", "rescue", "cost", "budget", "plan", "savings", "merged_embeddings",
         "anthropic", "anthropic_credit", "gemini", "azure", "mistral", "no_batch", "deviations",
         "every_provider"]


def arguments():
    parser = argparse.ArgumentParser(prog="run", description="Integration scenarios of Millrace.")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bin", type=pathlib.Path, help="folder with millrace and provider-simulator")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs in any case")
    parser.add_argument("--list", action="store_true", help="say which scenarios there are")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            parser.error(f"no scenario is named {name}; there are {', '.join(NAMES)}")
    options.bin = (options.bin or options.root / ".build" / "debug").resolve()
    for program in () if options.list else ("millrace", "provider-simulator"):
        if not (options.bin / program).exists():
            parser.error(f"{options.bin / program} does not exist; build it (swift build --product {program})")
    return options


def main():
    options = arguments()
    if options.list:
        for name in NAMES:
            print(f"{name:18} {importlib.import_module(f'scenarios.{name}').__doc__.strip().splitlines()[0]}")
        return 0

    def stop(_signal, _frame):
        raise KeyboardInterrupt

    # Of both, since a shell has what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    (options.root / ".millrace").mkdir(exist_ok=True)
    # A path with a space is what a user may have, so it is what is tried.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="integration run ", dir=options.root / ".millrace"))
    broker = Broker(options.root / "Deploy" / "lib" / "broker.sh", folder / "broker")
    postgres = Postgres(options.root / "Deploy" / "lib" / "postgres.sh", folder / "postgres")
    passed, failed = [], []
    began = time.monotonic()
    try:
        print("==> starting a broker on loopback", flush=True)
        broker.start()
        for name in options.names or NAMES:
            problem = run_one(name, folder, options.bin, broker, postgres)
            if problem is None:
                passed.append(name)
            else:
                failed.append(f"{name}: {problem.strip().splitlines()[-1]}")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        failed.append("interrupted")
    except Failed as error:
        print(f"FAIL  {error}", flush=True)
        failed.append("broker")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        postgres.stop()
        broker.stop()
    if failed or options.keep:
        print(f"==> logs are in {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    for problem in failed:
        print(f"FAIL  {problem}", flush=True)
    print(f"{len(passed)} passed, {len(failed)} failed ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0


def run_one(name, folder, binaries, broker, postgres):
    """Returns what is wrong, or None if the scenario passed."""
    scenario = importlib.import_module(f"scenarios.{name}")
    print(f"==> {name}: {scenario.__doc__.strip().splitlines()[0]}", flush=True)
    bench = Bench(name, folder / name, binaries, broker, postgres)
    began = time.monotonic()
    problem = None
    try:
        bench.prepare()
        scenario.run(bench)
        bench.check_services()
    except Failed as error:
        problem = str(error)
    except Exception:  # noqa: BLE001: whatever is wrong with a scenario must not keep the others from running
        problem = traceback.format_exc()
    finally:
        bench.close()
    seconds = time.monotonic() - began
    if problem is None:
        print(f"ok    {name} ({seconds:.1f} s)", flush=True)
        return None
    print(f"FAIL  {name} ({seconds:.1f} s): {problem}", flush=True)
    print(bench.last_lines(), flush=True)
    return problem


if __name__ == "__main__":
    sys.exit(main())
