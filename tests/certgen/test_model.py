"""certgen.model: model files of every published kind, and their exact folding."""

from __future__ import annotations

import itertools
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from flint import fmpz_mat
from torch import nn

from certcheck.exact import DyadicMatrix
from certcheck.network import ARCHITECTURES
from certgen.model import approximate, load_model
from tests.certgen.small_models import (
    Weights,
    compute_logits,
    cyclic_weights,
    fractions_of,
    save_model,
    save_tensors,
    tensors_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from certgen.model import Model

# Order, the two embedding sizes and the hidden width: all different, so that no mistake of axes fits.
N, L, R, M = 3, 2, 4, 5

# The formulas of DESIGN once more, written for one pair, and the shapes of their roles.
FORMULAS = {
    "concatenated": lambda w, x, y: np.concatenate((w["left"][x], w["right"][y])) @ w["hidden"],
    "concatenated_tied": lambda w, x, y: np.concatenate((w["embedding"][x], w["embedding"][y])) @ w["hidden"],
    "mapped": lambda w, x, y: w["left"][x] @ w["left_map"] + w["right"][y] @ w["right_map"],
    "mapped_tied": lambda w, x, y: w["embedding"][x] @ w["left_map"] + w["embedding"][y] @ w["right_map"],
    "added": lambda w, x, y: (w["left"][x] + w["right"][y]) @ w["shared_map"],
    "added_tied": lambda w, x, y: (w["embedding"][x] + w["embedding"][y]) @ w["shared_map"],
    "direct": lambda w, x, y: w["left"][x] + w["right"][y],
    "direct_tied": lambda w, x, y: w["embedding"][x] + w["embedding"][y],
}
SHAPES = {
    "concatenated": {"left": (N, L), "right": (N, R), "hidden": (L + R, M)},
    "concatenated_tied": {"embedding": (N, L), "hidden": (L + L, M)},
    "mapped": {"left": (N, L), "right": (N, R), "left_map": (L, M), "right_map": (R, M)},
    "mapped_tied": {"embedding": (N, L), "left_map": (L, M), "right_map": (L, M)},
    "added": {"left": (N, L), "right": (N, L), "shared_map": (L, M)},
    "added_tied": {"embedding": (N, L), "shared_map": (L, M)},
    "direct": {"left": (N, M), "right": (N, M)},
    "direct_tied": {"embedding": (N, M)},
}
BIASES = {"none": (), "hidden": ("hidden_bias",), "out": ("out_bias",), "both": ("hidden_bias", "out_bias")}
CHUGHTAI = {"W_x": "left", "W_y": "right", "W": "hidden", "W_U": "out"}
WU = {
    "embedding_left": "left",
    "embedding_right": "right",
    "linear_left": "left_map",
    "linear_right": "right_map",
    "unembedding": "out",
    "unembed_bias": "out_bias",
}


def draw_weights(architecture: str, biases: str = "none", seed: int = 0) -> Weights:
    """Random multiples of 1/8 up to 2: small enough that float64 evaluates the formula without rounding."""
    shapes: dict[str, tuple[int, ...]] = {**SHAPES[architecture], "out": (M, N)}
    shapes |= {bias: (M,) if bias == "hidden_bias" else (N,) for bias in BIASES[biases]}
    generator = np.random.default_rng(seed)
    return {role: generator.integers(-16, 17, shape) / 8 for role, shape in shapes.items()}


def evaluate(architecture: str, w: Weights) -> NDArray[np.float64]:
    """The logits at [x, y, z] straight from the formula, in float64."""
    hidden = np.array([[FORMULAS[architecture](w, x, y) for y in range(N)] for x in range(N)])
    logits: NDArray[np.float64] = np.maximum(hidden + w.get("hidden_bias", 0), 0) @ w["out"] + w.get("out_bias", 0)
    return logits


def fold(model: Model) -> NDArray[Any]:
    """The logits at [x, y, z] of the folded network, in fractions."""
    network = model.network
    return compute_logits(*(fractions_of(v) for v in (network.a, network.c, network.U, network.beta)))


def test_every_architecture_has_a_formula_here() -> None:
    """The tests below leave out no architecture of the checker's list."""
    assert set(FORMULAS) == set(SHAPES) == set(ARCHITECTURES)


@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize("architecture", FORMULAS)
def test_folding_gives_the_logits_of_the_formula(architecture: str, biases: str, tmp_path: Path) -> None:
    """With and without biases, with any of the matrices stored transposed, the folded logits are exact."""
    weights = draw_weights(architecture, biases)
    expected = evaluate(architecture, weights)
    matrices = [*SHAPES[architecture], "out"]
    for transposed in itertools.chain.from_iterable(
        itertools.combinations(matrices, k) for k in range(len(matrices) + 1)
    ):
        stored = {
            f"{role}_transposed" if role in transposed else role: values.T if role in transposed else values
            for role, values in weights.items()
        }
        model = load_model(save_model(tmp_path / "model.pt", stored), None, None)
        assert model.section.architecture == architecture
        assert (fold(model) == expected).all()


@pytest.mark.parametrize("architecture", FORMULAS)
def test_roles_can_be_given_for_any_parameter_names(architecture: str, tmp_path: Path) -> None:
    """NAME:role=tensor,... assigns tensors whose names say nothing."""
    weights = draw_weights(architecture, "both")
    names = {role: f"parameter {i}" for i, role in enumerate(weights)}
    path = save_model(tmp_path / "model.pt", {names[role]: values for role, values in weights.items()})
    assignment = ",".join(f"{role}={name}" for role, name in names.items())
    model = load_model(path, f"{architecture}:{assignment}", None)
    assert (fold(model) == evaluate(architecture, weights)).all()


def test_chughtais_names_are_known(tmp_path: Path) -> None:
    """W_x, W_y, W, W_U are the concatenated network."""
    weights = draw_weights("concatenated")
    path = save_model(tmp_path / "model.pt", {name: weights[role] for name, role in CHUGHTAI.items()})
    model = load_model(path, None, None)
    assert model.section.architecture == "concatenated"
    assert (fold(model) == evaluate("concatenated", weights)).all()


def draw_wu_instances(count: int) -> tuple[list[Weights], Weights]:
    """Networks of one shape, and their parameters stacked along a leading axis under Wu's names."""
    instances = [draw_weights("mapped", "out", seed) for seed in range(count)]
    return instances, {name: np.stack([w[role] for w in instances]) for name, role in WU.items()}


def test_wus_names_with_one_instance_are_known(tmp_path: Path) -> None:
    """A leading axis of one is taken without being asked for, and recorded as instance 0."""
    (weights,), stacked = draw_wu_instances(1)
    model = load_model(save_model(tmp_path / "model.pt", stacked), None, None)
    assert (model.section.architecture, model.section.instance) == ("mapped", 0)
    assert (fold(model) == evaluate("mapped", weights)).all()


def test_wus_names_without_instances_are_known(tmp_path: Path) -> None:
    """The same parameters without a leading axis hold one network and no instance."""
    (weights,), stacked = draw_wu_instances(1)
    path = save_model(tmp_path / "model.pt", {name: values[0] for name, values in stacked.items()})
    model = load_model(path, None, None)
    assert (model.section.architecture, model.section.instance) == ("mapped", None)
    assert (fold(model) == evaluate("mapped", weights)).all()


def test_wus_names_without_a_bias_are_known(tmp_path: Path) -> None:
    """The output bias of that code is optional."""
    (weights,), stacked = draw_wu_instances(1)
    del stacked["unembed_bias"], weights["out_bias"]
    model = load_model(save_model(tmp_path / "model.pt", stacked), None, None)
    assert (fold(model) == evaluate("mapped", weights)).all()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("instance", [0, 1, 2])
def test_every_instance_of_several_is_a_network_of_its_own(instance: int, suffix: str, tmp_path: Path) -> None:
    """The instance that is asked for is folded and stored, and no other."""
    instances, stacked = draw_wu_instances(3)
    model = load_model(save_model(tmp_path / f"model{suffix}", stacked), None, instance)
    assert model.section.instance == instance
    assert (fold(model) == evaluate("mapped", instances[instance])).all()
    for name, role in WU.items():
        assert model.section.tensors[name].data == instances[instance][role].astype("<f4").tobytes()


class ConcatenatedModule(nn.Module):
    """Two embeddings, side by side through a linear layer, ReLU, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Embedding(N, L), nn.Embedding(N, R)
        self.hidden, self.out = nn.Linear(L + R, M), nn.Linear(M, N)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The logits."""
        hidden = torch.relu(self.hidden(torch.cat((self.left(x), self.right(y)), dim=-1)))
        logits: torch.Tensor = self.out(hidden)
        return logits


class MappedTiedModule(nn.Module):
    """One embedding through two linear maps, ReLU, a linear layer without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(N, L)
        self.left_map, self.right_map = nn.Linear(L, M, bias=False), nn.Linear(L, M, bias=False)
        self.out = nn.Linear(M, N, bias=False)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The logits."""
        hidden = torch.relu(self.left_map(self.embedding(x)) + self.right_map(self.embedding(y)))
        logits: torch.Tensor = self.out(hidden)
        return logits


class AddedModule(nn.Module):
    """Two embeddings, added, through a linear map, ReLU, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Embedding(N, L), nn.Embedding(N, L)
        self.shared_map, self.out = nn.Linear(L, M, bias=False), nn.Linear(M, N)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The logits."""
        logits: torch.Tensor = self.out(torch.relu(self.shared_map(self.left(x) + self.right(y))))
        return logits


@pytest.mark.parametrize(
    ("module", "architecture"),
    [(ConcatenatedModule, "concatenated"), (MappedTiedModule, "mapped_tied"), (AddedModule, "added")],
)
def test_a_torch_module_named_like_the_roles_computes_the_folded_logits(
    module: type[nn.Module], architecture: str, tmp_path: Path
) -> None:
    """`left.weight` of an Embedding and `hidden.weight`, `hidden.bias` of a Linear are known, with their axes."""
    network = module()
    generator = np.random.default_rng(0)
    state = {
        name: torch.tensor(generator.integers(-16, 17, tuple(values.shape)) / 8)
        for name, values in network.state_dict().items()
    }
    network.double().load_state_dict(state)
    save_tensors(tmp_path / "model.pt", network.state_dict())
    x, y = torch.meshgrid(torch.arange(N), torch.arange(N), indexing="ij")
    model = load_model(str(tmp_path / "model.pt"), None, None)
    assert model.section.architecture == architecture
    assert (fold(model) == network(x, y).detach().numpy()).all()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors", ".PT", ".Safetensors"])
def test_every_kind_of_file_holds_the_same_network(suffix: str, tmp_path: Path) -> None:
    """The suffix, in capitals or not, says how the file is read, and nothing else."""
    weights = draw_weights("mapped", "both")
    path = tmp_path / f"model{suffix.lower()}"
    save_model(path, weights)
    path = path.rename(tmp_path / f"copy{suffix}")
    assert (fold(load_model(str(path), None, None)) == evaluate("mapped", weights)).all()


@pytest.mark.parametrize("key", ["model", "state_dict", "model_state_dict"])
def test_a_dict_may_hold_one_state_dict_among_other_things(key: str, tmp_path: Path) -> None:
    """A training checkpoint with a single state dict in it is read like that state dict."""
    weights = draw_weights("direct")
    checkpoint = {"epoch": 3, "losses": [1.5, 0.5], key: tensors_of(weights), "name": "model"}
    torch.save(checkpoint, tmp_path / "model.pt")
    assert (fold(load_model(str(tmp_path / "model.pt"), None, None)) == evaluate("direct", weights)).all()


def test_parameters_that_require_gradients_are_read(tmp_path: Path) -> None:
    """A state dict of nn.Parameter is a state dict."""
    weights = draw_weights("direct")
    torch.save({name: nn.Parameter(tensor) for name, tensor in tensors_of(weights).items()}, tmp_path / "model.pt")
    assert (fold(load_model(str(tmp_path / "model.pt"), None, None)) == evaluate("direct", weights)).all()


def test_views_of_larger_tensors_are_read_as_what_they_show(tmp_path: Path) -> None:
    """Strides of the stored tensor do not change the values or their order."""
    weights = draw_weights("direct")
    views = {
        name: torch.stack((tensor.T, tensor.T + 1), dim=-1)[..., 0].T for name, tensor in tensors_of(weights).items()
    }
    torch.save(views, tmp_path / "model.pt")
    assert (fold(load_model(str(tmp_path / "model.pt"), None, None)) == evaluate("direct", weights)).all()


def decode(dtype: str, data: bytes) -> list[Fraction]:
    """The values of little-endian bytes, one after the other, by the struct module."""
    if dtype == "bfloat16":
        # A bfloat16 is the upper half of a float32.
        data, dtype = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2)), "float32"
    code = {"float16": "e", "float32": "f", "float64": "d"}[dtype]
    return [Fraction(value) for (value,) in struct.iter_unpack(f"<{code}", data)]


