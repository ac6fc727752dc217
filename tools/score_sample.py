"""Convert the sample clip with the model that comes with the project, and score the result against the truth.

python -m tools.score_sample
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.evaluation import ClipScores, score_clip, write_report
from fsgan_utils.evaluation.footage import NO_SWAP, SWAP, TRUTH
from fsgan_utils.evaluation.meanings import SCORES
from fsgan_utils.images import write_bytes, write_image
from fsgan_utils.training import load_model
from fsgan_utils.workspace import PROJECT
from tools.demo import CLIPS, TARGET, TRAINING_CLIPS, contact_sheet
from tools.demo import TRUTH as TRUE_CLIP


def main() -> None:
    """Convert, score, and leave video, table, report and pictures in one folder."""
    arguments = _parse_arguments()
    folder = arguments.output.resolve()
    swapped = folder / "a_target_swapped.mp4"
    convert_video(CLIPS / TARGET, swapped, load_model(arguments.model), ConvertConfig(layout="result"))
    galleries = {f"gallery_{side.lower()}": [CLIPS / clip for clip in clips] for side, clips in TRAINING_CLIPS.items()}
    scores = score_clip(swapped, CLIPS / TARGET, CLIPS / TRUE_CLIP, **galleries)
    write_bytes(folder / "scores.md", markdown_table(scores).encode())
    write_image(folder / "before_after.jpg", contact_sheet((CLIPS / TARGET, swapped, CLIPS / TRUE_CLIP)))
    print(markdown_table(scores), f"report: {write_report(scores, folder / 'report.html')}", sep="\n")


def markdown_table(scores: ClipScores) -> str:
    """The scores of swap, no swap and truth as a table in Markdown."""
    lines = ["| score | swap | no swap | truth | good |", "|---|---|---|---|---|"]
    for name, meaning in SCORES.items():
        values = [meaning.shown(scores.summary(of)[name]) for of in (SWAP, NO_SWAP, TRUTH)]
        lines.append(f"| {meaning.title} (`{name}`) | {' | '.join(values)} | {meaning.wanted} |")
    return "\n".join(lines) + "\n"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    model, output = PROJECT / "data" / "models" / "sample_pair", PROJECT / "runs" / "score_sample"
    parser.add_argument("--model", type=Path, default=model, help="folder of the model")
    parser.add_argument("--output", type=Path, default=output, help="folder for video, table, report and pictures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
