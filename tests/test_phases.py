from dataclasses import replace

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from fsgan_utils.training import (
    LossWeights,
    ModelConfig,
    PairedBatches,
    Phase,
    TrainConfig,
    default_phases,
    load_model,
    open_model,
    plot_schedule,
    schedule_table,
    train,
)
from fsgan_utils.training.exchange import exchange_decoders
from fsgan_utils.training.phases import phase_at, v22_phases

COMPACT = ModelConfig(capacity="compact")
DRAW = LossWeights(adversarial=0.0, edge=0.0, weight_decay=0.0)


def test_v22s_schedule_follows_its_fractions():
    phases = v22_phases()
    places = (0, 199, 200, 299, 300, 400, 500, 667, 800, 900, 999, 1500)
    seen = [phase_at(phases, place, 1000) for place in places]
    assert [phase.weights.perceptual for phase in seen] == [0, 0, *[1] * 10]
    assert [phase.weights.mask_hinge_floor for phase in seen] == [0, 0, 0, 0, 0.5, 0.2, 0.4, 0, 0.1, 0, 0, 0]
    assert [phase.weights.mask_l1 > 0 for phase in seen] == [*[True] * 4, *[False] * 3, True, False, *[True] * 3]
    assert [phase.weights.mask_hinge > 0 for phase in seen] == [phase.weights.mask_l1 == 0 for phase in seen]
    assert [phase.rate for phase in seen] == [*[1.0] * 7, 0.3, 0.3, 0.1, 0.1, 0.1]
    assert [phase.exchange_decoders for phase in seen] == [*[False] * 8, True, *[False] * 3]


def test_changed_weights_hold_wherever_the_schedule_uses_the_term():
    phases = default_phases(ModelConfig(), {"mask_hinge": 0.5, "eyes": 10.0, "adversarial": 0.0})
    assert {phase.weights.mask_hinge for phase in phases} == {0, 0.5}
    assert {phase.weights.eyes for phase in phases} == {10} and {phase.weights.adversarial for phase in phases} == {0}
    assert {phase.weights.dssim for phase in default_phases(COMPACT, {"dssim": 1.0})} == {1}
    with pytest.raises(ValueError, match="Received: eye"):
        default_phases(COMPACT, {"eye": 1.0})
    with pytest.raises(ValueError, match=r"LossWeights\.eyes"):
        default_phases(COMPACT, {"eyes": -1.0})


def test_the_table_and_the_plot_show_every_phase(monkeypatch):
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    settings = TrainConfig(iterations=1000, extra_iterations=500)
    table = schedule_table(v22_phases(), settings)
    assert list(table.index) == [200, 300, 400, 500, 667, 800, 900, 1000]
    assert table["learning rate"].iloc[-1] == pytest.approx(1e-5)
    plot_schedule(v22_phases(), settings)
    (figure,) = drawn
    titles = [axis.get_title() for axis in figure.axes if axis.axison]
    assert titles == ["learning rate", "discriminator rate", "mask_l1", "mask_hinge", "mask_hinge_floor", "perceptual"]
    assert "eyes 30" in figure.get_suptitle() and "cycle" not in figure.get_suptitle()
    assert all(list(axis.lines[0].get_xdata()) == [800, 800] for axis in figure.axes if axis.axison)
    assert table["discriminator rate"].iloc[-1] == pytest.approx(2e-5)
    plt.close(figure)


def state(model, side):
    """A decoder's variables, and all that the optimizer keeps of them: its own are named after them."""
    variables = model.decoders[side].trainable_variables
    names = {variable.path.replace("/", "_") for variable in variables}
    kept = [one for one in model.generator_optimizer.variables if one.name.rsplit("_", 1)[0] in names]
    assert len(kept) >= len(variables)
    return [keras.ops.convert_to_numpy(variable).copy() for variable in [*variables, *kept]]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_exchanged_decoders_take_weights_and_moments_along(faces, tmp_path, optimizer):
    keras.utils.set_random_seed(1)
    model = open_model(tmp_path, COMPACT, TrainConfig(optimizer=optimizer))
    model.set_loss_weights(DRAW)
    model.train_on_batch(PairedBatches(faces, 64, 2).batch(0))
    before = {side: state(model, side) for side in "ab"}
    code = np.random.default_rng(0).normal(size=(1, *model.encoder.output_shape[1:])).astype(np.float32)
    drawn = [model.decoders[side].predict_on_batch(code) for side in "ab"]
    exchange_decoders(model)
    for side, other in ("ab", "ba"):
        for now, then in zip(state(model, side), before[other], strict=True):
            np.testing.assert_array_equal(now, then)
    assert np.abs(before["a"][-1] - before["b"][-1]).max() > 0
    np.testing.assert_array_equal(model.decoders["a"].predict_on_batch(code), drawn[1])
    with pytest.raises(RuntimeError, match="exchanged before"):
        exchange_decoders(model)


