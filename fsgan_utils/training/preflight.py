"""Before the first iteration: what is wrong with the training images, and what is doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fsgan_utils.embedding import SAME_PERSON, SAME_PERSON_ON_AVERAGE, Embedder, usual_embedder
from fsgan_utils.extraction.quality import RAISED, Selection, find_duplicates, lacking_poses
from fsgan_utils.faces import crop_template
from fsgan_utils.landmarks import FaceMesh
from fsgan_utils.masks.matching import find_mismatches
from fsgan_utils.training.findings import DatasetReport, Finding
from fsgan_utils.training.inspection import Inspection
from fsgan_utils.training.pair import typical_face
from fsgan_utils.workspace import resolve

ENOUGH_FACES = 50
LEAST_FACES = 2
MOST_BLURRED = 0.1
"""Part of a folder that may be blurred before it is said."""
ONE_POSE = 0.8
"""Part of a folder, within 15° of its middle pose, from which on it counts as one pose."""
LEAST_FIT = {"eyes": 0.6, "mouth": 0.4, "face": 0.75}
"""By mask, the least overlap with what FaceMesh sees. On the sample clips right eye masks lie above .88 and right
outlines above .93, right mouths above .65 but for one of .47; of those of other images of the same person, more than
a sixth, nearly half and more than half lie below."""
MOST_MISFITS = 0.1
"""Part of a folder's masks that may not fit before that is an error."""
SWAPPED_GAIN = 0.05
"""How much better masks must fit the other person's images than their own to count as swapped."""
SURELY_ONE = 0.85
"""Likeness of two folders' mean faces from which on they show one person; on the sample clips two people's is .53, one
person's .94 from clip to clip. From `embedding.SAME_PERSON_ON_AVERAGE` on it is said."""
FEWEST_TO_TELL = 3
"""Faces a folder needs for a stranger to be told from its person."""

Fits = Mapping[int, float]
"""By number of the image, how well its mask fits."""


def check_dataset(
    face_a: str | Path,
    face_b: str | Path,
    masks_a: Mapping[str, Path] | None = None,
    masks_b: Mapping[str, Path] | None = None,
    embedder: Embedder | None = None,
    limits: Selection | None = None,
    crop: str = "full",
) -> DatasetReport:
    """Look at all training images and masks, and collect what is wrong; nothing is changed and nothing stops early.

    Errors are: fewer than two images; images that cannot be read; masks that do not agree with the images one to one,
    that belong to the other person, or of which more than one in ten does not lie on its face; a folder most of whose
    images show no face, or an unaligned one; the same person in both folders. Warnings are: fewer than 50 images; a
    stranger's faces; more than one blurred face in ten; images that repeat others; mostly one pose; single images
    without a face, unaligned, or with a mask that does not fit.

    Args:
        face_a: folder of person A's aligned faces.
        face_b: folder of person B's.
        masks_a: by name ("eyes", "mouth", "face"), the folder of A's masks, as for `FaceSet.load`.
        masks_b: the same for B.
        embedder: tells people apart; None stands for `usual_embedder()`, which the limits were measured with.
        limits: its `max_blur` and `max_similarity` count; None stands for `Selection()`.
        crop: how the model's faces are cut, "half" or "full"; images cut otherwise are an error.

    Raises:
        FileNotFoundError: the networks' weights are not in `data/weights`.
        ValueError: there is no such crop, or there are no masks of such a name.
    """
    crop_template(crop)
    finder, embedder, limits = FaceMesh(), embedder or usual_embedder(), limits or Selection()
    sides = [
        Inspection.of(
            side, resolve(folder), {name: resolve(path) for name, path in (masks or {}).items()}, finder, embedder, crop
        )
        for side, folder, masks in (("A", face_a, masks_a), ("B", face_b, masks_b))
    ]
    report = DatasetReport({side.side: len(side.paths) for side in sides})
    for side in sides:
        _check_files(side, report)
        _check_faces(side, report)
        _check_crop(side, crop, report)
        _check_quality(side, limits, report)
        _check_strangers(side, sides, report)
    _check_people(sides, report)
    _check_masks(sides, report)
    return report


