"""Weight files of half the size."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np


def halve_weights(path: Path) -> None:
    """Rewrite a weight file in float16, compressed; Keras reads it as it reads any other."""
    whole = path.rename(path.with_suffix(".whole"))
    with h5py.File(whole) as source, h5py.File(path, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                copied = target.create_dataset(name, data=item[()].astype(np.float16), compression="gzip", shuffle=True)
            else:
                copied = target.require_group(name)
            copied.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    whole.unlink()
