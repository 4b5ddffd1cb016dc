"""Training in several processes that torchrun started, on one machine or many.

Every process draws the same random numbers, augments the whole batch alike and takes its share of
it through the network. Whatever looks at the batch as a whole (normalisation, dropout, loss) sees
the shares of all. So the result is that of one process, up to rounding.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import timedelta
from itertools import chain
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.nn.functional import all_reduce  # the one that autograd goes through
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from pneumonia.models import pick_device

WAIT = timedelta(hours=2)  # for a process that decodes the films, or writes the checkpoint


@contextmanager
def together(device: str) -> Iterator[torch.device]:
    """Joins the processes that torchrun started, if it did; yields where this one computes.

    Only the first of them is heard on the standard output.

    Args:
        device: as ``pick_device`` takes it; a GPU each, if it is one.

    Raises:
        ValueError: there is no such device here, or there are not as many.
    """
    chosen = pick_device(device)
    if not dist.is_torchelastic_launched():
        yield chosen
        return
    gpu = chosen.type == "cuda"
    if gpu:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if chosen.index >= (there := torch.cuda.device_count()):
            raise ValueError(f"GPUs here: {there}. Give torchrun no larger --nproc_per_node.")
        torch.cuda.set_device(chosen)
    store, rank, size = next(rendezvous("env://", timeout=WAIT))
    # Where torchrun starts all anew, its store still has the addresses of those that are gone. On
    # several machines the counts of these starts may differ, so that nobody would meet.
    if os.environ["GROUP_WORLD_SIZE"] == "1":
        store = PrefixStore(os.environ["TORCHELASTIC_RESTART_COUNT"], store)
    backend = "nccl" if gpu else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=WAIT)
    try:
        with open(os.devnull, "w") as nowhere:
            with redirect_stdout(nowhere) if dist.get_rank() else nullcontext():
                yield chosen
            dist.barrier()
    finally:
        dist.destroy_process_group()


@contextmanager
def one_first() -> Iterator[None]:
    """On each machine one process goes first; the others then find what it left on the disk."""
    follows = dist.is_initialized() and os.environ["LOCAL_RANK"] != "0"
    if follows:
        dist.barrier()
    yield
    if dist.is_initialized() and not follows:
        dist.barrier()


class Team:
    """The processes that train one network together; outside of torchrun one alone.

    Attributes:
        size: how many they are.
        leads: whether this is the one that writes and prints.
    """

    def __init__(self) -> None:
        self.size = dist.get_world_size() if dist.is_initialized() else 1
        self._rank = dist.get_rank() if dist.is_initialized() else 0
        self.leads = self._rank == 0
        self._films = [1]  # of the batch under way, that each process has

    def share(self, batch: torch.Tensor) -> torch.Tensor:
        """This process's films of a batch; none, where there are fewer than processes."""
        self._films = [len(part) for part in batch.tensor_split(self.size)]
        return self.mine(batch)

    @property
    def films(self) -> int:
        """How many the batch under way has."""
        return sum(self._films)

    def mine(self, whole: torch.Tensor) -> torch.Tensor:
        """This process's rows of something whose rows are the batch's films."""
        return whole.tensor_split(self.size)[self._rank]

    def whole(self, part: torch.Tensor) -> torch.Tensor:
        """What all processes made of their shares, in the order of the batch.

        Autograd goes through it. Where each process makes the same loss of it, the mean of their
        gradients is the gradient of that loss.
        """
        return self._join(part, self._films)

    def moments(self, mean: torch.Tensor, variance: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Mean and variance of the batch, ``(C,)``, of those of the shares.

        By Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing
        sample variances".
        """
        means, variances = self._join(torch.stack([mean, variance])[None], [1] * self.size).unbind(
            1
        )
        share = torch.tensor(self._films, device=mean.device)[:, None] / self.films
        mean = (share * means).sum(0)
        return mean, (share * (variances + (means - mean) ** 2)).sum(0)

    def same(self, thing: Any) -> Any:
        """What the leading process has, for all; tensors in it are on the CPU."""
        if self.size == 1:
            return thing
        dist.broadcast_object_list(things := [thing])
        return things[0]

    def parallel(self, network: nn.Module) -> nn.Module:
        """What to call in training: the gradients are averaged over the processes."""
        return (
            network if self.size == 1 else DistributedDataParallel(network, broadcast_buffers=False)
        )

    def join_batches(self, network: nn.Module, device: torch.device) -> None:
        """Let the layers that look at whole batches see all shares of them, in place."""
        if self.size == 1:
            return
        for module in list(network.modules()):
            for name, layer in list(module.named_children()):
                if isinstance(layer, nn.Dropout):
                    setattr(module, name, JoinedDropout(layer.p, self))
                elif isinstance(layer, nn.BatchNorm2d) and device.type == "cuda":
                    setattr(module, name, nn.SyncBatchNorm.convert_sync_batchnorm(layer))
                elif isinstance(layer, nn.BatchNorm2d):
                    setattr(module, name, JoinedNorm(layer, self))

    def __deepcopy__(self, memo: dict) -> "Team":
        return self  # the copy of a network that keeps its average is of the same processes

    def _join(self, part: torch.Tensor, rows: list[int]) -> torch.Tensor:
        if self.size == 1:
            return part
        parts = [part.new_zeros(n, *part.shape[1:]) for n in rows]
        parts[self._rank] = part
        return all_reduce(torch.cat(parts))


class JoinedDropout(nn.Module):
    """``nn.Dropout`` that drops what one process would drop of the whole batch."""

    def __init__(self, p: float, team: Team) -> None:
        super().__init__()
        self.p, self.team = p, team

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """``(N, C)`` of this process's share → the same."""
        if not self.training:
            return inputs
        return self.team.mine(F.dropout(self.team.whole(inputs), self.p))


class JoinedNorm(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` by the moments of the whole batch: ``nn.SyncBatchNorm`` for a CPU."""

    def __init__(self, layer: nn.BatchNorm2d, team: Team) -> None:
        super().__init__(layer.num_features, layer.eps, layer.momentum)
        self.team = team
        for name, tensor in chain(layer.named_parameters(), layer.named_buffers()):
            setattr(self, name, tensor)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """``(N, C, h, w)`` of this process's share → the same."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        mean = variance = values.sum((0, 2, 3))  # 0, with a gradient that all processes wait for
        if len(values):
            variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
        mean, variance = self.team.moments(mean, variance)
        n = self.team.films * input.shape[2] * input.shape[3]
        with torch.no_grad():
            unbiased = variance * n / (n - 1)
            for kept, now in ((self.running_mean, mean), (self.running_var, unbiased)):
                if kept is not None:
                    kept.lerp_(now, self.momentum or 0.1)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        factor = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * factor
        return (values * factor[:, None, None] + shift[:, None, None]).to(input.dtype)
