import cv2
import numpy as np
import pytest

from fsgan_utils.images import list_images, write_image
from fsgan_utils.masks import find_mismatches, load_masks
from fsgan_utils.training import FaceSet


@pytest.fixture
def folders(tmp_path):
    """Eight images and their masks; mask n has n + 1 rows marked."""
    for number in range(8):
        write_image(tmp_path / "faceA" / f"{number}.jpg", np.full((300, 256, 3), 9 * number, np.uint8))
        write_image(tmp_path / "masks" / f"{number}.png", marked(number + 1))
    return tmp_path / "faceA", tmp_path / "masks"


def marked(rows, size=256):
    mask = np.zeros((size, size), np.uint8)
    mask[:rows] = 255
    return mask


def test_masks_come_in_the_order_of_their_images(folders):
    images, masks = folders
    assert find_mismatches(list_images(images), masks) == []
    loaded = load_masks(list_images(images)[::-1], masks)
    assert loaded.shape == (8, 256, 256) and loaded.dtype == np.uint8
    assert [int(mask.any(axis=1).sum()) for mask in loaded] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_all_that_does_not_match_is_listed_at_once(folders):
    images, masks = folders
    write_image(images / "7.png", np.zeros((256, 256, 3), np.uint8))
    (masks / "0.png").unlink()
    write_image(masks / "0.jpg", marked(1))
    write_image(masks / "stranger.png", marked(1))
    (masks / "1.png").write_bytes(b"\x89PNG\r\n")
    write_image(masks / "2.png", marked(1, 128))
    write_image(masks / "3.png", marked(0))
    lines = find_mismatches(list_images(images), masks)
    assert sorted(lines) == [
        "1 images share one mask with an image of the same name: 7.png",
        "1 masks are empty, all black: 3.png",
        "1 masks are not 256×256: 2.png",
        "1 masks cannot be read: 1.png",
        "1 of 9 images have no mask: 0.jpg",
        "2 masks belong to no image: 0.jpg, stranger.png",
    ]
    with pytest.raises(FileNotFoundError, match="notebook 2") as error:
        load_masks(list_images(images), masks)
    assert all(line in str(error.value) for line in [*lines, str(masks)])


@pytest.mark.parametrize("spoil", ["left over", "not an image", "small", "black"])
def test_the_training_reads_no_masks_that_do_not_fit(folders, spoil):
    images, masks = folders
    assert len(FaceSet.load(images, {"eyes": masks}).masks["eyes"]) == 8
    match spoil:
        case "left over":
            (images / "5.jpg").unlink()
        case "not an image":
            (masks / "5.png").write_text("a mask")
        case "small":
            cv2.imwrite(str(masks / "5.png"), marked(9, 64))
        case "black":
            cv2.imwrite(str(masks / "5.png"), marked(0))
    with pytest.raises(ValueError, match=r"1 masks .*: 5\.png"):
        FaceSet.load(images, {"eyes": masks})


def test_names_are_few_and_the_count_whole(folders):
    images, masks = folders
    (line,) = find_mismatches(list_images(images), masks.parent / "nowhere")
    assert line == "8 of 8 images have no mask: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, …"
