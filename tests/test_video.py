import struct
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from fsgan_utils.images import write_image
from fsgan_utils.video import PART, SYNTHETIC_COMMENT, VideoError, VideoWriter, codec_of, probe, read_frames

CLIP = Path("data/clips/a_target.mp4")
SILENT = Path("data/clips/a_train_cool.mp4")


def copy_video(source, output, **settings):
    with VideoWriter(output, probe(source), audio_from=source, **settings) as writer:
        for frame in read_frames(source, settings.get("start"), settings.get("stop")):
            writer.write(frame.image, frame)
    return output


def sound(path):
    with av.open(str(path)) as container:
        return [(packet.pts, packet.duration, bytes(packet)) for packet in container.demux(audio=0) if packet.size]


def heard(path):
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def picture(height, width, seed=0):
    """Smooth colours, so that compression hardly changes them."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.rint(np.stack([40 + 170 * x, 60 + 120 * y, 200 - 150 * x * y + seed], axis=-1)).astype(np.uint8)


def write_pictures(path, height=48, width=64, count=6, **settings):
    with VideoWriter(path, rate=Fraction(30000, 1001), size=(width, height), **settings) as writer:
        for i in range(count):
            writer.write(picture(height, width, i))
    return path


def remux(source, output, edit=lambda stream: None, kinds=("video", "audio"), options=None):
    """Copy the packets into another container."""
    with av.open(str(source)) as reader, av.open(str(output), "w", options=options or {}) as writer:
        tracks = {}
        for stream in (s for s in reader.streams if s.type in kinds):
            tracks[stream.index] = writer.add_stream_from_template(stream, opaque=True)
            edit(tracks[stream.index])
        for packet in reader.demux(*[reader.streams[i] for i in tracks]):
            if packet.size:
                packet.stream = tracks[packet.stream.index]
                writer.mux(packet)
    return output


def test_probe_says_what_the_clip_is():
    info = probe(CLIP)
    assert (info.width, info.height, info.rate, info.frames, info.duration) == (320, 320, 24, 48, 2.0)
    assert (info.codec, info.pixel_format, info.rotation, info.matrix) == ("h264", "yuv420p", 0, 1)
    assert info.has_audio
    assert not probe(SILENT).has_audio


def test_frames_have_index_time_and_colour():
    frames = list(read_frames(CLIP))
    assert [frame.index for frame in frames] == list(range(48))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(48) / 24)
    image = frames[0].image
    assert image.dtype == np.uint8
    assert image.shape == (320, 320, 3)
    red, green, blue = image[300, 100].astype(int)
    assert blue > green > red, "the shirt is blue"


def test_a_stretch_of_time_and_every_nth_frame():
    assert [frame.index for frame in read_frames(CLIP, start=0.5, stop=1.0)] == list(range(12, 24))
    assert [frame.index for frame in read_frames(CLIP, every=20)] == [0, 20, 40]
    assert [frame.index for frame in read_frames(CLIP, start=1.0, every=20)] == [40]
    assert list(read_frames(CLIP, start=99)) == []


@pytest.mark.parametrize("wrong", [{"every": 0}, {"start": -1}, {"start": 1, "stop": 1}])
def test_a_wrong_stretch_is_refused_at_once(wrong):
    with pytest.raises(ValueError, match="Received"):
        read_frames(CLIP, **wrong)


def test_a_copy_has_the_same_frames_times_colours_and_sound(tmp_path):
    output = copy_video(CLIP, tmp_path / "copy.mp4", synthetic=True)
    before, after = probe(CLIP), probe(output)
    for field in ("width", "height", "rate", "frames", "duration", "time_base", "matrix", "color_range", "primaries"):
        assert getattr(before, field) == getattr(after, field), field
    for one, other in zip(read_frames(CLIP), read_frames(output), strict=True):
        assert (one.pts, one.duration) == (other.pts, other.duration)
        assert np.abs(one.image.astype(int) - other.image).mean() < 2
    assert sound(output) == sound(CLIP)
    np.testing.assert_array_equal(heard(output), heard(CLIP))
    with av.open(str(output)) as container:
        assert container.metadata["comment"] == SYNTHETIC_COMMENT
    assert list(tmp_path.iterdir()) == [output]


def test_an_unmarked_copy_says_nothing(tmp_path):
    with av.open(str(copy_video(CLIP, tmp_path / "copy.mp4"))) as container:
        assert "comment" not in container.metadata


def test_a_cut_keeps_picture_and_sound_together(tmp_path):
    output = copy_video(CLIP, tmp_path / "cut.mp4", start=0.5, stop=1.25)
    assert [frame.time for frame in read_frames(output)] == pytest.approx(np.arange(18) / 24)
    packets, source = sound(output), sound(CLIP)
    first = next(i for i, packet in enumerate(source) if packet[0] >= 0.5 * 44100)
    assert [packet[2] for packet in packets] == [packet[2] for packet in source[first : first + len(packets)]]
    assert packets[0][0] == pytest.approx(source[first][0] - 22050, abs=5)
    assert 0.7 < packets[-1][0] / 44100 < 0.75


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".webm"])
def test_other_containers(tmp_path, suffix):
    output = copy_video(CLIP, tmp_path / f"copy{suffix}")
    info = probe(output)
    assert (info.width, info.height, info.rate, info.frames, info.has_audio) == (320, 320, 24, 48, True)
    times = np.array([frame.time for frame in read_frames(output)])
    np.testing.assert_allclose(times - times[0], np.arange(48) / 24, atol=2e-3)
    assert times[0] < 0.025, "Matroska has no time before zero: the sound's lead-in moves everything by 23 ms"
    if suffix == ".webm":
        with av.open(str(output)) as container:
            assert container.streams.audio[0].codec_context.name == "opus"
        assert heard(output).shape[1] / 48000 == pytest.approx(2, abs=0.05)
    else:
        assert [packet[2] for packet in sound(output)] == [packet[2] for packet in sound(CLIP)]


def with_sound(path, codec, layout, rate=48000, channels=2):
    """A clip of one second whose sound is encoded as asked."""
    tone = (8000 * np.sin(np.arange(rate * channels) / 30)).astype(np.int16)
    with av.open(str(path), "w") as writer:
        picture_track = writer.add_stream("mpeg4", rate=24, width=64, height=48)
        sound_track = writer.add_stream(codec, rate=rate)
        sound_track.layout = layout
        for index in range(24):
            writer.mux(picture_track.encode(av.VideoFrame.from_ndarray(picture(48, 64, index), format="rgb24")))
        writer.mux(picture_track.encode(None))
        samples = av.AudioFrame.from_ndarray(tone[None], format="s16", layout=layout)
        samples.sample_rate, samples.pts = rate, 0
        writer.mux(sound_track.encode(samples))
        writer.mux(sound_track.encode(None))
    return path


@pytest.mark.parametrize(
    ("source", "codec", "layout", "channels", "rate", "output", "expected"),
    [
        ("a.mkv", "pcm_s16le", "stereo", 2, 48000, "b.mp4", "pcm_s16le"),
        ("a.avi", "pcm_s16le", "stereo", 2, 44100, "b.mp4", "pcm_s16le"),
        ("a.mkv", "pcm_u8", "stereo", 2, 48000, "b.mp4", "aac"),
        ("a.mkv", "pcm_s16le", "5.1", 6, 192000, "b.m4v", "aac"),
        ("a.mkv", "flac", "stereo", 2, 48000, "b.mov", "aac"),
        ("a.mkv", "libopus", "stereo", 2, 48000, "b.mov", "aac"),
        ("a.mkv", "ac3", "5.1(side)", 6, 48000, "b.webm", "opus"),
        ("a.mkv", "ac3", "5.1(side)", 6, 48000, "b.mp4", "ac3"),
    ],
)
def test_sound_of_every_kind_arrives(tmp_path, source, codec, layout, channels, rate, output, expected):
    """Copied bit for bit where the container holds it, and else encoded anew."""
    source = with_sound(tmp_path / source, codec, layout, rate, channels)
    with VideoWriter(tmp_path / output, probe(source), audio_from=source) as writer:
        for frame in read_frames(source):
            writer.write(frame.image, frame)
    with av.open(str(writer.path)) as container:
        (track,) = container.streams.audio
        assert (track.codec_context.name, track.channels) == (expected, channels)
        seconds = sum(frame.samples for frame in container.decode(track)) / track.rate
    assert seconds == pytest.approx(1, abs=0.05)
    if writer.reencoded_sound:
        assert expected != codec
    else:
        assert b"".join(packet[2] for packet in sound(writer.path)) == b"".join(p[2] for p in sound(source))


def test_title_and_chapters_are_taken_over(tmp_path):
    source, chapters = tmp_path / "a.mkv", [(0, 500, "one"), (500, 1500, "two"), (1500, 2000, "three")]
    with av.open(str(CLIP)) as reader, av.open(str(source), "w") as writer:
        track = writer.add_stream_from_template(reader.streams.video[0], opaque=True)
        writer.metadata.update(title="My film", location="+48.1/")
        writer.set_chapters(
            [
                {"id": i, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for i, (a, b, title) in enumerate(chapters)
            ]
        )
        for packet in reader.demux(video=0):
            if packet.size:
                packet.stream = track
                writer.mux(packet)
    for stretch, expected in (({}, chapters), ({"start": 1, "stop": 1.5}, [(0, 500, "two")])):
        with av.open(str(copy_video(source, tmp_path / "b.mp4", **stretch))) as container:
            assert container.metadata["title"] == "My film"
            assert "location" not in container.metadata
            found = [
                (int(c["start"] * c["time_base"] * 1000), int(c["end"] * c["time_base"] * 1000), c["metadata"]["title"])
                for c in container.chapters()
            ]
        assert found == expected


def test_a_cut_between_two_frames_of_a_coarse_clock_keeps_their_distances(tmp_path):
    source = with_sound(tmp_path / "a.avi", "pcm_s16le", "stereo")
    assert probe(source).time_base == Fraction(1, 24)
    output = copy_video(source, tmp_path / "cut.mp4", start=0.51)
    times = [frame.time for frame in read_frames(output)]
    assert len(times) == 11
    np.testing.assert_allclose(np.diff(times), 1 / 24, atol=1e-3)


def test_a_rate_that_the_frames_contradict_is_not_believed(tmp_path):
    source, output = probe(write_pictures(tmp_path / "a.mp4", count=24)), tmp_path / "b.mkv"
    with av.open(str(source.path)) as reader, av.open(str(output), "w") as writer:
        track = writer.add_stream("libx264", rate=25_000, width=64, height=48)
        track.codec_context.time_base = Fraction(1, 25_000)
        for index, frame in enumerate(reader.decode(video=0)):
            frame.pts, frame.time_base = round(index * 25_000 / source.rate), Fraction(1, 25_000)
            writer.mux(track.encode(frame))
        writer.mux(track.encode(None))
    with av.open(str(output)) as reader:
        assert reader.streams.video[0].average_rate == 25_000
    assert float(probe(output).rate) == pytest.approx(float(source.rate), rel=2e-3)


@pytest.mark.parametrize("height", [640, 800])
def test_an_untagged_rotated_video_keeps_its_colours(tmp_path, height):
    """Without a tag, readers go by the stored height, which is not the one shown; nor that of two beside each other."""
    image = np.zeros((height, 480, 3), np.uint8)
    image[:] = (200, 60, 30)
    source = tmp_path / "lying.mov"
    with VideoWriter(source, rate=24, size=(height, 480)) as writer:
        writer.write(np.rot90(image))
    turned = probe(remux(source, tmp_path / "turned.mov", lambda stream: stream.set_display_rotation(270)))
    assert (turned.width, turned.height, turned.matrix) == (480, height, 2)
    for panels in (1, 2):
        path = tmp_path / f"{panels}.mov"
        with VideoWriter(path, turned, size=(480 * panels, height)) as writer:
            writer.write(np.tile(image, (1, panels, 1)))
        np.testing.assert_allclose(next(read_frames(path)).image[10, 10], image[0, 0], atol=4)
        assert (probe(path).matrix == 2) == (480 * panels < 720)


@pytest.mark.parametrize(("name", "codec"), [("b.mp4", "vp9"), ("b.mkv", "h264"), ("b.mkv", "hevc")])
def test_pixels_that_are_not_square_stay_so_or_are_refused(tmp_path, name, codec):
    info = replace(probe(CLIP), aspect=Fraction(4, 3))
    with VideoWriter(tmp_path / name, info, codec=codec) as writer:
        writer.write(picture(320, 320))
    assert probe(tmp_path / name).aspect == Fraction(4, 3)
    for refused in ("c.webm", "c.mkv"):
        with pytest.raises(VideoError, match="cannot keep the shape of the pixels"):
            VideoWriter(tmp_path / refused, info, codec="vp9")


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "h264"), ("a.mp4", "hevc"), ("a.mp4", "vp9")])
def test_an_odd_size_plays_everywhere(tmp_path, name, codec):
    """Players show halved colours only, of which H.264 and HEVC have even sizes: the last row and column is doubled."""
    output = write_pictures(tmp_path / name, height=47, width=63, codec=codec)
    info, padding = probe(output), int(codec != "vp9")
    assert (info.width, info.height, info.frames, info.rate) == (63 + padding, 47 + padding, 6, Fraction(30000, 1001))
    assert info.pixel_format == "yuv420p"
    for i, frame in enumerate(read_frames(output)):
        expected = np.pad(picture(47, 63, i), ((0, padding), (0, padding), (0, 0)), mode="edge")
        assert np.abs(frame.image.astype(int) - expected).max() < 12


def test_parts_of_an_odd_picture_are_replaced(tmp_path):
    source, output = write_pictures(tmp_path / "a.webm", height=47, width=63), tmp_path / "b.webm"
    with VideoWriter(output, probe(source)) as writer:
        for frame in read_frames(source):
            image = frame.image.copy()
            image[30:, 40:] = (200, 40, 40)
            writer.write(image, frame, [(slice(30, 47), slice(40, 63))])
    written = next(read_frames(output)).image.astype(int)
    assert np.abs(written[34:, 44:] - (200, 40, 40)).max() < 12
    assert np.abs(written[:28, :38] - picture(47, 63)[:28, :38]).max() < 12


def test_irregular_times_are_kept(tmp_path):
    source, output = tmp_path / "irregular.mp4", tmp_path / "copy.mp4"
    ticks = [0, 3, 4, 9, 10, 17]
    info = probe(write_pictures(tmp_path / "regular.mp4"))
    frames = list(read_frames(info.path))
    with VideoWriter(source, info) as writer:
        for frame, tick in zip(frames, ticks, strict=True):
            object.__setattr__(frame, "pts", 1000 * tick)
            writer.write(frame.image, frame)
    assert [frame.pts for frame in read_frames(source)] == [1000 * tick for tick in ticks]
    copy_video(source, output)
    assert [frame.pts for frame in read_frames(output)] == [1000 * tick for tick in ticks]


def encode(path, images, codec="libx264", times=None, rate=24, container=None, **options):
    """A video as others write them: with B-frames, and with options of the encoder's own."""
    with av.open(str(path), "w", format=container) as writer:
        track = writer.add_stream(codec, rate=rate, options=options)
        track.height, track.width = images[0].shape[:2]
        track.pix_fmt = "yuv420p"
        base = Fraction(1, rate) if times is None else Fraction(1, 90_000)
        track.codec_context.time_base = base
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index if times is None else times[index], base
            writer.mux(track.encode(frame))
        writer.mux(track.encode(None))
    return path


