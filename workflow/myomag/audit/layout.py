"""Places of the nodes of a lineage: layers from the raw data down, edges that cross little (Sugiyama et al. 1981)."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12
"""Passes down and up after which the order of each layer is stable."""


@dataclass(frozen=True)
class Layout:
    """Positions of nodes, and the corners of the edges between them.

    Attributes
    ----------
    places : mapping of node to (int, float)
        Layer from 0 at the top, and centre of the node [px].
    bends : mapping of (node, node) to list of float
        Positions at which an edge passes each layer between its ends [px].
    layers : int
        Number of layers.
    """

    places: Mapping[Hashable, tuple[int, float]]
    bends: Mapping[tuple[Hashable, Hashable], list[float]]
    layers: int


def layout(nodes: Sequence[Hashable], edges: Sequence[tuple[Hashable, Hashable]], width: float, lane: float) -> Layout:
    """Place the nodes of an acyclic graph.

    Parameters
    ----------
    nodes : sequence
        Nodes.
    edges : sequence of (node, node)
        Edges, from an input or step to its product.
    width, lane : float
        Space for a node and for an edge that passes a layer [px].
    """
    level = _levels(nodes, edges)
    links: list[tuple[Hashable, Hashable]] = []
    passing: dict[tuple[Hashable, Hashable], list[Hashable]] = {}
    for edge in edges:
        dummies: list[Hashable] = [(edge, at) for at in range(level[edge[0]] + 1, level[edge[1]])]
        level |= {dummy: int(dummy[1]) for dummy in dummies if isinstance(dummy, tuple)}
        chain = [edge[0], *dummies, edge[1]]
        links += pairwise(chain)
        passing[edge] = dummies
    rows: list[list[Hashable]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node, at in level.items():
        rows[at].append(node)
    room = dict.fromkeys(nodes, width) | {dummy: lane for chain in passing.values() for dummy in chain}
    x = _positions(rows, links, room)
    bends = {edge: [x[dummy] for dummy in chain] for edge, chain in passing.items()}
    return Layout({node: (level[node], x[node]) for node in nodes}, bends, len(rows))


def _levels(nodes: Sequence[Hashable], edges: Sequence[tuple[Hashable, Hashable]]) -> dict[Hashable, int]:
    """Layer of each node: below all its sources; a node without sources is directly above its reader."""
    above: dict[Hashable, list[Hashable]] = {node: [] for node in nodes}
    below: dict[Hashable, list[Hashable]] = {node: [] for node in nodes}
    for start, end in edges:
        above[end].append(start)
        below[start].append(end)
    level = dict.fromkeys(nodes, 0)
    left = {node: len(above[node]) for node in nodes}
    ready = [node for node in nodes if not left[node]]
    while ready:
        node = ready.pop()
        for end in below[node]:
            level[end] = max(level[end], level[node] + 1)
            left[end] -= 1
            if not left[end]:
                ready.append(end)
    for node in nodes:
        if not above[node] and below[node]:
            level[node] = min(level[end] for end in below[node]) - 1
    return level


def _positions(
    rows: list[list[Hashable]], links: Sequence[tuple[Hashable, Hashable]], room: Mapping[Hashable, float]
) -> dict[Hashable, float]:
    """Centre of each node: near those linked with it, in order, without overlap."""
    near: dict[bool, dict[Hashable, list[Hashable]]] = {False: {}, True: {}}
    for start, end in links:
        near[False].setdefault(end, []).append(start)
        near[True].setdefault(start, []).append(end)
    x: dict[Hashable, float] = {}
    for row in rows:
        x |= _packed(row, dict.fromkeys(row, 0.0), room)
    for sweep in range(SWEEPS):
        upward = bool(sweep % 2)
        for row in reversed(rows) if upward else rows:
            wanted = {node: _mean([x[other] for other in near[upward].get(node, ())], x[node]) for node in row}
            row.sort(key=lambda node: wanted[node])
            x |= _packed(row, wanted, room)
    left = min((x[node] - room[node] / 2 for node in x), default=0.0)
    return {node: place - left for node, place in x.items()}


def _packed(
    row: Sequence[Hashable], wanted: Mapping[Hashable, float], room: Mapping[Hashable, float]
) -> dict[Hashable, float]:
    """Positions in a row as close to those wanted as space allows: the mean of packing from both ends."""
    ends: list[dict[Hashable, float]] = []
    for sign, order in ((1, row), (-1, list(reversed(row)))):
        placed: dict[Hashable, float] = {}
        edge = float("-inf")
        for node in order:
            middle = max(sign * wanted[node], edge + room[node] / 2)
            placed[node] = sign * middle
            edge = middle + room[node] / 2
        ends.append(placed)
    return {node: (ends[0][node] + ends[1][node]) / 2 for node in row}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
