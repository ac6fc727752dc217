"""The sample people as if they were strangers: little or exchanged footage, trained from noise for half an hour.

Run `python -m benchmarks.studies.strangers runs/strangers`. For each pair the faces of its own clips are found, the
compact networks are trained as `FROM_SCRATCH=1 make demo` trains them, only longer, a clip that was never trained on is
converted by the defaults, and the result is scored against the truth.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.studies._training import RESULTS, load_faces
from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.evaluation import ClipScores, score_clip, write_report
from fsgan_utils.evaluation.meanings import SCORES
from fsgan_utils.extraction.quality import head_pose
from fsgan_utils.heads import eye_distance
from fsgan_utils.images import limited, list_images, load_image, write_bytes, write_image
from fsgan_utils.landmarks import MESH_POINTS
from fsgan_utils.masks import FaceFinder, make_masks
from fsgan_utils.training import (
    Augmentation,
    LivePreview,
    TrainConfig,
    learn_proportions,
    load_model,
    open_model,
    train,
)
from fsgan_utils.workspace import SIDES, Workspace
from tools.demo import CLIPS, COMPACT, MOVES, SCRATCH, TARGET, TRAINING_CLIPS, TRUTH, UNLIKE, contact_sheet
from tools.train_sample_pair import MODEL, PARTS, SEED, find_faces

ITERATIONS = 4_500
"""Steps that take about half an hour on one core of an AMD EPYC."""
LIPS = [13, 14]
"""The FaceMesh points in the middle of the inner edges of the lips."""
SHEET_SIDE = 1200


@dataclass(frozen=True)
class Pair:
    """Two people, and what there is of them.

    Attributes:
        clips: by person, "A" and "B", the clips that are trained on.
        target: the clip that is converted.
        truth: the clip that a perfect swap of it would be.
        most_yaw: degrees; faces that are turned further aside are left out.
        talking: whether of B only the half with the wider open mouths is there.
    """

    clips: Mapping[str, tuple[str, ...]]
    target: str = TARGET
    truth: str = TRUTH
    most_yaw: float = 90.0
    talking: bool = False


PAIRS = {
    "narrow": Pair({"A": ("a_train_studio.mp4",), "B": ("b_train_warm.mp4",)}, most_yaw=20, talking=True),
    "exchanged": Pair({"A": TRAINING_CLIPS["B"], "B": TRAINING_CLIPS["A"]}, target=TRUTH, truth=TARGET),
}


def main() -> None:
    """Train, convert and score each pair, and leave scores and pictures in the results."""
    arguments = _parse_arguments()
    for name in arguments.pairs:
        pair, workspace = PAIRS[name], Workspace(arguments.workspace / name)
        if not workspace.models.exists():
            _prepare(pair, workspace)
        _train(workspace, arguments.iterations)
        swapped = workspace.root / "swapped.mp4"
        print(convert_video(CLIPS / pair.target, swapped, load_model(workspace.models), ConvertConfig()))
        galleries = {f"gallery_{side.lower()}": [CLIPS / clip for clip in pair.clips[side]] for side in SIDES}
        scores = score_clip(swapped, CLIPS / pair.target, CLIPS / pair.truth, **galleries)
        print(f"report: {write_report(scores, workspace.root / 'report.html')}")
        _write_results(name, pair, scores, swapped, workspace)


def _prepare(pair: Pair, workspace: Workspace) -> None:
    """Find the faces and leave only those that the pair has."""
    find_faces(workspace, pair.clips)
    finder = FaceFinder()
    for side in SIDES:
        paths = list_images(workspace.face_folder(side))
        meshes = [finder.mesh(load_image(path)) for path in paths]
        kept = np.array(
            [mesh is not None and abs(head_pose(mesh[:MESH_POINTS])[0]) <= pair.most_yaw for mesh in meshes]
        )
        if pair.talking and side == "B":
            gaps = np.array([0.0 if mesh is None else np.ptp(mesh[LIPS, 1]) / eye_distance(mesh) for mesh in meshes])
            kept &= gaps >= np.median(gaps[kept])
        for path in np.array(paths)[~kept]:
            path.unlink()
        print(f"{side}: {kept.sum()} of {len(paths)} faces")
    make_masks(workspace, PARTS)


def _train(workspace: Workspace, iterations: int) -> None:
    """Train from noise, or go on with what was stopped."""
    settings = TrainConfig(
        iterations=iterations,
        batch_size=COMPACT["batch_size"],
        preview_every=SCRATCH["preview_every"],
        backup_every=COMPACT["backup_every"],
        optimizer=COMPACT["optimizer"],
        learning_rate=SCRATCH["learning_rate"],
        beta_1=COMPACT["beta_1"],
        seed=SEED,
    )
    faces = learn_proportions(load_faces(workspace.root), MODEL.crop)
    model = open_model(workspace.models, MODEL, settings)
    preview = LivePreview(faces, workspace.previews, ConvertConfig().roi_coverage)
    train(model, faces, settings, workspace.models, Augmentation(**MOVES, **UNLIKE), preview=preview)


def _write_results(name: str, pair: Pair, scores: ClipScores, swapped: Path, workspace: Workspace) -> None:
    """Add a pair's scores to `results.json`, and draw source, swap and truth."""
    folder, summary = RESULTS / "strangers", scores.summary()
    path = folder / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    counts = {side: len(list_images(workspace.face_folder(side))) for side in SIDES}
    rows = {score: {"value": summary[score], "verdict": SCORES[score].verdict(summary[score])} for score in SCORES}
    results[name] = {"iterations": load_model(workspace.models).iteration, "faces": counts, "scores": rows}
    write_bytes(path, (json.dumps(results, indent=1) + "\n").encode())
    clips = (CLIPS / pair.target, swapped, CLIPS / pair.truth)
    write_image(folder / f"{name}.jpg", limited(contact_sheet(clips), SHEET_SIDE))
    print(f"{name}: poor: {[score for score, row in rows.items() if row['verdict'] == 'poor'] or 'none'}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path, help="folder for images and models of all pairs")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="steps of each training")
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(PAIRS), help="which pairs to train")
    return parser.parse_args()


if __name__ == "__main__":
    main()
