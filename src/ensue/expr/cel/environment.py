"""What texts may use: the functions of all libraries, and the names of types."""

from typing import Final

from ensue.expr.cel import (
    calendar,
    conversions,
    encoders,
    formatting,
    functions,
    lists,
    math,
    patterns,
    sets,
    standard,
    strings,
)
from ensue.expr.cel.values import Type

FUNCTIONS: Final = functions.Functions(
    [
        standard.STANDARD,
        standard.OPTIONALS,
        conversions.CONVERSIONS,
        calendar.CALENDAR,
        patterns.PATTERNS,
        strings.STRINGS,
        formatting.FORMATTING,
        lists.LISTS,
        sets.SETS,
        math.MATH,
        encoders.ENCODERS,
    ]
)

TYPES: Final = {
    name: Type(name)
    for name in (
        *("null_type", "bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "optional_type"),
        *("google.protobuf.Timestamp", "google.protobuf.Duration"),
    )
}
