"""The keyword arguments of single calls are the fields of the models."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from trackingmore_async.models import NewTracking, RealtimeQuery, TrackingFilter, TrackingUpdate
from trackingmore_async.models.fields import EditFields, FilterFields, NewFields, RealtimeFields


@pytest.mark.parametrize(
    ("fields", "model", "apart"),
    [
        (NewFields, NewTracking, {"carrier_code", "tracking_number"}),
        (EditFields, TrackingUpdate, {"carrier_code", "tracking_number"}),
        (RealtimeFields, RealtimeQuery, {"carrier_code", "tracking_number"}),
        (FilterFields, TrackingFilter, {"page", "limit"}),
    ],
)
def test_the_keyword_arguments_are_the_fields_of_the_model(fields: Any, model: Any, apart: set[str]) -> None:
    """No field of a model is missing from the keyword arguments, and none is made up."""
    assert set(fields.__annotations__) == {field.name for field in attrs.fields(model)} - apart
