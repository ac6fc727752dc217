"""Convert the sample clip with a trained model, and score it: the picture and the table of the README."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.evaluation import ClipScores, score_clip
from fsgan_utils.images import write_bytes, write_image
from fsgan_utils.training import load_model
from tools.demo import CLIPS, RESULT, SAMPLE_MODEL, TARGET, TRAINING_CLIPS, TRUTH, contact_sheet

SCORES = {
    "identity_retrieval": "faces that look more like B than like A",
    "identity_cosine": "likeness to B, by a network that no training uses",
    "expression_error": "lips, eyes and brows off the truth's, in distances of the eyes",
    "ssim_gain": "how much nearer to the truth than without a swap",
    "flicker": "flicker, as a multiple of the source's",
    "jitter": "jitter, as a multiple of the source's",
}
"""What the README's table names, in its words."""


def main() -> None:
    """Write the swapped clip, `swap.jpg` and `scores.md` to a folder."""
    arguments = _parse_arguments()
    swapped = arguments.folder / RESULT
    convert_video(CLIPS / TARGET, swapped, load_model(arguments.model), ConvertConfig(layout="result"))
    a, b = ([CLIPS / clip for clip in clips] for clips in TRAINING_CLIPS.values())
    scores = score_clip(swapped, CLIPS / TARGET, CLIPS / TRUTH, gallery_a=a, gallery_b=b)
    write_image(arguments.folder / "swap.jpg", contact_sheet(swapped))
    write_bytes(arguments.folder / "scores.md", markdown(scores).encode())
    print(markdown(scores))


def markdown(scores: ClipScores) -> str:
    """Lay the scores that the README names out as a table of Markdown."""
    table = scores.table()
    lines = [f"| score | {' | '.join(table.columns)} |", "|---" * (1 + len(table.columns)) + "|"]
    for name, meaning in SCORES.items():
        values = (f"{float(value):.3f}" for value in table.loc[name])
        lines.append(f"| {meaning} (`{name}`) | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the results go")
    parser.add_argument("--model", type=Path, default=SAMPLE_MODEL, help="folder of the trained model")
    return parser.parse_args()


if __name__ == "__main__":
    main()
