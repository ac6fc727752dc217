import cv2
import keras
import numpy as np
import pytest

from fsgan_utils.training import FaceSet, PairedBatches


def test_batches_have_the_promised_shape_and_range(faces):
    batch = PairedBatches(faces, 64, batch_size=3).batch(0)
    for side in ("a", "b"):
        for name, channels in {"warped": 3, "target": 3, "eyes": 1, "face": 1}.items():
            assert batch[side][name].shape == (3, 64, 64, channels) and batch[side][name].dtype == np.float32
        assert -1 <= batch[side]["target"].min() < batch[side]["target"].max() <= 1
        assert batch[side]["eyes"].max() > 0.5 and 0.2 < batch[side]["face"].mean() < 0.95


def test_the_same_seed_gives_the_same_batch_wherever_training_resumes(faces):
    whole = PairedBatches(faces, 64, 2, steps=4, seed=3)
    resumed = PairedBatches(faces, 64, 2, steps=1, seed=3, first_batch=2)
    other = PairedBatches(faces, 64, 2, steps=4, seed=4)
    assert np.array_equal(whole[2][0]["a"]["warped"], resumed[0][0]["a"]["warped"])
    assert not np.array_equal(whole[2][0]["a"]["warped"], other[2][0]["a"]["warped"])
    whole.on_epoch_begin()
    whole.on_epoch_end()
    assert np.array_equal(whole[0][0]["b"]["target"], PairedBatches(faces, 64, 2, seed=3).batch(4)["b"]["target"])


class Mean(keras.Model):
    """Reports the mean of A's inputs as its loss, so that `fit` tells which batches it was given."""

    def __init__(self):
        super().__init__()
        self.factor = self.add_weight(shape=(), initializer="ones")
        self.built = True

    def call(self, inputs):
        return self.factor * keras.ops.mean(inputs["a"]["warped"])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_fit_takes_every_batch_once_whatever_the_number_of_workers(faces, workers):
    batches = PairedBatches(faces, 64, 2, steps=3, seed=3, first_batch=5, workers=workers)
    means = [batches.batch(number)["a"]["warped"].mean() for number in range(5, 11)]
    model = Mean()
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(batches, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert history == pytest.approx([np.mean(means[:3]), np.mean(means[3:])], rel=1e-4)


def test_a_folder_of_mixed_images_is_read_at_256(faces, tmp_path):
    cv2.imwrite(str(tmp_path / "large.png"), cv2.resize(faces["a"].images[0], (400, 500)))
    cv2.imwrite(str(tmp_path / "small.jpg"), faces["a"].images[1][:100, :80])
    cv2.imwrite(str(tmp_path / "grey.png"), faces["a"].images[2][..., 0])
    assert FaceSet.load(tmp_path).images.shape == (3, 256, 256, 3)


def test_missing_masks_and_images_are_named(face_folders):
    folder, masks = face_folders / "faceA", face_folders / "binary_masks" / "faceA_eyes"
    loaded = FaceSet.load(folder, {"eyes": masks})
    assert len(loaded) == 6 and loaded.masks["eyes"].shape == (6, 256, 256)
    (masks / "face3.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 6 images have no mask.*face3\.png"):
        FaceSet.load(folder, {"eyes": masks})
    with pytest.raises(FileNotFoundError, match="no images in"):
        FaceSet.load(face_folders / "faceC")
    (folder / "face1.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"face1\.png"):
        FaceSet.load(folder)
