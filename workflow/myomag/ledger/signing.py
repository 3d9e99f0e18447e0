"""SSH signatures and time stamps of seals, made and checked by OpenSSH and OpenSSL, without a shell."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from myomag.errors import SettingsError

NAMESPACE = "myomag-seal"
"""Purpose of a signature: one made for another purpose does not count."""
_SHA256 = re.compile(r"Hash Algorithm: sha256\b")
_DUMP = re.compile(r"^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)", re.MULTILINE)


def sign(line: str, key: Path, *, ask: bool = False) -> str:
    """SSH signature of a line.

    Parameters
    ----------
    line : str
        The signed line, without its line end.
    key : Path
        Private key, or the public part of a key held by an agent.
    ask : bool
        Whether a passphrase may be requested on the terminal.

    Raises
    ------
    SettingsError
        If it cannot be signed.
    """
    if not key.is_file():
        raise SettingsError(f"{key}: no such SSH key; name its file: --key FILE, or audit.sign_key.")
    done = _run(["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key)], line.encode(), ask=ask)
    if done.returncode:
        raise SettingsError(f"{key}: cannot be used to sign ({_said(done)}); a key with a passphrase needs an agent.")
    return done.stdout.decode("ascii")


def signer(line: str, signature: str, allowed: Path | None) -> str | None:
    """Signer of a line: a name from the file of allowed signers or, without one, the key; None if there is none."""
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        file = Path(folder) / "signature"
        file.write_text(signature, encoding="ascii", errors="replace")
        tail = ["-n", NAMESPACE, "-s", str(file)]
        if allowed is None:
            done = _run(["ssh-keygen", "-Y", "check-novalidate", *tail], line.encode())
            found = re.search(rb"(SHA256:\S+)", done.stdout)
            return found[1].decode() if found and not done.returncode else None
        known = _run(["ssh-keygen", "-Y", "find-principals", "-s", str(file), "-f", str(allowed)], b"")
        for name in known.stdout.decode("utf-8", "replace").splitlines() if not known.returncode else ():
            command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", name, *tail]
            if not _run(command, line.encode()).returncode:
                return name
    return None


def stamped(token: bytes) -> str:
    """SHA-256 stamped by an RFC 3161 time stamp, hexadecimal.

    Parameters
    ----------
    token : bytes
        Response of a time-stamping authority, or the token in it (DER).

    Raises
    ------
    SettingsError
        If it is not a time stamp, or is for another kind of digest.
    """
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        file = Path(folder) / "token"
        file.write_bytes(token)
        for kind in ([], ["-token_in"]):
            done = _run(["openssl", "ts", "-reply", "-in", str(file), *kind, "-text"], b"")
            text = done.stdout.decode("utf-8", "replace")
            if not done.returncode and _SHA256.search(text):
                data = text.partition("Message data:")[2].partition("Serial number:")[0]
                return "".join(re.sub("[ -]", "", part) for part in _DUMP.findall(data))
    raise SettingsError("not an RFC 3161 time stamp of a SHA-256; request one for the anchor printed by verify.")


def stamp_holds(token: bytes, anchor: str, authority: Path) -> bool:
    """Whether an anchor was stamped by an authority in a file of certificates (PEM)."""
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        file = Path(folder) / "token"
        file.write_bytes(token)
        known = ["-digest", anchor, "-CAfile", str(authority), "-in", str(file)]
        return any(
            not _run(["openssl", "ts", "-verify", *known, *kind], b"").returncode for kind in ([], ["-token_in"])
        )


def _run(command: Sequence[str], given: bytes, *, ask: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run a command; unless it may ask for a passphrase, without a terminal, so that it fails instead of waiting."""
    try:
        return subprocess.run(  # noqa: S603
            command,
            input=given,
            capture_output=True,
            check=False,
            timeout=None if ask else 60,
            start_new_session=not ask,
        )
    except FileNotFoundError as error:
        raise SettingsError(
            f"{command[0]}: not installed; it is needed to sign seals and to read time stamps."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"{command[0]}: did not answer within a minute.") from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
