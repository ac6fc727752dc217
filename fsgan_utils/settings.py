"""Checks that classes of settings share: each says at once what was expected and what was received."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import fields
from numbers import Integral, Real
from types import UnionType
from typing import Any, get_args, get_type_hints

KINDS: dict[type, tuple[type, str]] = {
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    str: (str, "a text"),
}
"""By what a setting is declared as: what its value has to be, and that in words."""


def check_kinds(settings: Any) -> None:
    """Check that the fields of a dataclass hold numbers, texts and truth values where they should.

    NumPy's numbers count as numbers. Fields that are declared as anything else than these, or None, are passed over.

    Raises:
        ValueError: one does not; or a number is none (NaN).
    """
    declared = get_type_hints(type(settings))
    for field in fields(settings):
        kind = declared[field.name]
        options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        kinds = [KINDS[option] for option in options if option in KINDS]
        if not field.init or len(kinds) + (type(None) in options) < len(options):
            continue
        value = getattr(settings, field.name)
        if not any(_is(value, kind) for kind, _ in kinds) and not (value is None and type(None) in options):
            expected = " or ".join(["None"] * (type(None) in options) + [words for _, words in kinds])
            raise ValueError(f"{field.name} must be {expected}. Received: {value!r}")


def one_of(name: str, value: object, allowed: Collection[object]) -> None:
    """Raise ValueError unless a setting has one of the values that are allowed."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}. Received: {value!r}")


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) and not (isinstance(value, float) and math.isnan(value))
