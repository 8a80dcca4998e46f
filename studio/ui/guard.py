"""What stands before every address of the server, Gradio's own too: who may ask at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.ui.protocol import CloseCode
from studio.ui.security import HostPolicy, same_origin

API = "/gradio_api"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
UPLOADS = (f"{API}/upload", f"{API}/upload_progress", f"{API}/process_recording")
WITHOUT_LOGIN = tuple(
    f"{API}/{name}" for name in ("app_id", "startup-events", "login_check", "user", "token", "studio/web")
)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    words: str


class Guard:
    """Refuses requests under a foreign name, those that another site's page sends, uploads, and who is not logged in.

    Middleware of the ASGI kind. logged_in: whether a request's sender is; None where nobody needs to be.
    """

    def __init__(
        self, app: ASGIApp, policy: HostPolicy, logged_in: Callable[[HTTPConnection], bool] | None = None
    ) -> None:
        self._app, self._policy, self._logged_in = app, policy, logged_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()  # the handshake
            await send({"type": "websocket.close", "code": int(CloseCode.POLICY), "reason": ""})
        else:
            await JSONResponse({"error": refusal.words}, status_code=refusal.status)(scope, receive, send)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Say why a request is not answered; None if it is."""
        headers, path = Headers(scope=scope), own_path(scope)
        if (name := self._foreign_name(headers)) is not None:
            return Refusal(
                403,
                f"this server does not answer to the name {name[:100]!r}. If that is a name of this server's, "
                "start it with --allowed-host and that name",
            )
        if path.startswith(UPLOADS):
            return Refusal(403, "this server takes no uploads")
        if self._is_foreign_post(scope, headers):
            return Refusal(403, "this came from a page of another site")
        if self._logged_in and needs_login(path) and not self._logged_in(HTTPConnection(scope)):
            return Refusal(401, "log in first: open this server's page")
        return None

    def _is_foreign_post(self, scope: Scope, headers: Headers) -> bool:
        """Whether a page of another site has something done here."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or "origin" not in headers:
            return False
        client = scope["client"][0] if scope.get("client") else None
        return not same_origin(headers, client, self._policy)

    def _foreign_name(self, headers: Headers) -> str | None:
        """The name that a request is for, if the server does not answer to it."""
        forwarded = headers.get("x-forwarded-host", "").partition(",")[0]
        names = (headers.get("host", ""), forwarded)
        return next((name for name in names if not self._policy.allows(name)), None)


def needs_login(path: str) -> bool:
    """Whether a path is for who has logged in: all that Gradio does and the studio does, but for the page's own files.

    The page at "/" is Gradio's, which shows a form there to who has not.
    """
    return path.startswith(API) and not path.startswith(WITHOUT_LOGIN)


def own_path(scope: Scope) -> str:
    """Give the path of a request, as the server's routes know it: without the sub-path it is served under."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(root + "/") else path


def gradio_login(request: HTTPConnection) -> bool:
    """Whether a request's sender has logged in on Gradio's page: it has the cookie that was given for it."""
    app = request.scope["app"]
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(request.cookies.get(name)) is not None for name in names)
