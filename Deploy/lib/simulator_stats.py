"""Prints the simulator's own count of its work on one line."""
import json
import sys

stats = json.load(sys.stdin)
print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in stats.items() if isinstance(value, int)))
