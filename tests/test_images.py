import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from fsgan_utils.images import list_images, load_image, square_image, write_image


@pytest.fixture
def colours():
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def test_a_png_comes_back_as_it_was(tmp_path, colours):
    write_image(tmp_path / "new" / "x.png", colours)
    np.testing.assert_array_equal(load_image(tmp_path / "new" / "x.png"), colours)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["x.png"]


def test_jpeg_keeps_fine_colour(tmp_path):
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = (200, 30, 30)
    stripes[:, 1::2] = (30, 30, 200)
    write_image(tmp_path / "x.jpg", stripes)
    assert np.abs(load_image(tmp_path / "x.jpg").astype(int) - stripes).mean() < 4


def grey_16_bit(colours):
    return Image.fromarray(colours[..., 0].astype(np.uint16) * 256)


def grey_12_bit(colours):
    return Image.fromarray(colours[..., 0].astype(np.uint16) * 16)


def with_hole(colours):
    return Image.fromarray(np.dstack([colours, np.zeros(colours.shape[:2], np.uint8)]))


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("grey.png", lambda c: Image.fromarray(c[..., 0]), lambda c: np.repeat(c[..., :1], 3, 2)),
        ("deep.png", grey_16_bit, lambda c: np.repeat(c[..., :1], 3, 2)),
        ("deep.tif", grey_16_bit, lambda c: np.repeat(c[..., :1], 3, 2)),
        ("scan.png", grey_12_bit, lambda c: np.repeat(c[..., :1], 3, 2)),
        ("scan.tif", grey_12_bit, lambda c: np.repeat(c[..., :1], 3, 2)),
        ("alpha.png", lambda c: Image.fromarray(c).convert("RGBA"), lambda c: c),
        ("hole.png", with_hole, lambda c: c * 0),
        ("grey_alpha.png", lambda c: Image.fromarray(c[..., 0]).convert("LA"), lambda c: np.repeat(c[..., :1], 3, 2)),
        ("palette.png", lambda c: Image.fromarray(c // 200 * 200).quantize(8), lambda c: c // 200 * 200),
        ("bits.png", lambda c: Image.fromarray(c[..., 0]).convert("1"), None),
        ("cmyk.jpg", lambda c: Image.fromarray(c).convert("CMYK"), None),
        ("x.webp", lambda c: Image.fromarray(c), None),
        ("x.bmp", lambda c: Image.fromarray(c), lambda c: c),
        ("x.gif", lambda c: Image.fromarray(c), None),
    ],
)
def test_every_kind_of_image_becomes_rgb(tmp_path, colours, name, make, expected):
    make(colours).save(tmp_path / name)
    image = load_image(tmp_path / name)
    assert image.dtype == np.uint8
    assert image.shape == (30, 40, 3)
    if expected is not None:
        np.testing.assert_array_equal(image, expected(colours))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("scale", [257, 16])
def test_colours_of_more_than_8_bits(tmp_path, colours, suffix, scale):
    path = tmp_path / f"x{suffix}"
    cv2.imwrite(str(path), colours[..., ::-1].astype(np.uint16) * scale)
    np.testing.assert_array_equal(load_image(path), colours)
    opaque = np.dstack([colours[..., ::-1].astype(np.uint16) * scale, np.full(colours.shape[:2], 65535, np.uint16)])
    opaque[0, 0, 3] = 0
    cv2.imwrite(str(path), opaque)
    np.testing.assert_array_equal(load_image(path)[1:], colours[1:])
    assert not load_image(path)[0, 0].any()


def test_grey_tiff_in_which_0_is_white(tmp_path, colours):
    Image.fromarray(65535 - colours[..., 0].astype(np.uint16) * 257).save(tmp_path / "x.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(load_image(tmp_path / "x.tif"), np.repeat(colours[..., :1], 3, 2))


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 3)])
def test_floating_point_pixels_are_refused(tmp_path, shape):
    cv2.imwrite(str(tmp_path / "x.tif"), np.full(shape, 0.5, np.float32))
    with pytest.raises(ValueError, match=r"x\.tif cannot be read \(.*(floating-point|whole numbers)"):
        load_image(tmp_path / "x.tif")


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.png", "a.tif", "a.avif"])
def test_of_several_pictures_none_is_taken_silently(tmp_path, colours, name):
    pictures = [Image.fromarray(np.roll(colours, shift, 0)) for shift in range(3)]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
    with pytest.raises(ValueError, match=rf"{name} cannot be read \(it holds 3 pictures"):
        load_image(tmp_path / name)


def test_a_thumbnail_beside_a_picture_does_not_count(tmp_path, colours):
    picture = Image.fromarray(colours)
    picture.save(tmp_path / "x.tif", save_all=True, append_images=[picture.resize((8, 6))])
    np.testing.assert_array_equal(load_image(tmp_path / "x.tif"), colours)


def test_colours_of_another_profile_become_srgb(tmp_path, colours):
    """A profile like sRGB, but with red's and blue's primaries exchanged."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")
    exchanged = exchanged.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
    for name, profile, expected in (("s", srgb, colours), ("e", exchanged, colours[..., ::-1]), ("n", b"no", colours)):
        Image.fromarray(colours).save(tmp_path / f"{name}.png", icc_profile=profile)
        np.testing.assert_allclose(load_image(tmp_path / f"{name}.png"), expected, atol=3)
    with_alpha = np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])
    Image.fromarray(with_alpha).save(tmp_path / "a.png", icc_profile=exchanged)
    np.testing.assert_allclose(load_image(tmp_path / "a.png"), colours[..., ::-1], atol=3)


def test_a_photo_is_turned_upright(tmp_path, colours):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(colours).save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(load_image(tmp_path / "x.png"), np.rot90(colours, -1))


def encoded(colours, kind):
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_cut_short_is_an_error_naming_it(tmp_path, colours, kind):
    content = encoded(colours, kind)
    (tmp_path / "half.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"half\.png"):
        load_image(tmp_path / "half.png")


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_what_is_no_image_is_an_error_naming_it(tmp_path, content):
    (tmp_path / "odd.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.png"):
        load_image(tmp_path / "odd.png")


def test_an_image_too_large_is_an_error_naming_it(tmp_path, monkeypatch):
    Image.new("L", (64, 64)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"huge\.png cannot be read .*exceeds limit"):
        load_image(tmp_path / "huge.png")


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, colours):
    write_image(tmp_path / "x.png", colours)
    with pytest.raises(ValueError, match="float64"):
        write_image(tmp_path / "x.png", colours / 2)
    with pytest.raises(ValueError, match="suffix"):
        write_image(tmp_path / "x.docx", colours)
    np.testing.assert_array_equal(load_image(tmp_path / "x.png"), colours)


def test_listing_leaves_out_other_files(tmp_path, colours):
    for name in ("b.png", "a.JPG", ".hidden.png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "faces.jsonl").write_text("")
    (tmp_path / "album.png").mkdir()
    assert [p.name for p in list_images(tmp_path)] == ["a.JPG", "b.png"]
    assert list_images(tmp_path / "absent") == []


def test_square_keeps_the_middle_unstretched():
    image = np.zeros((100, 300), np.uint8)
    cv2.circle(image, (150, 50), 30, 255, -1)
    squared = square_image(image, 256)
    rows, columns = np.nonzero(squared > 127)
    assert squared.shape == (256, 256)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1
    assert abs(columns.mean() - 127.5) < 2
