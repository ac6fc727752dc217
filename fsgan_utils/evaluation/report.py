"""The report on a swapped clip: one HTML file that holds its pictures."""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from fsgan_utils.evaluation.footage import NO_SWAP, SWAP, TRUTH
from fsgan_utils.evaluation.meanings import HIGH, SCORES, Meaning
from fsgan_utils.evaluation.page import PAGE
from fsgan_utils.evaluation.scores import ClipScores
from fsgan_utils.images import encode_image, limited, write_bytes
from fsgan_utils.plotting import draw_courses
from fsgan_utils.video import VideoWriter
from fsgan_utils.workspace import resolve

ORDER = (NO_SWAP, SWAP, TRUTH)
NAMES = {NO_SWAP: "source", SWAP: "swap", TRUTH: "truth"}
MOST_SECONDS, SIDE, THUMBNAIL = 20, 320, 150
"""Length of the clip in the report, in seconds; the longer side of its pictures and of the small ones, in pixels."""
WORST, APART = 5, 3
"""How many of the worst frames are shown, and how many frames they lie apart at least."""
CURVES = (
    *("identity_cosine", "expression_error", "expression_match", "mouth_closed", "eyes_closed", "pose_error"),
    *("gaze_error", "ssim_gain", "feature_distance", "blur", "fine_detail", "foreign_bands", "objects_painted_over"),
    *("seam_color", "sliding", "jitter", "flicker"),
)
"""The scores that are drawn over time."""
SHOWN = (
    *("identity_cosine", "expression_error", "expression_match", "mouth_closed", "mouth_open", "eyes_closed"),
    *("eyes_open", "gaze_error", "face_slant", "ssim_gain", "blur", "fine_detail", "foreign_bands"),
    *("objects_painted_over", "seam_color", "sliding", "jitter", "flicker"),
)
"""The scores whose worst frames are shown."""


def write_report(scores: ClipScores, path: str | Path, title: str = "") -> Path:
    """Write the report on a swapped clip.

    It shows the clips side by side, a table of the scores beside those of "no swap" and of the truth, curves over
    time, and the worst frames of each score. Scores that could not be measured, for want of a truth clip say, are named
    below the table and left out of the rest. Where a score is not good, it says what to do.

    Args:
        scores: from `score_clip`.
        path: the file to write, .html.
        title: its heading; by default the name of the swapped video.

    Returns:
        The file's path.
    """
    file = resolve(path)
    title = title or scores.clips[SWAP].info.path.name
    names = [name for name in ORDER if name in scores.clips]
    curves = _curves(scores)
    page = PAGE.substitute(
        title=html.escape(title),
        about=html.escape(_about(scores)),
        clip=_video(scores, names),
        clip_names="".join(f"<span>{NAMES[name]}</span>" for name in names),
        table=_table(scores),
        unmeasured=html.escape(_unmeasured(scores)),
        curves=draw_courses(scores.times, curves, {name: SCORES[name].title for name in curves}),
        worst="".join(_worst(scores, names)),
    )
    write_bytes(file, page.encode())
    return file


def _about(scores: ClipScores) -> str:
    summary, source = scores.summary(), scores.clips[NO_SWAP].info
    truth = (
        f"compared with the truth in {scores.clips[TRUTH].info.path.name}"
        if TRUTH in scores.clips
        else ("without a truth clip, so that some scores are not known")
    )
    return f"{summary['frames']} frames of {source.path.name}, {summary['faces']} of them with the face, {truth}."


def _table(scores: ClipScores) -> str:
    summaries = {name: scores.summary(name) for name in scores.frames}
    rows, group = [], ""
    for name, meaning in SCORES.items():
        value = summaries[SWAP][name]
        if value is None:
            continue
        if meaning.group != group:
            group = meaning.group
            rows.append(f'<tr class="group"><th colspan="5">{group}</th></tr>')
        cells = "".join(
            f"<td>{_beside(meaning, summaries[other][name]) if other in summaries else '–'}</td>"
            for other in (NO_SWAP, TRUTH)
        )
        rows.append(
            f"<tr><th>{meaning.title}<small>{meaning.text}</small></th>"
            f'<td class="{meaning.verdict(value)}">{meaning.shown(value)}</td>{cells}<td>{meaning.wanted}</td></tr>'
        )
    return "".join(rows)


