"""Reading and writing still images: any common format in, uint8 RGB (H, W, 3) inside, whole files out."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from fsgan_utils.workspace import existing_file, resolve

TEXT_HEIGHT = 22
EXIF_HEAD = b"Exif\0\0"
"""What Pillow puts before a picture's metadata, and OpenCV puts there by itself."""
JPEG = [
    *(cv2.IMWRITE_JPEG_QUALITY, 97),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
]
ENCODING = {".jpg": JPEG, ".jpeg": JPEG, ".png": [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]}
"""How images are encoded; of PNG's filters this one is quickest on faces, and its files are the smallest."""
DEPTHS = (8, 10, 12, 14, 16, 24, 32)
"""Bits that the values of a picture may have."""
SERIES = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")
"""Pillow's names of formats that may hold several pictures, each as good as the first."""
PHOTOMETRIC, WHITE_IS_0 = 262, 0
"""TIFF's tag of what a grey value means, and its value where 0 is white."""
ORDERS = {"RGB": cv2.COLOR_BGR2RGB, "RGBA": cv2.COLOR_BGRA2RGBA}
IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"),
    *(".heic", ".heif"),
)
"""What counts as an image; the last two are phones' and not read here, which is better said than passed over."""


def load_image(path: str | Path) -> np.ndarray:
    """Read an image of any common format.

    Grey, palette and CMYK images become colour; those of more than 8 bits become 8-bit, by the range that they use
    (see `used_bits`); transparent parts become black; colours of another profile, such as phones' Display P3, become
    sRGB; a photo is turned upright as its EXIF tag says.

    Args:
        path: PNG, JPEG, WebP, BMP, TIFF, GIF or whatever else Pillow reads.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the file is empty, cut short or not an image; or it holds several, as an animation does.
    """
    file = existing_file(path)
    try:
        with Image.open(file) as picture:
            _check_single(picture)
            return _to_rgb(ImageOps.exif_transpose(_with_8_bits(file, picture)))
    except UnidentifiedImageError as error:
        raise ValueError(
            f"the image {file} cannot be read (it is no PNG, JPEG, WebP, TIFF of whole numbers or other image that "
            "Pillow knows); replace it by one, or take it out of the folder"
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"the image {file} cannot be read ({error}); replace it or take it out of the folder"
        ) from error


def write_image(path: str | Path, image: np.ndarray, tags: Mapping[int, str] | None = None) -> None:
    """Write an image; the file appears whole or not at all.

    Args:
        path: its suffix says the format; ".jpg" is written at quality 97 with full colour resolution.
        image: uint8 RGB (H, W, 3), RGBA (H, W, 4) or grey (H, W).
        tags: what the picture's metadata say, by the numbers of EXIF.

    Raises:
        ValueError: the array is no such image, or OpenCV knows no format of that suffix.
    """
    file = resolve(path)
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or (pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[2] not in (3, 4))):
        raise ValueError(
            f"expected a uint8 image (H, W, 3), (H, W, 4) or (H, W) for {file}. Received: {pixels.dtype} {pixels.shape}"
        )
    if not cv2.haveImageWriter(file.name):
        raise ValueError(f"no image format is written under the suffix {file.suffix!r} of {file}; use .png or .jpg")
    write_bytes(file, encode_image(file.suffix, pixels, tags))


