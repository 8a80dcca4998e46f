"""Weights from the Hugging Face hub: into its own cache, resumable, checked, with progress.

The hub's library keeps a broken-off file only while its process lives. Here each file is gathered under its checksum
in the same cache, goes on where it stopped, even days later, and counts as there only once its bytes have that
checksum; then the hub's library finds it as if it had made it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from studio.hub.progress import Progress
from studio.hub.units import gigabytes
from studio.models.errors import MissingWeights, UnknownModel
from studio.models.registry import MODELS, Part

SAFE_SUFFIXES = (".safetensors", ".pt", ".json", ".txt", ".model")  # .pt is only ever read with weights_only
DISK_MARGIN = 1_000_000_000  # bytes of disk left alone
BLOCK = 1 << 20
HUB_TIMEOUT = 10.0  # seconds for the hub to say something


class DownloadError(MissingWeights):
    """A model's files could not be had: says why and what to do."""


class DownloadCancelled(DownloadError):
    """The person stopped the download; what has come is kept."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of one commit: `key` is its checksum as the hub names it, sha256 of large files, git's of small ones."""

    part: Part
    file: str
    commit: str
    key: str
    size: int

    @property
    def blob(self) -> Path:
        """Name where the hub's cache keeps its bytes."""
        from huggingface_hub.file_download import repo_folder_name

        return cache_folder() / repo_folder_name(repo_id=self.part.repo, repo_type="model") / "blobs" / self.key

    @property
    def partial(self) -> Path:
        """Name where they are gathered; the hub's library does not look there."""
        return self.blob.with_name(f"{self.key}.studio")

    @property
    def bytes_here(self) -> int:
        """Count the bytes that need not come again."""
        return self.size if self.blob.exists() else self.partial.stat().st_size if self.partial.exists() else 0


def cache_folder() -> Path:
    """Name the hub's cache (HF_HOME, HF_HUB_CACHE)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def find_downloaded(part: Part) -> Path | None:
    """Find a part's file, or the folder of its files, if it is on this machine whole; else None. Asks no network."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(part.repo, file, revision=part.revision) for file in part.files]
    if not all(isinstance(path, str) for path in found):
        return None
    return part_path(part, Path(str(found[0])))


def part_path(part: Part, first: Path) -> Path:
    """Give what the factory is given: a part's only file, or the folder its files lie in."""
    return first if len(part.files) == 1 else first.parents[part.files[0].count("/")]


def fetch(
    name: str, progress: Progress | None = None, cancel: Event | None = None, without: frozenset[str] = frozenset()
) -> dict[str, Path]:
    """Give a path for every part of a model but those of `without`; what is not here is downloaded.

    progress(bytes done, bytes in all, what is under way); cancel: set it to stop at the next megabyte; what has come
    is kept. With everything here the network is not asked. Raises DownloadError, or UnknownModel.
    """
    if name not in MODELS:
        raise UnknownModel(f"no model is called {name!r}; there are: {', '.join(MODELS)}")
    parts = {argument: part for argument, part in MODELS[name].parts.items() if argument not in without}
    places = {argument: find_downloaded(part) for argument, part in parts.items()}
    missing = [part for argument, part in parts.items() if places[argument] is None]
    if missing:
        wanted = [file for part in missing for file in list_files(part, cancel)]
        check_disk(name, wanted)
        download_files(wanted, progress or (lambda done, total, what: None), cancel or Event())
        places = {argument: find_downloaded(part) for argument, part in parts.items()}
    found = {argument: path for argument, path in places.items() if path is not None}
    if len(found) < len(parts):
        raise DownloadError(f"{name} was changed on the hub while it came; run it once more, only what changed comes")
    return found


