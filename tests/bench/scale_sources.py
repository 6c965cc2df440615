"""Where the figures come from: /proc, the operator's and Prometheus' own metrics, and the API server's audit log."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

TICKS = os.sysconf("SC_CLK_TCK")
WRITES = frozenset({"create", "update", "patch", "delete"})
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Series = tuple[str, frozenset[tuple[str, str]]]
Scrape = Mapping[Series, float]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid: int, field: str = "VmHWM") -> float:
    """Resident memory in MiB: VmRSS now, VmHWM at its peak since the start."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":")) / 1024


def machine_busy_seconds() -> float:
    """CPU time that everything on the machine has used together."""
    user, nice, system, _idle, _wait, irq, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft) / TICKS


@dataclass(frozen=True, slots=True)
class Costs:
    """What a process took from `begin` to `end` (Unix times). cores: of the processor; others_cores: what everything
    else on the machine took; resident_mib: the most memory seen, once a second;
    peak_mib: at its peak since its start."""

    begin: float
    end: float
    cores: float
    others_cores: float
    resident_mib: float
    peak_mib: float

    @property
    def seconds(self) -> float:
        """How long it was watched."""
        return self.end - self.begin


def watch(pid: int, seconds: float) -> Costs:
    """What a process takes for so many seconds from now."""
    used, busy, begin, clock = cpu_seconds(pid), machine_busy_seconds(), time.time(), time.monotonic()
    samples = [memory_mib(pid, "VmRSS")]
    while time.monotonic() - clock < seconds:
        time.sleep(1.0)
        samples.append(memory_mib(pid, "VmRSS"))
    span = time.monotonic() - clock
    used, busy = cpu_seconds(pid) - used, machine_busy_seconds() - busy
    return Costs(begin, begin + span, used / span, (busy - used) / span, max(samples), memory_mib(pid))


def scrape(url: str, prefix: str = "") -> Scrape:
    """The samples of an exposition whose names begin so. The others are not parsed: those of a fleet would take the
    processor from the operator for a third of a second each time. Raises OSError when there is no answer."""
    begins = prefix, f"# HELP {prefix}", f"# TYPE {prefix}"
    with _direct.open(url, timeout=5) as response:
        text = "".join(line for line in response.read().decode().splitlines(keepends=True) if line.startswith(begins))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Scrape, name: str, **labels: str) -> float:
    """The sum of a metric's series that carry these labels; 0 when there is none."""
    wanted = labels.items()
    return sum(amount for (found, has), amount in samples.items() if found == name and wanted <= has)


def buckets_between(before: Scrape, after: Scrape, name: str) -> list[tuple[float, int]]:
    """(upper bound, observations up to it) of a histogram, for what was observed between two scrapes."""
    rows = []
    for (found, labels), amount in after.items():
        if found == f"{name}_bucket":
            bound = dict(labels)["le"]
            rows.append((float(bound), int(amount - before.get((found, labels), 0.0))))
    return sorted(rows)


def bound_of(buckets: list[tuple[float, int]], share: float) -> float:
    """The smallest bucket bound below which at least this share of the observations lies, NaN without any."""
    total = buckets[-1][1] if buckets else 0
    return next((bound for bound, count in buckets if total and count >= share * total), float("nan"))


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API server: Unix time of its arrival and the audit log's verb."""

    at: float
    verb: str


def audited(log: Path, user: str) -> list[Request]:
    """The requests of one user in an audit log of level Metadata."""
    requests = []
    with log.open() as lines:
        for line in lines:
            if user in line:
                event = json.loads(line)
                if event["user"]["username"] == user:
                    arrived = datetime.fromisoformat(event["requestReceivedTimestamp"])
                    requests.append(Request(arrived.timestamp(), event["verb"]))
    return requests


def writes_between(requests: Iterable[Request], begin: float, end: float) -> list[float]:
    """Arrival times of the writes in a window, sorted."""
    return sorted(each.at for each in requests if each.verb in WRITES and begin <= each.at < end)


def reads_between(requests: Iterable[Request], begin: float, end: float) -> int:
    """How many objects and lists were asked for in a window."""
    return sum(1 for each in requests if each.verb in ("get", "list") and begin <= each.at < end)


def busiest(times: list[float], seconds: float) -> int:
    """The most events in any span of that many seconds; `times` sorted."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
