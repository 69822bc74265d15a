"""What went wrong at a store, in one message with what to do.

The libraries raise what they like, and what they say may quote a signed address or a connection string. So an
exception is known by its class's name, the service's own code for it, and nothing else of it is told.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from runbook.archive.address import Address
from runbook.errors import StoreUnusable

_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "InvalidResourceName"}
_NO_CREDENTIALS = {
    # botocore
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound",
    "TokenRetrievalError", "SSOError", "UnauthorizedSSOTokenError",
    # azure.core and azure.identity
    "ClientAuthenticationError", "CredentialUnavailableError",
}  # fmt: skip
_NOT_TAKEN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthenticationFailed"}
_NO_NETWORK = {
    # botocore
    "EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError", "ReadTimeoutError", "HTTPClientError",
    # azure.core
    "ServiceRequestError", "ServiceResponseError",
    # aiohttp, fsspec, Python
    "ClientConnectionError", "FSTimeoutError", "TimeoutError", "ConnectionError", "gaierror",
}  # fmt: skip
_RIGHTS = "The rights that are needed stand in runbook/docs/storage.md."
_INSTALL = "Install what reaches such stores:\n\n    pip install 'runbook-kit[storage]'\n"


def is_no_bucket(error: BaseException) -> bool:
    """Whether the store says that there is no such bucket or container; s3fs and adlfs say so as of any file."""
    return bool(_NO_BUCKET & set(_codes(error)))


def is_conflict(error: BaseException) -> bool:
    """Whether the store asks to try again because somebody else wrote the same object in this moment."""
    return "ConditionalRequestConflict" in _codes(error)


def unusable(error: Exception, address: Address) -> StoreUnusable:
    """Return what is told of an exception that one of the libraries has raised."""
    kinds, codes = set(_kinds(error)), set(_codes(error))
    credentials = address.credentials
    if "ImportError" in kinds:
        return StoreUnusable(f"What is needed for {address} is not installed.", _INSTALL)
    if is_no_bucket(error) or isinstance(error, FileNotFoundError):
        what = {"s3": "bucket", "abfs": "container"}.get(address.sort, "place")
        return StoreUnusable(
            f"There is no {what} for {address}, or not where it was looked for.",
            f"The {what} is not made by the kit: make it, or correct the address, the account or the endpoint.",
        )
    if kinds & _NO_CREDENTIALS or _is_unmade(error):
        return StoreUnusable(f"No credentials for {address} were found that can be used.", credentials)
    if codes & _NOT_TAKEN or 401 in codes:
        return StoreUnusable(f"The credentials for {address} are not taken{_said(error)}.", credentials)
    if "PermissionError" in kinds or 403 in codes:
        return StoreUnusable(f"What was asked of {address} is not allowed{_said(error)}.", f"{_RIGHTS} {credentials}")
    if kinds & _NO_NETWORK:
        return StoreUnusable(
            f"{address} could not be reached{_said(error)}.",
            "See to the network, the proxy and the endpoint, and try again: what was put there already is kept.",
        )
    if "NotImplemented" in codes or getattr(error, "errno", None) == errno.ENOSYS:
        return StoreUnusable(
            f"The store at {address} cannot do what is needed to never overwrite anything.",
            "It must know conditional writes (the header If-None-Match). Use another store.",
        )
    return StoreUnusable(
        f"{address} could not be used{_said(error)}.", "Try again; what was put there already is kept."
    )


def _is_unmade(error: Exception) -> bool:
    """Whether adlfs could make no client of what it found: it says so by a ValueError without a code."""
    return isinstance(error, ValueError) and str(error).startswith("unable to connect to account")


def _said(error: Exception) -> str:
    """Name an exception, with the service's code for it."""
    codes = [code for code in _codes(error) if isinstance(code, str)]
    return f" ({': '.join([type(error).__name__, *codes[:1]])})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from."""
    step: BaseException | None = error
    for _ in range(8):
        if step is None:
            return
        yield step
        step = step.__cause__


def _kinds(error: BaseException) -> Iterator[str]:
    for step in _chain(error):
        yield from (kind.__name__ for kind in type(step).__mro__)


def _codes(error: BaseException) -> Iterator[str | int]:
    """Yield what the service said, as its code and its HTTP status: botocore and azure.core keep them so."""
    for step in _chain(error):
        response = getattr(step, "response", None)
        said = response.get("Error", {}).get("Code") if isinstance(response, dict) else getattr(step, "error_code", "")
        code = getattr(said, "value", said)  # Azure's codes are an enumeration
        if isinstance(code, str) and re.fullmatch(r"[A-Za-z]{1,60}", code):
            yield code
        if isinstance(status := getattr(step, "status_code", None), int):
            yield status
