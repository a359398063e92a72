"""A sentence model small enough to carry."""

import numpy as np

from matching.words.pieces import WordPieces
from matching.words.sentence import SentenceModel


def small_model():
    """Return a sentence model with made-up weights in the true shapes; the true ones are too large to carry."""
    rng = np.random.default_rng(0)
    small = {"word_embeddings": 8, "position_embeddings": 64, "token_type_embeddings": 2}
    tensors = {f"embeddings.{name}.weight": rng.normal(size=(rows, 384)) for name, rows in small.items()}
    norms = ["embeddings"]
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        dense = {f"{name}.attention.self.{part}": (384, 384) for part in ("query", "key", "value")}
        dense |= {f"{name}.attention.output.dense": (384, 384), f"{name}.intermediate.dense": (64, 384)}
        for key, shape in (dense | {f"{name}.output.dense": (384, 64)}).items():
            tensors |= {f"{key}.weight": rng.normal(size=shape) / 20, f"{key}.bias": np.zeros(shape[0])}
        norms += [f"{name}.attention.output", f"{name}.output"]
    for name in norms:
        tensors |= {f"{name}.LayerNorm.weight": np.ones(384), f"{name}.LayerNorm.bias": np.zeros(384)}
    pieces = WordPieces({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "shop": 3, "##s": 4, "cook": 5})
    return SentenceModel({name: table.astype(np.float32) for name, table in tensors.items()}, pieces)
