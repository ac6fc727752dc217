"""Where things lie: the project's own files, and the folders of a user's workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fsgan_utils.settings import one_of

PROJECT = Path(__file__).resolve().parents[1]
SIDES = ("A", "B")


def resolve(path: str | Path) -> Path:
    """Make a path absolute.

    A relative path counts from the current folder; in a notebook opened in its own folder (`notebooks/`
    or `colab/`) it counts from the project's folder, so that the same path works in Jupyter and in papermill.
    """
    path = Path(path).expanduser()
    in_notebook_folder = Path.cwd() in (PROJECT / "notebooks", PROJECT / "colab")
    return (PROJECT if in_notebook_folder else Path.cwd()) / path


def existing_file(path: str | Path) -> Path:
    """Resolve the path of a file that must be there.

    Raises:
        FileNotFoundError: nothing is there.
        IsADirectoryError: it is a folder.
    """
    resolved = resolve(path)
    if resolved.is_dir():
        raise IsADirectoryError(f"expected a file, found a folder: {resolved}")
    if not resolved.exists():
        raise FileNotFoundError(
            f"there is no file {resolved}; check the path (relative paths count from {resolve('')})"
        )
    return resolved


def weights_file(name: str) -> Path:
    """Path of one of the small pretrained networks in `data/weights`.

    Raises:
        FileNotFoundError: it is not there, because the package was installed without the project's folder.
    """
    path = PROJECT / "data" / "weights" / name
    if not path.exists():
        raise FileNotFoundError(
            f"the pretrained weights {path} are missing; clone the whole project and install it with `pip install -e .`"
        )
    return path


@dataclass(frozen=True)
class Workspace:
    """The folders of one swap, all under `root`.

    Attributes:
        root: the folder; made when something is first written to it.
    """

    root: Path

    def __post_init__(self) -> None:
        """Resolve the root."""
        object.__setattr__(self, "root", resolve(self.root))

    @property
    def faces(self) -> Path:
        """Where notebook 1 leaves the faces of a video."""
        return self.root / "faces"

    def face_folder(self, side: str) -> Path:
        """Training images of person "A" or "B"."""
        return self.root / f"face{_checked(side)}"

    def face_sources(self, side: str) -> Path:
        """File that says from which videos and folders the training images of person "A" or "B" come."""
        return self.root / f"face{_checked(side)}_sources.json"

    def eye_mask_folder(self, side: str) -> Path:
        """Eye masks of the training images of person "A" or "B"."""
        return self.root / "binary_masks" / f"face{_checked(side)}_eyes"

    def mouth_mask_folder(self, side: str) -> Path:
        """Mouth masks of the training images of person "A" or "B"."""
        return self.root / "binary_masks" / f"face{_checked(side)}_mouth"

    def outline_mask_folder(self, side: str) -> Path:
        """Face outlines of the training images of person "A" or "B"."""
        return self.root / "binary_masks" / f"face{_checked(side)}_outline"

    def mask_folders(self, side: str, eyes: bool = True, mouth: bool = True, outline: bool = True) -> dict[str, Path]:
        """Folders of the masks that the training of person "A" or "B" is to use, by the names it calls them."""
        folders = {"eyes": self.eye_mask_folder, "mouth": self.mouth_mask_folder, "face": self.outline_mask_folder}
        used = {"eyes": eyes, "mouth": mouth, "face": outline}
        return {name: folder_of(side) for name, folder_of in folders.items() if used[name]}

    @property
    def previews(self) -> Path:
        """Pictures of the training's progress."""
        return self.root / "previews"

    @property
    def models(self) -> Path:
        """The trained model."""
        return self.root / "models"


def _checked(side: str) -> str:
    one_of("side", side, SIDES)
    return side
