"""CEL in Python (cel-python)."""

import celpy
import timing

ENV = celpy.Environment()


def compile(text):
    return ENV.program(ENV.compile(text))


def evaluator(text):
    program = compile(text)

    def evaluate(roots):
        return bool(program.evaluate({"object": celpy.json_to_cel(roots["object"])}))

    return evaluate


timing.report(compile, evaluator)
