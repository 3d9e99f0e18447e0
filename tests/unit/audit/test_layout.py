"""Places of the boxes of a drawing."""

from itertools import pairwise

from myomag.audit.layout import layout


def test_edges_lead_down_and_boxes_do_not_overlap() -> None:
    edges = [("a", "s"), ("b", "s"), ("s", "c"), ("s", "d"), ("c", "t"), ("a", "t"), ("d", "u"), ("t", "u"), ("x", "u")]
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    found = layout(nodes, edges, width=100.0, lane=10.0)
    assert all(found.places[start][0] < found.places[end][0] for start, end in edges)
    assert found.places["x"][0] == found.places["u"][0] - 1
    for level in range(found.layers):
        boxes = [(x - 50, x + 50) for at, x in found.places.values() if at == level]
        passing = [
            (bends[level - found.places[start][0] - 1] - 5, bends[level - found.places[start][0] - 1] + 5)
            for (start, end), bends in found.bends.items()
            if found.places[start][0] < level < found.places[end][0]
        ]
        assert all(one[1] <= other[0] + 1e-6 for one, other in pairwise(sorted(boxes + passing)))