def clip_images(count):
    return [frame.image for frame in read_frames(CLIP, stop=count / 24)]


def test_the_last_frame_of_a_variable_rate_ends_when_the_file_says(tmp_path):
    """With B-frames, MP4 states of each packet how long it is until the next is decoded, not shown."""
    times = np.cumsum([0, 3, 3, 9, 3, 22, 3, 3, 45, 3, 4, 3]) * 1000
    source = encode(tmp_path / "a.mp4", clip_images(12), times=times.tolist())
    frames = list(read_frames(source))
    np.testing.assert_allclose([frame.duration for frame in frames[:-1]], np.diff(times), atol=1)
    assert frames[-1].duration < 9000
    output = probe(copy_video(source, tmp_path / "b.mp4"))
    assert output.duration == pytest.approx(probe(source).duration, abs=0.01)


def test_a_clock_that_starts_again_runs_on(tmp_path):
    """Two recordings joined byte by byte, as camcorders and downloads of live streams leave them, with sound."""
    halves = [tmp_path / "1.ts", tmp_path / "2.ts"]
    for half, (start, stop) in zip(halves, ((0, 1), (1, 2)), strict=True):
        short = copy_video(CLIP, tmp_path / "short.mp4", start=start or None, stop=stop)
        remux(short, half)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(half.read_bytes() for half in halves))
    info = probe(joined)
    assert (info.recordings, info.frames) == (2, 48)
    assert info.duration == pytest.approx(2, abs=0.1)
    output = copy_video(joined, tmp_path / "out.mp4")
    np.testing.assert_allclose(np.diff([frame.time for frame in read_frames(output)]), 1 / 24, atol=5e-3)
    assert heard(output).shape[1] / 44100 == pytest.approx(2, abs=0.1)
    spans = [packet[:2] for packet in sound(output)]
    assert all(0 <= after[0] - before[0] - before[1] < 0.06 * 44100 for before, after in pairwise(spans))
    assert probe(CLIP).recordings == probe(encode(tmp_path / "b.mkv", clip_images(6))).recordings == 1


