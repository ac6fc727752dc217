from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from painter import Painter
from PIL import ExifTags, Image

from fsgan_utils.conversion import ConvertConfig, build_detector, convert_video, follow_faces, swap_image
from fsgan_utils.conversion.stability import acceleration
from fsgan_utils.conversion.targets import SYNTHETIC_PICTURE
from fsgan_utils.extraction import Source
from fsgan_utils.faces import Face
from fsgan_utils.images import load_image, write_image
from fsgan_utils.video import SYNTHETIC_COMMENT, Frame, VideoError, VideoWriter, probe, read_frames

CLIP = Path("data/clips/a_target.mp4")
RESULT = ConvertConfig(layout="result", color_correction="none")


@pytest.fixture(scope="module")
def detector():
    return build_detector(RESULT)


@pytest.fixture(scope="module")
def converted(detector, tmp_path_factory):
    output = tmp_path_factory.mktemp("converted") / "result.mp4"
    return convert_video(CLIP, output, Painter(), RESULT, detector)


def packets(path):
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size]


def write_clip(path, images, rate=24):
    height, width = images[0].shape[:2]
    with VideoWriter(path, rate=rate, size=(width, height)) as writer:
        for image in images:
            writer.write(image)
    return path


def first_images(count, path=CLIP):
    return [frame.image for frame in read_frames(path, stop=count / 24)]


def pictures_in(folder):
    return sorted(path.name for path in folder.iterdir())


def redness(image):
    return image[..., 0].astype(float) - image[..., 2]


class SeeingNothingAt:
    """A detector that misses the face in some frames."""

    def __init__(self, detector, missed):
        self.detector, self.missed, self.seen = detector, missed, 0

    def detect(self, images):
        found = self.detector.detect(images)
        self.seen += len(images)
        indices = range(self.seen - len(images), self.seen)
        return [[] if index in self.missed else faces for index, faces in zip(indices, found, strict=True)]


def test_frames_times_size_and_sound_are_the_sources(converted):
    before, after = probe(CLIP), probe(converted.output)
    for field in ("width", "height", "rate", "frames", "duration", "time_base", "matrix"):
        assert getattr(before, field) == getattr(after, field), field
    assert [f.pts for f in read_frames(CLIP)] == [f.pts for f in read_frames(converted.output)]
    assert packets(converted.output) == packets(CLIP)
    with av.open(str(converted.output)) as container:
        assert container.metadata["comment"] == SYNTHETIC_COMMENT


def test_every_frame_is_swapped(converted):
    assert (converted.frames, converted.swapped_frames, converted.faceless_frames) == (48, 48, 0)
    assert converted.swapped_faces >= 48
    assert converted.frames_per_second > 0
    for source, result in zip(read_frames(CLIP), read_frames(converted.output), strict=True):
        assert redness(result.image).mean() > redness(source.image).mean() + 2


def test_the_three_panels_are_source_result_and_mask(detector, tmp_path):
    config = ConvertConfig(stop=0.25, color_correction="none", layout="triple")
    summary = convert_video(CLIP, tmp_path / "triple.mp4", Painter(), config, detector)
    assert summary.frames == 6
    for source, wide in zip(first_images(6), first_images(6, summary.output), strict=True):
        assert wide.shape == (320, 960, 3)
        shown, result, mask = np.split(wide, 3, axis=1)
        assert np.abs(shown.astype(int) - source).mean() < 2
        inside = mask.mean(axis=-1) > 200
        assert 0.02 < inside.mean() < 0.5
        assert (redness(result) - redness(source))[inside].mean() > 30


def test_a_pair_from_the_middle_keeps_its_sound(detector, tmp_path):
    config = ConvertConfig(layout="pair", start=1.0, stop=1.5)
    summary = convert_video(CLIP, tmp_path / "pair.mp4", Painter(), config, detector)
    info = probe(summary.output)
    assert (info.width, info.height, info.frames, info.has_audio) == (640, 320, 12, True)


