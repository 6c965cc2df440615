"""What the evaluator may spend: output tokens in all, with what open questions may still take set aside."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Budget:
    """limit: output tokens in all, restarts included; spent: of answers; reserved: for questions on their way."""

    limit: int
    spent: int = 0
    reserved: int = 0

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"the token budget is {self.limit}; write at least 1 token")

    def allows(self, tokens: int) -> bool:
        """Whether a question that may take so many tokens can be asked now."""
        return self.spent + self.reserved + max(1, tokens) <= self.limit

    def reserve(self, tokens: int) -> Budget:
        """The budget while a question is open that may take so many tokens."""
        return replace(self, reserved=self.reserved + tokens)

    def settle(self, reserved: int, spent: int) -> Budget:
        """The budget after its answer, which took `spent` of the tokens `reserved` for it, or more."""
        return replace(self, reserved=self.reserved - reserved, spent=self.spent + spent)
