import hashlib
import json

import h5py
import keras
import numpy as np
import pytest
from v22_files import PARITY, signal, write_v22_file

from fsgan_utils.training import resnet50
from fsgan_utils.training.perceptual import (
    MOBILENET_FACTORS,
    PERCEPTUAL_WEIGHTS,
    PerceptualLoss,
    find_perceptual_loss,
)

RECORD = json.loads((PARITY / "losses.json").read_text())
LAYERS = RECORD["vggface_resnet50_layers"]
SHAPE = (2, 64, 64, 3)
MODES = [False, True]


def images():
    """The recording's images, which v2.2 took as BGR: the real one, and what it is compared with."""
    real, distorted, colour = (signal(seed, SHAPE)[..., ::-1] for seed in (1, 2, 4))
    alpha = (1 / (1 + np.exp(-np.random.RandomState(3).randn(2, 64, 64, 1)))).astype("float32")
    masked = alpha * colour + (1 - alpha) * distorted
    return real, RECORD["lam"] * colour + (1 - RECORD["lam"]) * masked


REAL, MIXED = images()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file of the published layout, with the formula's weights."""
    return write_v22_file(tmp_path_factory.mktemp("vggface") / "resnet50.h5", LAYERS)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of Keras', and no way to the internet; returns where the ResNet-50 would lie."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(resnet50, "ADDRESS", (tmp_path / "nowhere" / "file.h5").as_uri())
    return tmp_path / "keras" / "models" / "vggface" / resnet50.FILE_NAME


@pytest.fixture
def cached(cache, published):
    cache.parent.mkdir(parents=True)
    cache.symlink_to(published)
    return cache


@pytest.mark.parametrize("before_activation", MODES)
def test_resnet50_matches_v22_and_the_mobilenets_errors_weigh_as_much(published, before_activation):
    resnet = find_perceptual_loss("resnet50", published, before_activation)
    recorded = RECORD["values"]["half_pixel"][f"perceptual_before_activ_{before_activation}"]
    errors = np.array([float(error) for error in resnet.errors(REAL, MIXED)])
    assert float(resnet(REAL, MIXED)) == pytest.approx(recorded, rel=1e-4)
    assert errors @ PERCEPTUAL_WEIGHTS == pytest.approx(recorded, rel=1e-4)

    mobilenet = find_perceptual_loss("mobilenet", before_activation=before_activation)
    smaller = np.array([float(error) for error in mobilenet.errors(REAL, MIXED)])
    np.testing.assert_allclose(MOBILENET_FACTORS[before_activation], errors / smaller, rtol=0.01)
    assert float(mobilenet(REAL, MIXED)) == pytest.approx(recorded, rel=0.01)


