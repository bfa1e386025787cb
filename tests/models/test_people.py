"""No repr shows what belongs to people."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from trackingmore_async import models
from trackingmore_async.errors import InvalidRequestError
from trackingmore_async.models import (
    Account,
    BatchEntry,
    Model,
    NewTracking,
    Outcome,
    Result,
    TrackingEcho,
    TrackingRef,
    TrackingUpdate,
)

SECRET = "Kim-7f3a"


def classes() -> Iterator[type[Model]]:
    """Find all models, exported or not."""
    for module in pkgutil.iter_modules(models.__path__):
        for value in vars(importlib.import_module(f"{models.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Model) and value not in (Model, Result):
                yield value


ALL = sorted(set(classes()), key=lambda cls: cls.__name__)
ALLOWED = {
    "carrier_code", "tracking_number", "status", "code", "name", "company", "country", "country_code", "original",
    "destination", "origin", "station", "flight_number", "depart_station", "arrival_station", "awb", "awbs", "page",
    "limit", "count", "total", "submitted", "changed", "track_number", "status_number", "time",
    "pending", "notfound", "transit", "pickup", "delivered", "undelivered", "exception", "expired",
}  # fmt: skip


def filled(cls: type[Model], shown: str, hidden: str) -> Any:
    """Fill a model: one text where the repr may show it, another elsewhere."""
    values: dict[str, Any] = {
        field.name: shown if field.name in cls.SHOWN else hidden for field in attrs.fields(cls) if field.name != "extra"
    }
    if "extra" in attrs.fields_dict(cls):
        values["extra"] = {"a_new_key": hidden}
    return cls(**values)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_repr_shows_names_and_states_only(cls: type[Model]) -> None:
    """A repr holds what names the thing, the names of unknown keys, and no other value."""
    shown = repr(filled(cls, "shown", SECRET))
    assert SECRET not in shown
    assert set(cls.SHOWN) <= ALLOWED
    assert ("a_new_key" in shown) == ("extra" in attrs.fields_dict(cls))


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_model_is_frozen_and_slotted(cls: type[Model]) -> None:
    """No field can be set, and none can be added."""
    model = filled(cls, "shown", "hidden")
    name = attrs.fields(cls)[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(model, name, "other")
    with pytest.raises((AttributeError, TypeError)):
        model.another = 1
    assert not hasattr(model, "__dict__")


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_model_documents_its_fields(cls: type[Model]) -> None:
    """Each field stands in the docstring, and there is an example."""
    text = cls.__doc__ or ""
    assert [field.name for field in attrs.fields(cls) if f" {field.name}: " not in text] == []
    assert "Example:" in text


@pytest.mark.parametrize(
    "model",
    [
        NewTracking("zto", "5", customer_name=SECRET, customer_email=SECRET, order_id=SECRET, title=SECRET),
        TrackingUpdate("zto", "5", customer_phone=SECRET, title=SECRET),
        Account(email=SECRET, phone=SECRET, money=1),
        BatchEntry(tracking_number="5", tracking=TrackingEcho("zto", "5", customer_name=SECRET)),
        Outcome(0, NewTracking("zto", "5", customer_name=SECRET), "succeeded"),
        Outcome(0, {"customer": SECRET}, "failed", error=InvalidRequestError(SECRET)),
    ],
)
def test_nobody_is_named(model: object) -> None:
    """Neither requests, answers nor outcomes show a person."""
    assert SECRET not in repr(model)


def test_an_outcome_shows_its_item_and_its_error_by_name() -> None:
    """Index, item, state and the kind of the error are what one needs in a log."""
    outcome = Outcome(3, TrackingRef("zto", "5"), "failed", error=InvalidRequestError("No."))
    assert repr(outcome) == (
        "Outcome(index=3, item=TrackingRef(carrier_code='zto', tracking_number='5'), state='failed',"
        " error=InvalidRequestError)"
    )


def test_all_is_sorted_and_complete() -> None:
    """What the package exports is sorted as ruff sorts, and holds every model."""
    assert {cls.__name__ for cls in ALL} <= set(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)
