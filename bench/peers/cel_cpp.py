"""CEL in C++ (cel-expr-python). Errors are values there, so the type is looked at first."""

import timing
from cel_expr_python import cel

ENV = cel.NewEnv(variables={"object": cel.Type.DYN})


def evaluator(text):
    program = ENV.compile(text)

    def evaluate(roots):
        found = program.eval(data=roots)
        return found.value() if found.type() == cel.Type.BOOL else None

    return evaluate


timing.report(ENV.compile, evaluator)
