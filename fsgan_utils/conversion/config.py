"""The settings of a conversion, checked where they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fsgan_utils.conversion import color, smoothing
from fsgan_utils.extraction.tracking import LANDMARKS
from fsgan_utils.settings import check_kinds, one_of
from fsgan_utils.video import CODECS, check_range

DIRECTIONS = ("AtoB", "BtoA")
OPPOSITE = {"AtoB": "BtoA", "BtoA": "AtoB"}
"""By direction, the other one."""
LAYOUTS = ("result", "pair", "triple", "patch")
MASKS = ("attention", "hull", "both")
KEPT = ("mouth", "eyes")
FACES = ("all", "largest")


@dataclass(frozen=True)
class ConvertConfig:
    """How faces are swapped.

    Attributes:
        direction: "AtoB" turns A's face into B's, "BtoA" the other way round.
        roi_coverage: part of the aligned crop's side that the network sees and replaces, above .5 to 1.
        faces: "all", or the "largest" of each picture only.
        min_score: score a face must have to be swapped, 0 to 1; others are left alone.
        color_correction: how the new face gets the scene's colours: "hist_match", "adain", "adain_xyz", "lab", "mkl",
            "poisson" or "none"; see `fsgan_utils.conversion.color.fit_color`.
        complexion: by "poisson", how much of its own complexion the new face keeps, away from its rim: from 0, the
            scene's alone, to 1.
        mask: what is replaced: what the network says ("attention"), the hull of the face's mesh ("hull"), or what lies
            in "both".
        mask_grow: how far the mask's edge moves outwards, as a part of the crop's side, -.25 to .25; below 0 inwards.
        mask_blur: standard deviation of the blur of the mask's edge, as a part of the crop's side, 0 to .25.
        keep: parts of the source that stay: "mouth" (what is between the lips), "eyes"; both, one or none.
        keep_objects: whether what lies before the face, such as a hand, a cup, a microphone or hair, stays the
            source's; see `fsgan_utils.conversion.covering`. A guided model sees more of it than any other: it knows
            what the face itself looks like.
        forehead: how far above the brows the mask of a guided model reaches, unless it is the "hull": from 0, not at
            all, to 1, as far as the network says. Hair of the person put in that hangs there looks like spots on
            another's forehead.
        face_shape: whose shape the new face has, from 0, that of the face it replaces, to 1, its own. Between faces
            of unlike length, less of its own leaves less of the other's chin in sight. Below 1 for guided models only.
        bend: how far the picture about a face gives way to the outline of the new one, from 0 to 1, wholly, so that
            nobody's chin shows below another's; see `fsgan_utils.conversion.bending`. By guided models only, and not in
            the layout "patch".
        landmarks: what aligns the faces: "facemesh", which also follows them between detections, or "mtcnn", for
            which every frame is searched, as in v2.2. Take what aligned the training images.
        redetect_every: after how many frames the detector searches a whole frame again; only for "facemesh".
        smoothing: how faces are steadied from frame to frame: "two_pass" over each whole shot, without a lag; or, as
            v2.2 did, "kalman" or "moving_average"; or "none".
        cutoff: for "two_pass": movements quicker than so many a second count as trembling.
        steady_colors: standard deviation, in frames, of the Gaussian by which colours and masks are averaged over
            time; 0 fits each frame for itself.
        kalman_noise: process noise of the Kalman filter; smaller is steadier and slower.
        moving_average: share of the past in the moving average, 0 to below 1.
        track: only the face of this track is swapped; None for any.
        identity: only this person's faces are swapped: a number of `people_sheet`, or a tuple of several where one
            person was given more than one; None for anybody's.
        min_face: smallest face that is looked for and swapped, in pixels.
        threshold: score a face must reach in the detector's last stage, 0 to 1.
        factor: ratio of the detector's image pyramid, 0 to 1 exclusive.
        enhance: e in (1 + e) · result − e · source; 0 leaves the result as it is.
        layout: "result", "pair" (source, result) or "triple" (source, result, mask), side by side; or "patch", the new
            faces alone with the mask as opacity, for pictures in a folder.
        start: second at which to begin; None for the beginning.
        stop: second at which to end; None for the end.
        synthetic: state in the metadata of the video, or of each picture, that its faces are generated.
        batch: frames that are worked on together.
        codec: "h264", "hevc" or "vp9"; None for the container's usual one.
        quality: the encoder's constant rate factor, 0 (best; of H.264 a kind that few players show) to 51; None for one
            at which no difference is to be seen.

    Raises:
        ValueError: a value is out of range or of another kind.
    """

    direction: str = "AtoB"
    roi_coverage: float = 0.9
    faces: str = "all"
    min_score: float = 0.5
    color_correction: str = "poisson"
    complexion: float = 0.4
    mask: str = "attention"
    mask_grow: float = 0.0
    mask_blur: float = 0.0
    keep: tuple[str, ...] = ()
    keep_objects: bool = True
    forehead: float = 0.6
    face_shape: float = 1.0
    bend: float = 1.0
    track: int | None = None
    identity: int | tuple[int, ...] | None = None
    landmarks: str = "facemesh"
    redetect_every: int = 12
    smoothing: str = "two_pass"
    cutoff: float = 2.5
    steady_colors: float = 2.0
    kalman_noise: float = 3e-3
    moving_average: float = 0.65
    min_face: float = 35
    threshold: float = 0.7
    factor: float = 0.709
    enhance: float = 0.0
    layout: str = "result"
    start: float | None = None
    stop: float | None = None
    synthetic: bool = True
    batch: int = 8
    codec: str | None = None
    quality: float | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        check_kinds(self)
        one_of("direction", self.direction, DIRECTIONS)
        _check("forehead", self.forehead, 0 <= self.forehead <= 1, "from 0 to 1")
        _check("face_shape", self.face_shape, 0 <= self.face_shape <= 1, "from 0 to 1")
        _check("bend", self.bend, 0 <= self.bend <= 1, "from 0 to 1")
        one_of("color_correction", self.color_correction, color.METHODS)
        _check("complexion", self.complexion, 0 <= self.complexion <= 1, "from 0 to 1")
        one_of("faces", self.faces, FACES)
        one_of("mask", self.mask, MASKS)
        _check("keep", self.keep, isinstance(self.keep, tuple) and set(self.keep) <= set(KEPT), f"a tuple of {KEPT}")
        _check("mask_grow", self.mask_grow, -0.25 <= self.mask_grow <= 0.25, "from -.25 to .25")
        _check("mask_blur", self.mask_blur, 0 <= self.mask_blur <= 0.25, "from 0 to .25")
        _check("min_score", self.min_score, 0 <= self.min_score <= 1, "from 0 to 1")
        one_of("smoothing", self.smoothing, smoothing.METHODS)
        one_of("layout", self.layout, LAYOUTS)
        one_of("landmarks", self.landmarks, LANDMARKS)
        one_of("codec", self.codec, (None, *CODECS))
        _check("redetect_every", self.redetect_every, self.redetect_every >= 1, "1 or more")
        _check("cutoff", self.cutoff, 0 < self.cutoff < math.inf, "above 0")
        _check("steady_colors", self.steady_colors, 0 <= self.steady_colors <= 50, "from 0 to 50 frames")
        _check("quality", self.quality, self.quality is None or 0 <= self.quality <= 51, "None or from 0 to 51")
        _check("roi_coverage", self.roi_coverage, 0.5 < self.roi_coverage <= 1, "above .5 and at most 1")
        _check("kalman_noise", self.kalman_noise, 0 < self.kalman_noise < math.inf, "above 0")
        _check("moving_average", self.moving_average, 0 <= self.moving_average < 1, "from 0 to below 1")
        _check("track", self.track, (self.track or 0) >= 0, "None, or 0 or more")
        people = self.identity if isinstance(self.identity, tuple) else (self.identity or 0,)
        known = bool(people) and all(type(one) is int and one >= 0 for one in people)
        _check("identity", self.identity, known, "None, a whole number from 0 on, or a tuple of such")
        _check("min_face", self.min_face, self.min_face >= 12, "at least 12 pixels")
        _check("threshold", self.threshold, 0 <= self.threshold <= 1, "from 0 to 1")
        _check("factor", self.factor, 0 < self.factor < 1, "between 0 and 1")
        _check("enhance", self.enhance, 0 <= self.enhance < math.inf, "0 or more")
        _check("batch", self.batch, self.batch >= 1, "1 or more")
        check_range(self.start, self.stop)


def _check(name: str, value: object, holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {expected}. Received: {value!r}")
