"""The Common Expression Language: texts compiled to closures over plain values, without converting what they read."""

from ensue.expr.cel.checking import check
from ensue.expr.cel.program import compile
from ensue.expr.cel.reading import fields

__all__ = ["check", "compile", "fields"]
