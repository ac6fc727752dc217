"""What the scores mean: in words, and which values are good and bad."""

from __future__ import annotations

from dataclasses import dataclass

HIGH, LOW = "high", "low"


@dataclass(frozen=True)
class Meaning:
    """What a score says.

    Attributes:
        title: its name in words.
        text: one sentence about it.
        group: what it is about.
        best: which values are better, "high" or "low".
        good: from here on a swap is good.
        bad: from here on it is not.
        digits: decimal places worth showing.
        needs_truth: whether it is only known with a truth clip.
        remedy: what to do where it is not good.
    """

    title: str
    text: str
    group: str
    best: str
    good: float
    bad: float
    digits: int = 2
    needs_truth: bool = False
    remedy: str = ""

    def verdict(self, value: float | None) -> str:
        """Say whether a value is "good", "fair" or "poor"; "unknown" for None."""
        if value is None:
            return "unknown"
        sign = 1 if self.best == HIGH else -1
        if sign * value >= sign * self.good:
            return "good"
        return "poor" if sign * value <= sign * self.bad else "fair"

    @property
    def wanted(self) -> str:
        """From where on a swap is good, such as "≥ 0.95"."""
        return f"{'≥' if self.best == HIGH else '≤'} {self.shown(self.good)}"

    def shown(self, value: float | None) -> str:
        """Write a value; why there is none where it is None."""
        if value is None:
            return "needs a truth clip" if self.needs_truth else "not measured"
        return f"{value:.{self.digits}f}"


WHO, WHAT, LOOKS, STEADY = "Who it is", "What the face does", "How it looks", "From frame to frame"