def list_files(part: Part, cancel: Event | None = None) -> Iterator[RemoteFile]:
    """Ask the hub for each file of a part, all at one commit."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    commit = part.revision
    for file in part.files:
        if not file.endswith(SAFE_SUFFIXES):
            raise ValueError(f"{file} is not fetched: only {', '.join(SAFE_SUFFIXES)} files are")
        if cancel is not None and cancel.is_set():
            raise DownloadCancelled("the download was stopped before it began")
        with hub_errors(part):
            said = get_hf_file_metadata(hf_hub_url(part.repo, file, revision=commit), timeout=HUB_TIMEOUT)
        if not (said.commit_hash and said.etag and said.size):
            raise DownloadError(f"the hub says neither size nor checksum of {file} in {part.repo}; try again later")
        commit = said.commit_hash
        yield RemoteFile(part, file, commit, said.etag, said.size)


def check_disk(name: str, wanted: list[RemoteFile]) -> None:
    """Raise DownloadError if the disk of the hub's cache has no room for what is still to come."""
    coming = sum(file.size - file.bytes_here for file in {file.key: file for file in wanted}.values())
    folder = next(folder for folder in (cache_folder(), *cache_folder().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < coming + DISK_MARGIN:
        raise DownloadError(
            f"{name} still needs {gigabytes(coming)} and {gigabytes(DISK_MARGIN)} to spare, the disk of "
            f"{cache_folder()} has {gigabytes(free)} free; make room, or set HF_HOME to a folder on a larger disk"
        )


def download_files(wanted: list[RemoteFile], progress: Progress, cancel: Event) -> None:
    """Download the files one after another, counting over all of them."""
    total = sum(file.size for file in wanted)
    before = 0
    for file in wanted:
        label = f"{file.part.repo}/{file.file}"
        progress(before + file.bytes_here, total, label)
        with hub_errors(file.part):
            report = functools.partial(report_file, progress, before, total, label)
            download_file(file, progress_bar(report, cancel))
            add_to_snapshot(file)
        before += file.size
    progress(total, total, "all there")


def report_file(progress: Progress, before: int, total: int, label: str, done: int) -> None:
    """Tell how far one file is, counted over all of them."""
    progress(before + done, total, label)


def download_file(file: RemoteFile, bar: type) -> None:
    """Bring a file's bytes in, go on where an earlier attempt stopped, and show them to be the right ones."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    lock = cache_folder() / ".locks" / file.blob.parent.parent.name / f"{file.partial.name}.lock"
    for folder in (file.blob.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    # By default ten megabytes come at once: too coarse to watch, to stop, or to keep on a line that often breaks.
    constants.DOWNLOAD_CHUNK_SIZE = min(constants.DOWNLOAD_CHUNK_SIZE, BLOCK)
    with WeakFileLock(lock):
        if file.blob.exists():
            return
        if file.bytes_here > file.size:
            file.partial.unlink()
        url = hf_hub_url(file.part.repo, file.file, revision=file.commit)
        with file.partial.open("ab") as out:
            http_get(
                url,
                out,
                resume_size=file.bytes_here,
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.file,
                tqdm_class=bar,
            )
        if checksum(file.partial, file.key) != file.key:
            file.partial.unlink()
            raise DownloadError(
                f"{file.file} of {file.part.repo} came with a wrong checksum and was thrown away; run it once more"
            )
        file.partial.replace(file.blob)


def add_to_snapshot(file: RemoteFile) -> None:
    """Let the hub's library enter a file whose bytes are there into its snapshot."""
    from huggingface_hub import hf_hub_download

    hf_hub_download(file.part.repo, file.file, revision=file.part.revision)


def checksum(path: Path, key: str) -> str:
    """Compute the file's sha256, or git's own sum where the key is one (40 digits); any other key stands."""
    if len(key) == 40:
        sum_ = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    elif len(key) == 64:
        sum_ = hashlib.sha256()
    else:
        return key
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sum_.update(block)
    return sum_.hexdigest()


def progress_bar(report: Callable[[int], None], cancel: Event) -> type:
    """Make a class the hub's library takes for tqdm: it reports the bytes of one file, and stops when it is told to."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.done = initial

        def update(self, count: float | None = 1) -> None:
            if cancel.is_set():
                raise DownloadCancelled("the download was stopped; what has come is kept, and it goes on from there")
            self.done += int(count or 0)
            report(self.done)

        def close(self) -> None:
            pass

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    return Bar


@contextmanager
def hub_errors(part: Part) -> Iterator[None]:
    """Turn what can go wrong between here and the hub into a DownloadError that says what to do."""
    import httpx2
    from huggingface_hub import errors

    page = f"https://huggingface.co/{part.repo}"
    elsewhere = "or download it elsewhere and give its folder: --model FOLDER"
    try:
        yield
    except errors.GatedRepoError as error:
        raise DownloadError(
            f"{part.repo} is given only to who accepted its licence: log in at {page}, accept it, make a token at "
            "https://huggingface.co/settings/tokens, and set HF_TOKEN to it (or run `hf auth login`)"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DownloadError(
            f"the hub shows no {part.repo} to this machine: if {page} opens in a browser only when you are logged in, "
            f"set HF_TOKEN to a token of yours; if it is gone, update the studio, {elsewhere}"
        ) from error
    except (errors.RemoteEntryNotFoundError, errors.RevisionNotFoundError) as error:
        raise DownloadError(
            f"{page} no longer has what the studio looks for ({first_line(error)}); update the studio, {elsewhere}"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise DownloadError(
            f"{part.repo} is not on this machine and HF_HUB_OFFLINE keeps it off the network; unset it, {elsewhere}"
        ) from error
    except errors.HfHubHTTPError as error:
        raise DownloadError(describe_status(part, error.response.status_code)) from error
    except (httpx2.TransportError, httpx2.InvalidURL, errors.LocalEntryNotFoundError) as error:
        raise DownloadError(
            f"the hub could not be reached at {endpoint()} ({type(error).__name__}: {first_line(error)}); what has "
            f"come is kept: connect and run it once more, set HF_ENDPOINT to a mirror, {elsewhere}"
        ) from error
    except OSError as error:
        raise DownloadError(
            f"{part.repo} broke off ({first_line(error)}); what has come is kept: see that {cache_folder()} can be "
            "written and has room, and run it once more"
        ) from error


def describe_status(part: Part, status: int) -> str:
    """Say what to do about an HTTP status the hub's library has no name for."""
    if status in (401, 403):
        token = "is refused; make a new one" if os.environ.get("HF_TOKEN") else "is missing or refused; make one"
        return (
            f"the hub does not let this machine read {part.repo} ({status}): HF_TOKEN {token} at "
            "https://huggingface.co/settings/tokens and set HF_TOKEN to it"
        )
    wait = "it asks for fewer requests: wait some minutes" if status == 429 else "it is down or busy: wait some minutes"
    return f"the hub answered {status} for {part.repo}; {wait} and run it once more; what has come is kept"


def endpoint() -> str:
    """Name the hub's address (HF_ENDPOINT)."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def first_line(error: BaseException) -> str:
    """Give an error's first line, or its kind where it has no words."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
