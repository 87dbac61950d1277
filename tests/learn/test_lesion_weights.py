"""What a pixel counts in the loss of a lung network: tumours more, and what is near them as much as they do."""

import torch

from node.learn.validate import lesion_weights


def test_what_is_near_a_tumour_counts_as_much_as_the_tumour():
    ids = torch.zeros(2, 1, 20, 20, dtype=torch.uint8)
    ids[0, 0, 10, 10] = 2
    ids[0, 0, 0, 0] = 1

    found = lesion_weights(ids, 10.0, reach_px=3)

    assert found is not None
    assert (found[0, 0, 7:14, 7:14] == 10.0).all()
    assert int((found == 10.0).sum()) == 49
    assert float(found[0, 0, 0, 0]) == 1.0


def test_without_a_reach_only_the_tumour_counts_more():
    ids = torch.tensor([[[[0, 1, 2]]]])

    found = lesion_weights(ids, 10.0)

    assert found is not None
    assert found.flatten().tolist() == [1.0, 1.0, 10.0]


def test_where_everything_counts_alike_there_are_no_weights():
    assert lesion_weights(torch.tensor([[[[0, 1, 2]]]]), 1.0, reach_px=3) is None
