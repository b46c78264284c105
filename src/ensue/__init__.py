"""Ensue: an event-driven automation server. It watches, decides with an explanation, and acts."""

__version__ = "0.1.0"
