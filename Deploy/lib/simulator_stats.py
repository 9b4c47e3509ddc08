"""Prints what the simulator was paid for, by its own log, on one line."""
import json
import sys

stats = json.load(sys.stdin)
print(f"{stats['sync_calls']} calls, {stats['batch_rows']} rows in {stats['batches']} batches, "
      f"{stats['duplicate_payments']} paid twice, ${stats['usd']} billed")