def _remedy(meaning: Meaning, value: float | None) -> str:
    """What to do about a score that is not good."""
    return f" <b>{meaning.remedy}</b>" if meaning.remedy and meaning.verdict(value) != "good" else ""


def _unmeasured(scores: ClipScores) -> str:
    """Names the scores that are left out, and why."""
    summary = scores.summary()
    names = [f"{one.title} ({one.shown(None)})" for name, one in SCORES.items() if summary[name] is None]
    return f"Not in the table: {', '.join(names)}." if names else ""


def _beside(meaning: Meaning, value: float | None) -> str:
    """A value of the clips beside the swap: a dash where there is none."""
    return "–" if value is None else meaning.shown(value)


def _curves(scores: ClipScores) -> dict[str, dict[str, np.ndarray]]:
    return {
        name: {clip: table[name].to_numpy() for clip, table in scores.frames.items()}
        for name in CURVES
        if _known(scores, name)
    }


def _known(scores: ClipScores, name: str) -> bool:
    return scores.summary()[name] is not None


def _worst(scores: ClipScores, names: Sequence[str]) -> Iterator[str]:
    """A row of pictures for each score."""
    chosen = {name: _worst_frames(scores, name) for name in SHOWN if _known(scores, name)}
    pictures = _pictures(scores, names, {index for frames in chosen.values() for index in frames})
    for name, frames in chosen.items():
        meaning, table = SCORES[name], scores.frames[SWAP]
        figures = "".join(
            f'<figure><img src="{pictures[index]}" alt="frame {index}"><figcaption>{scores.times[index]:.2f} s · '
            f"<b>{meaning.shown(float(table[name][index]))}</b></figcaption></figure>"
            for index in frames
        )
        yield f"<h3>{meaning.title}</h3><div class='worst'>{figures}</div>"


def _worst_frames(scores: ClipScores, name: str) -> list[int]:
    values = scores.frames[SWAP][name].dropna().sort_values(ascending=SCORES[name].best == HIGH)
    chosen: list[int] = []
    for index in values.index:
        if all(abs(index - other) >= APART for other in chosen):
            chosen.append(int(index))
    return chosen[:WORST]


def _pictures(scores: ClipScores, names: Sequence[str], wanted: set[int]) -> dict[int, str]:
    """The face in some frames, of the clips one below the other, as data addresses."""
    pictures = {}
    for index, images in enumerate(zip(*(scores.clips[name].images() for name in names), strict=True)):
        if index in wanted:
            face = scores.subjects[index]
            if face is not None:
                images = tuple(face.whole.warp(image) for image in images)
            stack = np.vstack([limited(image, THUMBNAIL) for image in images])
            pictures[index] = _data_address(encode_image(".jpg", stack), "image/jpeg")
    return pictures


def _video(scores: ClipScores, names: Sequence[str]) -> str:
    """The clips side by side, as a data address."""
    clips = [scores.clips[name] for name in names]
    rate = clips[0].info.rate / clips[0].every
    with tempfile.TemporaryDirectory() as folder:
        file, size = Path(folder) / "clips.mp4", _even_size(clips[0].size)
        with VideoWriter(file, rate=rate, size=(size[0] * len(clips), size[1]), synthetic=True) as writer:
            for index, images in enumerate(zip(*(clip.images() for clip in clips), strict=True)):
                if index < MOST_SECONDS * rate:
                    writer.write(np.hstack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in images]))
        return _data_address(file.read_bytes(), "video/mp4")


def _even_size(size: tuple[int, int]) -> tuple[int, int]:
    """A size of the same shape within the report's limit, both numbers even as video wants them."""
    scale = min(1.0, SIDE / max(size))
    return round(size[0] * scale / 2) * 2, round(size[1] * scale / 2) * 2


def _data_address(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
