"""What can be wrong with a swap, made from the truth: each takes and gives the frames of a clip, uint8 RGB."""

from functools import cache

import cv2
import numpy as np

from fsgan_utils.faces import Alignment
from fsgan_utils.landmarks import five_points
from fsgan_utils.masks import FaceFinder, outline_mask


def shuffled(truth, source):
    order = np.random.default_rng(1).permutation(len(truth))
    return [truth[index] for index in order]


def mirrored(truth, source):
    return [np.ascontiguousarray(image[:, ::-1]) for image in truth]


def shifted(truth, source):
    matrix = np.float64([[1, 0, 4], [0, 1, 0]])
    return [cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE) for image in truth]


def darker(truth, source):
    return [np.rint(image * 0.9).astype(np.uint8) for image in truth]


def blurred(truth, source):
    return [cv2.GaussianBlur(image, (0, 0), 3) for image in truth]


def wrong_person(truth, source):
    """Somebody was put in, but they look like A: A's own face, in other colours."""
    return [np.rint(image * np.array([1, 0.9, 0.85])).astype(np.uint8) for image in source]


def frozen(truth, source):
    """The face of the first frame, moved with the head."""
    places, masks = zip(*map(_placed, truth), strict=True)
    face, soft = places[0].warp(truth[0]), _soft(masks[0])
    return [_pasted(image, face, soft, place) for image, place in zip(truth, places, strict=True)]


def half_transparent(truth, source):
    return [cv2.addWeighted(image, 0.5, below, 0.5, 0) for image, below in zip(truth, source, strict=True)]


def hard_edged(truth, source):
    """The truth's face, a little lighter, cut out along its outline and put on the source without a soft rim."""
    result = []
    for image, below in zip(truth, source, strict=True):
        place, mask = _placed(image)
        lighter = np.clip(place.warp(image).astype(np.int16) + 12, 0, 255).astype(np.uint8)
        result.append(_pasted(below, lighter, mask / 255.0, place))
    return result


def trembling(truth, source):
    """The picture jumps by ten pixels to and fro."""
    return [np.roll(image, 5 if index % 2 else -5, axis=1) for index, image in enumerate(truth)]


def flickering(truth, source):
    return [np.rint(image * (0.88 if index % 2 else 1)).astype(np.uint8) for index, image in enumerate(truth)]


def untouched(truth, source):
    return list(source)


def squeezed(truth, source):
    """The truth's face as a network of 64 pixels can draw it at best, put on the truth."""
    result = []
    for image in truth:
        place, mask = _placed(image)
        small = cv2.resize(place.warp(image), (64, 64), interpolation=cv2.INTER_AREA)
        face = cv2.resize(small, (256, 256), interpolation=cv2.INTER_CUBIC)
        result.append(_pasted(image, face, _soft(mask), place))
    return result


def well_pasted(truth, source):
    """The truth's face with a soft rim, in the source's colours: as good as a swap of the face alone can be."""
    result = []
    for image, below in zip(truth, source, strict=True):
        place, mask = _placed(image)
        inside = mask > 0
        face, under = (place.warp(one).astype(np.float64) for one in (image, below))
        gain = under[inside].std(axis=0) / face[inside].std(axis=0)
        matched = (face - face[inside].mean(axis=0)) * gain + under[inside].mean(axis=0)
        soft = _soft(mask)
        result.append(_pasted(below, np.clip(matched, 0, 255).astype(np.uint8), soft, place))
    return result


@cache
def _finder():
    return FaceFinder()


def _placed(image):
    """A face's alignment, and its outline in the crop."""
    mesh = _finder().mesh(image)
    place = Alignment.from_landmarks(five_points(mesh))
    return place, outline_mask(place.apply(mesh[:, :2]))


def _soft(mask):
    return cv2.GaussianBlur(cv2.erode(mask, np.ones((25, 25), np.uint8)), (0, 0), 5) / 255.0


def _pasted(image, face, weight, place):
    layer = place.unwarp(face, image.shape)
    weight = place.unwarp(weight.astype(np.float32), image.shape)[..., None]
    return np.rint(weight * layer + (1 - weight) * image).astype(np.uint8)


def hair_in_the_face(truth, source):
    """Dark strands along both temples and cheeks, within the face's outline, as long hair of the person put in."""
    return [_with_strands(image, _finder().mesh(image)) for image in truth]


def lagging(truth, source):
    """The face comes two frames late: it is where the head was, on a head that has moved on."""
    places, masks = zip(*map(_placed, truth), strict=True)
    late = [max(0, index - 2) for index in range(len(truth))]
    return [
        _pasted(image, places[index].warp(truth[index]), _soft(masks[index]), places[before])
        for index, (image, before) in enumerate(zip(truth, late, strict=True))
    ]


def wandering(truth, source):
    """The face walks about at random on its head, mostly by less than a tenth of the distance between the eyes."""
    steps = np.random.default_rng(2).normal(0, 0.06, (len(truth), 2))
    walk = np.zeros((len(truth), 2))
    for index in range(1, len(truth)):
        walk[index] = 0.7 * walk[index - 1] + steps[index]
    return [_moved(image, np.float64([[1, 0], [0, 1]]), offset) for image, offset in zip(truth, walk, strict=True)]


def sheared(truth, source):
    """The face is drawn as if its head were flat: slanted and narrow, on a head that is neither."""
    slant = np.float64([[0.8, 0], [0.25, 1]])
    return [_moved(image, slant, (0, 0)) for image in truth]


def painted_over(truth, source):
    """The source shows things before the face; where the face is, the swap shows none of them. Takes such a source."""
    result = []
    for image, below in zip(truth, source, strict=True):
        place, mask = _placed(image)
        result.append(_pasted(below, place.warp(image), _soft(mask), place))
    return result


def _with_strands(image, mesh):
    apart, middle = np.linalg.norm(mesh[33, :2] - mesh[263, :2]) * 0.7, mesh[4, :2]
    result, rng = image.copy(), np.random.default_rng(3)
    for edge in ([54, 21, 162, 127, 234, 93, 132, 58], [284, 251, 389, 356, 454, 323, 361, 288]):
        for strand in np.linspace(0.08, 0.28, 12):
            points = mesh[edge, :2] + strand * (middle - mesh[edge, :2])
            color = tuple(int(value) for value in np.array([48, 34, 26]) + rng.integers(-10, 10))
            cv2.polylines(
                result,
                [np.rint(points * 16).astype(np.int32)],
                False,
                color,
                max(1, round(apart * 0.03)),
                cv2.LINE_AA,
                4,
            )
    return result


def _moved(image, matrix, offset):
    """The face moved on its head: a linear map about its middle, then an offset in distances between the eyes."""
    place, mask = _placed(image)
    mesh = place.apply(_finder().mesh(image)[:, :2])
    middle, apart = mesh.mean(axis=0), np.linalg.norm(mesh[33] - mesh[263]) * 0.7
    shift = middle - matrix @ middle + apart * np.asarray(offset)
    face = cv2.warpAffine(
        place.warp(image), np.column_stack([matrix, shift]), (256, 256), borderMode=cv2.BORDER_REPLICATE
    )
    return _pasted(image, face, _soft(mask), place)
