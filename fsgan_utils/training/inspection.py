"""What is measured of every image of a training folder before the training begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.embedding import BATCH, Embedder, compared_part
from fsgan_utils.extraction.quality import blur, head_pose, thumbnail
from fsgan_utils.faces import CROPS, FULL_CENTRE, FULL_SCALE, Alignment
from fsgan_utils.images import list_images, load_image, square_image
from fsgan_utils.landmarks import MESH_LIPS, MESH_TO_68, FaceMesh, five_points
from fsgan_utils.masks import eye_mask, outline_mask, region_mask, widened
from fsgan_utils.masks.finding import ALIGNED_FACE_BOX

SIZE = 256
"""Side at which images are looked at, as the training brings them; pixels."""
MOST_EMBEDDED = 1000
"""Faces of a folder whose identity is compared; of more, these many are drawn."""
MOST_OFFSET, MOST_ROTATION, SCALES = 0.09, 10.0, (0.75, 1.25)
"""How an aligned crop may lie off the template: parts of its side, degrees, and sizes. On the sample clips crops lie
within .08, 9° and .88 to 1.12 where MTCNN aligned them, for FaceMesh sees the five points a little otherwise; a crop of
the other kind is .72 as large at most, or 1.36 at least."""
MOST_EYES = 0.3
"""Part of an image above which a mask does not mark eyes; on the sample clips they are .03, crude boxes .07."""
MOST_HIDDEN = 0.4
"""Part of a face's hull that its outline may leave out, see `skin_outlines`."""
DRAWN = {
    "eyes": lambda mesh: eye_mask(mesh[MESH_TO_68], SIZE),
    "mouth": lambda mesh: widened(region_mask(mesh[None, MESH_LIPS], SIZE)),
    "face": lambda mesh: outline_mask(mesh, SIZE),
}
"""By name, what a mask should look like, from the mesh (468, 2) of its face."""


@dataclass(eq=False)
class Inspection:
    """What was measured of a folder. Arrays have one row for each image that could be read.

    Attributes:
        side: "A" or "B".
        folder: the folder.
        masks: by name ("eyes", "mouth", "face"), the folder of masks.
        paths: images that could be read.
        unreadable: by image that could not, why.
        blurs: float (N,), as `quality.blur`.
        thumbnails: float32 (N, 1024), as `quality.thumbnail`.
        seen: bool (N,), whether FaceMesh sees a face where an aligned crop has it.
        meshes: float32 (N, 468, 3), in pixels of the image at 256; of use where a face is seen.
        aligned: bool (N,), whether the face lies as in an aligned crop of the kind that is expected.
        other_crop: bool (N,), whether it lies as in one of another kind.
        poses: float (N, 3), yaw, pitch and roll in degrees, as `quality.head_pose`.
        embedded: int (K,), the images whose identity was looked at.
        embeddings: float32 (K, D), of length 1.
    """

    side: str
    folder: Path
    masks: Mapping[str, Path]
    paths: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    blurs: np.ndarray = field(default_factory=lambda: np.zeros(0))
    thumbnails: np.ndarray = field(default_factory=lambda: np.zeros((0, 1024), np.float32))
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    meshes: np.ndarray = field(default_factory=lambda: np.zeros((0, 468, 3), np.float32))
    aligned: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    other_crop: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    poses: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    embedded: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    embeddings: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def name(self) -> str:
        """What the folder is called in messages."""
        return f"face{self.side}"

    @classmethod
    def of(
        cls,
        side: str,
        folder: Path,
        masks: Mapping[str, Path],
        finder: FaceMesh,
        embedder: Embedder,
        crop: str = "full",
        seed: int = 0,
    ) -> Inspection:
        """Look at every image of a folder.

        Args:
            side: "A" or "B".
            folder: images of any format and size; none is an empty inspection.
            masks: by name, the folder of their masks.
            finder: looks for the face.
            embedder: compares identities.
            crop: the kind of crop that is expected.
            seed: start of the draw among more than `MOST_EMBEDDED` images.
        """
        result = cls(side, folder, masks)
        rows, identities = [], _Identities(embedder)
        paths = list_images(folder)
        drawn = set(np.random.default_rng(seed).permutation(len(paths))[:MOST_EMBEDDED].tolist())
        for number, path in enumerate(tqdm(paths, f"checking {result.name}", unit="image")):
            try:
                image = square_image(load_image(path), SIZE)
            except ValueError as error:
                result.unreadable[path] = str(error)
                continue
            mesh, score = finder.detect(image, ALIGNED_FACE_BOX * SIZE, looks=2)
            seen, lies = score >= finder.least_score, {kind: lies_aligned(mesh, kind) for kind in CROPS}
            compared = image if lies["half"] or not seen else _aligned(image, mesh, "half")  # as blur's limits are
            if seen and number in drawn:
                identities.add(len(result.paths), _portrait(image, mesh, lies))
            other = not lies[crop] and any(lies.values())
            repeated = half_of_full(image) if lies["full"] and not lies["half"] else compared
            rows.append((blur(compared), thumbnail(repeated), seen, mesh, lies[crop], other, head_pose(mesh)))
            result.paths.append(path)
        if rows:
            columns = [np.array(column) for column in zip(*rows, strict=True)]
            result.blurs, result.thumbnails, result.seen, result.meshes = columns[:4]
            result.aligned, result.other_crop, result.poses = columns[4:]
        result.embedded, result.embeddings = identities.finish()
        return result

    def mask_fits(self, name: str, folder: Path) -> dict[int, float]:
        """Compare masks, those of eyes and mouth widened as the training does it, with the faces that are seen.

        Args:
            name: "eyes", "mouth" or "face".
            folder: masks 256×256 under the images' stems.

        Returns:
            By number of the image, for each with a face and a mask of that size, 0 (apart) to 1 (fits); see
            `overlap`.

        Raises:
            ValueError: there are no masks of that name.
        """
        if name not in DRAWN:
            raise ValueError(f"masks must be named {', '.join(DRAWN)}. Received: {name!r}")
        fits: dict[int, float] = {}
        for number in np.flatnonzero(self.seen & (self.aligned | self.other_crop)):
            file = folder / f"{self.paths[number].stem}.png"
            mask = _read_mask(file) if file.exists() else None
            if mask is not None:
                used = mask if name == "face" else widened(mask)
                fits[int(number)] = overlap(DRAWN[name](self.meshes[number, :, :2]), used, name)
        return fits