def interlaced(count, first=1):
    """Pictures of two moments each; the rows from `first` on, every second one, are of the later moment."""
    images = clip_images(2 * count)
    woven = []
    for early, late in zip(images[::2], images[1::2], strict=True):
        picture = early.copy()
        picture[first::2] = late[first::2]
        woven.append(picture)
    return images, woven


def combed(images):
    """Part of the pixels that stand out from both the row above and the one below."""
    teeth = []
    for image in images:
        rows = image[..., 1].astype(int)
        above, below = rows[1:-1] - rows[:-2], rows[1:-1] - rows[2:]
        teeth.append(((above * below > 0) & (np.minimum(abs(above), abs(below)) > 8)).mean())
    return np.mean(teeth)


@pytest.mark.parametrize(("first", "order", "flags"), [(1, "tff", True), (0, "bff", True), (1, "tff", False)])
def test_interlaced_pictures_are_read_whole(tmp_path, first, order, flags):
    images, woven = interlaced(12, first)
    options = {"x264-params": f"{order}=1", "flags": "+ildct+ilme"} if flags else {}
    source = encode(tmp_path / "a.mp4", woven, crf="8", **options)
    assert probe(source).field_order == order
    frames = list(read_frames(source))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(12) / 24)

    assert combed(frame.image for frame in frames) < 1.5 * combed(images[::2]) < 0.3 * combed(woven)
    with av.open(str(copy_video(source, tmp_path / "b.mp4"))) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))


