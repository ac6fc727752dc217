"""Average the weights of models that were trained one from another: legs of a training often do better together.

python -m tools.average_models OUTPUT MODEL MODEL …

The heads' proportions are the last model's.

Reference: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time", ICML 2022.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from fsgan_utils.training import load_model, save_model


def main() -> None:
    """Read the models, average them, and save the result as a model to share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder of the averaged model")
    parser.add_argument("models", type=Path, nargs="+", help="folders of the models, of one shape")
    arguments = parser.parse_args()
    models = [load_model(folder) for folder in arguments.models]
    result = models[-1]
    for name, network in result.networks.items():
        weights = [model.networks[name].get_weights() for model in models]
        network.set_weights([np.mean(layer, axis=0) for layer in zip(*weights, strict=True)])
    save_model(result, arguments.output, to_share=True)


if __name__ == "__main__":
    main()
