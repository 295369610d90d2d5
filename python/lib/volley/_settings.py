"""The settings that a plan is made by."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import Any, Literal

Iterations = int | Literal["auto"]


_KINDS = {
    "sigmoid_degree": Integral,
    "sigmoid_range": Real,
    "learning_rate": Real,
    "weight_decay": Real,
    "momentum_limit": Real,
    "security": Integral,
    "log_n": Integral,
    "memory": Integral,
}
"""What settings that are numbers may be."""


@dataclass(frozen=True)
class Settings:
    """What is not said is the profile's, or the program's default."""

    iterations: Iterations = "auto"
    profile: str = "standard"
    sigmoid_degree: int | None = None
    sigmoid_range: float | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    momentum_limit: float | None = None
    security: int = 128
    log_n: int | None = None
    memory: int | None = None
    small_keys: bool = False

    @classmethod
    def of(cls, estimator: Any) -> Settings:
        """Those of an estimator, which has parameters of the same names."""
        return cls(**{field.name: getattr(estimator, field.name) for field in fields(cls)})

    def options(self) -> dict[str, Any]:
        """As the compiled part takes them."""
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
                raise TypeError(f"{name} is {value!r}, it should be a {'whole ' if kinds is Integral else ''}number")
        return {**asdict(self), "iterations": str(self.iterations)}
