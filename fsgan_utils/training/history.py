"""The losses of a training, kept beside the model."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from fsgan_utils.images import write_bytes


@dataclass
class History:
    """Mean losses between one point of a training and the next, and scores at some of these points.

    Attributes:
        path: the CSV file it is saved to.
        rows: each with `iteration`, the last of its stretch, the mean of every tracked loss and, where the model was
            scored, the scores.
    """

    path: Path
    rows: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, iteration: int) -> History:
        """Read the history of a training up to an iteration; an empty one if there is none yet.

        Raises:
            ValueError: the file is not such a history.
        """
        if not path.exists():
            return cls(path)
        with path.open(newline="") as file:
            try:
                rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
                return cls(path, [row for row in rows if row["iteration"] <= iteration])
            except (TypeError, ValueError, KeyError) as error:
                raise ValueError(f"{path} is not a history of losses ({error}); move it away to start anew") from error

    def append(self, iteration: int, losses: dict[str, float]) -> None:
        """Add the mean losses of the stretch that ends at an iteration."""
        self.rows.append({"iteration": float(iteration), **losses})

    def save(self) -> None:
        """Write the file, whole."""
        text = io.StringIO()
        if self.rows:
            writer = csv.DictWriter(text, list(dict.fromkeys(name for row in self.rows for name in row)), restval="nan")
            writer.writeheader()
            writer.writerows(self.rows)
        write_bytes(self.path, text.getvalue().encode())
