"""Sends one operation: admission, HTTP, answer, retry. The only room that knows httpx, and only its ``http.py``."""

from .budget import Budget, Trail
from .herald import Herald
from .http import HttpClient
from .latency import count_in
from .reply import Reply
from .sender import Transport

__all__ = ["Budget", "Herald", "HttpClient", "Reply", "Trail", "Transport", "count_in"]