def test_two_faces_are_both_swapped(detector, tmp_path):
    b = first_images(4, "data/clips/b_target.mp4")
    images = [np.concatenate(pair, axis=1) for pair in zip(first_images(4), b, strict=True)]
    clip = write_clip(tmp_path / "two.mp4", images)
    summary = convert_video(clip, tmp_path / "out.mp4", Painter(), RESULT, detector)
    assert (summary.swapped_frames, summary.swapped_faces) == (4, 8)
    for source, result in zip(read_frames(clip), read_frames(summary.output), strict=True):
        gain = redness(result.image) - redness(source.image)
        assert gain[:, :320].max() > 50
        assert gain[:, 320:].max() > 50


def test_a_video_without_faces_is_written_with_a_warning(detector, tmp_path):
    clip = write_clip(tmp_path / "empty.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 5)
    with pytest.warns(UserWarning, match=r"no face was swapped in .*empty\.mp4; try a smaller min_face"):
        summary = convert_video(clip, tmp_path / "out.mp4", Painter(), RESULT, detector)
    assert (summary.frames, summary.swapped_frames, summary.faceless_frames) == (5, 0, 5)
    assert probe(summary.output).frames == 5


def test_one_frame_of_odd_size(detector, tmp_path):
    clip = write_clip(tmp_path / "one.webm", [first_images(1)[0][:299, :317]])
    for name, shown in (("out.webm", (317, 299)), ("out.mp4", (318, 300))):
        summary = convert_video(clip, tmp_path / name, Painter(), RESULT, detector)
        info = probe(summary.output)
        assert (summary.frames, summary.swapped_frames, info.width, info.height) == (1, 1, *shown)
        assert info.pixel_format == "yuv420p"
        assert ("the result is 318 × 300 pixels, not 317 × 299" in str(summary)) == (name == "out.mp4")


def test_black_and_white_stays_so(detector, tmp_path):
    grey = [np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2) for image in first_images(4)]
    clip = write_clip(tmp_path / "grey.mp4", grey)
    summary = convert_video(clip, tmp_path / "out.mp4", Painter(), ConvertConfig(), detector)
    assert summary.swapped_frames == 4
    for source, result in zip(read_frames(clip), read_frames(summary.output), strict=True):
        assert np.ptp(result.image, axis=2).max() <= 2
        assert np.abs(result.image.astype(int) - source.image).max() > 20


def test_damage_is_said_in_seconds(detector, tmp_path):
    clip = write_clip(tmp_path / "whole.mp4", first_images(30))
    with av.open(str(clip)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][12]
        begin, end = packet.pos + packet.size // 3, packet.pos + packet.size // 2
    content = bytearray(clip.read_bytes())
    content[begin:end] = bytes(255 - byte for byte in content[begin:end])
    clip = tmp_path / "damaged.mp4"
    clip.write_bytes(content)
    with pytest.warns(UserWarning, match=r"damaged\.mp4 is damaged at 0\.5 to 1\.2 s"):
        summary = convert_video(clip, tmp_path / "out.mp4", Painter(), RESULT, detector)
    assert "the source is damaged at 0.5 to 1.2 s" in str(summary)
    assert summary.frames == 30


def test_missed_faces_are_counted_and_do_not_stop_the_work(detector, tmp_path):
    partly = SeeingNothingAt(detector, {2, 3, 4, 5})
    config = ConvertConfig(stop=0.5, landmarks="mtcnn")
    summary = convert_video(CLIP, tmp_path / "out.mp4", Painter(), config, partly)
    assert (summary.frames, summary.swapped_frames, summary.faceless_frames) == (12, 8, 4)