def test_progressive_pictures_with_the_flags_of_interlaced_ones_stay(tmp_path):
    images = clip_images(24)
    source = encode(tmp_path / "a.mp4", images, crf="8", **{"x264-params": "tff=1", "flags": "+ildct+ilme"})
    with av.open(str(source)) as container:
        stored = [frame for frame in container.decode(video=0)]
    assert all(frame.interlaced_frame for frame in stored)
    assert probe(source).field_order is None
    for one, other in zip(read_frames(source), stored, strict=True):
        np.testing.assert_array_equal(one.stored.to_ndarray(), other.to_ndarray())


def with_damage(source, output, number, flips=3, seed=0):
    """Change some bytes inside one packet of the picture."""
    rng = np.random.default_rng(seed)
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        position, size = packets[number].pos, packets[number].size
    content = bytearray(source.read_bytes())
    for place in rng.integers(size // 3, size, flips):
        content[position + place] ^= int(rng.integers(1, 256))
    output.write_bytes(content)
    return output


@pytest.mark.parametrize(("codec", "name"), [("libx264", "a.mp4"), ("libx264", "a.mkv"), ("mpeg4", "a.avi")])
def test_damage_inside_packets_is_noticed(tmp_path, codec, name):
    source = encode(tmp_path / name, clip_images(40), codec, g="16", sc_threshold="0")
    whole = list(read_frames(source))
    assert not any(frame.damaged for frame in whole)
    for number in (3, 9, 20):
        damaged = list(read_frames(with_damage(source, tmp_path / f"broken_{name}", number)))
        expected = {frame.pts: frame.image.astype(int) for frame in whole}
        wrong = {frame.pts for frame in damaged if np.abs(frame.image - expected[frame.pts]).max() > 40}
        told = {frame.pts for frame in damaged if frame.damaged}
        assert told and wrong <= told
        assert max(told) < whole[16 * (number // 16 + 1)].pts, "the next key frame is whole again"


def test_a_video_that_stands_still_for_long_is_whole(tmp_path):
    info, path, ticks = probe(write_pictures(tmp_path / "regular.mp4")), tmp_path / "still.mkv", [0, 3, 4, 90, 91, 170]
    with VideoWriter(path, info) as writer:
        for frame, tick in zip(list(read_frames(info.path)), ticks, strict=True):
            object.__setattr__(frame, "pts", 1000 * tick)
            writer.write(frame.image, frame)
    expected = [float(1000 * tick * info.time_base) for tick in ticks]
    np.testing.assert_allclose([frame.time for frame in read_frames(path)], expected, atol=1e-3)


def test_a_recording_that_broke_off_is_read_as_far_as_it_goes(tmp_path):
    live = remux(SILENT, tmp_path / "live.mkv", options={"live": "1"}).read_bytes()
    (tmp_path / "live.mkv").write_bytes(live[: len(live) // 2])
    assert 10 < len(list(read_frames(tmp_path / "live.mkv"))) < probe(SILENT).frames - 10


def test_the_coarse_clock_of_matroska_does_not_blur_the_rate(tmp_path):
    source = write_pictures(tmp_path / "source.mkv", count=20)
    output = probe(copy_video(source, tmp_path / "copy.mp4"))
    assert (output.rate, output.frames) == (Fraction(30000, 1001), 20)
    assert [frame.pts * frame.time_base for frame in read_frames(output.path)] == [
        i * Fraction(1001, 30000) for i in range(20)
    ]


def test_one_frame_is_a_video(tmp_path):
    output = copy_video(write_pictures(tmp_path / "one.mp4", count=1), tmp_path / "copy.mp4")
    assert len(list(read_frames(output))) == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_rotation_is_applied_and_kept(tmp_path, suffix):
    upright = write_pictures(tmp_path / "upright.mov", height=48, width=64)
    turned = remux(upright, tmp_path / "turned.mov", lambda stream: stream.set_display_rotation(90))
    info = probe(turned)
    assert (info.width, info.height, info.rotation) == (48, 64, 90)
    one, other = next(read_frames(upright)).image, next(read_frames(turned)).image
    np.testing.assert_array_equal(other, np.rot90(one))
    copy = probe(copy_video(turned, tmp_path / f"copy{suffix}"))
    assert (copy.width, copy.height, copy.rotation) == (48, 64, 90)
    np.testing.assert_allclose(next(read_frames(copy.path)).image, np.rot90(one), atol=12)


def test_mirrored_pictures_are_refused(tmp_path):
    plain = write_pictures(tmp_path / "plain.mp4", height=48, width=64).read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    mirrored = struct.pack(">9i", -1 << 16, 0, 0, 0, 1 << 16, 0, 64 << 16, 0, 1 << 30)
    place = plain.find(upright, plain.find(b"tkhd"))
    clip = tmp_path / "mirrored.mp4"
    clip.write_bytes(plain[:place] + mirrored + plain[place + len(upright) :])
    for read in (probe, lambda path: next(read_frames(path))):
        with pytest.raises(VideoError, match=r"mirrored\.mp4 asks to be shown mirrored"):
            read(clip)


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".mp4", "hevc"), (".mkv", "vp9"), (".webm", None)])
def test_parts_join_to_the_whole(tmp_path, suffix, codec):
    frames, info, output = list(read_frames(CLIP)), probe(CLIP), tmp_path / f"whole{suffix}"
    settings = {"codec": codec_of(output, codec), "quality": 20}
    parts = [tmp_path / f"{start}{PART}" for start in (0, 15, 31)]
    for part, some in zip(parts, (frames[:15], frames[15:31], frames[31:]), strict=True):
        with VideoWriter(part, info, **settings) as writer:
            for frame in some:
                writer.write(frame.image, frame)
    with VideoWriter(output, info, audio_from=CLIP, **settings) as writer:
        for part in parts:
            writer.append(part)
    whole = list(read_frames(output))
    assert (probe(output).codec, len(whole)) == (settings["codec"], 48)
    np.testing.assert_allclose([f.time - whole[0].time for f in whole], np.arange(48) / 24, atol=2e-3)
    for one, other in zip(frames, whole, strict=True):
        assert np.abs(one.image.astype(int) - other.image).mean() < 3
    if suffix == ".webm":
        assert writer.reencoded_sound == ["aac"]
    else:
        assert [packet[2] for packet in sound(output)] == [packet[2] for packet in sound(CLIP)]


def test_quality_and_codec_are_settings(tmp_path):
    sizes = [copy_video(CLIP, tmp_path / f"{q}.mp4", quality=q, stop=0.5).stat().st_size for q in (10, 20, 40)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 4 * sizes[2]
    for settings in ({"codec": "vp8"}, {"codec": "h264", "name": "a.webm"}, {"quality": 52}):
        name = settings.pop("name", "a.mp4")
        with pytest.raises(ValueError, match=r"cannot hold|quality must be"):
            VideoWriter(tmp_path / name, probe(CLIP), **settings)


@pytest.mark.parametrize(("matrix", "color_range"), [(1, 1), (6, 1), (5, 2), (2, 0), (9, 1)])
def test_colours_survive_every_matrix_and_range(tmp_path, matrix, color_range):
    path = tmp_path / "tagged.mp4"
    image = np.zeros((32, 32, 3), np.uint8)
    image[:] = (200, 60, 30)
    base = probe(write_pictures(tmp_path / "base.mp4", height=32, width=32))
    object.__setattr__(base, "matrix", matrix)
    object.__setattr__(base, "color_range", color_range)
    with VideoWriter(path, base) as writer:
        writer.write(image)
    info = probe(path)
    assert (info.matrix, info.color_range) == (matrix, color_range)
    np.testing.assert_allclose(next(read_frames(path)).image, image, atol=4)
    with av.open(str(path)) as container:
        luma = next(container.decode(video=0)).to_ndarray()[:32].mean()
    red, green = {1: (0.2126, 0.7152), 9: (0.2627, 0.678)}.get(matrix, (0.299, 0.587))
    brightness = (red * 200 + green * 60 + (1 - red - green) * 30) / 255
    assert luma == pytest.approx(255 * brightness if color_range == 2 else 16 + 219 * brightness, abs=2)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "h264"), ("a.mp4", "hevc"), ("a.webm", "vp9")])
