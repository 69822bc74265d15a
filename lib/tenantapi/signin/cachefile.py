"""Keep a person's sign-in from one run to the next, in a file of one tenant that only its owner can read.

The file holds a refresh token, which is as good as the person's password and second factor for weeks.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from tenantapi.errors import TenantMismatchError
from tenantapi.signin.refusals import not_possible
from tenantapi.tenant import Tenant


class CacheFile:
    """Read and write the file; it is bound to directory, application and cloud."""

    def __init__(self, path: Path, tenant: Tenant) -> None:
        self._path = path
        self._tenant = tenant
        self._owner = {
            "tenant_id": tenant.tenant_id.lower(),
            "client_id": tenant.client_id.lower(),
            "cloud": tenant.cloud,
        }

    def load(self) -> str | None:
        """Return what msal wrote, or None when there is no file yet.

        Raises ``TenantMismatchError`` for a file of another tenant, and ``SignInError`` for one that others
        can read or that is damaged.
        """
        try:
            text = self._read()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as cause:
            raise self._unfit(f"cannot be read ({type(cause).__name__})") from cause
        try:
            content: Any = json.loads(text)
            owner, kept = content["owner"], content["msal"]
        except (ValueError, KeyError, TypeError):
            raise self._unfit("is damaged") from None
        if owner != self._owner:
            raise TenantMismatchError(
                f"The sign-in kept in {self._path} is not that of tenant {self._tenant.name}, application "
                f"{self._tenant.client_id}, cloud {self._tenant.cloud}. Nothing was sent.",
                remedy="Give each tenant a file of its own.",
                service="Entra ID",
            )
        if not isinstance(kept, str):
            raise self._unfit("is damaged")
        return kept

    def save(self, text: str) -> None:
        """Write the file whole or not at all, for its owner alone.

        Raises ``SignInError`` when others may write to its folder: they could put another in its place.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._check_folder()
        # `mkstemp` opens it for the owner alone, so that nobody can look in while it is written.
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump({"owner": self._owner, "msal": text}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def _check_folder(self) -> None:
        mode = os.stat(self._path.parent).st_mode
        if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            raise not_possible(
                self._tenant,
                f"others may write to {self._path.parent} (mode {stat.S_IMODE(mode):04o}), where the sign-in is kept.",
                "Take that right from them (chmod 700), then sign in again.",
            )

    def _read(self) -> str:
        with open(self._path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            # Windows shows these bits without meaning anything by them.
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise self._unfit(f"can be read by others (mode {stat.S_IMODE(mode):04o})")
            self._check_folder()
            return file.read()

    def _unfit(self, why: str) -> Exception:
        return not_possible(
            self._tenant,
            f"the kept sign-in {self._path} {why}.",
            "Delete the file and sign in again.",
        )
