
import numpy as np
import pytest
from v22_files import PARITY, model_config, recorded, signal, write_v22_file

from fsgan_utils.training.legacy import load_legacy_weights
from fsgan_utils.training.networks import build_decoder, build_discriminator, build_encoder

BUILDERS = {"encoder": build_encoder, "decoder": build_decoder, "discriminator": build_discriminator}
CONFIGURATIONS = sorted(path.stem for path in PARITY.glob("*attn.json"))


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_network_computes_what_v22_computed(configuration, kind, tmp_path):
    record = recorded(configuration)["networks"][kind]
    network = BUILDERS[kind](model_config(configuration))
    load_legacy_weights(network, write_v22_file(tmp_path / f"{kind}.h5", record["layers"]))
    outputs = network.predict(signal(7, record["input_shape"]), verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    expected = np.load(PARITY / f"{configuration}.npz")

    assert network.count_params() == record["params"]
    assert [list(output.shape) for output in outputs] == record["outputs"]
    for index, output in enumerate(outputs):
        reference = expected[f"{kind}_{index}"]
        assert np.abs(output - reference).max() < 1e-4 * reference.std()