class TwoImages(keras.Model):
    """Learns two images by their perceptual distance alone."""

    def __init__(self, loss, real, fake):
        super().__init__()
        self.perceptual = loss
        self.real = self.add_weight(shape=real.shape, name="real")
        self.fake = self.add_weight(shape=fake.shape, name="fake")
        self.real.assign(real)
        self.fake.assign(fake)
        self.built = True

    def call(self, inputs):
        return inputs

    def compute_loss(self, *_, **__):
        return self.perceptual(self.real, self.fake) + 0.0 * keras.ops.sum(self.real)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_gradient_reaches_only_the_fake_image(policy):
    keras.config.set_dtype_policy(policy)
    try:
        loss = find_perceptual_loss("mobilenet")
    finally:
        keras.config.set_dtype_policy("float32")
    model = TwoImages(loss, REAL[:1], MIXED[:1])
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    assert {variable.name for variable in model.trainable_variables} == {"real", "fake"}
    assert len(model.non_trainable_variables) >= len(loss.backbone.weights) == 54
    backbone = loss.backbone.get_weights()
    value = float(model.train_on_batch(np.zeros((1, 1)), np.zeros((1, 1))))
    real, fake = (keras.ops.convert_to_numpy(variable) for variable in (model.real, model.fake))
    assert value == pytest.approx(float(find_perceptual_loss("mobilenet")(REAL[:1], MIXED[:1])), rel=0.02)
    np.testing.assert_array_equal(real, REAL[:1])
    assert np.isfinite(fake).all() and np.abs(fake - MIXED[:1]).mean() > 1e-6
    for old, new in zip(backbone, loss.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert float(loss(real, fake)) < value


def test_equal_and_constant_images_give_a_finite_loss_and_gradient():
    loss = find_perceptual_loss("mobilenet")
    assert float(loss(REAL, REAL)) == 0
    flat = np.zeros((1, 64, 64, 3), "float32")
    model = TwoImages(loss, REAL[:1], flat)
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    assert np.isfinite(float(model.train_on_batch(np.zeros((1, 1)), np.zeros((1, 1)))))
    assert np.isfinite(keras.ops.convert_to_numpy(model.fake)).all()


def test_colours_are_taken_as_rgb_and_the_value_is_float32():
    loss = find_perceptual_loss("mobilenet")
    value = loss(REAL, MIXED)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(loss(REAL[..., ::-1], MIXED[..., ::-1])) != pytest.approx(float(value), rel=1e-3)


def test_weights_and_maps_must_agree_in_number():
    backbone = find_perceptual_loss("mobilenet").backbone
    with pytest.raises(ValueError, match="4 maps, 2 weights, 4 factors"):
        PerceptualLoss(backbone, "", (0, 0, 0), weights=(1, 1))


def test_auto_takes_the_mobilenet_where_the_resnet50_is_not(cache):
    loss = find_perceptual_loss()
    assert loss.backbone.name == "mobilenet"
    assert str(cache) in loss.description and '"resnet50"' in loss.description
    assert not cache.parent.exists()


def test_auto_takes_the_cached_resnet50_and_notes_its_digest(cached):
    loss = find_perceptual_loss()
    assert loss.backbone.name == "vggface_resnet50" and str(cached) in loss.description
    digest = hashlib.sha256(cached.read_bytes()).hexdigest()
    assert digest_file(cached).read_text() == f"{digest}  {cached.name}\n"


def digest_file(file):
    return file.with_name(file.name + ".sha256")


@pytest.mark.parametrize("backbone", ["auto", "resnet50"])
def test_a_cached_file_that_changed_is_refused(cached, backbone):
    digest_file(cached).write_text("0" * 64)
    with pytest.raises(ValueError, match=r"has changed since it was first used.*Delete both") as caught:
        find_perceptual_loss(backbone)
    assert str(cached) in str(caught.value)


def test_resnet50_is_downloaded_once(cache, published, monkeypatch):
    monkeypatch.setattr(resnet50, "ADDRESS", published.as_uri())
    assert "downloaded just now" in find_perceptual_loss("resnet50").description
    assert {file.name for file in cache.parent.iterdir()} == {cache.name, digest_file(cache).name}
    assert cache.read_bytes() == published.read_bytes()
    monkeypatch.setattr(resnet50, "ADDRESS", "file:///nowhere")
    assert "just now" not in find_perceptual_loss("resnet50").description


@pytest.mark.parametrize("content", [None, b"<html>sign in to this network</html>"])
def test_a_failed_download_says_what_to_do_and_leaves_nothing(cache, tmp_path, monkeypatch, content):
    served = tmp_path / "served.h5"
    if content is not None:
        served.write_bytes(content)
    monkeypatch.setattr(resnet50, "ADDRESS", served.as_uri())
    with pytest.raises(ConnectionError, match=r"could not be downloaded.*mobilenet") as caught:
        find_perceptual_loss("resnet50")
    assert str(cache) in str(caught.value) and served.as_uri() in str(caught.value)
    assert not list(cache.parent.iterdir())


def test_a_path_must_exist(cache, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.h5"):
        find_perceptual_loss("auto", tmp_path / "missing.h5")


def test_a_file_that_does_not_fit_is_refused_at_the_first_tensor_that_differs(tmp_path):
    file = tmp_path / "other.h5"
    other = [["conv1", [["conv1/kernel:0", [7, 7, 3, 64]]]], ["conv2", [["conv2/kernel:0", [3, 3, 64, 8]]]]]
    write_v22_file(file, other)
    with pytest.raises(ValueError, match=r"tensor 1: expected shape \(64,\) .*conv2/kernel:0") as caught:
        find_perceptual_loss("resnet50", file)
    assert str(file) in str(caught.value)


def test_a_damaged_file_is_refused(published, tmp_path):
    file = tmp_path / "nan.h5"
    file.write_bytes(published.read_bytes())
    with h5py.File(file, "r+") as opened:
        opened["conv1/7x7_s2/bn/conv1/7x7_s2/bn/gamma:0"][3] = np.nan
    with pytest.raises(ValueError, match=r"tensor 1 \(conv1/7x7_s2/bn/gamma:0\).*NaN"):
        find_perceptual_loss("auto", file)
    file.write_bytes(published.read_bytes()[:1_000_000])
    with pytest.raises(ValueError, match="damaged or cut short"):
        find_perceptual_loss("auto", file)


@pytest.mark.parametrize(
    ("backbone", "path", "message"),
    [("vgg16", "", "must be one of auto, mobilenet, resnet50"), ("mobilenet", "resnet50.h5", "takes no path")],
)
def test_settings_that_make_no_sense_are_refused(backbone, path, message):
    with pytest.raises(ValueError, match=message):
        find_perceptual_loss(backbone, path)
