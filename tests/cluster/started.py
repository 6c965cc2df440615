"""What is started at the beginning of a block, and stopped where even its start fails."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Self


class Started:
    """A context manager: a subclass says how it starts, and stops whatever of it has started."""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    @abstractmethod
    def _start(self) -> None:
        """Start, ready to be used."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop. Called once, also when only a part has started."""
