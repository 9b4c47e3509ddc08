"""Reads processor time and memory from /proc."""

import os
import platform
import time

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


def _fields(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def process_cpu(pid):
    """Seconds of user and system time of a process, its ended threads included; 0 when it is gone."""
    try:
        fields = _fields(pid)
    except (OSError, ValueError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid, peak=False):
    """Resident memory now, or its peak since the start."""
    label = "VmHWM:" if peak else "VmRSS:"
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith(label):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def machine_cpu():
    """Seconds that all cores were busy, and that the hypervisor took away, since the machine started."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, interrupt, soft, steal = (int(n) for n in file.readline().split()[1:9])
    return (user + nice + system + interrupt + soft) / TICKS, steal / TICKS


class Meter:
    """Processor time of some processes and of the whole machine, between two moments."""

    def __init__(self, processes):
        self.processes = processes
        self.before = {name: process_cpu(pid) for name, pid in processes.items()}
        self.machine, self.stolen = machine_cpu()
        self.start = time.monotonic()

    def read(self):
        """Seconds by process since the beginning."""
        return {name: process_cpu(pid) - self.before[name] for name, pid in self.processes.items()}

    def disturbance(self, accounted):
        """The share of the machine that went to others so far; `accounted` seconds went to measured processes too."""
        busy, stolen = machine_cpu()
        capacity = max(time.monotonic() - self.start, 1e-6) * CORES
        others = max(0.0, busy - self.machine - sum(self.read().values()) - accounted)
        return {"other_share": others / capacity, "stolen_share": (stolen - self.stolen) / capacity}


def wait_for_quiet(limit=20.0, share=0.10):
    """Waits until the machine is idle but for a share of its cores. Returns the share that was last seen."""
    deadline = time.monotonic() + limit
    while True:
        before, start = machine_cpu()[0], time.monotonic()
        time.sleep(1)
        busy = (machine_cpu()[0] - before) / ((time.monotonic() - start) * CORES)
        if busy <= share or time.monotonic() > deadline:
            return busy


def wait_until_idle(pids, limit=15.0, share=0.05):
    """Waits until processes together use less than a share of one core: they have finished what they had to do."""
    deadline = time.monotonic() + limit
    while True:
        before = sum(process_cpu(pid) for pid in pids)
        time.sleep(0.5)
        used = (sum(process_cpu(pid) for pid in pids) - before) / 0.5
        if used <= share:
            return True
        if time.monotonic() > deadline:
            return False


def machine():
    """What the figures are measured on."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("model name", "Model")):
                model = line.partition(":")[2].strip()
                break
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1024
    return {"cores": CORES, "cpu": model, "kernel": platform.release(), "memory_mib": memory,
            "load_before": os.getloadavg()[0]}
