"""Notebook 3: the networks, their losses and their training."""

from fsgan_utils.training.augmentation import Augmentation
from fsgan_utils.training.checkpoints import load_model, save_model
from fsgan_utils.training.config import LossWeights, ModelConfig, TrainConfig
from fsgan_utils.training.data import FaceSet, PairedBatches, hold_out
from fsgan_utils.training.findings import DatasetError, DatasetReport, Finding
from fsgan_utils.training.gan import FaceSwapGAN
from fsgan_utils.training.legacy import import_legacy_model
from fsgan_utils.training.perceptual import find_perceptual_loss
from fsgan_utils.training.phases import Phase, default_phases, plot_schedule, schedule_table
from fsgan_utils.training.preflight import check_dataset
from fsgan_utils.training.preview import LivePreview, augmented_pairs, triples_sheet
from fsgan_utils.training.redrawing import redraw_faces
from fsgan_utils.training.reshaping import learn_proportions
from fsgan_utils.training.train import open_model, train

__all__ = [
    "Augmentation",
    "DatasetError",
    "DatasetReport",
    "FaceSet",
    "FaceSwapGAN",
    "Finding",
    "LivePreview",
    "LossWeights",
    "ModelConfig",
    "PairedBatches",
    "Phase",
    "TrainConfig",
    "augmented_pairs",
    "check_dataset",
    "default_phases",
    "find_perceptual_loss",
    "hold_out",
    "import_legacy_model",
    "learn_proportions",
    "load_model",
    "open_model",
    "plot_schedule",
    "redraw_faces",
    "save_model",
    "schedule_table",
    "train",
    "triples_sheet",
]
