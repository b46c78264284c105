"""CEL in Rust (common-expression-language)."""

import cel
import timing


def evaluator(text):
    return cel.compile(text).execute


timing.report(cel.compile, evaluator)
