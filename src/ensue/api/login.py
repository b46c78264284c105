"""Routes that sign a browser in and out. A link's GET shows, its POST acts: what previews links uses none up."""

from html import escape
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ensue import __version__
from ensue.api import pages, recognising
from ensue.api.requests import IdentityOf, KeyOf, WorldOf
from ensue.model.errors import Unauthenticated
from ensue.model.token import Purpose
from ensue.operations import sessions

LOGIN: Final = "/login"
MOST: Final = 4096
HEADERS: Final = {
    "Cache-Control": "no-store",
    # With `no-referrer` the form would come from the origin `null`.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": (
        f"default-src 'none'; {pages.STYLE_SOURCE}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}
FORM: Final = """<p>The link signs one browser in, once.</p>
<form method="post" action="/login">
<input type="hidden" name="link" value="{}">
<button>Sign in on this browser</button>
</form>"""

HOME: Final = """<p>Event-driven automation, version {}: used with the command <code>ensue</code> and over HTTP.</p>
{}
<ul>
{}<li><a href="/readyz?verbose">How the server is</a></li>
</ul>"""
SIGNED_IN: Final = """<p>You are {}.</p>
<form method="post" action="/logout"><button>Sign out</button></form>"""
SIGNED_OUT: Final = "<p>Nobody is signed in on this browser: <code>ensue login --link</code> makes a link for it.</p>"
LINKS: Final = """<li><a href="/docs">The HTTP API</a>, for people</li>
<li><a href="/openapi.json">openapi.json</a>, the same for programs</li>
<li><a href="/api/v1/runs">Runs</a>, <a href="/api/v1/events">events</a> and
<a href="/api/v1/approvals">approvals</a>, as JSON</li>
"""

router = APIRouter(tags=["access"])


@router.get("/")
async def show_home(request: HttpRequest, world: WorldOf) -> Response:
    """What this is, and where to go on from here; who is signed in on the browser."""
    try:
        session = request.cookies.get(recognising.COOKIE, "")
        identity = await world.access.identify(session, Purpose.SESSION)
        parts = SIGNED_IN.format(escape(identity.subject)), LINKS
    except Unauthenticated:
        parts = SIGNED_OUT, ""
    return _page(HOME.format(__version__, *parts))


def _page(body: str, status: int = 200) -> Response:
    return HTMLResponse(pages.page("Ensue", body), status, headers=HEADERS)


@router.post("/api/v1/login-links", status_code=201)
async def create_login_link(request: HttpRequest, world: WorldOf, identity: IdentityOf, key: KeyOf = "") -> Response:
    """Make a link that signs a browser in as who asks: once, within ten minutes. Only this answer has it: a repeat with
    its Idempotency-Key is refused."""
    made = await sessions.create_link(identity, world, key)
    body = {"path": f"{LOGIN}/{made.secret}", "url": request.app.state.url}
    return JSONResponse(body, 201, headers={"Cache-Control": "no-store"})


@router.get("/login/{link}")
async def show_login(world: WorldOf, link: str) -> Response:
    """What a link leads to: a button; nothing is used up. A link that was used or has expired says so."""
    try:
        await sessions.require_link(world, link)
    except Unauthenticated as error:
        return _refused(error)
    return _page(FORM.format(escape(link[:MOST])))


def _refused(error: Unauthenticated) -> Response:
    return _page(f"<p>{escape(str(error))}</p>", 401)


@router.post(
    "/login", openapi_extra={"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {}}}}}
)
async def log_in(request: HttpRequest, world: WorldOf) -> Response:
    """Use a link up: the answer sets the cookie of a session of twelve hours."""
    body = (await request.body())[:MOST].decode("latin-1")
    try:
        opened = await sessions.redeem(world, parse_qs(body).get("link", [""])[0])
    except Unauthenticated as error:
        return _refused(error)
    answer = RedirectResponse("/", 303, headers=HEADERS)
    answer.set_cookie(
        recognising.COOKIE,
        opened.secret,
        max_age=opened.seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" or request.app.state.url.startswith("https:"),
    )
    return answer


@router.post("/logout")
async def leave(request: HttpRequest, world: WorldOf) -> Response:
    """What the button of the page does: end the session, and show the page again."""
    await sessions.close(world, request.cookies.get(recognising.COOKIE, ""))
    return _without_cookie(RedirectResponse("/", 303, headers=HEADERS))


@router.post("/api/v1/logout", status_code=204)
async def log_out(request: HttpRequest, world: WorldOf, identity: IdentityOf) -> Response:
    """End the session of the browser that asks; without one nothing happens."""
    await sessions.close(world, request.cookies.get(recognising.COOKIE, ""))
    return _without_cookie(Response(status_code=204))


def _without_cookie(answer: Response) -> Response:
    answer.delete_cookie(recognising.COOKIE, httponly=True, samesite="strict")
    return answer