SCORES = {
    "identity_retrieval": Meaning(
        "Taken for B",
        "Part of the frames in which the most similar picture of both galleries shows the person put in.",
        *(WHO, HIGH, 0.95, 0.5),
    ),
    "identity_cosine": Meaning(
        "Likeness to B",
        "Cosine similarity to the mean of the pictures of the person put in, by a network that training never uses.",
        *(WHO, HIGH, 0.955, 0.925, 3),
    ),
    "identity_cosine_a": Meaning(
        "Likeness to A",
        "The same for the person who is replaced. It should fall to what two different people have in common.",
        *(WHO, LOW, 0.905, 0.945, 3),
    ),
    "missed_faces": Meaning(
        "Missed faces",
        "Frames whose face was left as it was, or in which no face is found any more.",
        *(WHO, LOW, 0, 1, 0),
    ),
    "wrong_faces": Meaning("Wrong faces", "Other people's faces that were changed.", *(WHO, LOW, 0, 1, 0)),
    "expression_error": Meaning(
        "Expression error",
        "Mean distance of the points of brows, eyes and lips from the true ones, in distances between the eyes.",
        *(WHAT, LOW, 0.025, 0.045, 3, True),
    ),
    "expression_match": Meaning(
        "Expression match",
        "Correlation of how brows, eyes and lips leave their resting place with how the source's do; no truth needed.",
        *(WHAT, HIGH, 0.7, 0.45),
    ),
    "mouth_closed": Meaning(
        "Closed mouths",
        "How far the lips are parted where the source's are closed, in distances between the eyes.",
        *(WHAT, LOW, 0.02, 0.04, 3),
        remedy="Add training images of both people with closed mouths, and train on.",
    ),
    "mouth_open": Meaning(
        "Open mouths",
        "How far the mouth opens where the source's is open, as a share of that; 0.5 is a mouth half shut.",
        *(WHAT, HIGH, 0.65, 0.5),
        remedy="Add training images of both people with open mouths, and train on.",
    ),
    "eyes_closed": Meaning(
        "Closed eyes",
        "How far the eyes are open where the source's are closed, as a share of how far they usually are.",
        *(WHAT, LOW, 0.15, 0.3),
        remedy="Check that images with closed eyes were not left out as blurred, add some, and train on.",
    ),
    "eyes_open": Meaning(
        "Open eyes",
        "How far the eyes are open where the source's are, each person's counted by how far they usually are.",
        *(WHAT, HIGH, 0.85, 0.7),
        remedy="Add training images with open eyes, and check the eye masks in notebook 2.",
    ),
    "pose_error": Meaning("Pose error", "Angle between the turns of the heads, in degrees.", *(WHAT, LOW, 3, 5, 1)),
    "place_error": Meaning(
        "Place error",
        "How far the eyes are from their place, in distances between the eyes.",
        *(WHAT, LOW, 0.03, 0.06, 3),
    ),
    "gaze_error": Meaning(
        "Gaze error",
        "How far the irises are from their place between the corners of the eyes, in eye widths.",
        *(WHAT, LOW, 0.04, 0.08, 3),
    ),
    "head_turn": Meaning(
        "Turns with the head",
        "How far the face turns where the source's head turns by one degree; a face drawn too flat hardly does.",
        *(WHAT, HIGH, 0.75, 0.6),
        remedy="Add training images of both people that look to the sides, up and down.",
    ),
    "face_slant": Meaning(
        "Straight in the head",
        "How much more than the source's the face leans from its eyes to its mouth, in degrees; a sheared face does.",
        *(WHAT, LOW, 4, 8, 1),
        remedy="Look at the worst moments; add training images of both people with such turns of the head.",
    ),
    "ssim": Meaning(
        "Similarity to the truth",
        "Structural similarity of the luminance within the face's oval.",
        *(LOOKS, HIGH, 0.9, 0.82, 3, True),
    ),
    "ssim_gain": Meaning(
        "Gain in similarity",
        "The part of the way from no swap (0) to the truth (1) that structural similarity has gone.",
        *(LOOKS, HIGH, 0.5, 0.2, 2, True),
    ),
    "psnr": Meaning(
        "Signal to noise", "Peak signal-to-noise ratio within the oval, in dB.", *(LOOKS, HIGH, 22, 19, 1, True)
    ),
    "color_error": Meaning(
        "Colour error",
        "CIEDE2000 between the mean colours within the oval. A face in the scene's light may differ from the truth.",
        *(LOOKS, LOW, 4, 8, 1, True),
    ),
    "feature_distance": Meaning(
        "Feature distance",
        "How differently a face network sees the swap and the truth, at four depths.",
        *(LOOKS, LOW, 0.8, 1.4, 2, True),
    ),
    "blur": Meaning("Blur", "0 sharp, 1 blurred, from brows to mouth without the eyes.", *(LOOKS, LOW, 0.58, 0.72)),
    "fine_detail": Meaning(
        "Sharp beside its surroundings",
        "Detail of 1 to 4 pixels in the face over the source's there: below 0.4 the face looks out of focus.",
        *(LOOKS, HIGH, 0.75, 0.4),
        remedy="Train longer or at a higher resolution; a face much larger than the networks' picture stays soft.",
    ),
    "foreign_bands": Meaning(
        "Hair or shadow on the skin",
        "Percent of temples, cheeks and forehead with a color that neither the skin nor the source has there.",
        *(LOOKS, LOW, 1, 3, 1),
        remedy="Leave out training images in which hair hangs into the face, or convert with a narrower mask.",
    ),
    "objects_painted_over": Meaning(
        "Objects painted over",
        "Percent of the face that a hand, a cup or the like covers in the source, but no longer in the swap.",
        *(LOOKS, LOW, 0.5, 1.5, 1),
        remedy="Convert with a mask that knows what covers the face, or leave these seconds out.",
    ),
    "seam_color": Meaning(
        "Seam, colour",
        "How much larger the step of colour across the border of what was changed is than in the source, of 255.",
        *(LOOKS, LOW, 8, 12, 1),
    ),
    "seam_gradient": Meaning(
        "Seam, edge", "How much steeper the luminance is along that border, of 255 a pixel.", *(LOOKS, LOW, 1.6, 2.2, 1)
    ),
    "sliding": Meaning(
        "Sliding on the head",
        "How far the face moves about on its head, in distances between the eyes, in all but the worst of 20 frames.",
        *(STEADY, LOW, 0.03, 0.06, 3),
        remedy="Convert with less smoothing of the places.",
    ),
    "jitter": Meaning(
        "Jitter",
        "Acceleration of eyelids and lips in the picture over the source's own. 1 is the source.",
        *(STEADY, LOW, 1.2, 1.6),
    ),
    "flicker": Meaning(
        "Flicker",
        "Change of the face's colours from frame to frame over the source's own. 1 is the source.",
        *(STEADY, LOW, 1.2, 1.5),
    ),
}
"""The scores by the name they have in `ClipScores.summary`, in the order they are shown."""
