"""The token table: how near two phrases are in meaning, as whole numbers, without a download.

The shipped table has 128 small whole numbers for each of 30,522 word pieces. It was distilled from the sentence model
all-MiniLM-L6-v2 and trained on labels of ESCO by ``python -m benchmarks.meaning_training``. The vector of a text is the
sum of the rows of its pieces, scaled to one length and rounded. Every product of two vectors is a whole number that a
32-bit float holds exactly, so a likeness is the same on every machine, in any order of addition.

The table reads a bag of words: "no cleaning" is near "cleaning". It must never be used for what a jobseeker wants to
avoid, for a check or for a refusal.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from matching.words.pieces import WordPieces

SHIPPED = Path(__file__).with_name("meaning.npz")
SHA256 = "665a1c73d1cde5ced588c2c9f98d6ac3a45c65e506f18c2b5db8383d6b0f05da"
WIDTH = 128
# The length of every vector. The product of two vectors is then at most 2,047 x 2,047, which is under 2 ** 24.
LENGTH = 2047
LARGEST = 127
THOUSAND = 1000
PERCENTILE = 99.99  # the number in the table at this percentile becomes 127; the few larger ones are cut to it
NOT_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
Vectors = NDArray[np.int16]


class MeaningTableChanged(RuntimeError):
    """The file of the token table is not the one that this version was tested with.

    Examples
    --------
    >>> issubclass(MeaningTableChanged, RuntimeError)
    True
    """


class MeaningTable:
    """How near two phrases are in meaning.

    Parameters
    ----------
    rows : ndarray of int8 of shape (n_pieces, 128)
    pieces : sequence of str
        The word pieces of the rows.

    Examples
    --------
    >>> table = MeaningTable(np.eye(6, 128, dtype=np.int8), ("[UNK]", "[CLS]", "[SEP]", "sew", "hem", "bake"))
    >>> table.likeness(table.encode(["sew hem"]), table.encode(["hem", "bake", "?"])).tolist()
    [[707, 0, 0]]
    """

    def __init__(self, rows: NDArray[np.int8], pieces: Sequence[str]) -> None:
        self._rows = rows.astype(np.float64)
        for number, piece in enumerate(pieces):
            if piece in NOT_WORDS or not any(letter.isalnum() for letter in piece):
                self._rows[number] = 0
        self._pieces = WordPieces({piece: number for number, piece in enumerate(pieces)})

    @classmethod
    def of_floats(cls, rows: NDArray[np.float32], pieces: Sequence[str]) -> "MeaningTable":
        """Return the table with its numbers rounded to whole numbers, on one scale for the whole table.

        Parameters
        ----------
        rows : ndarray of float32 of shape (n_pieces, 128)
        pieces : sequence of str

        Returns
        -------
        MeaningTable
        """
        scale = LARGEST / np.percentile(np.abs(rows), PERCENTILE)
        return cls(np.clip(np.rint(rows * scale), -LARGEST, LARGEST).astype(np.int8), pieces)

    @classmethod
    def load(cls, path: Path = SHIPPED, sha256: str = SHA256) -> "MeaningTable":
        """Load a table from a file.

        Parameters
        ----------
        path : Path
            If left out: the file shipped with this package.
        sha256 : str
            The hash that the file must have. If empty, it is not checked.

        Returns
        -------
        MeaningTable

        Raises
        ------
        MeaningTableChanged
            If the file is missing or has another hash.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise MeaningTableChanged(f"{path.name} cannot be read. Next: install Pathways again.") from error
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise MeaningTableChanged(
                f"{path.name} differs from the tested file. Next: install Pathways again, or restore the file."
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return cls(arrays["rows"], arrays["pieces"].tobytes().decode().split("\n"))

    def save(self, path: Path) -> None:
        """Write the table to a file.

        Parameters
        ----------
        path : Path
        """
        inorder = sorted(self._pieces.vocabulary, key=self._pieces.vocabulary.__getitem__)
        pieces = np.frombuffer("\n".join(inorder).encode(), dtype=np.uint8)
        np.savez_compressed(path, rows=self._rows.astype(np.int8), pieces=pieces)

    def encode(self, texts: Iterable[str]) -> Vectors:
        """Return the vectors of some texts.

        Parameters
        ----------
        texts : iterable of str
            Only the first 64 word pieces of each text are read.

        Returns
        -------
        ndarray of int16 of shape (n_texts, 128)
            Whole numbers, of length 2,047 but for rounding; 0 where no piece of the text is known.
        """
        numbers = [self._pieces.numbers(text, skips_gibberish=True)[1:-1] for text in texts]
        lengths = [len(own) for own in numbers]
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        flat = np.array([number for own in numbers for number in own], dtype=np.int64)
        bags = sp.csr_matrix((np.ones(len(flat)), flat, starts), shape=(len(numbers), len(self._rows)))
        totals = np.asarray(bags @ self._rows)  # sums of whole numbers, which 64-bit floats hold exactly
        norms = np.sqrt((totals * totals).sum(axis=1))[:, None]
        return np.asarray(np.floor(totals * (LENGTH / np.where(norms == 0.0, 1.0, norms)) + 0.5), dtype=np.int16)

    def likeness(self, lefts: NDArray[Any], rights: NDArray[Any]) -> NDArray[np.int32]:
        """Return how near each left text is to each right text.

        Parameters
        ----------
        lefts : ndarray of shape (n_lefts, 128)
        rights : ndarray of shape (n_rights, 128)
            As ``encode`` returns them, or the same whole numbers as 32-bit floats.

        Returns
        -------
        ndarray of int32 of shape (n_lefts, n_rights)
            The cosine in thousandths, from 0 to 1,000. 0 if the cosine is negative or a text has no known piece.
        """
        return self.thousandths(self.products(lefts, rights))

    @staticmethod
    def products(lefts: NDArray[Any], rights: NDArray[Any]) -> NDArray[np.float32]:
        """Return the product of each left vector with each right vector.

        Parameters
        ----------
        lefts, rights : ndarray
            As for ``likeness``.

        Returns
        -------
        ndarray of float32 of shape (n_lefts, n_rights)
            Whole numbers, which rise with the likeness.
        """
        return np.asarray(lefts.astype(np.float32, copy=False) @ rights.astype(np.float32, copy=False).T)

    @staticmethod
    def thousandths(products: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the likeness that belongs to each product.

        Parameters
        ----------
        products : ndarray of float32

        Returns
        -------
        ndarray of int32 of the same shape
            The cosine in thousandths, from 0 to 1,000.
        """
        # Exact: products are whole, and the length is odd, so no quotient is within 1e-7 of a half.
        cosines = np.floor(products * np.float64(THOUSAND) / np.float64(LENGTH * LENGTH) + 0.5)
        return np.asarray(np.clip(cosines, 0, THOUSAND), dtype=np.int32)


class UnitVectors:
    """The token table as an encoder whose vectors have length 1, for what adds likeness to other evidence.

    Parameters
    ----------
    table : MeaningTable

    Examples
    --------
    >>> rows = np.eye(4, 128, dtype=np.int8)
    >>> UnitVectors(MeaningTable(rows, ("sew", "[UNK]", "[CLS]", "[SEP]"))).encode(["sew"])[0, 0]
    np.float32(1.0)
    """

    def __init__(self, table: MeaningTable) -> None:
        self._table = table

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of some texts.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of float32 of shape (n_texts, 128)
            Of length 1, or 0 where no piece of the text is known.
        """
        vectors = self._table.encode(texts).astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths == 0.0, 1.0, lengths))


@lru_cache(maxsize=1)
def shipped() -> MeaningTable:
    """Return the table shipped with this package. It is loaded at the first call.

    Returns
    -------
    MeaningTable

    Examples
    --------
    >>> shipped() is shipped()
    True
    """
    return MeaningTable.load()