def test_a_face_missed_for_a_moment_is_swapped_all_the_same(detector, tmp_path):
    partly = SeeingNothingAt(detector, {3, 4, 9})
    config = ConvertConfig(stop=0.5, landmarks="mtcnn")
    summary = convert_video(CLIP, tmp_path / "out.mp4", Painter(), config, partly)
    assert (summary.swapped_frames, summary.faceless_frames, summary.bridged_faces) == (12, 0, 3)


def test_faces_are_followed_where_the_detector_misses_them(detector, tmp_path):
    partly = SeeingNothingAt(detector, {1})
    summary = convert_video(CLIP, tmp_path / "out.mp4", Painter(), ConvertConfig(stop=1), partly)
    assert (summary.frames, summary.swapped_frames, partly.seen) == (24, 24, 2)


def test_a_face_that_cannot_be_aligned_is_counted_and_stays(tmp_path):
    class Degenerate:
        def detect(self, images):
            return [[Face(np.array([50, 50, 150, 150]), np.full((5, 2), 100.0), 0.9)] for _ in images]

    config = ConvertConfig(stop=0.1, landmarks="mtcnn", smoothing="none")
    with pytest.warns(UserWarning, match="faces were left alone: 3 cannot be aligned"):
        summary = convert_video(CLIP, tmp_path / "out.mp4", Painter(), config, Degenerate())
    assert (summary.swapped_faces, summary.left_alone_faces, summary.faceless_frames) == (0, 3, 0)
    for source, result in zip(first_images(3), first_images(3, summary.output), strict=True):
        assert np.abs(source.astype(int) - result).mean() < 1


def test_frames_are_worked_on_in_batches(detector, tmp_path):
    model = Painter()
    summary = convert_video(CLIP, tmp_path / "out.mp4", model, ConvertConfig(stop=0.4, batch=4), detector)
    assert summary.frames == 10
    assert model.calls[-3:] == [4, 4, 2]


def test_the_swapped_region_is_steadier_by_two_passes_than_by_the_kalman_filter(detector, tmp_path):
    def mask_shake(smoothing):
        config = ConvertConfig(smoothing=smoothing, color_correction="none", stop=1, layout="triple")
        summary = convert_video(CLIP, tmp_path / f"{smoothing}.mp4", Painter(), config, detector)
        y, x = np.mgrid[:320, :320]
        masks = [frame.image[:, 640:].mean(axis=-1) > 128 for frame in read_frames(summary.output)]
        centres = np.array([(x[mask].mean(), y[mask].mean()) for mask in masks])
        return acceleration(centres, np.arange(len(centres))).mean(), summary

    (steadiest, two_pass), (calmed, kalman), (shaky, none) = map(mask_shake, ("two_pass", "kalman", "none"))
    assert steadiest < 0.8 * calmed < 0.8 * shaky
    assert two_pass.jitter < kalman.jitter < none.jitter == 1
    assert "jitter: 0." in str(two_pass)


class Flickering(Painter):
    """Draws every other face darker, with another mask."""

    def generate(self, images, direction):
        drawn = super().generate(images, direction)
        drawn[::2, ..., 1:] -= 0.2
        drawn[1::2, ..., 0] *= 0.8
        return drawn


def test_colours_and_masks_do_not_flicker(detector, tmp_path):
    def flicker(method, deviation=2.0):
        config = ConvertConfig(color_correction=method, steady_colors=deviation, stop=1, batch=24)
        return convert_video(CLIP, tmp_path / "out.mp4", Flickering(), config, detector).flicker

    assert flicker("none") < 0.1 * flicker("none", 0)
    assert flicker("mkl") < 1.2
    assert flicker("poisson") < 1.2


def test_the_codec_and_quality_asked_for(detector, tmp_path):
    config = ConvertConfig(stop=0.25, codec="hevc", quality=30)
    assert probe(convert_video(CLIP, tmp_path / "out.mp4", Painter(), config, detector).output).codec == "hevc"
    with pytest.raises(VideoError, match=r"out\.webm cannot hold 'hevc'"):
        convert_video(CLIP, tmp_path / "out.webm", Painter(), config, detector)
    summary = convert_video(CLIP, tmp_path / "out.webm", Painter(), ConvertConfig(stop=0.25), detector)
    assert "the sound was encoded anew, for .webm cannot hold aac" in str(summary)


