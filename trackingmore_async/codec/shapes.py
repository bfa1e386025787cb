"""Objects and lists among JSON values, told apart for the type checkers too."""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["is_list", "is_object", "is_tuple", "kind"]


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a JSON list."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a value is a tuple: several values of one field of a model."""
    return isinstance(value, tuple)


def kind(value: object) -> str:
    """Say in words what a JSON value is, without showing it."""
    names: dict[type, str] = {
        type(None): "null",
        str: "a text",
        list: "a list",
        dict: "an object",
        bool: "true or false",
    }
    return names.get(type(value), "a number")