def test_colours_stay_in_their_place_to_a_tenth_of_a_pixel(tmp_path, name, codec):
    ramp = np.arange(64)
    image = np.zeros((64, 64, 3), np.uint8)
    image[:] = np.rint(np.stack([60 + 2.0 * ramp, 180 - 1.02 * ramp, np.full(64, 100)], axis=-1))
    for shown in (image, image.transpose(1, 0, 2)):
        with VideoWriter(tmp_path / name, rate=24, size=(64, 64), codec=codec, quality=1) as writer:
            writer.write(np.ascontiguousarray(shown))
        written = next(read_frames(tmp_path / name)).image
        assert abs((written.astype(float) - shown)[8:-8, 8:-8, 0].mean()) < 0.2, "two levels a pixel"


def test_a_failure_leaves_what_was_there(tmp_path):
    good = tmp_path / "good.mp4"
    good.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="power cut"), VideoWriter(good, probe(CLIP), audio_from=CLIP) as writer:
        for frame in read_frames(CLIP, stop=0.5):
            writer.write(frame.image, frame)
        raise RuntimeError("power cut")
    assert good.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [good]


def test_a_video_without_frames_is_not_written(tmp_path):
    with pytest.raises(VideoError, match=r"no frame was written to .*none\.mp4"):
        copy_video(CLIP, tmp_path / "none.mp4", start=99)
    assert not list(tmp_path.iterdir())