def draw_finite_bits(dtype: str, count: int) -> torch.Tensor:
    """Values with random bits, subnormal ones and both zeros among them, none infinite or NaN."""
    size = torch.empty(0, dtype=getattr(torch, dtype)).element_size()
    generator = np.random.default_rng(0)
    raw = generator.integers(0, 256, (4 * count, size), dtype=np.uint8)
    raw[:count:2, size // 2 :] = 0
    raw[0], raw[1, :-1], raw[1, -1] = 0, 0, 128
    values = torch.from_numpy(raw.copy()).view(getattr(torch, dtype)).reshape(-1)
    return values[torch.isfinite(values)][:count]


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_values_of_every_type_are_taken_bit_by_bit(dtype: str, suffix: str, tmp_path: Path) -> None:
    """The network has the rational numbers that the stored bits stand for."""
    embedding, out = draw_finite_bits(dtype, 2 * N * M).reshape(2, N, M)
    path = tmp_path / f"model{suffix}"
    save_tensors(path, {"embedding": embedding.contiguous(), "out_transposed": out.contiguous()})
    model = load_model(str(path), None, None)
    for stored, name, matrix in (
        (embedding, "embedding", model.network.a),
        (embedding, "embedding", model.network.c),
        (out, "out_transposed", model.network.U),
    ):
        assert model.section.tensors[name].dtype == dtype
        data = stored.contiguous().view(torch.uint8).numpy().tobytes()
        assert model.section.tensors[name].data == data
        assert fractions_of(matrix).ravel().tolist() == decode(dtype, data)


@pytest.mark.parametrize("architecture", FORMULAS)
def test_the_network_by_hats_adds_modulo_n(architecture: str) -> None:
    """The hand-built network of other tests has logit 1 at x + y and 0 elsewhere, by the formula."""
    w = cyclic_weights(architecture, N)
    for x, y in itertools.product(range(N), repeat=2):
        logits = np.maximum(FORMULAS[architecture](w, x, y), 0) @ w["out"]
        assert logits.tolist() == [float(z == (x + y) % N) for z in range(N)]


def test_approximations_are_rounded_to_nearest_or_infinite() -> None:
    """A dyadic number becomes the nearest float64, an infinity beyond the largest."""
    numerators = [1, -3, 2**53 + 1, 2**53 + 3, -(2**2000), 2**2000, 0]
    matrix = DyadicMatrix(fmpz_mat(1, len(numerators), numerators), 0)
    # 2^53 + 1 and 2^53 + 3 lie half way between floats and go to the even ones.
    assert approximate(matrix).tolist() == [[1.0, -3.0, 2.0**53, 2.0**53 + 4, -np.inf, np.inf, 0.0]]
    tiny = DyadicMatrix(fmpz_mat(1, 2, [3, 2**1000]), 1074)
    assert approximate(tiny).tolist() == [[3 * 2.0**-1074, 2.0**-74]]
