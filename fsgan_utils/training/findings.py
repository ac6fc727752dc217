"""What a look at the training images found: the report of `check_dataset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fsgan_utils.images import load_image, spread, square_image
from fsgan_utils.masks import tint
from fsgan_utils.training.inspection import SIZE

SHOWN_NAMES = 5


class DatasetError(ValueError):
    """The training images cannot be trained with."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: "unreadable", "few_faces", "no_face", "unaligned", "other_crop", "blurred", "duplicates",
            "one_pose", "stranger", "same_person", "masks_mismatched", "masks_do_not_fit" or "masks_swapped".
        side: "A" or "B", or "" if it concerns both.
        message: what, how many, and what to do.
        files: the images concerned; none if all are.
        masks: the masks of those images, if it concerns them.
    """

    kind: str
    side: str
    message: str
    files: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()

    def __str__(self) -> str:
        """The message with the first names."""
        return self.message + (f" ({_names(self.files)})" if self.files else "")

    def pictures(self, count: int = 8) -> tuple[list[np.ndarray], list[str]]:
        """Take a few of the images, spread evenly, with their masks in red.

        Returns:
            uint8 RGB (256, 256, 3) each, and their names; none where there is nothing to see.
        """
        if self.kind == "unreadable":
            return [], []
        chosen = spread(len(self.files), count)
        images = [square_image(load_image(self.files[index]), SIZE) for index in chosen]
        if self.masks:
            shown = [load_image(self.masks[index])[..., 0] for index in chosen]
            images = [tint(image, mask) for image, mask in zip(images, shown, strict=True)]
        return images, [self.files[index].name for index in chosen]


@dataclass(frozen=True)
class DatasetReport:
    """What `check_dataset` found.

    Attributes:
        faces: by side, "A" and "B", the images that could be read.
        errors: what makes the training fail.
        warnings: what makes its result worse.
    """

    faces: Mapping[str, int]
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All of them, errors first."""
        return [*self.errors, *self.warnings]

    def __str__(self) -> str:
        """One line for each finding."""
        lines = [", ".join(f"face{side}: {count} images checked" for side, count in self.faces.items())]
        lines += [f"error: {finding}" for finding in self.errors]
        lines += [f"warning: {finding}" for finding in self.warnings]
        return "\n".join([*lines, *([] if self.findings else ["nothing is wrong with them"])])

    def raise_if_errors(self) -> None:
        """Stop if there is an error.

        Raises:
            DatasetError: lists every error.
        """
        if self.errors:
            lines = "\n".join(f"  {finding}" for finding in self.errors)
            raise DatasetError(f"the training images have errors, and training would fail or be in vain:\n{lines}")


def _names(files: Sequence[Path]) -> str:
    return ", ".join([path.name for path in files[:SHOWN_NAMES]] + ["…"] * (len(files) > SHOWN_NAMES))
