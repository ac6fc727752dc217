"""How well a swap can score at most: the true face itself, laid where a swap's crop would put it.

Run `python -m benchmarks.studies.placement`. In each frame of `b_target.mp4` the true face is cut out as its own crop
and laid at the place of A's crop in `a_target.mp4`, as a perfect network would draw it; or moved so that its eyes lie
on A's, or all its points where the sample model would have B's. What is left of the gain in structural similarity is
all that a swap aligned in this way can reach.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from fsgan_utils.evaluation.expression import expression_error
from fsgan_utils.evaluation.likeness import oval, pixel_scores
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import Alignment, estimate_similarity
from fsgan_utils.heads import Proportions
from fsgan_utils.landmarks import MESH_EYES, FaceMesh, five_points
from fsgan_utils.training import load_model
from fsgan_utils.video import read_frames
from tools.demo import CLIPS, SAMPLE_MODEL, TARGET, TRUTH

SIDE = 256
WAYS = {
    "no swap": None,
    "crops of both, half": "half",
    "crops of both, full": "full",
    "eyes on eyes": "eyes",
    "as the sample model lays it": "guided",
}


def main() -> None:
    """Measure every way and print a table."""
    clips = [[frame.image for frame in read_frames(CLIPS / clip)] for clip in (TARGET, TRUTH)]
    finder = FaceMesh()
    pairs = list(zip(*clips, *(_meshes(clip, finder) for clip in clips), strict=True))
    nothing = 0.0
    for name, way in WAYS.items():
        rows = np.array([_scores(*pair, way, finder) for pair in pairs])
        similarity, error = rows.mean(axis=0)
        nothing = similarity if way is None else nothing
        gain = (similarity - nothing) / (1 - nothing)
        print(f"{name:20} SSIM {similarity:.3f}, gain {gain:+.2f}, expression error {error:.3f}")


def _meshes(images: list[np.ndarray], finder: FaceMesh) -> list[np.ndarray]:
    detector = FaceDetector(60)
    return [_mesh(image, detector.detect([image])[0][0].box, finder) for image in images]


def _mesh(image: np.ndarray, box: np.ndarray, finder: FaceMesh) -> np.ndarray:
    return finder.refine(image, finder.detect(image, box, looks=2)[0])


def _scores(
    source: np.ndarray, true: np.ndarray, mesh: np.ndarray, true_mesh: np.ndarray, way: str | None, finder: FaceMesh
) -> tuple[float, float]:
    """SSIM in the true face's oval, and the error of the expression, in A's crop."""
    place = Alignment.from_landmarks(five_points(mesh), SIDE, "full")
    expected = place.warp(true)
    if way is None:
        laid = place.warp(source)
    elif way in ("eyes", "guided"):
        points = MESH_EYES.ravel() if way == "eyes" else np.arange(len(mesh))
        onto = estimate_similarity(true_mesh[points, :2], (mesh[:, :2] if way == "eyes" else _theirs(mesh))[points])
        moved = cv2.warpAffine(true, onto, true.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        laid = place.warp(moved)
    else:
        own, there = (Alignment.from_landmarks(five_points(one), SIDE, way) for one in (true_mesh, mesh))
        back = cv2.warpAffine(own.warp(true), there.inverse, source.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        laid = place.warp(back)
    box = np.concatenate([place.apply(mesh[:, :2]).min(axis=0), place.apply(mesh[:, :2]).max(axis=0)])
    seen, seen_true = (_mesh(one, box, finder) for one in (laid, expected))
    return pixel_scores(laid, expected, oval(true_mesh, place))["ssim"], expression_error(seen, seen_true)


@cache
def _proportions() -> Proportions:
    found = load_model(SAMPLE_MODEL).proportions
    assert found is not None
    return found


def _theirs(mesh: np.ndarray) -> np.ndarray:
    """A's mesh with B's proportions."""
    return _proportions().exchanged(mesh, "a")


if __name__ == "__main__":
    main()
