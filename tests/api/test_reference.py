"""The pages about the API say what there is."""

import re
from pathlib import Path
from typing import Any

from ensue.api import problems, reference

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_page_of_errors_is_that_of_this_version() -> None:
    for name, content in reference.pages().items():
        assert (REFERENCE / name).read_text(encoding="utf-8") == content, "run python -m ensue.api.reference"


def test_every_code_says_what_to_do() -> None:
    assert set(reference.codes()) == set(reference.REMEDIES)
    assert {code for code in problems.CODES.values() if code not in reference.codes()} == set()
    assert all(code.meaning.endswith(".") for code in reference.codes().values())


def test_every_route_of_the_app_is_on_the_page_of_the_api(application: Any) -> None:
    said = set(re.findall(r"`[A-Z]+ [^`]+`", (REFERENCE / "http.md").read_text(encoding="utf-8")))
    lacking = []
    for path, operations in application.openapi()["paths"].items():
        for method in operations:
            short = re.sub(r"/api/v1(/namespaces/\{namespace\})?/", "…/", path)
            if not {f"`{method.upper()} {short}`", f"`{method.upper()} {path}`"} & said:
                lacking.append(f"{method.upper()} {path}")
    assert lacking == []
