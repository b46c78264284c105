"""What the texts below a model's fields say, read from its source when somebody asks: most commands never do."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from ensue.model.definition import Strict


@cache
def texts(model: type[Strict]) -> Mapping[str, str]:
    """By the names that files use; fields of parent classes too."""
    found = {
        name: text
        for owner in reversed(model.__mro__)
        if owner is not Strict and issubclass(owner, Strict)
        for name, text in _of(owner)
    }
    return {info.alias or name: found[name] for name, info in model.model_fields.items() if name in found}


def _of(owner: type[Strict]) -> Iterator[tuple[str, str]]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)
    for field, following in pairwise(tree.body):
        match field, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
