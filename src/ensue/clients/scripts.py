"""Scripts at an address, as the `inputFile` of relay's files names them."""

import httpx

SECONDS = 15.0
MOST = 2**20


def fetch(address: str) -> str:
    """The text of a script: answered with 200, not redirected, of at most a MiB. Raises ValueError."""
    try:
        with httpx.stream("GET", address, timeout=SECONDS, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"the server answers {answer.status_code}")
            return _text(answer)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _text(answer: httpx.Response) -> str:
    content = b""
    for part in answer.iter_bytes():
        content += part
        if len(content) > MOST:
            raise ValueError(f"it has more than {MOST} bytes")
    return content.decode("utf-8")
