"""Screens at 80 columns and 24 lines as text, kept to be looked at: `python -m tests.unit.cli.expected_screens` writes
them anew after a change that was meant."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.shown_policies import policy_in, recorded, screen

FOLDER = Path(__file__).parent / "screens"
STATES = (
    "pending",
    "second campaign at a later step",
    "observing a broken split",
    "rolled back",
    "promoted",
    "several, one dropped",
    "a search is over",
    "suspended",
)
RECORDED = ("canary-midway", "cohort-midway", "shadow-several-midway")
WIDTH, HEIGHT = 80, 24


def drawn() -> dict[str, str]:
    """The text of each screen, by the name of its file."""
    policies = {each: policy_in(each) for each in STATES} | {each: recorded(each) for each in RECORDED}
    return {
        f"{name.replace(', ', '-').replace(' ', '-')}.txt": "".join(
            f"{line.rstrip()}\n" for line in screen(policy, WIDTH, HEIGHT, forecast=True)
        )
        for name, policy in policies.items()
    }


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in drawn().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
