"""The export API of Readwise (readwise.io/api_deets)."""

from __future__ import annotations

from typing import Any

import httpx

from jobctl.core.errors import Invalid, Paywall, Permanent, Transient
from jobctl.documents.http import retry_after, send

BASE = "https://readwise.io/api/v2"


class Api:
    """The export API: a page by a cursor. The token is never in an error."""

    def __init__(self, token: str, *, base: str = BASE, timeout: float = 30.0) -> None:
        self._client = httpx.Client(headers={"Authorization": f"Token {token}"}, timeout=timeout)
        self._base = base.rstrip("/")

    def page(self, cursor: str | None, updated_after: str | None = None) -> tuple[dict[str, Any], str | None]:
        """An answer and the cursor of the next one. Raises ``Transient``, ``Permanent``, ``Paywall``, ``Invalid``."""
        parameters = {k: v for k, v in (("pageCursor", cursor), ("updatedAfter", updated_after)) if v}
        answer = send("Readwise", lambda: self._client.get(f"{self._base}/export/", params=parameters))
        _check(answer)
        try:
            payload = answer.json()
            return payload, payload.get("nextPageCursor")
        except (ValueError, AttributeError):
            raise Transient("the answer of Readwise is not JSON") from None

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()


def _check(answer: httpx.Response) -> None:
    code = answer.status_code
    if code == 429:
        raise Transient("Readwise limits the rate of requests (429)", retry_in=retry_after(answer))
    if code in (401, 403):
        raise Permanent("Readwise does not accept the token", hint="Set READWISE_TOKEN for the worker.")
    if code == 402:
        raise Paywall("the plan or quota of the Readwise account is used up (402)")
    if code >= 500:
        raise Transient(f"Readwise reports an error ({code})", retry_in=retry_after(answer))
    if code != 200:
        raise Invalid(f"Readwise refused the request ({code})")
