import json

import cv2
import keras
import numpy as np
import pytest
from keras import ops
from skimage.metrics import structural_similarity
from v22_files import PARITY, model_config, recorded, signal, write_v22_file

from fsgan_utils.training import losses
from fsgan_utils.training.config import LossWeights, ModelConfig
from fsgan_utils.training.legacy import load_legacy_weights
from fsgan_utils.training.networks import build_decoder, build_discriminator, build_encoder
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

RECORD = json.loads((PARITY / "losses.json").read_text())
VALUES, FACTOR = RECORD["values"]["half_pixel"], RECORD["lam"]
WEIGHTS = LossWeights()
SHAPE = (2, 64, 64, 3)
REAL, DISTORTED, COLOUR = (signal(seed, SHAPE) for seed in (1, 2, 4))
ALPHA = (1 / (1 + np.exp(-np.random.RandomState(3).randn(2, 64, 64, 1)))).astype("float32")
EYES = np.zeros(SHAPE, "float32")
EYES[:, 18:28, 12:28] = EYES[:, 18:28, 36:52] = 1


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def matches(value):
    """Equal to a recorded value within 1e-4 of it; the smallest record is of the order of float32's rounding."""
    return pytest.approx(value, rel=1e-4)


@pytest.fixture(scope="module")
def discriminator(tmp_path_factory):
    configuration = "64-lite-instancenorm-attn"
    network = build_discriminator(model_config(configuration))
    record = recorded(configuration)["networks"]["discriminator"]
    load_legacy_weights(network, write_v22_file(tmp_path_factory.mktemp("v22") / "netDA.h5", record["layers"]))
    return lambda image: network(np.concatenate([image, DISTORTED], axis=-1))


@pytest.fixture(scope="module")
def fakes():
    return [np.asarray(losses.mask_blend(ALPHA, COLOUR, DISTORTED)), COLOUR]


def test_mixup_lsgan(discriminator, fakes):
    mixed = [discriminator(losses.mixup(REAL, fake, FACTOR)) for fake in fakes]
    loss_g = WEIGHTS.adversarial * losses.lsgan([discriminator(fake) for fake in fakes], 1)
    assert number(losses.lsgan(mixed, FACTOR)) == matches(VALUES["mixup_LSGAN"]["loss_D"])
    assert number(loss_g) == matches(VALUES["mixup_LSGAN"]["loss_G"])


def test_relativistic_average_lsgan(discriminator, fakes):
    scores = [discriminator(image) for image in (REAL, *fakes)]
    expected = VALUES["relativistic_avg_LSGAN"]
    loss_g = WEIGHTS.adversarial * losses.relativistic_lsgan_generator(*scores)
    assert number(losses.relativistic_lsgan_discriminator(*scores)) == matches(expected["loss_D"])
    assert number(loss_g) == matches(expected["loss_G"])


@pytest.mark.parametrize(
    ("auxiliary", "name"),
    [([], "reconstruction_single"), ([ops.convert_to_tensor(signal(5, (2, 32, 32, 3)))], "reconstruction_multi")],
)
def test_reconstruction(auxiliary, name):
    whole = WEIGHTS.reconstruction * losses.reconstruction(COLOUR, REAL, auxiliary)
    total = whole + WEIGHTS.eyes * losses.eye_reconstruction(COLOUR, REAL, EYES)
    assert number(total) == matches(VALUES[name])


@pytest.mark.parametrize("channels", [1, 3])
def test_edge(channels):
    eyes = WEIGHTS.eyes * losses.eye_edge(COLOUR, REAL, EYES[..., :channels])
    assert number(WEIGHTS.edge * losses.edge(COLOUR, REAL) + eyes) == matches(VALUES["edge"])


def test_mask_terms():
    assert number(WEIGHTS.mask_l1 * losses.mask_l1(ALPHA)) == matches(VALUES["mask_l1_term"])
    assert number(WEIGHTS.mask_tv * losses.mask_total_variation(ALPHA)) == matches(VALUES["mask_tv_term"])


@pytest.mark.parametrize("floor", [0.1, 0.2, 0.4, 0.5])
def test_mask_hinge(floor):
    assert number(WEIGHTS.mask_hinge * losses.mask_hinge(ALPHA, floor)) == matches(VALUES[f"mask_hinge_term_{floor}"])


def test_cycle():
    config = ModelConfig(64, "lite", "none", self_attention=False)
    encoder, decoder = build_encoder(config), build_decoder(config)
    for network in (encoder, decoder):
        network.set_weights([formula_tensor(index, w.shape) for index, w in enumerate(network.weights)])
    real = ops.convert_to_tensor(REAL)
    alpha, there = losses.split_output(decoder(encoder(real)))
    returned_alpha, returned = losses.split_output(decoder(encoder(there)))
    assert number(losses.cycle(real, returned, alpha, returned_alpha)) == matches(VALUES["cyclic_x1"])


def formula_tensor(index, shape):
    value = np.random.RandomState(index).randn(*shape)
    return value / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.1 * value


@pytest.mark.parametrize(("window", "sigma"), [(11, 1.5), (7, 0.9)])
def test_dssim_is_half_of_one_minus_scikit_images_ssim(window, sigma):
    drawn = 0.7 * REAL + 0.3 * COLOUR
    settings = {"channel_axis": -1, "data_range": 2, "gaussian_weights": True, "use_sample_covariance": False}
    expected = [structural_similarity(a, b, sigma=sigma, **settings) for a, b in zip(REAL, drawn, strict=True)]
    assert number(losses.dssim(drawn, REAL, window, sigma)) == pytest.approx((1 - np.mean(expected)) / 2, abs=1e-5)
    assert number(losses.dssim(REAL, REAL, window, sigma)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("term", [losses.reconstruction, losses.edge, losses.dssim])
def test_terms_compute_in_float32_whatever_they_are_given(term):
    half, other = COLOUR.astype("float16"), REAL.astype("float16")
    assert keras.backend.standardize_dtype(term(half, other).dtype) == "float32"
    assert number(term(half, other)) == pytest.approx(number(term(COLOUR, REAL)), rel=2e-3)


@pytest.mark.parametrize(
    ("name", "value"), [("eyes", -1.0), ("dssim", float("nan")), ("edge", float("inf")), ("mask_hinge_floor", 1.5)]
)
def test_impossible_weights_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        LossWeights(**{name: value})


@pytest.mark.parametrize("term", [losses.reconstruction, losses.edge, losses.dssim])
def test_the_more_a_real_frame_is_blurred_the_greater_the_loss(term, frame):
    blurred = [cv2.GaussianBlur(frame, (0, 0), sigma)[None] for sigma in (0.5, 1.0, 2.0, 4.0)]
    values = [number(term(image, frame[None])) for image in (frame[None], *blurred)]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values == sorted(set(values))


def test_a_mask_that_covers_the_frame_shows_only_the_drawn_face(frame):
    everywhere, nowhere, drawn = np.ones((1, 64, 64, 1)), np.zeros((1, 64, 64, 1)), REAL[:1]
    np.testing.assert_array_equal(losses.mask_blend(everywhere, drawn, frame[None]), drawn)
    np.testing.assert_array_equal(losses.mask_blend(nowhere, drawn, frame[None]), frame[None])


@pytest.fixture(scope="module")
def frame():
    """A frame of a clip, 64×64 in [-1, 1]."""
    first = next(iter(read_frames(PROJECT / "data" / "clips" / "a_train_studio.mp4")))
    return (cv2.resize(first.image, (64, 64), interpolation=cv2.INTER_AREA) / 127.5 - 1).astype("float32")
