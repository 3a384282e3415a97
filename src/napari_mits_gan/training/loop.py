"""The loop that every training runs through: steps, progress, checkpoints, and going on after an interruption."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.progress import Progress
from napari_mits_gan.training.checkpoint import checkpoint_of, resume_from, save_checkpoint
from napari_mits_gan.training.log import TrainingLog
from napari_mits_gan.training.random_streams import RandomStreams


class Training(ABC):
    """What one training does in a step; the loop does the rest.

    Parameters
    ----------
    steps : int
        Steps of the whole run.
    device : torch.device
        Where it computes.
    parts : mapping of str to object
        All that a step changes and that has `state_dict` and `load_state_dict`: networks, optimisers, schedules.
    generators : mapping of str to numpy.random.Generator
        What a step draws from, beside PyTorch's own streams, and does not seed anew.
    """

    def __init__(
        self,
        steps: int,
        device: torch.device,
        parts: Mapping[str, Any],
        generators: Mapping[str, np.random.Generator] | None = None,
    ) -> None:
        self.steps = steps
        self.device = device
        self.parts = dict(parts)
        self.generators = dict(generators or {})

    @abstractmethod
    def step(self, number: int) -> Sequence[float]:
        """Do one step; `number` counts from 0. Returns figures for the log; none where there is nothing to tell."""

    def summary(self, figures: NDArray[np.float64]) -> NDArray[np.float64]:
        """A line of the log from the figures of several steps, shape (steps, figures): their mean."""
        average: NDArray[np.float64] = figures.mean(axis=0)
        return average

    def show(self, output: Path) -> None:  # noqa: B027 - most have nothing to show
        """Called at each checkpoint, for instance to draw a picture beside `output`; does nothing unless replaced."""


def run_training(
    training: Training, run: object, output: Path, *, every: int, resume: bool, progress: Progress
) -> None:
    """Do the steps of a training that are not done yet.

    A run that was interrupted goes on from its last checkpoint and ends as it would have ended, on the CPU to the bit.

    Parameters
    ----------
    training : Training
        As it is before the first step.
    run : object
        Whatever `repr` tells from other runs: a checkpoint of another one is refused.
    output : Path
        The weights that will be written; checkpoint and log stand beside it under other suffixes.
    every : int
        Steps between two checkpoints; each comes with a line of the log.
    resume : bool
        False starts anew even where a checkpoint lies.
    progress : Progress
        Told after each step how many are done; it may raise to stop.

    Raises
    ------
    WeightsError
        If the checkpoint is damaged or of another run.
    """
    checkpoint = checkpoint_of(output)
    parts = {**training.parts, "random streams": RandomStreams(training.generators, training.device)}
    start = resume_from(checkpoint, repr(run), parts, training.device) if resume else 0
    log = TrainingLog(output.with_suffix(".csv"))
    log.start(start)
    figures: list[Sequence[float]] = []
    for number in range(start, training.steps):
        if told := training.step(number):
            figures.append(told)
        done = number + 1
        if done % every == 0 or done == training.steps:
            if figures:
                log.write(done, training.summary(np.array(figures, dtype=np.float64)).tolist())
                figures.clear()
            training.show(output)
            save_checkpoint(checkpoint, done, repr(run), parts)
        progress(done, training.steps)
