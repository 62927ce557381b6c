"""The contract for anyone: what members promise, as checks that need no pytest.

from wavetrain.testing import check_layer
check_layer(MyLayer)                # AssertionError says which promise is broken, and how

from wavetrain.testing import contract
test_mine = contract(MyLayer)       # in a file of tests: one test for each promise
"""

from typing import TYPE_CHECKING

from wavetrain.lazy import offer

if TYPE_CHECKING:
    from wavetrain.testing.cards import check_card
    from wavetrain.testing.contract import Contract, contract
    from wavetrain.testing.layers import check_layer
    from wavetrain.testing.lenses import check_lens
    from wavetrain.testing.memories import check_memory
    from wavetrain.testing.networks import check_network
    from wavetrain.testing.rules import check_rule
    from wavetrain.testing.sheets import check_sheet
    from wavetrain.testing.spiking import check_spiking
    from wavetrain.testing.streams import check_stream
    from wavetrain.testing.tasks import check_task

__all__ = [
    "Contract",
    "check_card",
    "check_layer",
    "check_lens",
    "check_memory",
    "check_network",
    "check_rule",
    "check_sheet",
    "check_spiking",
    "check_stream",
    "check_task",
    "contract",
]

offer(__name__)