def _check_files(side: Inspection, report: DatasetReport) -> None:
    if side.unreadable:
        message = f"{len(side.unreadable)} images of {side.name} cannot be read; replace them or take them out"
        report.errors.append(Finding("unreadable", side.side, message, tuple(side.unreadable)))
    count = len(side.paths)
    if count < LEAST_FACES:
        message = f"there {_are(count, 'image')} in {side.folder}; run notebook 1 with use_for = {side.side!r}"
        report.errors.append(Finding("few_faces", side.side, message))
    elif count < ENOUGH_FACES:
        message = f"{side.name} has only {count} images; a good likeness needs {ENOUGH_FACES} at least, better hundreds"
        report.warnings.append(Finding("few_faces", side.side, message))


def _check_faces(side: Inspection, report: DatasetReport) -> None:
    aligned = side.aligned | side.other_crop
    serious = 2 * int((side.seen & aligned).sum()) < len(side.paths)
    for kind, found, words in (
        ("no_face", ~side.seen, "show no face where an aligned one lies"),
        ("unaligned", side.seen & ~aligned, "show a face that is not aligned"),
    ):
        files = _chosen(side, found)
        if files:
            message = (
                f"{len(files)} of {len(side.paths)} images of {side.name} {words}; align the faces with notebook 1, "
                "and take out what is no face"
            )
            (report.errors if serious else report.warnings).append(Finding(kind, side.side, message, files))


def _check_crop(side: Inspection, crop: str, report: DatasetReport) -> None:
    files = _chosen(side, side.seen & side.other_crop)
    if files:
        serious = len(files) > MOST_MISFITS * len(side.paths)
        message = (
            f"{len(files)} of {len(side.paths)} images of {side.name} are cut otherwise than the model's crop "
            f"({crop!r}); cut them with crop = {crop!r} in notebook 1, or choose the other crop for the model"
        )
        (report.errors if serious else report.warnings).append(Finding("other_crop", side.side, message, files))


def _check_quality(side: Inspection, limits: Selection, report: DatasetReport) -> None:
    count = len(side.paths)
    blurred = _chosen(side, side.blurs > (1 if limits.max_blur is None else limits.max_blur))
    if len(blurred) > MOST_BLURRED * count:
        message = f"{len(blurred)} of {count} images of {side.name} are blurred; the result will be no sharper"
        report.warnings.append(Finding("blurred", side.side, message, blurred))
    repeated = _chosen(side, find_duplicates(side.thumbnails, limits.max_similarity) >= 0)
    if repeated:
        message = f"{len(repeated)} of {count} images of {side.name} repeat others; more of the same teaches nothing"
        report.warnings.append(Finding("duplicates", side.side, message, repeated))
    yaw, pitch = side.poses[side.seen, :2].T
    if len(yaw) >= FEWEST_TO_TELL:
        near = (np.abs(yaw - np.median(yaw)) <= RAISED) & (np.abs(pitch - np.median(pitch)) <= RAISED)
        if near.mean() >= ONE_POSE:
            message = (
                f"{near.sum()} of {len(yaw)} faces of {side.name} have one pose, about {np.median(yaw):.0f}° aside and "
                f"{np.median(pitch):.0f}° up; add others: {'; '.join(lacking_poses(yaw, pitch))}"
            )
            report.warnings.append(Finding("one_pose", side.side, message, _chosen(side, side.seen)))


def _check_strangers(side: Inspection, sides: Sequence[Inspection], report: DatasetReport) -> None:
    if len(side.embeddings) < FEWEST_TO_TELL:
        return
    strange = side.embeddings @ typical_face(side.embeddings) < SAME_PERSON
    files = tuple(side.paths[number] for number in side.embedded[strange])
    if not files:
        return
    (other,) = (inspection for inspection in sides if inspection is not side)
    message = f"{len(files)} of {len(side.embeddings)} faces of {side.name} look like somebody else; take them out"
    if len(other.embeddings):
        count = int((side.embeddings[strange] @ typical_face(other.embeddings) >= SAME_PERSON).sum())
        message += f"; {count} of them look like {other.name}" if count else ""
    report.warnings.append(Finding("stranger", side.side, message, files))


