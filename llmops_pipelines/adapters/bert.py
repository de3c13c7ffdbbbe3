"""BERT's encoder in torch's own functions.

Libraries that load any model spend four seconds of CPU on imports before the same thirty operations
begin, and every process that embeds a text would pay for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_EPSILON = 1e-12


@dataclass(frozen=True)
class Bert:
    """The encoder of BERT (Devlin et al., 2019); its size is that of its weights."""

    weights: Mapping[str, Any]
    """Tensors by the names that Hugging Face's files of a ``BertModel`` give them."""
    layers: int
    heads: int

    def __call__(self, ids: Any, read: Any) -> Any:
        """States of the last layer, batch x length x width; ``read`` is False on padding."""
        import torch

        look_up = torch.nn.functional.embedding
        places = self._named("embeddings.position_embeddings")[: ids.shape[1]]
        kind = self._named("embeddings.token_type_embeddings")[0]
        tokens = look_up(ids, self._named("embeddings.word_embeddings"))
        states = self._normed(tokens + (places + kind), "embeddings")
        for number in range(self.layers):
            layer = f"encoder.layer.{number}"
            attended = self._dense(
                self._attended(states, read, f"{layer}.attention.self"),
                f"{layer}.attention.output.dense",
            )
            states = self._normed(attended + states, f"{layer}.attention.output")
            widened = self._dense(states, f"{layer}.intermediate.dense")
            narrowed = self._dense(torch.nn.functional.gelu(widened), f"{layer}.output.dense")
            states = self._normed(narrowed + states, f"{layer}.output")
        return states

    def _attended(self, states: Any, read: Any, name: str) -> Any:
        import torch

        query, key, value = (
            self._dense(states, f"{name}.{part}").unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mask = read.squeeze(2)[:, None, None, :]
        looked = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask)
        return looked.transpose(1, 2).flatten(2)

    def _dense(self, states: Any, name: str) -> Any:
        import torch

        return torch.nn.functional.linear(states, self._named(name), self._named(name, "bias"))

    def _normed(self, states: Any, name: str) -> Any:
        import torch

        weight, bias = (self._named(f"{name}.LayerNorm", kind) for kind in ("weight", "bias"))
        return torch.nn.functional.layer_norm(states, weight.shape, weight, bias, _EPSILON)

    def _named(self, name: str, kind: str = "weight") -> Any:
        return self.weights[f"{name}.{kind}"]
