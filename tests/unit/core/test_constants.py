"""Numbers from outside: each says its unit, where it comes from and how far that was checked."""

from myomag.core import constants as known


def test_every_constant_says_where_it_comes_from():
    for constant in (known.ATP, known.TOTAL_CREATINE, known.TEMPERATURE, known.IONIC_STRENGTH):
        assert constant.name.endswith(constant.unit.replace("/", "_").replace("°C", "c"))
        assert constant.standing in ("found", "derived", "unverified")
        assert constant.source
    assert known.TOTAL_CREATINE.standing == "unverified"


def test_charges_of_the_equilibria_balance_as_those_of_their_ions():
    # Σz² of products minus reactants, e.g. ATP4− + Mg2+ → MgATP2−: 4 − 4 − 16.
    assert known.EQUILIBRIA["kb_mgatp"].charges_squared == -16
    assert known.EQUILIBRIA["ka_atp"].charges_squared == 8
    assert known.EQUILIBRIA["ck"].charges_squared == 2