def _check_people(sides: Sequence[Inspection], report: DatasetReport) -> None:
    if not all(len(side.embeddings) for side in sides):
        return
    likeness = float(np.dot(*(typical_face(side.embeddings) for side in sides)))
    if likeness >= SURELY_ONE:
        message = (
            f"faceA and faceB show the same person (likeness {likeness:.2f}, two people have less than "
            f"{SURELY_ONE}); put the other person's faces into one of them"
        )
        report.errors.append(Finding("same_person", "", message))
    elif likeness >= SAME_PERSON_ON_AVERAGE:
        message = f"faceA and faceB look much alike (likeness {likeness:.2f}); make sure that they are two people"
        report.warnings.append(Finding("same_person", "", message))


def _check_masks(sides: Sequence[Inspection], report: DatasetReport) -> None:
    fits = {side.side: {name: side.mask_fits(name, folder) for name, folder in side.masks.items()} for side in sides}
    swapped = [name for name in sides[0].masks if name in sides[1].masks and _are_swapped(sides, name, fits)]
    for name in swapped:
        folders = " and ".join(str(side.masks[name]) for side in sides)
        message = f"the {name} masks of faceA and faceB are swapped; exchange the folders {folders}"
        report.errors.append(Finding("masks_swapped", "", message))
    for side in sides:
        for name in [name for name in side.masks if name not in swapped and (side.paths or side.unreadable)]:
            _check_matches(side, name, report)
            _check_fits(side, name, fits[side.side][name], report)


def _are_swapped(sides: Sequence[Inspection], name: str, fits: Mapping[str, Mapping[str, Fits]]) -> bool:
    """Tell whether masks belong to the other side: by their file names, or because they fit its faces better."""
    one, other = sides
    crossed = ((one, other.masks[name]), (other, one.masks[name]))
    own_names = sum(_count_masks(side, side.masks[name]) for side in sides)
    other_names = sum(_count_masks(side, folder) for side, folder in crossed)
    if other_names > 2 * own_names:
        return True
    own = _mean([fits[side.side][name] for side in sides])
    return other_names > 0 and _mean([side.mask_fits(name, folder) for side, folder in crossed]) > own + SWAPPED_GAIN


def _check_matches(side: Inspection, name: str, report: DatasetReport) -> None:
    for line in find_mismatches([*side.paths, *side.unreadable], side.masks[name]):
        message = f"{name} masks of {side.name}: {line}; run notebook 2 again"
        report.errors.append(Finding("masks_mismatched", side.side, message))


def _check_fits(side: Inspection, name: str, fits: Fits, report: DatasetReport) -> None:
    files = tuple(side.paths[number] for number, fit in fits.items() if fit < LEAST_FIT[name])
    if files:
        serious = len(files) > MOST_MISFITS * len(fits)
        message = (
            f"{len(files)} of {len(fits)} {name} masks of {side.name} do not lie on their faces; run notebook 2 again"
        )
        masks = tuple(side.masks[name] / f"{path.stem}.png" for path in files)
        finding = Finding("masks_do_not_fit", side.side, message, files, masks)
        (report.errors if serious else report.warnings).append(finding)


def _count_masks(side: Inspection, folder: Path) -> int:
    """Count the images that have a mask of their name in a folder."""
    return len([path for path in side.paths if (folder / f"{path.stem}.png").exists()])


def _mean(fits: Sequence[Fits]) -> float:
    values = [fit for side in fits for fit in side.values()]
    return float(np.mean(values)) if values else 0.0


def _chosen(side: Inspection, which: np.ndarray) -> tuple[Path, ...]:
    return tuple(side.paths[number] for number in np.flatnonzero(which))


def _are(count: int, noun: str) -> str:
    return f"is only {count} {noun}" if count else f"is no {noun}"