def test_a_rotated_video_of_irregular_times_keeps_both(detector, tmp_path):
    """As a phone records it: lying, with a note to turn it, and frames of unequal length."""
    source, output, ticks = tmp_path / "phone.mov", tmp_path / "out.mov", [0, 900, 1000, 2700]
    info = replace(probe(CLIP), rotation=90, aspect=Fraction(4, 3), color_range=2, matrix=6)
    with VideoWriter(source, info) as writer:
        for tick, image in zip(ticks, first_images(4), strict=True):
            writer.write(image, Frame(image, 0, tick, 300, info.time_base))
    summary = convert_video(source, output, Painter(), RESULT, detector)
    before, after = probe(source), probe(output)
    assert before.rotation == 90
    for field in ("width", "height", "frames", "rotation", "aspect", "matrix", "color_range", "time_base"):
        assert getattr(before, field) == getattr(after, field), field
    assert [frame.pts for frame in read_frames(output)] == ticks
    assert summary.swapped_frames == 4


def test_the_last_frame_lasts_as_long_as_it_did(detector, tmp_path):
    source, info = tmp_path / "slides.mp4", probe(CLIP)
    ticks, lengths = [0, 12800, 38400], [12800, 25600, 128000]
    with VideoWriter(source, info) as writer:
        for tick, length, image in zip(ticks, lengths, first_images(3), strict=True):
            writer.write(image, Frame(image, 0, tick, length, info.time_base))
    assert probe(source).duration == pytest.approx(float(166400 * info.time_base))
    output = convert_video(source, tmp_path / "out.mp4", Painter(), RESULT, detector).output
    assert probe(output).duration == pytest.approx(probe(source).duration)
    assert [frame.pts for frame in read_frames(output)] == ticks


def test_what_the_result_does_not_hold_is_said(detector, tmp_path):
    source = tmp_path / "fine.mkv"
    with av.open(str(source), "w") as writer:
        track = writer.add_stream("libx265", rate=24, width=320, height=320, options={"x265-params": "log-level=none"})
        track.pix_fmt = "yuv444p10le"
        track.codec_context.color_trc = 16
        for image in first_images(2):
            writer.mux(track.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        writer.mux(track.encode(None))
    notes = "\n".join(convert_video(source, tmp_path / "out.mp4", Painter(), RESULT, detector).notes)
    for expected in ("10 bits a colour, the result 8", "finer colours (yuv444p10le)", "the source is HDR"):
        assert expected in notes
    late = convert_video(CLIP, tmp_path / "out.mkv", Painter(), replace(RESULT, stop=0.2), detector)
    assert late.notes == (
        "picture and sound begin 23 ms late, for the sound has a lead-in and .mkv no time before zero",
    )


def test_a_video_whose_frames_change_in_size_is_refused(detector, tmp_path):
    small, large, joined = tmp_path / "a.ts", tmp_path / "b.ts", tmp_path / "c.ts"
    for path, side in ((small, 160), (large, 320)):
        with av.open(str(path), "w") as writer:
            track = writer.add_stream("libx264", rate=24, width=side, height=side)
            track.pix_fmt = "yuv420p"
            for image in first_images(4):
                shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:side, :side]), format="rgb24")
                writer.mux(track.encode(shown))
            writer.mux(track.encode(None))
    joined.write_bytes(large.read_bytes() + small.read_bytes())
    with pytest.raises(VideoError, match=r"frame 4 of .*c\.ts .*is 160 × 160, those before 320 × 320"):
        convert_video(joined, tmp_path / "out.mp4", Painter(), RESULT, detector)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ts", "b.ts", "c.ts"]


