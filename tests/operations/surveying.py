"""What the operations are, read from their modules: whoever adds one adds a row to the tables of the tests."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from ensue import operations
from ensue.core import supporting

DEFINITIONS = tuple(sorted(supporting.KINDS))
Asked = tuple[str, str]
"""A verb and a kind."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(operations.__path__):
        yield importlib.import_module(f"ensue.operations.{found.name}")


def verbs() -> Iterator[Callable[..., Any]]:
    """Every public function that takes an identity first."""
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            parameters = list(inspect.signature(function).parameters)
            if is_own and parameters[:2] == ["identity", "world"]:
                yield function


def asked() -> Iterator[Asked]:
    """Every verb and kind that an operation asks a permission for."""
    for module in modules():
        constants = {name: value for name, value in vars(module).items() if isinstance(value, str)}
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "permitting.require",
                "permitting.require_some",
            ):
                for verb in words(node.args[1], constants):
                    for kind in words(node.args[2], constants) or DEFINITIONS:
                        yield verb, kind
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("find", "runs.find"):
                yield from ((verb, "Run") for verb in words(node.args[2], constants))


def words(node: ast.expr, constants: dict[str, str]) -> list[str]:
    """The texts that an argument may be; none when it comes from elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name) if name in constants:
            return [constants[name]]
        case ast.IfExp(body=body, orelse=orelse):
            return [*words(body, constants), *words(orelse, constants)]
    return []
