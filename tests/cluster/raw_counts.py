"""What a Prometheus really holds, by range vectors alone: the reference that counts are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.wire import SELECTED
from tests.cluster.prometheus import Prometheus


def scrapeable(replicas: Iterable[Prometheus], at: int) -> dict[Variant, Tally]:
    """The largest raw sample of every series in any replica within the last hour, summed over processes."""
    largest: dict[tuple[str, str, str], float] = {}
    for replica in replicas:
        for kind, name in SELECTED.items():
            split = {label: value for label, value in kind._asdict().items() if label != "metric" and value}
            chosen = ",".join(f'{label}="{value}"' for label, value in split.items())
            for row in replica.query(f"{kind.metric}{{{chosen}}}[1h]", at=float(at)):
                key = (row["metric"]["variant"], name, row["metric"]["process"])
                largest[key] = max([largest.get(key, 0.0), *(float(value) for _, value in row["values"])])
    return {variant: Tally(*(_sum(largest, variant, name) for name in TALLY_FIELDS)) for variant in Variant}


def _sum(largest: Mapping[tuple[str, str, str], float], variant: str, name: str) -> int:
    return int(sum(value for key, value in largest.items() if key[:2] == (variant, name)))
