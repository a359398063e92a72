"""The vectors of many labels, kept in a file, because the sentence model takes minutes to compute them."""

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.words.vectors import Encoder

Floats = NDArray[np.float32]
FINEST = 127
TABLE = 2  # dimensions
READABLE = 0o644
BROKEN = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    EOFError,
    RecursionError,
    MemoryError,
    zlib.error,
    zipfile.BadZipFile,
)
AT_ONCE = 2000  # texts that are encoded before the progress is reported
MOST_MISSING = 500  # texts that are encoded when they are wanted: about five seconds; more must be kept first


class VectorsMissing(RuntimeError):
    """The vectors of many texts are not kept, and computing them now would take too long.

    Examples
    --------
    >>> issubclass(VectorsMissing, RuntimeError)
    True
    """


class KeptVectors:
    """A sentence model whose vectors of labels are kept in a file.

    Parameters
    ----------
    model : Encoder
    path : Path
        The file. It need not exist.
    made_by : str
        What identifies the model. Vectors that another model made are not read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from matching.words.meaning import UnitVectors, shipped
    >>> model = UnitVectors(shipped())
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels.npz"
    ...     KeptVectors(model, path, "token table").keep(["sew hems", "bake bread"])
    ...     KeptVectors(model, path, "token table").missing(["bake bread", "dig"])
    ['dig']
    """

    def __init__(self, model: Encoder, path: Path, made_by: str) -> None:
        self._model = model
        self._path = path
        self._made_by = made_by
        self._row_of: dict[str, int] = {}
        self._rows: NDArray[np.int8] = np.zeros((0, 0), np.int8)
        self._load()

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts whose vectors are not kept, each once.

        Parameters
        ----------
        texts : iterable of str

        Returns
        -------
        list of str
        """
        return [text for text in dict.fromkeys(texts) if text not in self._row_of]

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of some texts: those that are kept, and up to 500 others, which are computed.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of float32 of shape (n_texts, n_dimensions)
            Of length 1. A kept number is exact to about 1/250 of the largest.

        Raises
        ------
        VectorsMissing
            If more than 500 of the texts are not kept.
        """
        others = self.missing(texts)
        if len(others) > MOST_MISSING:
            raise VectorsMissing(f"The vectors of {len(others)} texts are not kept in {self._path.name}.")
        own = dict(zip(others, self._model.encode(others), strict=True)) if others else {}
        kept = [(place, self._row_of[text]) for place, text in enumerate(texts) if text not in own]
        width = self._rows.shape[1] if len(self._rows) else len(next(iter(own.values())))
        vectors = np.zeros((len(texts), width), np.float32)
        if kept:
            places, rows = np.array(kept).T
            vectors[places] = self._rows[rows]
            vectors[places] /= np.linalg.norm(vectors[places], axis=1, keepdims=True)
        for place, text in enumerate(texts):
            if text in own:
                vectors[place] = own[text]
        return vectors

    def keep(self, texts: Iterable[str], progress: Callable[[int, int], None] = lambda _done, _of: None) -> None:
        """Compute the vectors of the texts that are not kept, and write exactly the vectors of these texts to the file.

        Parameters
        ----------
        texts : iterable of str
        progress : callable
            Is given the number of vectors computed and the number to compute.

        Raises
        ------
        OSError
            If the file cannot be written. The old file is then unchanged.
        """
        wanted = sorted(set(texts))
        others = self.missing(wanted)
        parts = []
        for start in range(0, len(others), AT_ONCE):
            parts.append(self._model.encode(others[start : start + AT_ONCE]))
            progress(min(start + AT_ONCE, len(others)), len(others))
        made = np.concatenate(parts) if parts else None
        known = [text for text in wanted if text in self._row_of]
        vectors = self._together(known, made)
        finest = FINEST / max(float(np.abs(vectors).max(initial=0.0)), 1e-9)
        self._rows = np.rint(vectors * np.float32(finest)).astype(np.int8)
        self._row_of = {text: row for row, text in enumerate((*known, *others))}
        self._save()

    def _together(self, known: Sequence[str], made: Floats | None) -> Floats:
        parts = [self.encode(known)] if known else []
        if made is not None:
            parts.append(made)
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _load(self) -> None:
        try:
            content = self._path.read_bytes()
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                if arrays["made_by"].tobytes().decode() != self._made_by:
                    return
                names: list[str] = json.loads(arrays["texts"].tobytes())
                rows = arrays["rows"]
                is_whole = _is_whole(names, rows)
        except BROKEN:
            return  # as if nothing were kept: the file is made again by one command
        if is_whole:
            self._rows, self._row_of = rows, {text: row for row, text in enumerate(names)}

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
            try:
                np.savez(
                    file,
                    made_by=np.frombuffer(self._made_by.encode(), np.uint8),
                    texts=np.frombuffer(json.dumps(list(self._row_of)).encode(), np.uint8),
                    rows=self._rows,
                )
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        Path(file.name).chmod(READABLE)  # the labels of a taxonomy are no secret, and other users may run the service
        Path(file.name).replace(self._path)


def _is_whole(names: Any, rows: NDArray[Any]) -> bool:
    """Return whether the content of a file is a table of small whole numbers with a text for each row."""
    return (
        isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and rows.dtype == np.int8
        and rows.ndim == TABLE
        and len(names) == len(rows)
        and bool(rows.any(axis=1).all())
    )
