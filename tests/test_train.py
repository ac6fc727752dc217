import json
from dataclasses import replace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fsgan_utils.locking import BusyError, only_run_on
from fsgan_utils.training import (
    LossWeights,
    ModelConfig,
    Phase,
    TrainConfig,
    load_model,
    open_model,
    save_model,
    train,
)
from fsgan_utils.training.history import History
from fsgan_utils.training.phases import default_phases

COMPACT = ModelConfig(capacity="compact")
SETTINGS = TrainConfig(iterations=6, batch_size=2, preview_every=3, backup_every=4, learning_rate=1e-3)
IMAGES = np.zeros((2, 64, 64, 3), np.float32)


def run(faces, folder, settings=SETTINGS, **options):
    model = open_model(folder, COMPACT, settings)
    return model, train(model, faces, settings, folder, **options)


def test_a_training_in_two_sessions_equals_one_in_one(faces, tmp_path):
    whole, history = run(faces, tmp_path / "whole")
    run(faces, tmp_path / "parts", replace(SETTINGS, iterations=3), phases=halves())
    parts, resumed = run(faces, tmp_path / "parts")
    assert parts.iteration == whole.iteration == 6
    np.testing.assert_allclose(parts.generate(IMAGES, "AtoB"), whole.generate(IMAGES, "AtoB"), atol=1e-4)
    assert resumed.rows[-1]["iteration"] == history.rows[-1]["iteration"] == 6
    assert len(History.open(tmp_path / "parts" / "history.csv", 6).rows) == len(resumed.rows)


def test_a_new_model_begins_with_a_trained_one(faces, tmp_path):
    first, _ = run(faces, tmp_path / "first")
    second = open_model(tmp_path / "second", COMPACT, SETTINGS, start=tmp_path / "first")
    assert second.iteration == 0
    np.testing.assert_allclose(second.generate(IMAGES, "AtoB"), first.generate(IMAGES, "AtoB"))
    with pytest.raises(ValueError, match="another shape"):
        open_model(tmp_path / "third", replace(COMPACT, crop="half"), SETTINGS, start=tmp_path / "first")


def halves():
    """The first phase alone, so that a shorter run does what the beginning of a longer one does."""
    return (replace(default_phases(COMPACT)[0], stop=1.0),)


def test_previews_saves_and_backups_come_when_due(faces, tmp_path):
    seen = []
    model, _ = run(faces, tmp_path, preview=lambda model, history: seen.append((model.iteration, len(history.rows))))
    assert [iteration for iteration, _ in seen] == [3, 6]
    folders = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert folders == ["iteration-00000004", "iteration-00000006", "logs"]
    for folder in (tmp_path, tmp_path / "iteration-00000006"):
        np.testing.assert_allclose(load_model(folder).generate(IMAGES, "BtoA"), model.generate(IMAGES, "BtoA"))
    assert load_model(tmp_path / "iteration-00000004").iteration == 4


def test_the_best_model_is_kept_beside_the_last(faces, tmp_path):
    merits = iter([0.2, 0.5, 0.3])
    settings = replace(SETTINGS, preview_every=2)
    _, history = run(faces, tmp_path, settings, scorer=lambda model: {"score": next(merits), "score_identity": 0.1})
    assert load_model(tmp_path / "best").iteration == 4 and load_model(tmp_path).iteration == 6
    assert [row["score"] for row in history.rows if "score" in row] == [0.2, 0.5, 0.3]

    settings = replace(settings, iterations=8)
    run(faces, tmp_path, settings, scorer=lambda model: {"score": 0.4})
    assert load_model(tmp_path / "best").iteration == 4
    rows = History.open(tmp_path / "history.csv", 8).rows
    assert [row["score"] for row in rows if row["score"] > 0] == [0.2, 0.5, 0.3, 0.4]
    assert rows[-1]["score"] == 0.4 and np.isnan(rows[-1]["score_identity"])


def test_tensorboard_shows_losses_and_scores(faces, tmp_path):
    run(faces, tmp_path, replace(SETTINGS, iterations=3), scorer=lambda model: {"score": 0.5})
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    assert {"scores/score", "losses/reconstruction"} <= set(events.Tags()["tensors"])
    (point,) = events.Tensors("scores/score")
    assert point.step == 3 and point.tensor_proto.float_val[0] == 0.5