def test_pictures_in_a_folder_lose_nothing(detector, tmp_path):
    config = ConvertConfig(start=1, stop=1.25, color_correction="none")
    summary = convert_video(CLIP, tmp_path / "frames", Painter(), config, detector)
    names = pictures_in(summary.output)
    assert names == [f"frame_{index:06}.png" for index in range(24, 30)]
    source = next(read_frames(CLIP, start=1)).image
    result = load_image(summary.output / names[0])
    np.testing.assert_array_equal(source[:40], result[:40])
    assert redness(result).max() > redness(source).max() + 30


def test_pictures_say_that_they_are_synthetic(detector, tmp_path):
    for name, config in (("frames", RESULT), ("plain", replace(RESULT, synthetic=False))):
        convert_video(CLIP, tmp_path / name, Painter(), replace(config, stop=0.05), detector)
        with Image.open(tmp_path / name / "frame_000000.png") as picture:
            description = picture.getexif().get(ExifTags.Base.ImageDescription)
        assert (description == SYNTHETIC_PICTURE) == config.synthetic
    write_image(tmp_path / "photograph.jpg", first_images(1)[0])
    alone = convert_video(tmp_path / "photograph.jpg", tmp_path / "swapped.jpg", Painter(), RESULT, detector)
    with Image.open(alone.output) as picture:
        assert picture.getexif()[ExifTags.Base.ImageDescription] == SYNTHETIC_PICTURE