def test_the_writer_refuses_what_does_not_fit(tmp_path):
    with pytest.raises(ValueError, match="give `like`"):
        VideoWriter(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=r"must end in one of .mp4"):
        VideoWriter(tmp_path / "a.jpg", probe(CLIP))
    with pytest.raises(VideoError, match="choose another name"):
        VideoWriter(CLIP, probe(CLIP), audio_from=CLIP)
    expected = r"expected a uint8 image of \(320, 320, 3\)"
    with pytest.raises(ValueError, match=expected), VideoWriter(tmp_path / "a.mp4", probe(CLIP)) as writer:
        writer.write(np.zeros((10, 10, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def broken_files(folder):
    """One file of each kind that is not a whole video, and what its error has to say."""
    (folder / "empty.mp4").touch()
    yield folder / "empty.mp4", "empty"
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    yield folder / "noise.mp4", "cannot be read as a video"
    (folder / "letter.txt").write_text("Dear reader, this is not a video.\n" * 100)
    yield folder / "letter.txt", "not a video|cannot be read as a video"
    yield remux(CLIP, folder / "sound.m4a", kinds=("audio",)), "no picture"
    for name, options in ("headless.mp4", {}), ("front.mp4", {"movflags": "faststart"}), ("cut.mkv", {}):
        whole = remux(CLIP, folder / f"whole_{name}", options=options).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) * 6 // 10])
        yield folder / name, "cut short|cannot be read"


def test_broken_files_are_named(tmp_path):
    for path, reason in broken_files(tmp_path):
        with pytest.raises(VideoError, match=reason) as caught:
            list(read_frames(path))
        assert str(path) in str(caught.value)


def test_a_picture_is_not_a_video(tmp_path):
    write_image(tmp_path / "photo.png", picture(32, 32))
    with pytest.raises(VideoError, match=r"photo\.png is not a video"):
        probe(tmp_path / "photo.png")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
        read_frames(tmp_path / "nowhere.mp4")
    with pytest.raises(IsADirectoryError):
        probe(tmp_path)