def test_a_finished_model_is_trained_further_only_when_asked(faces, tmp_path):
    run(faces, tmp_path)
    model, history = run(faces, tmp_path)
    assert model.iteration == 6 and history.rows[-1]["iteration"] == 6
    model, history = run(faces, tmp_path, replace(SETTINGS, iterations=8))
    assert model.iteration == 8


def test_an_interruption_saves_and_the_next_run_goes_on(faces, tmp_path):
    def interrupt(model, history):
        raise KeyboardInterrupt

    model, _ = run(faces, tmp_path, preview=interrupt)
    assert model.iteration == 3 and load_model(tmp_path).iteration == 3
    assert run(faces, tmp_path)[0].iteration == 6


def test_a_model_trained_further_elsewhere_is_not_replaced(faces, tmp_path):
    """As when two notebooks have opened one model."""
    stale = open_model(tmp_path, COMPACT, SETTINGS)
    run(faces, tmp_path)
    with pytest.raises(ValueError, match="has been trained to iteration 6 since this one was opened, which is at 0"):
        train(stale, faces, SETTINGS, tmp_path)
    with only_run_on(tmp_path), pytest.raises(BusyError, match="another run is writing"):
        run(faces, tmp_path, replace(SETTINGS, iterations=9))
    assert load_model(tmp_path).iteration == 6


def test_a_loss_that_is_not_finite_stops_and_leaves_the_saved_model(faces, tmp_path):
    run(faces, tmp_path, replace(SETTINGS, iterations=3))
    model = open_model(tmp_path, COMPACT, SETTINGS)
    model.encoder.trainable_variables[0].assign(model.encoder.trainable_variables[0] * np.nan)
    with pytest.raises(FloatingPointError, match="not finite"):
        train(model, faces, SETTINGS, tmp_path)
    assert load_model(tmp_path).iteration == 3


def test_a_model_of_another_shape_is_not_overwritten(tmp_path):
    save_model(open_model(tmp_path, COMPACT, SETTINGS), tmp_path)
    before = (tmp_path / "model.json").read_bytes()
    with pytest.raises(ValueError, match="another shape"):
        open_model(tmp_path, ModelConfig(128, "compact"), SETTINGS)
    assert (tmp_path / "model.json").read_bytes() == before


def test_every_damage_to_a_saved_model_is_named(tmp_path):
    model = open_model(tmp_path, COMPACT, SETTINGS)
    weights = save_model(model, tmp_path)
    decoder, card = weights / "decoder_B.weights.h5", tmp_path / "model.json"
    whole, whole_card = decoder.read_bytes(), card.read_text()

    decoder.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"decoder_B\.weights\.h5 is damaged"):
        load_model(tmp_path)
    decoder.unlink()
    with pytest.raises(FileNotFoundError, match=r"decoder_B\.weights\.h5 is missing"):
        open_model(tmp_path, COMPACT, SETTINGS)
    decoder.write_bytes(whole)
    changed = json.loads(whole_card)
    changed["config"]["resolution"] = 128
    card.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="do not fit"):
        load_model(tmp_path)
    card.write_text(whole_card[:40])
    with pytest.raises(ValueError, match="not valid JSON"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="no trained model"):
        load_model(tmp_path / "nowhere")


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = open_model(tmp_path, COMPACT, SETTINGS)
    save_model(model, tmp_path)
    model.iteration = 1
    model.decoders["b"].trainable_variables[0].assign(model.decoders["b"].trainable_variables[0] * np.nan)
    with pytest.raises(FloatingPointError, match="decoder_B"):
        save_model(model, tmp_path)
    assert load_model(tmp_path).iteration == 0


def test_a_failing_save_leaves_the_last_model(tmp_path, monkeypatch):
    model = open_model(tmp_path, COMPACT, SETTINGS)
    save_model(model, tmp_path)
    model.iteration = 1

    def no_space(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", no_space)
    with pytest.raises(OSError, match="No space"):
        save_model(model, tmp_path)
    assert load_model(tmp_path).iteration == 0


def test_wrong_schedules_and_settings_are_refused(faces, tmp_path):
    with pytest.raises(ValueError, match="the last at 1"):
        run(faces, tmp_path, phases=(Phase(0.5, LossWeights()),))
    with pytest.raises(ValueError, match="iterations"):
        TrainConfig(iterations=0)
    with pytest.raises(ValueError, match="adversary"):
        TrainConfig(adversary="none")