def test_a_patch_laid_over_the_source_is_the_result(detector, tmp_path):
    config = ConvertConfig(stop=0.1, color_correction="none", layout="patch")
    patches = convert_video(CLIP, tmp_path / "patches", Painter(), config, detector).output
    results = convert_video(CLIP, tmp_path / "results", Painter(), replace(config, layout="result"), detector).output
    for source, name in zip(first_images(2), pictures_in(patches), strict=False):
        pixels = cv2.imread(str(patches / name), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
        opacity = pixels[..., 3:] / 255
        assert 0.02 < (opacity > 0.5).mean() < 0.5
        over = opacity * pixels[..., :3] + (1 - opacity) * source
        np.testing.assert_allclose(over, load_image(results / name), atol=1)
    with pytest.raises(VideoError, match="'patch' has transparent pictures; name a folder"):
        convert_video(CLIP, tmp_path / "out.mp4", Painter(), config, detector)


def test_photographs_are_swapped_one_by_one(detector, tmp_path):
    photographs, results = tmp_path / "photographs", tmp_path / "results"
    write_image(photographs / "a.jpg", first_images(1)[0])
    write_image(photographs / "b.png", first_images(1, "data/clips/b_target.mp4")[0][:300])
    (photographs / "broken.png").write_bytes(b"no picture")
    summary = convert_video(photographs, results, Painter(), RESULT, detector)
    assert pictures_in(results) == ["a.jpg", "b.png"]
    assert (summary.frames, summary.swapped_faces) == (2, 2)
    assert "broken.png could not be read and is left out" in str(summary)
    alone = convert_video(photographs / "b.png", tmp_path / "alone.png", Painter(), RESULT, detector)
    assert alone.output.is_file()
    np.testing.assert_array_equal(load_image(alone.output), load_image(results / "b.png"))
    expected = swap_image(load_image(photographs / "b.png"), Painter(), RESULT, detector)
    np.testing.assert_array_equal(load_image(alone.output), expected)
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_a_folder_with_anything_else_in_it_is_not_replaced(detector, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("ten years of work")
    with pytest.raises(VideoError, match=r"mine holds thesis\.txt, which would be lost"):
        convert_video(CLIP, tmp_path / "mine", Painter(), RESULT, detector)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_only_pictures_of_a_conversion_are_replaced(detector, tmp_path):
    photograph, folder = tmp_path / "own" / "frame_000000.png", tmp_path / "results"
    write_image(photograph, first_images(1)[0])
    before = photograph.read_bytes()
    with pytest.raises(VideoError, match="own holds what is to be converted"):
        convert_video(photograph, photograph.parent, Painter(), RESULT, detector)
    with pytest.raises(VideoError, match=r"own holds frame_000000\.png, which would be lost"):
        convert_video(CLIP, photograph.parent, Painter(), RESULT, detector)
    assert photograph.read_bytes() == before
    for stop in (0.2, 0.1):
        summary = convert_video(CLIP, folder, Painter(), replace(RESULT, stop=stop), detector)
        assert len(pictures_in(folder)) == summary.frames
    (folder / "frame_000009.png").write_bytes(before)
    with pytest.raises(VideoError, match=r"results holds frame_000009\.png, which would be lost"):
        convert_video(CLIP, folder, Painter(), RESULT, detector)


def test_a_link_is_followed(detector, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "disk").mkdir()
    convert_video(CLIP, tmp_path / "link", Painter(), replace(RESULT, stop=0.1), detector)
    assert (tmp_path / "link").is_symlink()
    assert len(pictures_in(tmp_path / "disk")) == 3


def test_outputs_that_do_not_fit_are_refused(detector, tmp_path):
    photograph = tmp_path / "own" / "a.png"
    write_image(photograph, first_images(1)[0])
    for source, name, config, message in (
        (photograph, "out.mp4", RESULT, "must end in one of .png"),
        (photograph, "out.heic", RESULT, "must end in one of .png"),
        (photograph, "out.jpg", replace(RESULT, layout="patch"), "cannot be transparent"),
        (CLIP, "out.png", RESULT, r"a_target\.mp4 is a video; name a video or a folder"),
    ):
        with pytest.raises(VideoError, match=message):
            convert_video(source, tmp_path / name, Painter(), config, detector)
    linked = tmp_path / "linked.png"
    linked.hardlink_to(photograph)
    with pytest.raises(VideoError, match="is what is to be converted"):
        convert_video(photograph, linked, Painter(), RESULT, detector)


def test_tracks_of_another_source_or_stretch_are_refused(detector, tmp_path):
    tracks = follow_faces(Source.open(CLIP), replace(RESULT, stop=0.2), detector)
    assert tracks.rate == pytest.approx(24)
    for source, config in ((CLIP, RESULT), ("data/clips/b_target.mp4", replace(RESULT, stop=0.2))):
        with pytest.raises(ValueError, match="the tracks are those of another source"):
            convert_video(source, tmp_path / "out.mp4", Painter(), config, detector, tracks)


def test_the_source_is_never_overwritten(detector, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", first_images(2))
    before = clip.read_bytes()
    with pytest.raises(VideoError, match=r"clip\.mp4 is what is to be converted"):
        convert_video(clip, tmp_path / "." / "clip.mp4", Painter(), RESULT, detector)
    assert clip.read_bytes() == before


def test_broken_sources_leave_a_good_result_alone(detector, tmp_path):
    good = tmp_path / "good.mp4"
    good.write_bytes(b"last week's result")
    whole = CLIP.read_bytes()
    for name, content in (("empty.mp4", b""), ("noise.mp4", b"noise" * 999), ("cut.mp4", whole[: len(whole) * 2 // 3])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(VideoError, match=name):
            convert_video(tmp_path / name, good, Painter(), RESULT, detector)
    with pytest.raises(FileNotFoundError, match=r"missing\.mp4"):
        convert_video(tmp_path / "missing.mp4", good, Painter(), RESULT, detector)
    assert good.read_bytes() == b"last week's result"
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_a_failing_model_leaves_nothing_half_written(detector, tmp_path):
    model = Painter()
    model.generate = lambda images, direction: np.full((len(images), 64, 64, 4), np.nan, np.float32)
    with pytest.raises(ValueError, match="not finite"):
        convert_video(CLIP, tmp_path / "out.mp4", model, RESULT, detector)
    assert not list(tmp_path.iterdir())