def lies_aligned(mesh: np.ndarray, crop: str = "full") -> bool:
    """Tell whether a face lies in its image as the alignment puts it.

    Args:
        mesh: (468, 3), in pixels of an image of side 256.
        crop: the kind of crop.
    """
    moved = Alignment.from_landmarks(five_points(mesh) / SIZE, 1, crop).inverse
    scale = float(np.sqrt(np.linalg.det(moved[:, :2])))
    rotation = float(np.degrees(np.arctan2(moved[1, 0], moved[0, 0])))
    offset = float(np.linalg.norm(moved @ (0.5, 0.5, 1) - 0.5))
    return offset <= MOST_OFFSET and abs(rotation) <= MOST_ROTATION and SCALES[0] <= scale <= SCALES[1]


def overlap(expected: np.ndarray, mask: np.ndarray, name: str) -> float:
    """Measure how well a mask lies where it should.

    Eye masks are drawn wider by some methods than by others, and may hold the mouth as well: what they have in common
    is compared with the smaller one, unless the mask is far too large. The outline of a mouth is compared with the
    union of both. So is a face's, but up to `MOST_HIDDEN` of it may lack, for hair may hang before it.

    Args:
        expected: uint8 (256, 256).
        mask: uint8 (256, 256).
        name: "eyes", "mouth" or "face".

    Returns:
        0 (apart) to 1 (fits).
    """
    one, other = expected > 127, mask > 127
    common, sizes = int((one & other).sum()), (int(one.sum()), int(other.sum()))
    if name == "eyes" and sizes[1] <= MOST_EYES * other.size:
        return common / max(1, min(sizes))
    if name == "face":
        sizes = (max(sizes[1], round((1 - MOST_HIDDEN) * sizes[0])),) * 2
    return common / max(1, sum(sizes) - common)


def _aligned(image: np.ndarray, mesh: np.ndarray, crop: str) -> np.ndarray:
    return Alignment.from_landmarks(five_points(mesh), SIZE, crop).warp(image)


def _portrait(image: np.ndarray, mesh: np.ndarray, lies: Mapping[str, bool]) -> np.ndarray:
    """What is compared of a face that lies in its image as in one kind of crop, or in none."""
    if lies["half"] and not lies["full"]:
        return image
    return compared_part(image if lies["full"] else _aligned(image, mesh, "full"), "full")


class _Identities:
    """Embeds faces a batch at a time, so that few are held in memory."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._waiting = embedder, list[np.ndarray]()
        self._numbers, self._vectors = list[int](), list[np.ndarray]()

    def add(self, number: int, crop: np.ndarray) -> None:
        self._numbers.append(number)
        self._waiting.append(crop)
        if len(self._waiting) == BATCH:
            self._embed()

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        self._embed()
        return np.array(self._numbers, int), np.concatenate(self._vectors)

    def _embed(self) -> None:
        self._vectors.append(self._embedder.embed(self._waiting))
        self._waiting = []


def half_of_full(image: np.ndarray) -> np.ndarray:
    """What "half" shows of a "full" crop, whatever FaceMesh sees: of a copy that is brighter it sees a little else.

    Args:
        image: uint8 RGB (256, 256, 3), a "full" crop.

    Returns:
        uint8 RGB (256, 256, 3).
    """
    (left, top), side = np.rint(SIZE * (0.5 - FULL_SCALE * np.array(FULL_CENTRE))).astype(int), round(SIZE * FULL_SCALE)
    middle = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(middle, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _read_mask(file: Path) -> np.ndarray | None:
    """Read a mask of the right size; others are reported as mismatches."""
    try:
        mask = load_image(file)[..., 0]
    except ValueError:
        return None
    return mask if mask.shape == (SIZE, SIZE) else None
