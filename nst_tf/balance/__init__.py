"""How content and style are weighed against each other: the word ``balance`` of the command line."""

from nst_tf.balance.balances import AutoBalance, Balance, GivenBalance
from nst_tf.balance.pulls import Pulls, half_way, pulls_of

__all__ = ["AutoBalance", "Balance", "GivenBalance", "Pulls", "half_way", "pulls_of"]