def encode_image(suffix: str, pixels: np.ndarray, tags: Mapping[int, str] | None = None) -> bytes:
    """Encode an image in the format that a suffix such as ".jpg" says.

    Args:
        suffix: of a file of that format, with its dot.
        pixels: uint8 RGB (H, W, 3), RGB with alpha (H, W, 4) or grey (H, W).
        tags: as for `write_image`.
    """
    orders = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, orders[pixels.shape[2]])
    settings = ENCODING.get(suffix.lower(), [])
    if not tags:
        return cv2.imencode(suffix, stored, settings)[1].tobytes()
    exif = Image.Exif()
    exif.update(tags)
    metadata = np.frombuffer(exif.tobytes()[len(EXIF_HEAD) :], np.uint8)
    kinds = [cv2.IMAGE_METADATA_EXIF]
    return cv2.imencodeWithMetadata(suffix, stored, kinds, [metadata], settings)[1].tobytes()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a passing name beside it, then rename it: it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def list_images(folder: str | Path) -> list[Path]:
    """Paths of the images directly in a folder, by name; an empty list if there is no such folder."""
    directory = resolve(folder)
    if not directory.is_dir():
        return []
    named = [p for p in directory.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    return sorted(path for path in named if path.is_file())


def square_image(image: np.ndarray, size: int = 256) -> np.ndarray:
    """Bring an image to a square: the middle is kept, nothing is stretched.

    Training images and their eye masks both pass through here, so that they keep lying on each other.

    Args:
        image: (H, W, C) or (H, W), uint8.
        size: side of the result in pixels.

    Returns:
        (size, size, C) or (size, size), same dtype; the image itself where it has that size already.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = image[top : top + side, left : left + side]
    if side == size:
        return middle
    return cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)


def contact_sheet(rows: Mapping[str, Sequence[np.ndarray]], side: int = 96) -> np.ndarray:
    """Lay out rows of images, each row under a line of text.

    Args:
        rows: by text, images uint8 RGB (H, W, 3) of any size; each is brought to a square, its middle kept.
        side: of each square in pixels.

    Returns:
        uint8 RGB (H, W, 3), white where nothing is.

    Raises:
        ValueError: there is no row, or a row without an image.
    """
    if not rows or not all(len(images) for images in rows.values()):
        raise ValueError(f"a contact sheet needs rows with at least one image each. Received: {list(rows)}")
    width = side * max(6, *(len(images) for images in rows.values()))
    bands = []
    for text, images in rows.items():
        band = np.full((side + TEXT_HEIGHT, width, 3), 255, np.uint8)
        cv2.putText(band, text, (4, TEXT_HEIGHT - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA)
        squares = np.concatenate([square_image(image, side) for image in images], axis=1)
        band[TEXT_HEIGHT:, : squares.shape[1]] = squares
        bands.append(band)
    return np.concatenate(bands)


def spread(count: int, most: int) -> np.ndarray:
    """Positions of at most `most` of `count` things, at even distances from the first to the last: int (N,)."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))


def limited(image: np.ndarray, side: int) -> np.ndarray:
    """Shrink an image (H, W) or (H, W, C) whose longer side exceeds `side` pixels to that; others stay as they are."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = tuple(max(1, round(extent * scale)) for extent in image.shape[1::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def used_bits(values: np.ndarray) -> int:
    """How many bits a picture's values use, of 8, 10, 12, 14, 16, 24 and 32.

    Cameras, scanners and microscopes leave 10 to 14 bits in files of 16, without a word about it; taken for 16 bits
    these are nearly black.

    Args:
        values: whole numbers of any shape; those below 0 do not count.
    """
    needed = int(values.max(initial=0)).bit_length()
    return next(bits for bits in DEPTHS if bits >= needed)


def _check_single(picture: Image.Image) -> None:
    """Raise ValueError if a file holds several pictures of one size; another size is that of a thumbnail."""
    count = getattr(picture, "n_frames", 1) if picture.format in SERIES else 1
    if picture.format == "TIFF" and count > 1:
        sizes = []
        for number in range(count):
            picture.seek(number)
            sizes.append(picture.size)
        picture.seek(0)
        count = sizes.count(picture.size)
    if count > 1:
        raise ValueError(
            f"it holds {count} pictures, as an animation does, and one was expected; give it as a video (.mp4, or a "
            ".gif by itself), or save the picture that you want"
        )


def _with_8_bits(file: Path, picture: Image.Image) -> Image.Image:
    """Bring a picture of more bits to 8; others stay.

    Pillow keeps the values of grey pictures, and of colours only their upper 8 bits; OpenCV keeps these too.
    """
    if picture.mode == "F":
        raise ValueError("its pixels are floating-point numbers, expected 8 or 16 bits each")
    grey = picture.mode.startswith("I")
    if grey:
        values = np.asarray(picture).astype(np.int64)
        if getattr(picture, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_0:
            values = (1 << used_bits(values)) - 1 - values
    elif picture.mode in ORDERS and _is_deep(picture):
        read = cv2.imread(str(file), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        if read is None or read.dtype != np.uint16 or read.shape[2:] != (len(picture.mode),):
            return picture
        values = cv2.cvtColor(read, ORDERS[picture.mode]).astype(np.int64)
    else:
        return picture
    opaque = values[..., :3]
    shift = used_bits(opaque) - 8
    levels = np.clip(values >> shift, 0, 255).astype(np.uint8)
    if picture.mode == "RGBA":
        levels[..., 3] = values[..., 3] >> 8
    shallow = Image.fromarray(levels)
    shallow.info = {name: value for name, value in picture.info.items() if name != "transparency"}
    shallow.getexif().update(picture.getexif())
    return shallow


def _is_deep(picture: Image.Image) -> bool:
    """Whether a PNG or TIFF in colours has 16 bits a colour, which Pillow tells only by how it will decode them."""
    return picture.format in ("PNG", "TIFF") and any("16" in str(tile.args) for tile in picture.tile)  # type: ignore[attr-defined]


def _to_rgb(picture: Image.Image) -> np.ndarray:
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        opaque = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(opaque, picture.convert("RGBA")).convert("RGB")
    if picture.mode == "P":
        picture = picture.convert("RGB")
    return np.array(_to_srgb(picture, profile).convert("RGB"))


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring a picture from the colours of its ICC profile to sRGB; one that does not fit it stays, as viewers do."""
    if profile is None:
        return picture
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(own):
            return picture
        converted = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    return picture if converted is None else converted
