"""Files that are written whole or not at all, and replaced only on request."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from certgen.ending import uninterrupted
from certgen.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def expect_writable(output: Path, inputs: Iterable[str], *, force: bool) -> None:
    """Nothing, if the file can be written there later; asked before the work. Errors: Failure (OUTPUT)."""
    with _failing_to_write(output):
        if output.is_dir():
            raise Failure(ExitCode.OUTPUT, f"{output}: expected the name of a file to write, got a folder")
        if not output.parent.is_dir():
            raise Failure(ExitCode.OUTPUT, f"{output}: the folder {output.parent} does not exist")
        if os.path.lexists(output):
            if not force:
                raise _exists(output)
            # A rename would replace a link or /dev/null itself.
            if output.is_symlink() or not output.is_file():
                sentence = "expected a file to replace, got a link, a device or a pipe; choose another name"
                raise Failure(ExitCode.OUTPUT, f"{output}: {sentence}")
            for path in inputs:
                if Path(path).exists() and output.samefile(path):
                    raise Failure(ExitCode.OUTPUT, f"{output}: the output is the input {path}; choose another name")
    # The one way to know whether the folder takes files: permissions do not bind root, disks are full.
    with drafting(output, b""):
        pass


@contextlib.contextmanager
def drafting(output: Path, data: bytes) -> Iterator[Path]:
    """The absolute path of a file with these bytes, stored, in a folder beside the output; both go in the end.

    Errors: Failure (OUTPUT).
    """
    with _failing_to_write(output):
        folder = tempfile.TemporaryDirectory(dir=output.parent, prefix=".certgen-", ignore_cleanup_errors=True)
    with folder:
        with _failing_to_write(output):
            draft = Path(folder.name).absolute() / output.name
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                # Not every disk says that it is full before this.
                os.fsync(file.fileno())
        yield draft


def publish(draft: Path, output: Path, *, force: bool) -> None:
    """Give the draft its name, in one step: of two runs without `force` one has it, and the other is told.

    Errors: Failure (OUTPUT).
    """
    with _failing_to_write(output), uninterrupted():
        if force:
            draft.replace(output)
            return
        try:
            # Unlike a rename, a link never replaces a file that appeared meanwhile.
            os.link(draft, output)
        except FileExistsError as error:
            raise _exists(output) from error
        except OSError:
            # Not every file system has links: an empty file takes the name first.
            _reserve(output)
            try:
                draft.replace(output)
            except OSError:
                output.unlink()
                raise


def _reserve(output: Path) -> None:
    try:
        output.touch(exist_ok=False)
    except FileExistsError as error:
        raise _exists(output) from error


def write_files(files: Mapping[Path, bytes], *, force: bool) -> None:
    """Write all files or, if one of them cannot be stored or exists, none. Errors: Failure (OUTPUT)."""
    published: list[Path] = []
    with contextlib.ExitStack() as stack:
        drafts = {output: stack.enter_context(drafting(output, data)) for output, data in files.items()}
        with uninterrupted():
            for output, draft in drafts.items():
                try:
                    publish(draft, output, force=force)
                except Failure:
                    # What replaced a file stays: the old one is gone.
                    for other in () if force else published:
                        other.unlink()
                    raise
                published.append(output)


@contextlib.contextmanager
def _failing_to_write(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(ExitCode.OUTPUT, f"{output}: cannot write the file: {error.strerror}") from error


def _exists(output: Path) -> Failure:
    return Failure(ExitCode.OUTPUT, f"{output}: the file exists; choose another name, or --force to replace it")
