"""Learning from a stream x (N, C), of which each record is seen once, in order.

Answer y[t] belongs to record t and comes `ahead` records later. What is said at t rests on what was there by
then; so all that is said may be scored.

updated    one step of gradient descent at every record, on the last few
retrained  trained every so often on the last records, going on from the weights that it had
recursive  least squares with an exponential memory, solved exactly at every record
"""

import copy
import functools
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import CLASSES, Batch, Objective, Recorded, examined
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.lab import Lab, Plan


def updated(lab: Lab, make: Callable[[], nn.Module], x: Tensor, y: Tensor, rate: float, span: int) -> Tensor:
    """What a network says of each record, (N, K): classes y (N,), which come with the next record.

    At each record it reads the last `span` + 1 from nothing; what it says of the newest is kept, and the
    answers to the others make one step of Adam. One pass serves both, so dropout is never switched off.
    """
    with Shared(lab.seed).drawn():
        network = make()
    optimiser = torch.optim.Adam(network.parameters(), rate)
    said = []
    with Shared(seed_of(lab.seed, "updated")).drawn():
        for t in range(len(x)):
            first = max(0, t - span)
            output = network(x[None, first : t + 1])[0]
            said.append(output[-1].detach())
            if t > first:
                optimiser.zero_grad(set_to_none=True)
                F.cross_entropy(output[:-1], y[first:t]).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
    return torch.stack(said)


def retrained(
    lab: Lab,
    name: str,
    make: Callable[[], nn.Module],
    stream: tuple[Tensor, Tensor],  # x (N, C), and y (N,) or (N, ...)
    plans: Mapping[str, Plan],  # a search; the least loss of the first training wins
    window: int,
    starts: range,
    span: int,
    ahead: int = 1,
    objective: Objective = CLASSES,
) -> Tensor:
    """What a network says of each record from the first start on, (N - first, K).

    At each start it trains on all runs of `span` records among the last `window` that have their answers;
    then it reads on, begun `span` records earlier.
    """
    (x, y), said = stream, []

    def task(start: int) -> Recorded:
        end = start + 1 - ahead
        first = max(0, end - window)
        runs = Batch(*(part[first:end].unfold(0, span, 1).movedim(-1, 1) for part in (x, y)))
        one = Batch(runs.x[:1], runs.y[:1])  # a training looks at something held out; here nobody asks
        return Recorded(runs, one, one, x.shape[1], 0, False, True, objective, chance=0.0)

    label, training = lab.best(name, make, task(starts[0]), plans, lambda end: end.marks[-1].loss)
    for start in starts:
        if start > starts[0]:
            again = functools.partial(copy.deepcopy, training.network)
            training = lab.fit(f"{name}-{start}", again, task(start), plans[label])
        begin, end = max(0, start - span), min(start + starts.step, len(x))
        with torch.no_grad(), examined(training.network):
            said.append(training.network(x[None, begin:end])[0, start - begin :])
    return torch.cat(said)


def recursive(h: Tensor, y: Tensor, forget: float, ridge: float = 1.0, ahead: int = 1) -> Tensor:
    """What least squares says of each record, (N, K): features h (N, F), values y (N, K), both double.

    At each record the weights W minimise sum forget^age |W h - y|^2 + forget^N ridge |W|^2 over all pairs
    so far. Recursive least squares; Haykin, Adaptive Filter Theory.
    """
    weight, inverse = h.new_zeros(h.shape[1], y.shape[1]), torch.eye(h.shape[1]).to(h) / ridge
    said = torch.zeros_like(y)
    for t in range(len(h)):
        if t >= ahead:
            pair = h[t - ahead]
            seen = inverse @ pair
            scale = forget + pair @ seen
            weight += torch.outer(seen / scale, y[t - ahead] - pair @ weight)
            # symmetric to the last bit: what is not would grow by 1 / forget at every record
            inverse = (inverse - torch.outer(seen, seen) / scale) / forget
        said[t] = h[t] @ weight
    return said
