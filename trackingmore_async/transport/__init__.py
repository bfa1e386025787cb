"""Sends one operation: admission, HTTP, answer, retry. The only room that knows httpx, and only its ``http.py``."""

from .budget import Budget, Trail
from .http import HttpClient
from .reply import Reply
from .sender import Transport

__all__ = ["Budget", "HttpClient", "Reply", "Trail", "Transport"]