def test_a_training_exchanges_its_decoders_once_whatever_interrupts_it(faces, tmp_path, monkeypatch):
    exchanged_at = []

    def counted(model):
        exchanged_at.append(model.iteration)
        exchange_decoders(model)

    monkeypatch.setattr("fsgan_utils.training.callbacks.exchange_decoders", counted)
    phases = (Phase(0.5, DRAW), Phase(0.75, DRAW, exchange_decoders=True), Phase(1.0, DRAW, 0.5))
    settings = TrainConfig(iterations=4, batch_size=2, preview_every=1, backup_every=100)

    def interrupt(model, history):
        raise KeyboardInterrupt

    for _ in range(3):
        train(open_model(tmp_path, COMPACT, settings), faces, settings, tmp_path, phases=phases, preview=interrupt)
    assert load_model(tmp_path).iteration == 3 and load_model(tmp_path).exchanged and exchanged_at == [2]
    longer = replace(settings, iterations=8, extra_iterations=1)
    model = open_model(tmp_path, COMPACT, longer)
    train(model, faces, longer, tmp_path, phases=phases)
    assert model.iteration == 9 and exchanged_at == [2]
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(0.5 * settings.learning_rate)


def test_phases_change_the_losses_and_keep_the_optimizers_state(faces, tmp_path):
    weights = replace(DRAW, mask_l1=1.0)
    phases = (Phase(0.5, weights), Phase(1.0, replace(weights, mask_l1=0.0, mask_tv=0.0, mask_hinge=0.0), 0.1, 0.2))
    settings = TrainConfig(iterations=4, batch_size=2)
    model = open_model(tmp_path, COMPACT, settings)
    history = train(model, faces, settings, tmp_path, phases=phases)
    assert [row["iteration"] for row in history.rows] == [2, 4]
    assert history.rows[0]["mask"] > 0.1 and history.rows[1]["mask"] == 0
    assert int(model.generator_optimizer.iterations) == 4
    for optimizer, rate in ((model.generator_optimizer, 1e-5), (model.discriminator_optimizer, 4e-5)):
        assert float(optimizer.learning_rate) == pytest.approx(rate)


def test_a_schedule_that_compares_perceptually_gets_what_it_needs(faces, tmp_path, monkeypatch, capsys):
    settings = TrainConfig(iterations=2, batch_size=1)
    phases = (Phase(0.5, DRAW), Phase(1.0, replace(DRAW, perceptual=1.0)))
    monkeypatch.setenv("HOME", str(tmp_path))  # no ResNet-50 in Keras' cache
    model = open_model(tmp_path / "models", COMPACT, settings)
    history = train(model, faces, settings, tmp_path / "models", phases=phases)
    assert "MobileNet" in "".join(capsys.readouterr())
    assert history.rows[0]["perceptual"] == 0 and 0.05 < history.rows[1]["perceptual"] < 5
    assert not any("perceptual" in path.name for path in (tmp_path / "models").rglob("*"))


@pytest.mark.long
def test_v22s_whole_schedule_runs_from_beginning_to_end(faces, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = TrainConfig(iterations=20, extra_iterations=2, batch_size=1)
    config = ModelConfig.from_v22(use_self_attn=False, model_capacity="lite")
    model = open_model(tmp_path / "models", config, settings)
    history = train(model, faces, settings, tmp_path / "models")
    assert [row["iteration"] for row in history.rows] == [4, 6, 8, 10, 13, 16, 18, 20, 22]
    assert [row["perceptual"] > 0 for row in history.rows] == [False, *[True] * 8]
    assert np.isfinite([list(row.values()) for row in history.rows]).all()
    assert load_model(tmp_path / "models").exchanged
